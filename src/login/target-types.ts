/** What the target's login takes and gives. */
import type { IscsiError } from '../errors.ts';
import type { LoginStatus } from '../spec/iscsi-login-status.ts';
import type { ChapAccount, TargetAuthentication, TargetChapRun } from './chap-target.ts';
import type { SessionType } from './keys.ts';
import type { NegotiationContext } from './negotiate.ts';
import type { Negotiation } from './negotiation.ts';
import type { OperationalParameters } from './parameters.ts';
import type { OperationalPolicy } from './policy.ts';
import type { TargetAddress } from './send-targets.ts';

/** A login that is refused, and how. */
export interface LoginRefusal {
  readonly ok: false;
  readonly status: LoginStatus;
  /** Where the target has moved to, for the redirecting statuses. */
  readonly addresses?: readonly TargetAddress[];
}

/** A target that may be logged in to. */
export interface TargetFound {
  readonly ok: true;
  /** The portal group that serves this connection. */
  readonly portalGroupTag: number;
  readonly targetAlias?: string | undefined;
  /** True when the initiator has to authenticate. Default: when there is something to authenticate with. */
  readonly authenticationRequired?: boolean | undefined;
  /** What the initiator has to prove, and with what. */
  readonly authentication?: TargetAuthentication | undefined;
}

/** Who asks for what, as far as it is known before authentication. */
export interface SessionRequest extends LoginHead {
  readonly initiatorName: string;
  readonly targetName: string | undefined;
  readonly sessionType: SessionType;
  readonly portalGroupTag: number;
}

/** A session or connection that may come about. */
export interface SessionAdmitted {
  readonly ok: true;
  /** For a further connection: the parameters of its session. */
  readonly session?: OperationalParameters | undefined;
}

/** What a target needs to know to take logins. The functions must not change anything: a login may still fail. */
export interface TargetLoginConfig {
  readonly policy?: OperationalPolicy | undefined;
  /**
   * Looks up a target. Names come prepared: compare them byte for byte.
   * @param targetName Undefined in a Discovery session that names none.
   */
  readonly resolveTarget: (
    targetName: string | undefined,
    initiatorName: string,
    sessionType: SessionType,
  ) => TargetFound | LoginRefusal;
  /**
   * Applies the matrix of ISID, TSIH and CID (RFC 7143 §6.3.1), without acting on it: reinstatement waits for the end
   * of the login.
   */
  readonly admitSession?: ((request: SessionRequest) => SessionAdmitted | LoginRefusal) | undefined;
  readonly maxExchanges?: number | undefined;
  /** The most bytes of one text that the initiator may send. */
  readonly textLimit?: number | undefined;
  /**
   * True: let an initiator repeat the names of its first request unchanged, which RFC 7143 §6.3 forbids and libiscsi
   * does after AuthMethod=None.
   */
  readonly tolerateRepeatedNames?: boolean | undefined;
}

/** What stays the same in all Login Requests of one login (RFC 7143 §11.12). */
export interface LoginHead {
  readonly initiatorTaskTag: number;
  /** The six bytes of ISID as twelve hex digits. */
  readonly isid: string;
  readonly tsih: number;
  readonly cid: number;
}

/** What a Login Request says. */
export interface LoginRequestView extends LoginHead {
  readonly transit: boolean;
  readonly continues: boolean;
  readonly csg: number;
  readonly nsg: number;
  readonly versionMax: number;
  readonly versionMin: number;
  /** The data segment. It is not kept. */
  readonly text: Uint8Array;
}

/** What a Login Response shall say; the rest of its header is the caller's. Versions are 0. */
export interface LoginResponseFields {
  readonly statusClass: number;
  readonly statusDetail: number;
  readonly transit: boolean;
  readonly continues: boolean;
  readonly csg: number;
  readonly nsg: number;
  readonly text: Uint8Array;
  /**
   * True in the Login Final-Response: for a new session it carries the new TSIH, in all others TSIH is that of the
   * request.
   */
  readonly final: boolean;
}

/** What the caller has to do next. `close` and `finish` come after the response that goes with them. */
export type TargetLoginAction =
  | { readonly do: 'send'; readonly response: LoginResponseFields }
  | {
      readonly do: 'finish';
      readonly parameters: OperationalParameters;
      /** Prepared for comparison. */
      readonly initiatorName: string;
      readonly initiatorAlias: string | undefined;
      readonly sessionType: SessionType;
      /** Prepared for comparison; undefined in a Discovery session that names none. */
      readonly targetName: string | undefined;
      readonly portalGroupTag: number;
      /** The user name that the initiator has proven to be; absent where it did not have to. */
      readonly user?: string;
      /** What it has proven that with. */
      readonly account?: ChapAccount;
      readonly isid: string;
      /** As requested: 0 for a new session. */
      readonly tsih: number;
      readonly cid: number;
    }
  | { readonly do: 'close'; readonly error: IscsiError };

/** Where a login is. */
export type TargetLoginState =
  | { readonly name: 'start'; readonly config: TargetLoginConfig }
  | { readonly name: 'security' | 'operational'; readonly run: TargetProgress }
  | { readonly name: 'fullFeature'; readonly parameters: OperationalParameters }
  | { readonly name: 'rejected'; readonly error: IscsiError };

/** What a step leads to. */
export interface TargetStep {
  readonly state: TargetLoginState;
  readonly actions: readonly TargetLoginAction[];
}

/** Who logs in to what: known from the first complete text on. */
export interface LoginIdentity {
  readonly initiatorName: string;
  readonly initiatorAlias: string | undefined;
  readonly targetName: string | undefined;
  readonly sessionType: SessionType;
  readonly portalGroupTag: number;
  readonly authenticationRequired: boolean;
  readonly authentication: TargetAuthentication | undefined;
  readonly session: OperationalParameters | undefined;
  readonly context: NegotiationContext;
}

/** What a login carries from step to step. */
export interface TargetProgress {
  readonly config: TargetLoginConfig;
  readonly head: LoginHead;
  readonly stage: 'security' | 'operational';
  readonly chap: TargetChapRun;
  readonly login: (LoginIdentity & { readonly book: Negotiation }) | undefined;
  /** Pieces of the own text that are to be sent, each in answer to an empty request. */
  readonly unsent: readonly Uint8Array[];
  /** Pieces of the initiator's text so far. */
  readonly gathered: Uint8Array;
  readonly exchanges: number;
  /** True once the own MaxRecvDataSegmentLength has been declared. */
  readonly declared: boolean;
}
