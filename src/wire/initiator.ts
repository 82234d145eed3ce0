import type { Socket } from 'node:net';
import { DEFAULT_PARAMETERS, type OperationalParameters } from '../login/parameters.ts';
import { randomUint32 } from '../node/random.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { connectSocket, type WireAddress } from './connect-socket.ts';
import { WireConnection, type WireConnectionOptions } from './connection.ts';
import { DigestWatch, endsLogin } from './digest-watch.ts';
import type { Distortion, PduDraft } from './draft.ts';
import type { Patience } from './expectation.ts';
import { InitiatorNumbers } from './initiator-numbers.ts';
import {
  type CommandDraft,
  type DataOutDraft,
  dataOut,
  type LoginRequestDraft,
  type LogoutRequestDraft,
  loginRequest,
  logoutRequest,
  type NopOutDraft,
  nopOut,
  type SnackDraft,
  scsiCommand,
  snack,
  type TaskManagementDraft,
  type TextRequestDraft,
  taskManagementRequest,
  textRequest,
} from './initiator-pdus.ts';
import type { WirePdu } from './wire-pdu.ts';

/** How a raw initiator begins. */
export interface WireInitiatorOptions extends WireConnectionOptions {
  /**
   * Another connection of the session that it is going to join: commands and tags are counted together with it, and the
   * ISID is the same. The login still has to name the TSIH, and a CID.
   */
  readonly session?: WireInitiator | undefined;
}

/** What was sent, for whoever waits for the answer. What a distortion changed shows in the bytes alone. */
export interface Sent {
  readonly initiatorTaskTag: number;
  /** 0 for PDUs that have none. */
  readonly cmdSN: number;
  readonly bytes: Uint8Array;
}

/**
 * An initiator that says what it is told to, right or wrong, and shows what the target answers. Whatever a call does
 * not name has the value that the rules give it.
 *
 * @example
 * await using initiator = await WireInitiator.connect('127.0.0.1:3260');
 * await logIn(initiator, { targetName: 'iqn.2026-11.dev.tsiscsi:disk' });
 * const { initiatorTaskTag } = initiator.nop({ data: Uint8Array.of(1, 2, 3) });
 * const { data } = await initiator.expect({ opcode: 'NOP_IN', initiatorTaskTag }, { within: 1_000 });
 * data; // hex 01 02 03
 */
export class WireInitiator extends WireConnection {
  readonly numbers: InitiatorNumbers;
  /** What a login has agreed on; `logIn()` sets it. */
  parameters: OperationalParameters = DEFAULT_PARAMETERS;
  /** Whether the target's pings are answered at once, and shown to nobody but `onArrival`. */
  answersPings = true;
  /** The six bytes of the ISID of its logins as one number: random, so that no login reinstates another session. */
  isid: number;
  readonly #digestWatch = new DigestWatch();

  /** @param socket Connected, and with half-open ends allowed. */
  constructor(socket: Socket, options: WireInitiatorOptions = {}) {
    super(socket, options);
    this.numbers = new InitiatorNumbers(options.session?.numbers);
    this.isid = options.session?.isid ?? 0x8000_0000_0000 + (randomUint32() % 0x100_0000) * 0x1_0000;
  }

  /**
   * Connects; nothing is sent yet.
   * @param to Where the target listens; as text `host:port`, and the port 3260 when that is left out.
   * @throws {IscsiError} `ISCSI_REFUSED`, `ISCSI_UNREACHABLE`, `ISCSI_TIMEOUT`, `ISCSI_ABORTED`.
   */
  static async connect(
    to: WireAddress | string,
    options: WireInitiatorOptions & Patience = {},
  ): Promise<WireInitiator> {
    const { within = options.patience, signal } = options;
    return new WireInitiator(await connectSocket(to, { within, signal }), options);
  }

  /** Sends a Login Request. */
  login(fields: LoginRequestDraft = {}, distortion?: Distortion): Sent {
    const draft = loginRequest(this.numbers, { isid: this.isid, ...fields });
    this.#digestWatch.hear('initiator', draft.data ?? NOTHING, fields.continues === true);
    return this.#say(draft, distortion);
  }

  /** Sends a SCSI Command. */
  command(fields: CommandDraft, distortion?: Distortion): Sent {
    return this.#say(scsiCommand(this.numbers, fields), distortion);
  }

  /** Sends a Data-Out. */
  dataOut(fields: DataOutDraft, distortion?: Distortion): Sent {
    return this.#say(dataOut(this.numbers, fields), distortion);
  }

  /** Sends a NOP-Out: a ping, unless the fields make something else of it. */
  nop(fields: NopOutDraft = {}, distortion?: Distortion): Sent {
    return this.#say(nopOut(this.numbers, fields), distortion);
  }

  /** Sends a Text Request. */
  text(fields: TextRequestDraft, distortion?: Distortion): Sent {
    return this.#say(textRequest(this.numbers, fields), distortion);
  }

  /** Sends a Task Management Function Request. */
  taskManagement(fields: TaskManagementDraft, distortion?: Distortion): Sent {
    return this.#say(taskManagementRequest(this.numbers, fields), distortion);
  }

  /** Sends a SNACK Request. */
  snack(fields: SnackDraft, distortion?: Distortion): Sent {
    return this.#say(snack(this.numbers, fields), distortion);
  }

  /** Sends a Logout Request. */
  logout(fields: LogoutRequestDraft = {}, distortion?: Distortion): Sent {
    return this.#say(logoutRequest(this.numbers, fields), distortion);
  }

  protected override heard(pdu: WirePdu): boolean {
    this.numbers.hear(pdu);
    if (pdu.is('LOGIN_RESPONSE')) this.#hearLogin(pdu);
    if (!isPing(pdu) || !this.answersPings || this.end !== undefined || this.unflushed > MOST_UNFLUSHED) return false;
    const { lunHigh, lunLow, targetTransferTag } = pdu.read('NOP_IN');
    this.nop({ initiatorTaskTag: RESERVED_TAG, targetTransferTag, lunHigh, lunLow });
    return true;
  }

  #hearLogin(pdu: WirePdu): void {
    const response = pdu.read('LOGIN_RESPONSE');
    this.#digestWatch.hear('target', pdu.data, response.continues);
    if (endsLogin(response)) this.digests = this.#digestWatch.agreed;
  }

  #say(draft: PduDraft, distortion?: Distortion): Sent {
    const { header } = draft;
    const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
    return {
      initiatorTaskTag: view.getUint32(16),
      cmdSN: view.getUint32(24),
      bytes: this.send(draft, distortion),
    };
  }
}

const NOTHING = new Uint8Array(0);

/** A target that pings and does not read is not answered beyond so many bytes: its pings wait to be asked for then. */
const MOST_UNFLUSHED = 64 * 1024;

function isPing(pdu: WirePdu): boolean {
  if (!pdu.is('NOP_IN') || pdu.headerDigest === 'wrong') return false;
  return pdu.initiatorTaskTag === RESERVED_TAG && pdu.targetTransferTag !== RESERVED_TAG;
}
