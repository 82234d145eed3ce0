import { LoginError, ProtocolError } from '../errors.ts';
import { onLoginRequest, rejectLogin, startTargetLogin } from '../login/target.ts';
import type { LoginResponseFields, TargetLoginAction, TargetLoginState, TargetStep } from '../login/target-types.ts';
import { opcode } from '../pdu/bhs.ts';
import { type LoginRequest, readLoginRequest } from '../pdu/login-request.ts';
import { writeLoginResponse } from '../pdu/login-response.ts';
import { LOGIN_STATUS } from '../spec/iscsi-login-status.ts';
import { OPCODES, opcodeName } from '../spec/iscsi-opcodes.ts';
import { CommandWindow } from './command-window.ts';
import type { TargetConnection } from './target-connection.ts';

/** The longest data segment of a login, in both directions: the default of MaxRecvDataSegmentLength (RFC 7143 §6.3). */
export const LOGIN_DATA_SEGMENT_LENGTH = 8192;

/** The StatSN of the first Login Response; any would do. */
const FIRST_STAT_SN = 1;

const ISID_DIGITS = 12;

/** What the login was about. */
export type LoginFinish = Extract<TargetLoginAction, { readonly do: 'finish' }>;

/** The login of one connection: carries requests to the pure steps of `login/target.ts`, and their answers back. */
export class LoginPhase {
  readonly #connection: TargetConnection;
  #state: TargetLoginState;
  #window: CommandWindow | undefined;
  #tsih = 0;

  constructor(connection: TargetConnection) {
    this.#connection = connection;
    this.#state = startTargetLogin(connection.node.loginConfig);
  }

  /** A PDU has begun. @throws {ProtocolError} When the first one is no Login Request: that gets no answer (RFC 7143 §4.2.4). */
  begin(view: DataView, at: number): void {
    const code = opcode(view, at);
    if (code === OPCODES.LOGIN_REQUEST) {
      this.#connection.sink = this.#connection.gather;
    } else if (this.#state.name === 'start') {
      throw new ProtocolError(`Cannot take a ${opcodeName(code)} before the login`, { clause: '4.2.4' });
    }
  }

  /** A PDU is complete. */
  end(view: DataView, at: number): void {
    const request = readLoginRequest(view, at); // of another PDU only the Initiator Task Tag is used
    const code = opcode(view, at);
    this.#perform(code === OPCODES.LOGIN_REQUEST ? this.#next(request) : refuseOther(code), request);
  }

  #next(request: LoginRequest): TargetStep {
    const connection = this.#connection;
    if (this.#window === undefined) {
      this.#window = new CommandWindow(request.cmdSN, connection.limits.commands);
      connection.statSN = FIRST_STAT_SN;
    }
    return onLoginRequest(this.#state, {
      ...request,
      csg: request.currentStage,
      nsg: request.nextStage,
      isid: request.isid.toString(16).padStart(ISID_DIGITS, '0'),
      text: connection.gather.release(),
    });
  }

  #perform({ state, actions }: TargetStep, request: LoginRequest): void {
    this.#state = state;
    for (const action of actions) {
      switch (action.do) {
        case 'send':
          this.#send(action.response, request);
          break;
        case 'finish':
          if (this.#window !== undefined) {
            this.#connection.node.openSession(this.#connection, action, this.#tsih, this.#window);
          }
          break;
        case 'close':
          this.#connection.fail(action.error);
          break;
      }
    }
  }

  #send(response: LoginResponseFields, request: LoginRequest): void {
    const connection = this.#connection;
    if (response.final) this.#tsih = connection.node.allocateTsih();
    const refused = response.statusClass !== 0;
    connection.outbox.pdu(writeLoginResponse, {
      transit: response.transit,
      continues: response.continues,
      currentStage: response.csg,
      nextStage: response.nsg,
      versionMax: 0,
      versionActive: 0,
      dataSegmentLength: response.text.length,
      isid: request.isid,
      tsih: response.final ? this.#tsih : request.tsih,
      initiatorTaskTag: request.initiatorTaskTag,
      // Valid with status class 0 only (RFC 7143 §11.13.4).
      statSN: refused ? 0 : connection.nextStatSN(),
      expCmdSN: refused ? 0 : (this.#window?.expCmdSN ?? 0),
      maxCmdSN: refused ? 0 : (this.#window?.maxCmdSN ?? 0),
      statusClass: response.statusClass,
      statusDetail: response.statusDetail,
    });
    connection.outbox.data(response.text, 0, response.text.length);
    connection.wake();
  }
}

function refuseOther(code: number): TargetStep {
  const status = LOGIN_STATUS.INVALID_DURING_LOGIN;
  return rejectLogin(
    new LoginError('ISCSI_LOGIN', `Cannot take a ${opcodeName(code)} during the login`, {
      statusClass: status >> 8,
      statusDetail: status & 0xff,
    }),
  );
}
