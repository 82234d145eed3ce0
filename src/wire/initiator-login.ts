import { IscsiError } from '../errors.ts';
import { onLoginResponse, startLogin } from '../login/initiator.ts';
import type { InitiatorLoginConfig, LoginAction, Step } from '../login/initiator-types.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { INITIATOR_POLICY, type OperationalPolicy } from '../login/policy.ts';
import type { TextPair } from '../pdu/text.ts';
import { endsLogin } from './digest-watch.ts';
import { ExpectationError, type Patience } from './expectation.ts';
import type { WireInitiator } from './initiator.ts';
import type { LoginRequestDraft } from './initiator-pdus.ts';
import { countdown } from './watchers.ts';
import type { WirePdu } from './wire-pdu.ts';

/** The name that a raw initiator gives itself when it is given none. */
export const WIRE_INITIATOR_NAME = 'iqn.2026-11.dev.tsiscsi:wire';

/** The most Login Requests of {@link logInWithKeys}. */
const MOST_REQUESTS = 8;

/** What to log in as, and to. The time is for the login as a whole. */
export interface LogInOptions extends Partial<Omit<InitiatorLoginConfig, 'policy'>>, Patience {
  /** What is wanted otherwise than an initiator usually does. */
  readonly policy?: Partial<OperationalPolicy> | undefined;
  /** Fields of every Login Request, such as ISID, CID, and the header's rest. */
  readonly fields?: LoginRequestDraft | undefined;
}

/** What a login came to. */
export interface LoggedIn {
  readonly parameters: OperationalParameters;
  readonly tsih: number;
  /** The target's last word. */
  readonly response: WirePdu;
}

/**
 * Logs in by the rules, and puts into force what was agreed on. Without a target name it is a Discovery session.
 *
 * @throws {IscsiError} What the target did wrong, or why it refuses; {@link ExpectationError} when it does not answer;
 *   `ISCSI_LOGIN` when it sends the login elsewhere.
 * @example
 * await using initiator = await WireInitiator.connect('127.0.0.1:3260');
 * const targetName = 'iqn.2026-11.dev.tsiscsi:disk';
 * const { parameters } = await logIn(initiator, { targetName, policy: { headerDigest: ['CRC32C'] } });
 * parameters.headerDigest; // true
 * initiator.digests; // { header: true, data: false }
 */
export async function logIn(initiator: WireInitiator, options: LogInOptions = {}): Promise<LoggedIn> {
  const { policy, fields, within = initiator.patience, signal, ...config } = options;
  const left = countdown(within);
  let step: Step = startLogin({
    initiatorName: WIRE_INITIATOR_NAME,
    sessionType: options.targetName === undefined ? 'Discovery' : 'Normal',
    ...config,
    policy: { ...INITIATOR_POLICY, ...policy },
  });
  let response: WirePdu | undefined;
  for (;;) {
    const [action] = step.actions;
    const parameters = perform(initiator, action, { tsih: options.tsih ?? 0, ...fields });
    if (parameters !== undefined && response !== undefined) {
      const { tsih } = response.read('LOGIN_RESPONSE');
      initiator.parameters = parameters;
      return { parameters, tsih, response };
    }
    response = await initiator.expect('LOGIN_RESPONSE', { within: left(), signal });
    step = onLoginResponse(step.state, viewOfResponse(response));
  }
}

/**
 * Logs in by saying exactly these pairs, in one request, and nothing but empty requests after it, until the target
 * agrees to end the login or refuses. Nothing is negotiated and nothing is checked: what the target proposes is not
 * answered.
 *
 * @param pairs Keys and values as they shall stand on the wire, names and session type among them.
 * @returns All Login Responses, the last of which ends the login or refuses it.
 * @throws {ExpectationError} When no Login Response comes.
 * @example
 * await using initiator = await WireInitiator.connect('127.0.0.1:3260');
 * const pairs = [['InitiatorName', 'iqn.2003-01.org.example:me'], ['SessionType', 'Discovery']] as const;
 * const [response] = await logInWithKeys(initiator, pairs);
 * response?.read('LOGIN_RESPONSE').statusClass; // 0
 */
export async function logInWithKeys(
  initiator: WireInitiator,
  pairs: Iterable<TextPair>,
  { fields, within = initiator.patience, signal }: Pick<LogInOptions, 'fields'> & Patience = {},
): Promise<WirePdu[]> {
  const left = countdown(within);
  const responses: WirePdu[] = [];
  for (let said: Iterable<TextPair> = pairs; responses.length < MOST_REQUESTS; said = []) {
    initiator.login({ pairs: said, ...fields });
    const response = await initiator.expect('LOGIN_RESPONSE', { within: left(), signal });
    responses.push(response);
    const read = response.read('LOGIN_RESPONSE');
    if (read.statusClass !== 0 || endsLogin(read)) return responses;
  }
  throw new IscsiError(
    'ISCSI_LOGIN',
    `Cannot end the login: the target does not agree after ${MOST_REQUESTS} requests`,
  );
}

/** @returns What is in force, once the login is over. */
function perform(
  initiator: WireInitiator,
  action: LoginAction | undefined,
  fields: LoginRequestDraft,
): OperationalParameters | undefined {
  switch (action?.do) {
    case 'send': {
      const { csg: currentStage, nsg: nextStage, transit, continues, text: data } = action.request;
      initiator.login({ currentStage, nextStage, transit, continues, data, ...fields });
      return undefined;
    }
    case 'finish':
      return action.parameters;
    case 'redirect': {
      const { host, port } = action.address;
      throw new IscsiError('ISCSI_LOGIN', `Cannot log in here: the target sends the login to ${host}:${port}`);
    }
    case 'fail':
      throw action.error;
    default:
      throw new IscsiError('ISCSI_USAGE', 'Cannot log in on: the login asks for nothing');
  }
}

function viewOfResponse(pdu: WirePdu) {
  const { currentStage: csg, nextStage: nsg, ...rest } = pdu.read('LOGIN_RESPONSE');
  return { ...rest, csg, nsg, text: pdu.data };
}
