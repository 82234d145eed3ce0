/**
 * The initiator's login (RFC 7143 §6.3) as pure steps: no clock, no socket, no header. The caller writes the Login
 * Requests that a step asks for, and hands in each Login Response after checking opcode, ITT and ISID.
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
import { algorithmsRefused, beginChap, type ChapStep, nextChap } from './chap-initiator.ts';
import type {
  InitiatorLoginConfig,
  LoginProgress,
  LoginRequestFields,
  LoginResponseView,
  LoginState,
  Step,
} from './initiator-types.ts';
import { prepareReceivedName } from './iscsi-name.ts';
import { STAGE } from './keys.ts';
import { type NegotiationContext, offer } from './negotiate.ts';
import { closeStage, conclude, type Intake, type Negotiation, noteSent, openBook, takePairs } from './negotiation.ts';
import type { OperationalParameters } from './parameters.ts';
import { checkPolicy, INITIATOR_POLICY } from './policy.ts';
import { checkAuthenticated, checkMethodAnswer, methodsOf, NO_CREDENTIALS_HINT } from './security.ts';
import { readAddresses } from './send-targets.ts';
import { loginRefused } from './status.ts';

/** The most Login Requests of one login, pieces of long texts not counted; RFC 7143 §6.2 asks for 6 or more. */
export const MAX_EXCHANGES = 20;

const NOTHING = new Uint8Array(0);

/**
 * Begins a login: the first request, with the names and all that can be asked for at once.
 * @throws {IscsiError} `ISCSI_USAGE` when the configuration cannot be used.
 */
export function startLogin(config: InitiatorLoginConfig): Step {
  checkConfig(config);
  const context: NegotiationContext = {
    role: 'initiator',
    sessionType: config.sessionType,
    leading: (config.tsih ?? 0) === 0,
    policy: config.policy ?? INITIATOR_POLICY,
    authMethods: methodsOf(config.credentials),
  };
  const stage = config.credentials !== undefined || config.securityStage === true ? 'security' : 'operational';
  const run: LoginProgress = {
    config,
    book: openBook(context),
    stage,
    chap: { step: config.credentials === undefined ? 'none' : 'offered' },
    unsent: [],
    transit: false,
    gathered: NOTHING,
    exchanges: 0,
  };
  const first: TextPair[] = stage === 'security' ? [['AuthMethod', context.authMethods.join(',')]] : offer(context);
  return say(run, [...names(config), ...first]);
}

/**
 * The next step on a Login Response. What the target does wrong ends in a `fail` action, never in an exception.
 * @throws {RangeError} When the login is over.
 */
export function onLoginResponse(state: LoginState, response: LoginResponseView): Step {
  if (state.name !== 'security' && state.name !== 'operational') {
    throw new ValueError(`Cannot take a Login Response in state "${state.name}"`);
  }
  try {
    if (response.statusClass === 1) return redirect(state.run, response);
    if (response.statusClass !== 0) throw refusal(state.run, response);
    checkHeader(state.run, response);
    return onAccepted(state.run, response);
  } catch (error) {
    if (!(error instanceof IscsiError)) throw error;
    return { state: { name: 'failed', error }, actions: [{ do: 'fail', error }] };
  }
}

function onAccepted(run: LoginProgress, response: LoginResponseView): Step {
  if (run.unsent.length > 0) {
    if (response.continues || response.text.length > 0) {
      throw new ProtocolError('Cannot take text before the own text is complete: only an empty response allowed', {
        clause: '6.2',
      });
    }
    return sendNext(run);
  }
  const gathered = appendText(run.gathered, response.text, run.config.textLimit ?? TEXT_LIMIT);
  if (response.continues) return askForRest({ ...run, gathered }, response.text.length > 0);
  const pairs = parseText(gathered, run.config.textLimit);
  const complete = { ...run, gathered: NOTHING };
  const chap = run.stage === 'security' ? authenticate(run, pairs, response.transit) : undefined;
  const intake = takePairs(run.book, run.stage, chap?.rest ?? pairs);
  const next = { ...complete, chap: chap?.run ?? run.chap };
  if (response.transit) return leaveStage(next, closed(intake), response);
  return say({ ...next, book: intake.book }, [...intake.replies, ...(chap?.replies ?? [])]);
}

/** What a text means for CHAP, where that is under way or has just been agreed on. */
function authenticate(run: LoginProgress, pairs: readonly TextPair[], leaves: boolean): ChapStep | undefined {
  const { credentials, chapCrypto: crypto } = run.config;
  const waits = run.chap.step === 'none' || run.chap.step === 'offered';
  const chosen = waits ? checkMethodAnswer(credentials, pairs) : 'CHAP';
  if (credentials === undefined || chosen !== 'CHAP') return undefined;
  const party = { credentials, crypto };
  return waits ? beginChap(party, pairs, leaves) : nextChap(run.chap, party, pairs, leaves);
}

/** The target agrees to leave the stage: RFC 7143 §6.3 leaves the choice of the next one to it. */
function leaveStage(run: LoginProgress, book: Negotiation, response: LoginResponseView): Step {
  const { config } = run;
  if (run.stage === 'security') {
    checkAuthenticated(config.credentials, run.chap.step === 'done' || book.results.get('AuthMethod') === 'None');
  }
  const after = closeStage(book);
  if (response.nsg === STAGE.operational) {
    return say({ ...run, stage: 'operational', book: after }, offer(after.context));
  }
  const parameters = conclude(after, config.session);
  checkSession(config, parameters, response.tsih);
  const { tsih } = response;
  return { state: { name: 'fullFeature', parameters, tsih }, actions: [{ do: 'finish', parameters, tsih }] };
}

/** A response that grants the transition must not ask for anything more (RFC 7143 §11.13.6). */
function closed(intake: Intake): Negotiation {
  if (intake.owed.length === 0) return intake.book;
  const names = intake.owed.join(', ');
  throw new ProtocolError(`Cannot leave the stage: the target proposes ${names} and leaves no time to answer`, {
    clause: '11.13.6',
  });
}

function names(config: InitiatorLoginConfig): TextPair[] {
  const pairs: TextPair[] = [['InitiatorName', config.initiatorName]];
  if (config.initiatorAlias !== undefined) pairs.push(['InitiatorAlias', config.initiatorAlias]);
  if (config.targetName !== undefined) pairs.push(['TargetName', config.targetName]);
  // Leading-only, and Normal is what further connections are of anyway.
  if ((config.tsih ?? 0) === 0) pairs.push(['SessionType', config.sessionType]);
  return pairs;
}

/** Says `pairs`, asking to leave the stage: over several requests when they do not fit in one. */
function say(run: LoginProgress, pairs: readonly TextPair[]): Step {
  const unsent = splitText(formatText(pairs), LOGIN_TEXT_LIMIT);
  return sendNext(counted({ ...run, book: noteSent(run.book, pairs), unsent }));
}

function sendNext(run: LoginProgress): Step {
  const [text = NOTHING, ...unsent] = run.unsent;
  const last = unsent.length === 0;
  const transit = last && run.chap.step !== 'listed'; // then the target has to ask first
  const next = run.stage === 'security' ? STAGE.operational : STAGE.fullFeature;
  return send({ ...run, unsent }, { csg: STAGE[run.stage], nsg: transit ? next : 0, transit, continues: !last, text });
}

/**
 * The empty request that RFC 7143 §6.2 wants in answer to C=1. A target that sends C=1 again and again without any text
 * in it is not followed for ever.
 */
function askForRest(run: LoginProgress, progress: boolean): Step {
  const request = { csg: STAGE[run.stage], nsg: 0, transit: false, continues: false, text: NOTHING };
  return send(progress ? run : counted(run), request);
}

function send(run: LoginProgress, request: LoginRequestFields): Step {
  const next = { ...run, transit: request.transit };
  return {
    state:
      run.stage === 'security'
        ? { name: 'security', chap: run.chap.step, run: next }
        : { name: 'operational', run: next },
    actions: [{ do: 'send', request }],
  };
}

function counted(run: LoginProgress): LoginProgress {
  const most = run.config.maxExchanges ?? MAX_EXCHANGES;
  if (run.exchanges < most) return { ...run, exchanges: run.exchanges + 1 };
  throw new LoginError(
    'ISCSI_LOGIN',
    `Cannot log in to ${peerOf(run.config)}: no agreement after ${most} exchanges`,
    { statusClass: 0, statusDetail: 0 },
    { hint: 'the target keeps negotiating: its own log may say about what' },
  );
}

function checkHeader(run: LoginProgress, response: LoginResponseView): void {
  const { transit, continues, csg, nsg, versionActive } = response;
  if (versionActive !== 0) {
    throw new ProtocolError(`Cannot speak version ${versionActive} of iSCSI: 0 allowed`, { clause: '11.13.2' });
  }
  const stage = STAGE[run.stage];
  if (csg !== stage) {
    throw new ProtocolError(`Cannot take a Login Response of stage ${csg}: ${stage} allowed`, { clause: '6.3' });
  }
  if (!transit) return;
  if (continues) throw new ProtocolError('Cannot take a Login Response with both C and T', { clause: '11.13.7' });
  if (!run.transit) throw new ProtocolError('Cannot take a transition that was not asked for', { clause: '11.13.6' });
  const asked = run.stage === 'security' ? STAGE.operational : STAGE.fullFeature;
  if (nsg === asked) return;
  throw new ProtocolError(`Cannot go from stage ${csg} to ${nsg}: ${asked} allowed`, { clause: '6.3' });
}

function checkSession(config: InitiatorLoginConfig, parameters: OperationalParameters, tsih: number): void {
  const joined = config.tsih ?? 0;
  // The handle is for further connections: targets that have but one leave it empty.
  if (tsih === 0 && (joined !== 0 || parameters.maxConnections > 1)) {
    const clause = '11.13.3';
    throw new ProtocolError('Cannot use a session without a handle: TSIH is 0 in the final Login Response', { clause });
  }
  if (joined !== 0 && tsih !== joined) {
    throw new ProtocolError(`Cannot join session ${joined}: the target answers with session ${tsih}`, {
      clause: '11.13.3',
    });
  }
  const tag = parameters.targetPortalGroupTag;
  if (config.portalGroupTag === undefined || tag === undefined || tag === config.portalGroupTag) return;
  throw new LoginError(
    'ISCSI_LOGIN',
    `Cannot log in to ${peerOf(config)}: portal group ${tag} answers, not ${config.portalGroupTag}`,
    { statusClass: 0, statusDetail: 0 },
    { hint: 'the portals of the target have changed: discover it again' },
  );
}

function redirect(run: LoginProgress, response: LoginResponseView): Step {
  const { addresses } = readAddresses(
    parseText(response.text)
      .filter(([name]) => name === 'TargetAddress')
      .map(([, value]) => value),
  );
  const [address] = addresses;
  if (address === undefined) throw loginRefused(peerOf(run.config), response.statusClass, response.statusDetail);
  const permanent = response.statusDetail === 2;
  return {
    state: { name: 'redirected', address, permanent },
    actions: [{ do: 'redirect', address, addresses, permanent }],
  };
}

function refusal({ config, chap }: LoginProgress, response: LoginResponseView): LoginError {
  const { statusClass, statusDetail } = response;
  const refused = algorithmsRefused(chap, peerOf(config), response);
  if (refused !== undefined) return refused;
  const error = loginRefused(peerOf(config), statusClass, statusDetail);
  if (error.code !== 'ISCSI_AUTHENTICATION' || config.credentials !== undefined) return error;
  return new LoginError(error.code, error.message, { statusClass, statusDetail }, { hint: NO_CREDENTIALS_HINT });
}

function peerOf(config: InitiatorLoginConfig): string {
  return config.targetName ?? 'the portal';
}

function checkConfig(config: InitiatorLoginConfig): void {
  checkPolicy(config.policy ?? INITIATOR_POLICY);
  const { sessionType, targetName, tsih = 0 } = config;
  if (sessionType === 'Normal' && targetName === undefined) {
    throw new IscsiError('ISCSI_USAGE', 'Cannot log in to a Normal session without a target name');
  }
  if (!Number.isInteger(tsih) || tsih < 0 || tsih > 65_535) {
    throw new IscsiError('ISCSI_USAGE', `Cannot join session ${tsih}: 0..65535 allowed`);
  }
  for (const name of [config.initiatorName, targetName]) {
    try {
      if (name !== undefined) prepareReceivedName(name);
    } catch (cause) {
      throw new IscsiError('ISCSI_USAGE', cause instanceof Error ? cause.message : 'Cannot use the name', { cause });
    }
  }
}
