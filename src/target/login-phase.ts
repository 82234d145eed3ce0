import { LoginError, ProtocolError } from '../errors.ts';
import { refuseLogin } from '../login/status.ts';
import { onLoginRequest, rejectLogin, startTargetLogin } from '../login/target.ts';
import type {
  LoginResponseFields,
  TargetLoginAction,
  TargetLoginConfig,
  TargetLoginState,
  TargetStep,
} from '../login/target-types.ts';
import { opcode } from '../pdu/bhs.ts';
import { type LoginRequest, readLoginRequest } from '../pdu/login-request.ts';
import { writeLoginResponse } from '../pdu/login-response.ts';
import { LOGIN_STATUS } from '../spec/iscsi-login-status.ts';
import { OPCODES, opcodeName } from '../spec/iscsi-opcodes.ts';
import { CommandWindow } from './command-window.ts';
import type { ConnectionPhase } from './connection-phase.ts';
import { Countdown } from './countdown.ts';
import { Gather } from './gather.ts';
import type { TargetLimits } from './limits.ts';
import { type HandlerTable, OPCODE_COUNT, type RequestHandler } from './request-handler.ts';
import type { Sender } from './sender.ts';

/** The StatSN of the first Login Response; any would do. */
const FIRST_STAT_SN = 1;

const ISID_DIGITS = 12;

/** What the login was about. */
export type LoginFinish = Extract<TargetLoginAction, { readonly do: 'finish' }>;

/** What a login asks of the node, and tells the connection. */
export interface LoginOptions {
  readonly config: TargetLoginConfig;
  readonly sender: Sender;
  readonly limits: TargetLimits;
  readonly now: () => number;
  /** A TSIH that no session has. */
  readonly allocateTsih: () => number;
  /** Whether there is room for its session. */
  readonly hasRoom: (login: LoginFinish) => boolean;
  /** It has ended well: its results hold from the next PDU on. */
  readonly finished: (login: LoginFinish, tsih: number, window: CommandWindow) => void;
  /** It has failed; the answer that says so, if there is one, was sent. */
  readonly failed: (error: unknown) => void;
}

/**
 * The login of one connection: carries requests to the pure steps of `login/target.ts`, and their answers back. Takes
 * every PDU.
 */
export class LoginPhase implements ConnectionPhase, RequestHandler {
  readonly name = 'login';
  readonly handlers: HandlerTable = new Array(OPCODE_COUNT).fill(this);
  readonly #options: LoginOptions;
  readonly #time = new Countdown();
  readonly #gather: Gather;
  #state: TargetLoginState;
  #window: CommandWindow | undefined;
  #tsih = 0;

  constructor(options: LoginOptions) {
    this.#options = options;
    this.#gather = new Gather(options.sender.share);
    this.#state = startTargetLogin(options.config);
    this.#time.start(options.now() + options.limits.loginTime);
  }

  get deadline(): number {
    return this.#time.deadline;
  }

  tick(now: number): void {
    if (!this.#time.due(now)) return;
    const { loginTime } = this.#options.limits;
    throw new ProtocolError(`Cannot wait for the login any longer: it took more than ${loginTime} ms`);
  }

  heard(): void {
    // Only the whole login has a time.
  }

  resume(): void {
    // Nothing of a login waits for room.
  }

  close(): void {
    this.#time.stop();
    this.#gather.close();
  }

  /** @throws {ProtocolError} When the first PDU is no Login Request: that gets no answer (RFC 7143 §4.2.4). */
  begin(view: DataView, at: number): void {
    const code = opcode(view, at);
    if (code !== OPCODES.LOGIN_REQUEST && this.#state.name === 'start') {
      throw new ProtocolError(`Cannot take a ${opcodeName(code)} before the login`, { clause: '4.2.4' });
    }
  }

  take(bytes: Uint8Array, from: number, to: number): void {
    this.#gather.take(bytes, from, to);
  }

  end(view: DataView, at: number): void {
    const request = readLoginRequest(view, at); // of another PDU only the Initiator Task Tag is used
    const text = this.#gather.release();
    const code = opcode(view, at);
    const step = code === OPCODES.LOGIN_REQUEST ? this.#next(request, text) : refuseOther(code);
    this.#perform(this.#hasRoom(step) ? step : refuseForLackOfRoom(this.#options.limits), request);
  }

  discard(): void {
    // There are no digests during the login.
  }

  #next(request: LoginRequest, text: Uint8Array): TargetStep {
    if (this.#window === undefined) {
      const { sender, limits } = this.#options;
      this.#window = new CommandWindow(request.cmdSN, limits.commands);
      sender.window = this.#window;
      sender.statSN = FIRST_STAT_SN;
    }
    return onLoginRequest(this.#state, {
      ...request,
      csg: request.currentStage,
      nsg: request.nextStage,
      isid: request.isid.toString(16).padStart(ISID_DIGITS, '0'),
      text,
    });
  }

  /** Whether a login that this step would end may end well. */
  #hasRoom({ actions }: TargetStep): boolean {
    return actions.every((action) => action.do !== 'finish' || this.#options.hasRoom(action));
  }

  #perform({ state, actions }: TargetStep, request: LoginRequest): void {
    this.#state = state;
    for (const action of actions) {
      switch (action.do) {
        case 'send':
          this.#send(action.response, request);
          break;
        case 'finish':
          if (this.#window !== undefined) this.#options.finished(action, this.#tsih, this.#window);
          break;
        case 'close':
          this.#options.failed(action.error);
          break;
      }
    }
  }

  #send(response: LoginResponseFields, request: LoginRequest): void {
    const { sender } = this.#options;
    if (response.final) this.#tsih = this.#options.allocateTsih();
    const refused = response.statusClass !== 0;
    sender.outbox.pdu(writeLoginResponse, {
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
      statSN: refused ? 0 : sender.nextStatSN(),
      expCmdSN: refused ? 0 : sender.expCmdSN,
      maxCmdSN: refused ? 0 : sender.maxCmdSN,
      statusClass: response.statusClass,
      statusDetail: response.statusDetail,
    });
    sender.outbox.data(response.text, 0, response.text.length);
    sender.wake();
  }
}

function refuseForLackOfRoom({ connections }: TargetLimits): TargetStep {
  const message = `Cannot open another session: no more than ${connections} allowed`;
  return rejectLogin(refuseLogin(LOGIN_STATUS.OUT_OF_RESOURCES, message));
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
