import { viewOf } from '../bytes/hex.ts';
import { initiatorTaskTag, lunHigh, lunLow, opcode } from '../pdu/bhs.ts';
import { appendText } from '../pdu/text.ts';
import { formatLun } from '../scsi/lun.ts';
import type { Sense } from '../scsi/sense.ts';
import { OPCODES, RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { ConnectionJudge, type WatchedTask } from './connection-judge.ts';
import { LoginWatch } from './login-watch.ts';
import { type FoundPdu, PduStream } from './pdu-stream.ts';
import { carriesText, pduLine, textItems } from './pdu-words.ts';
import { type SharedBudget, TcpOrder } from './tcp-order.ts';
import type { TcpSegment } from './tcp-segment.ts';

/** Something that a capture tells. */
export type CaptureEvent = PduEvent | RemarkEvent;

/** A PDU. */
export interface PduEvent {
  readonly kind: 'pdu';
  /** The connection, counted from 1. */
  readonly connection: number;
  /** The packet in which it ended. */
  readonly packet: number;
  /** Milliseconds since 1970. */
  readonly time: number | undefined;
  readonly fromInitiator: boolean;
  readonly pdu: FoundPdu;
  /** In words. */
  readonly line: string;
  /** The LUN as text, where the PDU or its command has one. */
  readonly lun: string | undefined;
  /** Undefined where it is the reserved one. */
  readonly tag: number | undefined;
  /** The command that it belongs to. */
  readonly task: WatchedTask | undefined;
  readonly sense: Sense | undefined;
  /** The items of a text that has ended with this PDU. */
  readonly text: readonly string[];
  readonly problems: readonly string[];
  /** What is worth a word and no fault. */
  readonly notes: readonly string[];
}

/** What there is to say that is no PDU: a connection begins or ends, bytes are missing. */
export interface RemarkEvent {
  readonly kind: 'remark';
  readonly connection: number;
  readonly packet: number;
  readonly time: number | undefined;
  readonly line: string;
  /** Whether something is wrong. */
  readonly problem: boolean;
}

/** What the connections of a capture share. */
export interface CaptureBudgets {
  /** Bytes that wait for others before them. */
  readonly waiting: SharedBudget;
  /** Commands that are remembered while they have no status. */
  readonly tasks: SharedBudget;
}

/** PDUs whose LUN field means something. */
const WITH_LUN: ReadonlySet<number> = new Set([
  OPCODES.SCSI_COMMAND,
  OPCODES.TASK_MANAGEMENT_REQUEST,
  OPCODES.R2T,
  OPCODES.DATA_OUT,
]);
const LONGEST_TEXT = 64 * 1024;

interface Side {
  readonly order: TcpOrder;
  readonly stream: PduStream;
  /** The text that has begun: keys may be cut anywhere. */
  text: Uint8Array;
}

/** One TCP connection of a capture that carries iSCSI. */
export class Conversation {
  /** Who sends Login Requests, as `address:port`. */
  readonly initiator: string;
  readonly target: string;
  readonly number: number;
  readonly #judge: ConnectionJudge;
  readonly #login = new LoginWatch();
  readonly #tell: (event: CaptureEvent) => void;
  readonly #sides: { readonly initiator: Side; readonly target: Side };
  #packet = 0;
  #time: number | undefined;
  #told = false;
  readonly #ended = new Set<string>();

  constructor(
    about: { readonly number: number; readonly initiator: string; readonly target: string; readonly complete: boolean },
    budgets: CaptureBudgets,
    tell: (event: CaptureEvent) => void,
  ) {
    this.number = about.number;
    this.initiator = about.initiator;
    this.target = about.target;
    this.#tell = tell;
    this.#judge = new ConnectionJudge(about.complete, budgets.tasks);
    this.#sides = { initiator: this.#side(true, budgets.waiting), target: this.#side(false, budgets.waiting) };
    if (about.complete) this.#agree(false, false);
  }

  /** Whether both sides have ended it, or one has reset it: nothing more comes. */
  get over(): boolean {
    return this.#ended.size === 2;
  }

  /** The next segment, in the order of the capture. */
  take(segment: TcpSegment, packet: number, time: number | undefined): void {
    const side = this.#sides[segment.from === this.initiator ? 'initiator' : 'target'];
    this.#packet = packet;
    this.#time = time ?? this.#time;
    if (segment.syn) {
      side.order.begin((segment.sequence + 1) >>> 0);
      return;
    }
    side.order.take(segment.sequence, segment.payload, segment.payloadLength);
    if (segment.fin || segment.rst) this.#ended.add(segment.from);
    if (segment.rst) this.#ended.add(segment.to);
    if (segment.rst) this.#end(`the ${segment.from === this.initiator ? 'initiator' : 'target'} resets the connection`);
    else if (segment.fin) {
      side.order.end();
      this.#end(`the ${segment.from === this.initiator ? 'initiator' : 'target'} ends the connection`);
    }
  }

  /** Before the next segment PDUs were left out, whole ones. */
  gap(packet: number, time: number | undefined): void {
    this.#packet = packet;
    this.#time = time ?? this.#time;
    this.#judge.gap();
    this.#judge.forget();
    this.#remark('older PDUs made room for later ones', false);
  }

  /** The capture is over. */
  end(): void {
    for (const { order, stream } of [this.#sides.initiator, this.#sides.target]) {
      order.end();
      stream.end();
    }
    const { size } = this.#judge.tasks;
    this.#judge.end();
    if (size === 0) return;
    const [first] = this.#judge.tasks.values();
    const more = size > 1 ? `, and ${size - 1} more` : '';
    this.#remark(`${first?.title ?? ''} has no answer${more}`, true);
  }

  #side(initiator: boolean, budget: SharedBudget): Side {
    const stream = new PduStream({
      pdu: (pdu) => this.#found(pdu, initiator),
      lost: (length) => {
        this.#judge.gap();
        this.#remark(`${length} bytes of the ${initiator ? 'initiator' : 'target'} could not be read`, true);
      },
    });
    const order = new TcpOrder(
      { bytes: (bytes) => stream.take(bytes), missing: (length) => stream.skip(length) },
      budget,
    );
    return { order, stream, text: NOTHING };
  }

  #found(pdu: FoundPdu, fromInitiator: boolean): void {
    const view = viewOf(pdu.headers);
    const code = opcode(view, 0);
    const whole = new Uint8Array(pdu.headers.length + pdu.data.length);
    const isLogin = code === OPCODES.LOGIN_REQUEST || code === OPCODES.LOGIN_RESPONSE;
    if (isLogin) {
      whole.set(pdu.headers);
      whole.set(pdu.data, pdu.headers.length);
      this.#login.take(viewOf(whole));
    }
    const judged = this.#judge.judge(pdu, fromInitiator, this.#time);
    const { task } = judged;
    const tag = initiatorTaskTag(view, 0);
    const lun = WITH_LUN.has(code) ? { high: lunHigh(view, 0), low: lunLow(view, 0) } : undefined;
    const commandLun = task === undefined ? undefined : { high: task.lunHigh, low: task.lunLow };
    const shown = commandLun ?? lun;
    this.#tell({
      ...judged,
      kind: 'pdu',
      connection: this.number,
      packet: this.#packet,
      time: this.#time,
      fromInitiator,
      pdu,
      line: pduLine(pdu.headers),
      lun: shown === undefined ? undefined : formatLun(shown),
      tag: tag === RESERVED_TAG ? undefined : tag,
      text: carriesText(pdu.headers) ? this.#gather(pdu, view, fromInitiator) : [],
    });
    if (isLogin && this.#login.over) this.#agree(this.#login.headerDigest, this.#login.dataDigest);
  }

  /** The items of a text, once its last PDU is here. */
  #gather({ data }: FoundPdu, view: DataView, fromInitiator: boolean): string[] {
    const side = this.#sides[fromInitiator ? 'initiator' : 'target'];
    if (side.text.length + data.length <= LONGEST_TEXT) side.text = appendText(side.text, data, LONGEST_TEXT);
    if ((view.getUint8(1) & 0x40) !== 0) return [];
    const items = textItems(side.text);
    side.text = NOTHING;
    return items;
  }

  #agree(header: boolean, data: boolean): void {
    for (const { stream } of [this.#sides.initiator, this.#sides.target]) {
      stream.headerDigest = header;
      stream.dataDigest = data;
    }
  }

  #end(line: string): void {
    if (this.#told) return;
    this.#told = true;
    const early = !this.#judge.loggedOut && !this.#login.refused;
    this.#remark(early ? `${line} without a logout` : line, early);
  }

  #remark(line: string, problem: boolean): void {
    this.#tell({ kind: 'remark', connection: this.number, packet: this.#packet, time: this.#time, line, problem });
  }
}

const NOTHING = new Uint8Array(0);
