/** The target's checks of a Login Request's header, and of who logs in to what (RFC 7143 §6.3.1, §11.12). */
import { ValueError } from '../bytes/value-error.ts';
import { type IscsiError, LoginError, ProtocolError } from '../errors.ts';
import type { TextPair } from '../pdu/text.ts';
import { LOGIN_STATUS, type LoginStatus, loginStatusText } from '../spec/iscsi-login-status.ts';
import { prepareReceivedName } from './iscsi-name.ts';
import { type SessionType, STAGE } from './keys.ts';
import type { NegotiationContext } from './negotiate.ts';
import { TARGET_POLICY } from './policy.ts';
import type { AuthMethod } from './security.ts';
import { formatTargetAddress, type TargetAddress } from './send-targets.ts';
import { refuseLogin } from './status.ts';
import type {
  LoginHead,
  LoginIdentity,
  LoginRefusal,
  LoginRequestView,
  TargetFound,
  TargetProgress,
} from './target-types.ts';
import { quote } from './values.ts';

/** A refusal that tells where to go instead (RFC 7143 §11.13.5). */
class RedirectError extends LoginError {
  readonly addresses: readonly TargetAddress[];

  constructor(refusal: LoginRefusal, addresses: readonly TargetAddress[]) {
    const status = { statusClass: refusal.status >> 8, statusDetail: refusal.status & 0xff };
    super('ISCSI_LOGIN', 'Cannot serve the target here: the initiator is sent elsewhere', status);
    this.addresses = addresses;
  }
}

/** The text of a reject: where to go, without portal group tags (RFC 7143 §13.8), or nothing. */
export function refusalText(error: IscsiError): TextPair[] {
  if (!(error instanceof RedirectError)) return [];
  return error.addresses.map((address) => [
    'TargetAddress',
    formatTargetAddress({ ...address, portalGroupTag: undefined }),
  ]);
}

/**
 * Checks version and stage bits, which need no memory of what came before.
 * @throws {LoginError} Status 0205. @throws {ProtocolError} Status 0200.
 */
export function checkRequest(request: LoginRequestView): void {
  const { transit, continues, csg, nsg, versionMin, versionMax } = request;
  if (versionMin > 0)
    throw refuse(LOGIN_STATUS.UNSUPPORTED_VERSION, `the initiator speaks versions ${versionMin} to ${versionMax} only`);
  if (csg !== STAGE.security && csg !== STAGE.operational) {
    throw new ProtocolError(`Cannot be in stage ${csg} of a login: 0 or 1 allowed`, { clause: '11.12.3' });
  }
  if (!transit) return;
  if (continues) throw new ProtocolError('Cannot take a Login Request with both C and T', { clause: '11.12.2' });
  if (nsg <= csg || (nsg !== STAGE.operational && nsg !== STAGE.fullFeature)) {
    throw new ProtocolError(`Cannot go from stage ${csg} to ${nsg}`, { clause: '6.3' });
  }
}

/**
 * Checks what must be the same in all requests of a login, and that the stage is the one that was agreed on.
 * @throws {ProtocolError} Status 0200.
 */
export function checkConstant(run: TargetProgress, request: LoginRequestView): void {
  for (const field of ['initiatorTaskTag', 'isid', 'tsih', 'cid'] as const satisfies readonly (keyof LoginHead)[]) {
    if (request[field] === run.head[field]) continue;
    throw new ProtocolError(
      `Cannot take a Login Request with another ${field}: ${request[field]}, was ${run.head[field]}`,
      { clause: '11.12' },
    );
  }
  const stage = STAGE[run.stage];
  if (request.csg === stage) return;
  throw new ProtocolError(`Cannot take a Login Request of stage ${request.csg}: ${stage} allowed`, { clause: '6.3' });
}

/**
 * Finds out who logs in to what, from the first complete text, and asks the configuration whether it may.
 * @returns What is known now, and the keys that the first response begins with.
 * @throws {LoginError} With the status for the initiator.
 */
export function identify(
  run: TargetProgress,
  pairs: readonly TextPair[],
): { login: LoginIdentity; greeting: TextPair[] } {
  const given = new Map([...pairs].reverse()); // the first of a repeated key; the repetition itself is found later
  const initiatorName = prepareReceivedName(given.get('InitiatorName') ?? missing('InitiatorName'));
  const sessionType = sessionTypeOf(given.get('SessionType') ?? 'Normal');
  const asked = given.get('TargetName') ?? (sessionType === 'Normal' ? missing('TargetName') : undefined);
  const targetName = asked === undefined ? undefined : prepareReceivedName(asked);

  const found = admitted(run.config.resolveTarget(targetName, initiatorName, sessionType));
  const { portalGroupTag } = found;
  const { session } = admitted(
    run.config.admitSession?.({ ...run.head, initiatorName, targetName, sessionType, portalGroupTag }) ?? {
      ok: true,
      session: undefined,
    },
  );
  const { authentication } = found;
  const authenticationRequired = found.authenticationRequired ?? authentication !== undefined;
  if (authenticationRequired && run.stage !== 'security') {
    throw refuse(LOGIN_STATUS.AUTHENTICATION_FAILURE, 'the initiator skips the authentication that is required');
  }
  const login: LoginIdentity = {
    initiatorName,
    initiatorAlias: given.get('InitiatorAlias'),
    targetName,
    sessionType,
    portalGroupTag,
    authenticationRequired,
    authentication,
    session,
    context: contextOf(run, sessionType, authentication === undefined ? 'None' : 'CHAP'),
  };
  return { login, greeting: greetingOf(found, sessionType) };
}

/** What the first response after C=0 begins with (RFC 7143 §6.3.1, §13.6). */
function greetingOf(found: TargetFound, sessionType: SessionType): TextPair[] {
  const pairs: TextPair[] = [['TargetPortalGroupTag', `${found.portalGroupTag}`]];
  if (found.targetAlias !== undefined && sessionType === 'Normal') pairs.push(['TargetAlias', found.targetAlias]);
  return pairs;
}

function contextOf(run: TargetProgress, sessionType: SessionType, method: AuthMethod): NegotiationContext {
  const policy = run.config.policy ?? TARGET_POLICY;
  return { role: 'target', sessionType, leading: run.head.tsih === 0, policy, authMethods: [method] };
}

function sessionTypeOf(value: string): SessionType {
  if (value === 'Normal' || value === 'Discovery') return value;
  throw refuse(LOGIN_STATUS.SESSION_TYPE_NOT_SUPPORTED, `SessionType=${quote(value)} is neither Normal nor Discovery`);
}

function admitted<T extends { readonly ok: true }>(outcome: T | LoginRefusal): T {
  if (outcome.ok) return outcome;
  if (outcome.status >> 8 === 1) {
    const { addresses = [] } = outcome;
    if (addresses.length === 0) throw new ValueError('Cannot redirect an initiator without an address');
    throw new RedirectError(outcome, addresses);
  }
  throw refuse(outcome.status, loginStatusText(outcome.status >> 8, outcome.status & 0xff).text);
}

function missing(name: string): never {
  throw refuse(LOGIN_STATUS.MISSING_PARAMETER, `${name} is missing in the first request`);
}

function refuse(status: LoginStatus, why: string): LoginError {
  return refuseLogin(status, `Cannot let the initiator in: ${why}`);
}
