import { type OperationalPolicy, TARGET_POLICY } from '../login/policy.ts';
import { onLoginRequest, startTargetLogin } from '../login/target.ts';
import type {
  LoginRequestView,
  TargetLoginAction,
  TargetLoginConfig,
  TargetLoginState,
} from '../login/target-types.ts';
import type { Patience } from './expectation.ts';
import type { WireTarget } from './target.ts';
import type { LoginResponseDraft } from './target-pdus.ts';
import { countdown } from './watchers.ts';
import type { WirePdu } from './wire-pdu.ts';

/** Whom to let in, and as what. The time is for the login as a whole. */
export interface AnswerLoginOptions extends Partial<Omit<TargetLoginConfig, 'policy'>>, Patience {
  /** What is allowed otherwise than a target usually does. */
  readonly policy?: Partial<OperationalPolicy> | undefined;
  /** Fields of every Login Response, such as the TSIH of the session. */
  readonly fields?: LoginResponseDraft | undefined;
}

/** A login that came about: who logged in to what, and what was agreed on. */
export type LoginOfInitiator = Omit<Extract<TargetLoginAction, { do: 'finish' }>, 'do'>;

/**
 * Answers a login by the rules, whatever target it names unless the options say otherwise, and puts into force what was
 * agreed on.
 *
 * @throws {IscsiError} Why the login is refused; {@link ExpectationError} when the initiator sends something else, or
 *   nothing.
 * @example
 * await using listener = await WireListener.open();
 * await using initiator = await WireInitiator.connect(listener.address);
 * await using target = await listener.accept();
 * const loggedIn = logIn(initiator, {
 *   targetName: 'iqn.2003-01.org.example:disk',
 *   policy: { headerDigest: ['CRC32C'] },
 * });
 * const { targetName, parameters } = await answerLogin(target, { policy: { maxBurstLength: 262_144 } });
 * await loggedIn;
 * targetName; // 'iqn.2003-01.org.example:disk'
 * parameters.maxBurstLength; // 262_144
 * [target.digests.header, initiator.digests.header]; // [true, true]
 */
export async function answerLogin(target: WireTarget, options: AnswerLoginOptions = {}): Promise<LoginOfInitiator> {
  const { policy, fields, within = target.patience, signal, ...config } = options;
  const left = countdown(within);
  let state: TargetLoginState = startTargetLogin({
    resolveTarget: () => ({ ok: true, portalGroupTag: 1 }),
    ...config,
    policy: { ...TARGET_POLICY, ...policy },
  });
  for (;;) {
    const request = await target.expect('LOGIN_REQUEST', { within: left(), signal });
    const step = onLoginRequest(state, viewOfRequest(request));
    state = step.state;
    for (const action of step.actions) {
      if (action.do === 'close') throw action.error;
      if (action.do === 'send') respond(target, request, action, fields);
      else {
        const { do: _, ...login } = action;
        target.parameters = login.parameters;
        return login;
      }
    }
  }
}

function respond(
  target: WireTarget,
  request: WirePdu,
  { response }: Extract<TargetLoginAction, { do: 'send' }>,
  fields: LoginResponseDraft | undefined,
): void {
  const { csg: currentStage, nsg: nextStage, text: data, final, ...rest } = response;
  // Only the last response of a new session's login has a handle (RFC 7143 §11.13.3).
  const handle = final ? {} : { tsih: request.read('LOGIN_REQUEST').tsih };
  target.loginResponse(request, { ...rest, currentStage, nextStage, data, ...handle, ...fields });
}

function viewOfRequest(pdu: WirePdu): LoginRequestView {
  const { currentStage: csg, nextStage: nsg, isid, ...rest } = pdu.read('LOGIN_REQUEST');
  return { ...rest, csg, nsg, isid: isid.toString(16).padStart(12, '0'), text: pdu.data };
}
