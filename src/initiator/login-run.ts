import { serialAdd } from '../bytes/serial.ts';
import { IscsiError, ProtocolError } from '../errors.ts';
import { onLoginResponse, startLogin } from '../login/initiator.ts';
import type {
  InitiatorLoginConfig,
  LoginAction,
  LoginRequestFields,
  LoginState,
  Step,
} from '../login/initiator-types.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import type { TargetAddress } from '../login/send-targets.ts';
import { writeLoginRequest } from '../pdu/login-request.ts';
import { checkLoginResponse, readLoginResponse } from '../pdu/login-response.ts';
import type { Outbox } from '../pdu/outbox.ts';

/** What a login needs besides what is negotiated. */
export interface LoginConfig extends InitiatorLoginConfig {
  /** The six bytes of the ISID as one number. */
  readonly isid: number;
}

/** What a login has come to. */
export interface LoginOutcome {
  readonly parameters: OperationalParameters;
  /** ExpCmdSN and MaxCmdSN of the response that ended it: how far commands may go. */
  readonly expCmdSN: number;
  readonly maxCmdSN: number;
}

/** What a login uses of its connection. */
export interface LoginConnection {
  readonly outbox: Outbox;
  /** Connection ID, chosen by the initiator (RFC 7143 §11.12.7). */
  readonly cid: number;
  /** The StatSN that comes next. */
  expStatSN: number;
}

/** The Initiator Task Tag of the whole login (RFC 7143 §11.12); no other task lives beside it. */
const LOGIN_TAG = 0;

/** The target sent the login elsewhere (RFC 7143 §11.13.5). Not a failure: whoever connects tries again there. */
export class RedirectError extends IscsiError {
  /** The first of them. */
  readonly address: TargetAddress;
  /** All that the target told: any of them does. */
  readonly addresses: readonly TargetAddress[];
  /** True: to be used from now on, also for later logins. */
  readonly permanent: boolean;

  constructor(address: TargetAddress, permanent: boolean, addresses: readonly TargetAddress[] = [address]) {
    super('ISCSI_LOGIN', `The target has moved to ${address.host}:${address.port}`);
    this.address = address;
    this.addresses = addresses;
    this.permanent = permanent;
  }
}

/**
 * Runs the pure login steps over a connection: writes their requests, checks what of a response is not text, keeps
 * StatSN.
 */
export class LoginRun {
  readonly #connection: LoginConnection;
  readonly #config: LoginConfig;
  readonly #cmdSN: number;
  #state: LoginState | undefined;
  #answered = false;
  #expCmdSN = 0;
  #maxCmdSN = 0;

  /** @param cmdSN The CmdSN that its requests carry, without using it up. */
  constructor(connection: LoginConnection, config: LoginConfig, cmdSN: number) {
    this.#connection = connection;
    this.#config = config;
    this.#cmdSN = cmdSN;
  }

  /** Sends the first request. */
  start(): void {
    this.#take(startLogin(this.#config));
  }

  /**
   * A Login Response has arrived, with `text` as its data segment.
   * @returns What the login has come to, undefined while it goes on.
   * @throws {IscsiError} When it has failed; a {@link RedirectError} when the target sends it elsewhere.
   */
  onResponse(v: DataView, at: number, text: Uint8Array): LoginOutcome | undefined {
    checkLoginResponse(v, at);
    const pdu = readLoginResponse(v, at);
    // tgt leaves tag and ISID of a refusal empty: then only the status counts. Others leave the ISID empty throughout:
    // a connection has one login, so nothing else can be meant.
    const ours = pdu.initiatorTaskTag === LOGIN_TAG && (pdu.isid === this.#config.isid || pdu.isid === 0);
    if (this.#state === undefined || (!ours && pdu.statusClass === 0)) {
      throw new ProtocolError('Cannot take a Login Response to another login: Initiator Task Tag or ISID differ', {
        clause: '11.13',
      });
    }
    if (pdu.statusClass === 0) this.#count(pdu);
    return this.#take(
      onLoginResponse(this.#state, {
        statusClass: pdu.statusClass,
        statusDetail: pdu.statusDetail,
        transit: pdu.transit,
        continues: pdu.continues,
        csg: pdu.currentStage,
        nsg: pdu.nextStage,
        tsih: pdu.tsih,
        versionActive: pdu.versionActive,
        text,
      }),
    );
  }

  /** Numbers are valid with status class 0 only (RFC 7143 §11.13.4). The first response says where StatSN begins. */
  #count(pdu: { readonly statSN: number; readonly expCmdSN: number; readonly maxCmdSN: number }): void {
    const c = this.#connection;
    if (this.#answered && pdu.statSN !== c.expStatSN) {
      throw new ProtocolError(`Cannot take a Login Response with StatSN ${pdu.statSN}: ${c.expStatSN} comes next`, {
        clause: '11.13.4',
      });
    }
    this.#answered = true;
    c.expStatSN = serialAdd(pdu.statSN, 1);
    this.#expCmdSN = pdu.expCmdSN;
    this.#maxCmdSN = pdu.maxCmdSN;
  }

  #take(step: Step): LoginOutcome | undefined {
    this.#state = step.state;
    let outcome: LoginOutcome | undefined;
    for (const action of step.actions) outcome = this.#perform(action) ?? outcome;
    return outcome;
  }

  #perform(action: LoginAction): LoginOutcome | undefined {
    switch (action.do) {
      case 'send':
        this.#send(action.request);
        return undefined;
      case 'finish':
        return { parameters: action.parameters, expCmdSN: this.#expCmdSN, maxCmdSN: this.#maxCmdSN };
      case 'redirect':
        throw new RedirectError(action.address, action.permanent, action.addresses);
      case 'fail':
        throw action.error;
    }
  }

  #send(request: LoginRequestFields): void {
    const { outbox, cid, expStatSN } = this.#connection;
    outbox.pdu(writeLoginRequest, {
      transit: request.transit,
      continues: request.continues,
      currentStage: request.csg,
      nextStage: request.nsg,
      versionMax: 0,
      versionMin: 0,
      dataSegmentLength: request.text.length,
      isid: this.#config.isid,
      tsih: this.#config.tsih ?? 0,
      initiatorTaskTag: LOGIN_TAG,
      cid,
      cmdSN: this.#cmdSN,
      expStatSN,
    });
    outbox.data(request.text, 0, request.text.length);
  }
}
