/**
 * The target's login (RFC 7143 §6.3) as pure steps, the mirror of `initiator.ts`. The caller checks the opcode (login
 * status 020b), writes the Login Responses that a step asks for, and knows targets and sessions: it is asked through
 * the configuration's functions.
 */
import { ValueError } from '../bytes/value-error.ts';
import { IscsiError, LoginError, ProtocolError } from '../errors.ts';
import {
  appendText,
  formatText,
  LOGIN_TEXT_LIMIT,
  parseText,
  splitText,
  TEXT_LIMIT,
  type TextPair,
} from '../pdu/text.ts';
import { LOGIN_STATUS } from '../spec/iscsi-login-status.ts';
import { nextTargetChap, type TargetChapStep } from './chap-target.ts';
import { STAGE } from './keys.ts';
import { unacceptable } from './negotiate.ts';
import { closeStage, conclude, type Negotiation, noteSent, openBook, takePairs } from './negotiation.ts';
import { checkPolicy, TARGET_POLICY } from './policy.ts';
import { checkMethodOffer } from './security.ts';
import { refuseLogin } from './status.ts';
import { checkConstant, checkRequest, identify, refusalText } from './target-identity.ts';
import type {
  LoginIdentity,
  LoginRequestView,
  LoginResponseFields,
  TargetLoginAction,
  TargetLoginConfig,
  TargetLoginState,
  TargetProgress,
  TargetStep,
} from './target-types.ts';

/**
 * The most complete Login Requests of one login, so that a peer cannot negotiate for ever; RFC 7143 §6.2 asks for 6 or
 * more.
 */
export const MAX_TARGET_EXCHANGES = 64;

const NOTHING = new Uint8Array(0);

/**
 * A login that waits for its first request.
 * @throws {IscsiError} `ISCSI_USAGE` when the policy cannot be used.
 */
export function startTargetLogin(config: TargetLoginConfig): TargetLoginState {
  checkPolicy(config.policy ?? TARGET_POLICY);
  return { name: 'start', config };
}

/**
 * The next step on a Login Request. What the initiator does wrong ends in a reject and a `close` action, never in an
 * exception.
 * @throws {RangeError} When the login is over.
 */
export function onLoginRequest(state: TargetLoginState, request: LoginRequestView): TargetStep {
  if (state.name === 'fullFeature' || state.name === 'rejected') {
    throw new ValueError(`Cannot take a Login Request in state "${state.name}"`);
  }
  try {
    checkRequest(request);
    const run = state.name === 'start' ? begin(state.config, request) : state.run;
    checkConstant(run, request);
    return onChecked(run, request);
  } catch (error) {
    if (!(error instanceof IscsiError)) throw error;
    return rejectLogin(error);
  }
}

/**
 * Refuses a login from outside of the steps, such as for a PDU that is no Login Request (status 020b) or for lack of
 * resources (0302).
 * @param error A {@link LoginError} gives the status; any other error stands for 0200.
 */
export function rejectLogin(error: IscsiError): TargetStep {
  const status = error instanceof LoginError && error.statusClass !== 0 ? error : { statusClass: 2, statusDetail: 0 };
  const { statusClass, statusDetail } = status;
  // T, C, CSG and NSG are reserved in a reject (RFC 7143 §6.3.1).
  const response = {
    statusClass,
    statusDetail,
    transit: false,
    continues: false,
    csg: 0,
    nsg: 0,
    text: formatText(refusalText(error)),
    final: false,
  };
  return {
    state: { name: 'rejected', error },
    actions: [
      { do: 'send', response },
      { do: 'close', error },
    ],
  };
}

function begin(config: TargetLoginConfig, request: LoginRequestView): TargetProgress {
  const { initiatorTaskTag, isid, tsih, cid } = request;
  return {
    config,
    head: { initiatorTaskTag, isid, tsih, cid },
    stage: request.csg === STAGE.security ? 'security' : 'operational',
    chap: { step: 'none' },
    login: undefined,
    unsent: [],
    gathered: NOTHING,
    exchanges: 0,
    declared: false,
  };
}

function onChecked(run: TargetProgress, request: LoginRequestView): TargetStep {
  if (run.unsent.length > 0) {
    if (request.continues || request.text.length > 0) {
      throw new ProtocolError('Cannot take text before the own text is complete: only an empty request allowed', {
        clause: '6.2',
      });
    }
    return sendNext(run, request, false);
  }
  const gathered = appendText(run.gathered, request.text, run.config.textLimit ?? TEXT_LIMIT);
  if (request.continues) {
    const next = { ...run, gathered };
    return send(request.text.length > 0 ? next : counted(next), partial(run, NOTHING, false));
  }
  const pairs = parseText(gathered, run.config.textLimit);
  const complete = counted({ ...run, gathered: NOTHING });
  if (complete.login !== undefined) return onPairs(complete, complete.login, pairs, [], request);
  const { login, greeting } = identify(complete, pairs);
  const book = openBook(login.context, run.config.tolerateRepeatedNames ?? false);
  return onPairs(complete, { ...login, book }, pairs, greeting, request);
}

/** Works on one complete text: `greeting` is what this side says first of all. */
function onPairs(
  run: TargetProgress,
  login: LoginIdentity & { readonly book: Negotiation },
  pairs: readonly TextPair[],
  greeting: readonly TextPair[],
  request: LoginRequestView,
): TargetStep {
  const chap = authenticate(run, login, pairs, request.transit);
  const mayLeave = run.stage !== 'security' || !login.authenticationRequired || chap.run.step === 'done';
  const intake = takePairs(login.book, run.stage, chap.rest);
  const own = run.stage === 'operational' && !run.declared ? ownDeclarations(intake.book) : [];
  const said = noteSent(intake.book, [...greeting, ...intake.replies, ...chap.replies, ...own]);
  // The T bit says that the initiator has answered all that it was going to answer.
  const closed = request.transit && mayLeave ? closeStage(said) : said;
  const proposals = run.stage === 'operational' && request.transit ? missing(closed) : [];
  const book = noteSent(closed, proposals);
  const next = {
    ...run,
    chap: agreedOnChap(run, book) ? ({ step: 'agreed' } as const) : chap.run,
    declared: run.declared || own.length > 0,
    login: { ...login, book },
  };
  const text = formatText([...greeting, ...intake.replies, ...chap.replies, ...own, ...proposals]);
  return sendNext({ ...next, unsent: splitText(text, LOGIN_TEXT_LIMIT) }, request, mayLeave && proposals.length === 0);
}

/** What a text means for CHAP, where the initiator has to authenticate. */
function authenticate(
  run: TargetProgress,
  { authentication, authenticationRequired }: LoginIdentity,
  pairs: readonly TextPair[],
  leaves: boolean,
): TargetChapStep {
  const { chap, stage } = run;
  if (stage === 'security' && chap.step === 'none') checkMethodOffer(authenticationRequired, pairs, leaves);
  if (stage !== 'security' || authentication === undefined) return { run: chap, replies: [], rest: pairs };
  return nextTargetChap(chap, authentication, pairs);
}

function agreedOnChap({ chap }: TargetProgress, book: Negotiation): boolean {
  return chap.step === 'none' && book.results.get('AuthMethod') === 'CHAP';
}

/**
 * Sends the next piece of the own text; with the last one, and when `done`, grants the transition that the request asks
 * for.
 */
function sendNext(run: TargetProgress, request: LoginRequestView, done: boolean): TargetStep {
  const [text = NOTHING, ...unsent] = run.unsent;
  const next = { ...run, unsent };
  if (unsent.length > 0) return send(next, partial(run, text, true));
  // T=1 only in answer to T=1 (RFC 7143 §11.13.6). A peer that asks for the rest with T=1 asks again, and is granted it
  // then.
  return done && request.transit ? grant(next, text, request.nsg) : send(next, partial(run, text, false));
}

/**
 * Agrees to leave the stage. Where keys are still to be agreed on, full feature phase is answered with the operational
 * stage.
 */
function grant(run: TargetProgress, text: Uint8Array, asked: number): TargetStep {
  const { login } = run;
  if (login === undefined) throw new ValueError('Cannot leave a stage before the initiator has given its name');
  const early = run.stage === 'security' && unacceptable(login.context, login.book.results).length > 0;
  const nsg = early ? STAGE.operational : asked;
  const response = { ...partial(run, text, false), transit: true, nsg };
  if (nsg === STAGE.operational) return send({ ...run, stage: 'operational' }, response);
  const parameters = conclude(login.book, login.session);
  const { initiatorName, initiatorAlias, sessionType, targetName, portalGroupTag } = login;
  const { account } = run.chap;
  const finish: TargetLoginAction = {
    do: 'finish',
    parameters,
    initiatorName,
    initiatorAlias,
    sessionType,
    targetName,
    portalGroupTag,
    ...(account === undefined ? {} : { user: account.user, account }),
    isid: run.head.isid,
    tsih: run.head.tsih,
    cid: run.head.cid,
  };
  return {
    state: { name: 'fullFeature', parameters },
    actions: [{ do: 'send', response: { ...response, final: true } }, finish],
  };
}

function partial(run: TargetProgress, text: Uint8Array, continues: boolean): LoginResponseFields {
  return {
    statusClass: 0,
    statusDetail: 0,
    transit: false,
    continues,
    csg: STAGE[run.stage],
    nsg: 0,
    text,
    final: false,
  };
}

function send(run: TargetProgress, response: LoginResponseFields): TargetStep {
  return { state: { name: run.stage, run }, actions: [{ do: 'send', response }] };
}

function ownDeclarations(book: Negotiation): TextPair[] {
  return [['MaxRecvDataSegmentLength', `${book.context.policy.maxRecvDataSegmentLength}`]];
}

/**
 * What this side has to propose because the initiator did not, and the default will not do.
 * @throws {LoginError} When it has been talked about already: then there is no agreement.
 */
function missing(book: Negotiation): TextPair[] {
  const wanted = unacceptable(book.context, book.results);
  for (const [name, value] of wanted) {
    if (!book.sent.has(name) && !book.received.has(name)) continue;
    throw refuseLogin(LOGIN_STATUS.INITIATOR_ERROR, `Cannot agree on ${name}: ${value} is what this target can accept`);
  }
  return wanted;
}

function counted(run: TargetProgress): TargetProgress {
  const most = run.config.maxExchanges ?? MAX_TARGET_EXCHANGES;
  if (run.exchanges < most) return { ...run, exchanges: run.exchanges + 1 };
  throw refuseLogin(LOGIN_STATUS.INITIATOR_ERROR, `Cannot agree with the initiator after ${most} exchanges`);
}
