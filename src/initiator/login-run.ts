import { serialAdd } from '../bytes/serial.ts';
import { IscsiError, ProtocolError } from '../errors.ts';
import { onLoginResponse, startLogin } from '../login/initiator.ts';
import type { InitiatorLoginConfig, LoginAction, LoginState, Step } from '../login/initiator-types.ts';
import type { TargetAddress } from '../login/send-targets.ts';
import { writeLoginRequest } from '../pdu/login-request.ts';
import { checkLoginResponse, readLoginResponse } from '../pdu/login-response.ts';
import type { InitiatorConnection } from './connection.ts';

/** What a login needs besides what is negotiated. */
export interface LoginConfig extends InitiatorLoginConfig {
  /** The six bytes of the ISID as one number. */
  readonly isid: number;
}

/** The Initiator Task Tag of the whole login (RFC 7143 §11.12); no other task lives beside it. */
const LOGIN_TAG = 0;

/** The target sent the login elsewhere (RFC 7143 §11.13.5). Not a failure: whoever connects tries again there. */
export class RedirectError extends IscsiError {
  readonly address: TargetAddress;
  /** True: to be used from now on, also for later logins. */
  readonly permanent: boolean;

  constructor(address: TargetAddress, permanent: boolean) {
    super('ISCSI_LOGIN', `The target has moved to ${address.host}:${address.port}`);
    this.address = address;
    this.permanent = permanent;
  }
}

/** Runs the pure login steps over a connection: writes their requests, checks what of a response is not text, keeps StatSN. */
export class LoginRun {
  readonly #connection: InitiatorConnection;
  readonly #config: LoginConfig;
  #state: LoginState | undefined;
  #answered = false;
  #window: { readonly exp: number; readonly max: number } = { exp: 0, max: 0 };

  constructor(connection: InitiatorConnection, config: LoginConfig) {
    this.#connection = connection;
    this.#config = config;
  }

  /** Sends the first request. */
  start(): void {
    this.#take(startLogin(this.#config));
  }

  /** A Login Response has arrived; its text is in the connection's sink. */
  onResponse(v: DataView, at: number): void {
    const c = this.#connection;
    checkLoginResponse(v, at);
    const pdu = readLoginResponse(v, at);
    // tgt leaves tag and ISID of a refusal empty: then only the status counts.
    const ours = pdu.initiatorTaskTag === LOGIN_TAG && pdu.isid === this.#config.isid;
    if (this.#state === undefined || (!ours && pdu.statusClass === 0)) {
      throw new ProtocolError('Cannot take a Login Response to another login: Initiator Task Tag or ISID differ', {
        clause: '11.13',
      });
    }
    if (pdu.statusClass === 0) {
      if (this.#answered && pdu.statSN !== c.expStatSN) {
        throw new ProtocolError(`Cannot take a Login Response with StatSN ${pdu.statSN}: ${c.expStatSN} comes next`, {
          clause: '11.13.4',
        });
      }
      this.#answered = true;
      c.expStatSN = serialAdd(pdu.statSN, 1);
      this.#window = { exp: pdu.expCmdSN, max: pdu.maxCmdSN };
    }
    this.#take(
      onLoginResponse(this.#state, {
        statusClass: pdu.statusClass,
        statusDetail: pdu.statusDetail,
        transit: pdu.transit,
        continues: pdu.continues,
        csg: pdu.currentStage,
        nsg: pdu.nextStage,
        tsih: pdu.tsih,
        versionActive: pdu.versionActive,
        text: c.sink,
      }),
    );
  }

  #take(step: Step): void {
    this.#state = step.state;
    for (const action of step.actions) this.#perform(action);
  }

  #perform(action: LoginAction): void {
    const c = this.#connection;
    switch (action.do) {
      case 'send': {
        const { request } = action;
        c.outbox.pdu(writeLoginRequest, {
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
          cid: 0,
          cmdSN: c.session.window.next,
          expStatSN: c.expStatSN,
        });
        c.outbox.data(request.text, 0, request.text.length);
        break;
      }
      case 'finish':
        c.session.window.start(this.#window.exp, this.#window.max);
        c.enterFullFeature(action.parameters);
        break;
      case 'redirect':
        throw new RedirectError(action.address, action.permanent);
      case 'fail':
        throw action.error;
    }
  }
}
