/** What the initiator's login takes and gives. */
import type { IscsiError } from '../errors.ts';
import type { ChapCrypto } from './chap-algorithms.ts';
import type { Credentials } from './chap-credentials.ts';
import type { ChapProgress, ChapRun } from './chap-initiator.ts';
import type { SessionType } from './keys.ts';
import type { Negotiation } from './negotiation.ts';
import type { OperationalParameters } from './parameters.ts';
import type { OperationalPolicy } from './policy.ts';
import type { TargetAddress } from './send-targets.ts';

/** What an initiator logs in with. It does not change during the login. */
export interface InitiatorLoginConfig {
  readonly initiatorName: string;
  readonly initiatorAlias?: string | undefined;
  readonly sessionType: SessionType;
  /** Required in a Normal session. */
  readonly targetName?: string | undefined;
  readonly policy?: OperationalPolicy | undefined;
  /** The session to join; 0 for a new one. */
  readonly tsih?: number | undefined;
  /** For a further connection: the parameters of its session. */
  readonly session?: OperationalParameters | undefined;
  readonly credentials?: Credentials | undefined;
  /** Required with credentials. */
  readonly chapCrypto?: ChapCrypto | undefined;
  /** True: begin in the security stage even without credentials, as some targets expect it. */
  readonly securityStage?: boolean | undefined;
  /** The portal group that must answer, when it matters (I-051). */
  readonly portalGroupTag?: number | undefined;
  readonly maxExchanges?: number | undefined;
  /** The most bytes of one text that the target may send. */
  readonly textLimit?: number | undefined;
}

/** What a Login Response says, besides what the caller checks itself. */
export interface LoginResponseView {
  readonly statusClass: number;
  readonly statusDetail: number;
  readonly transit: boolean;
  readonly continues: boolean;
  readonly csg: number;
  readonly nsg: number;
  readonly tsih: number;
  readonly versionActive: number;
  /** The data segment. It is not kept. */
  readonly text: Uint8Array;
}

/** What a Login Request shall say; the rest of its header is the caller's. */
export interface LoginRequestFields {
  readonly csg: number;
  readonly nsg: number;
  readonly transit: boolean;
  readonly continues: boolean;
  readonly text: Uint8Array;
}

/** What the caller has to do next. */
export type LoginAction =
  | { readonly do: 'send'; readonly request: LoginRequestFields }
  | { readonly do: 'finish'; readonly parameters: OperationalParameters; readonly tsih: number }
  | {
      readonly do: 'redirect';
      readonly address: TargetAddress;
      /** All addresses that were given, the one above first. */
      readonly addresses: readonly TargetAddress[];
      /** True: use the new address from now on. */
      readonly permanent: boolean;
    }
  | { readonly do: 'fail'; readonly error: IscsiError };

/** Where a login is. */
export type LoginState =
  | { readonly name: 'security'; readonly chap: ChapProgress; readonly run: LoginProgress }
  | { readonly name: 'operational'; readonly run: LoginProgress }
  | { readonly name: 'fullFeature'; readonly parameters: OperationalParameters; readonly tsih: number }
  | { readonly name: 'redirected'; readonly address: TargetAddress; readonly permanent: boolean }
  | { readonly name: 'failed'; readonly error: IscsiError };

/** What a step leads to. */
export interface Step {
  readonly state: LoginState;
  readonly actions: readonly LoginAction[];
}

/** What a login carries from step to step. */
export interface LoginProgress {
  readonly config: InitiatorLoginConfig;
  readonly book: Negotiation;
  readonly stage: 'security' | 'operational';
  readonly chap: ChapRun;
  /** Pieces of the own text that are to be sent, each in answer to an empty response. */
  readonly unsent: readonly Uint8Array[];
  /** T of the last request. */
  readonly transit: boolean;
  /** Pieces of the target's text so far. */
  readonly gathered: Uint8Array;
  readonly exchanges: number;
}
