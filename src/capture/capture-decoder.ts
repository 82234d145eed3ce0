import { viewOf } from '../bytes/hex.ts';
import { BHS_LENGTH, opcode } from '../pdu/bhs.ts';
import { FIRST_TARGET_OPCODE, OPCODES } from '../spec/iscsi-opcodes.ts';
import { CaptureReader, type FilePacket } from './capture-read.ts';
import { type CaptureEvent, Conversation } from './conversation.ts';
import { GAP_COMMENT } from './pcapng-write.ts';
import { beginsPdu } from './pdu-stream.ts';
import { SharedBudget } from './tcp-order.ts';
import { knowsLink, type TcpSegment, tcpSegment } from './tcp-segment.ts';

/** The port that iSCSI has (RFC 7143 §4.2.1). */
const ISCSI_PORT = 3260;
/** Connections that are followed; what a capture of a busy network has more is told. */
const MOST_CONNECTIONS = 1024;
/** Connections that are no iSCSI, or not known to be: the last ones are remembered. */
const MOST_OTHERS = 65_536;
/** Bytes of all connections together that wait for some before them. */
const MOST_WAITING_BYTES = 64 * 1024 * 1024;
/** Commands of all connections together that are remembered while they have no status. */
const MOST_TASKS = 65_536;

/** How a capture is read. */
export interface DecodeOptions {
  /** The target's port. Default: 3260, and whatever port a login is seen at. */
  readonly port?: number | undefined;
}

/** What a capture turned out to have. */
export interface CaptureTotals {
  readonly packets: number;
  /** Connections with iSCSI. */
  readonly connections: number;
  readonly pdus: number;
  /** What was wrong, PDUs and remarks together. */
  readonly problems: number;
  /** Bytes at the end of the file that are no whole packet. */
  readonly cutBytes: number;
  /** Why packets were passed over, as far as that is known. */
  readonly unreadable: readonly string[];
}

/**
 * Reads a capture, by whomever it was made, and tells what its iSCSI connections say, in the order of the packets.
 * However long it is, and whatever it says: what is kept is bounded.
 *
 * @example
 * const decoder = new CaptureDecoder((event) => event.line);
 * new PcapngStream((bytes) => decoder.push(bytes));
 * decoder.end().pdus; // 0
 */
export class CaptureDecoder {
  readonly #tell: (event: CaptureEvent) => void;
  readonly #port: number | undefined;
  readonly #reader = new CaptureReader((packet) => this.#packet(packet));
  readonly #budgets = {
    waiting: new SharedBudget(MOST_WAITING_BYTES),
    tasks: new SharedBudget(MOST_TASKS),
  };
  readonly #conversations = new Map<string, Conversation>();
  /** Connections whose first bytes are still to come: where SYN was seen, and both sequence numbers. */
  #begun = new Map<string, TcpSegment[]>();
  /** Those before them: to delete the oldest of a map one by one takes longer the more there were. */
  #begunBefore = new Map<string, TcpSegment[]>();
  readonly #others = new Set<string>();
  readonly #unreadable = new Set<string>();
  #count = 0;
  #pdus = 0;
  #problems = 0;

  constructor(tell: (event: CaptureEvent) => void, { port }: DecodeOptions = {}) {
    this.#tell = (event) => {
      if (event.kind === 'pdu') this.#pdus++;
      this.#problems += event.kind === 'pdu' ? event.problems.length : Number(event.problem);
      tell(event);
    };
    this.#port = port;
  }

  /**
   * Takes the next bytes of the file, copied.
   * @throws {RangeError} `ISCSI_USAGE` when it is no capture, or cannot be read any further.
   */
  push(bytes: Uint8Array): void {
    this.#reader.push(bytes);
  }

  /** The file is over. */
  end(): CaptureTotals {
    for (const conversation of this.#conversations.values()) conversation.end();
    this.#conversations.clear();
    return {
      packets: this.#reader.packets,
      connections: this.#count,
      pdus: this.#pdus,
      problems: this.#problems,
      cutBytes: this.#reader.pending,
      unreadable: [...this.#unreadable],
    };
  }

  #packet({ linkType, bytes, originalLength, number, time, comment }: FilePacket): void {
    if (!knowsLink(linkType)) {
      if (this.#unreadable.size < 16) this.#unreadable.add(`packets of link type ${linkType}`);
      return;
    }
    const segment = tcpSegment(linkType, bytes, originalLength);
    if (segment === undefined) return;
    const key = keyOf(segment);
    if (segment.syn && !segment.ack) this.#forget(key);
    const conversation = this.#conversations.get(key) ?? this.#begin(key, segment, number, time);
    if (comment === GAP_COMMENT) conversation?.gap(number, time);
    conversation?.take(segment, number, time);
    if (conversation?.over) {
      this.#forget(key);
      this.#pass(key); // what is sent again once more is nothing new
    }
  }

  #pass(key: string): void {
    if (this.#others.size < MOST_OTHERS) this.#others.add(key);
  }

  /** The ports may be used again for a new connection. */
  #forget(key: string): void {
    this.#conversations.get(key)?.end();
    this.#conversations.delete(key);
    this.#dropBegun(key);
    this.#others.delete(key);
  }

  #begin(key: string, segment: TcpSegment, packet: number, time: number | undefined): Conversation | undefined {
    if (this.#others.has(key)) return undefined;
    const begun = this.#begun.get(key) ?? this.#begunBefore.get(key);
    if (segment.payloadLength === 0) {
      if (!segment.syn) return undefined;
      if (begun === undefined) this.#remember(key, segment);
      else if (begun.length < 2) begun.push(segment);
      return undefined;
    }
    const initiator = this.#initiatorOf(segment);
    this.#dropBegun(key);
    if (initiator === undefined) {
      if (segment.payload.length >= BHS_LENGTH) this.#pass(key);
      return undefined;
    }
    if (this.#conversations.size >= MOST_CONNECTIONS) {
      this.#unreadable.add(`connections beyond ${MOST_CONNECTIONS} at a time`);
      return undefined;
    }
    const complete = begun !== undefined || isLoginRequest(segment.payload);
    return this.#open(key, { initiator, segment, packet, time, complete, begun: begun ?? [] });
  }

  #open(
    key: string,
    about: {
      readonly initiator: string;
      readonly segment: TcpSegment;
      readonly packet: number;
      readonly time: number | undefined;
      readonly complete: boolean;
      readonly begun: readonly TcpSegment[];
    },
  ): Conversation {
    const { initiator, segment, packet, time, complete, begun } = about;
    const target = segment.from === initiator ? segment.to : segment.from;
    const number = ++this.#count;
    const conversation = new Conversation({ number, initiator, target, complete }, this.#budgets, this.#tell);
    this.#conversations.set(key, conversation);
    const line = `${initiator} to ${target}${complete ? '' : ', whose beginning is not in the capture'}`;
    this.#tell({ kind: 'remark', connection: number, packet, time, line, problem: false });
    for (const syn of begun) conversation.take(syn, packet, time);
    return conversation;
  }

  #dropBegun(key: string): void {
    this.#begun.delete(key);
    this.#begunBefore.delete(key);
  }

  #remember(key: string, segment: TcpSegment): void {
    if (this.#begun.size >= MOST_OTHERS / 2) {
      this.#begunBefore = this.#begun;
      this.#begun = new Map();
    }
    this.#begun.set(key, [segment]);
  }

  /** Who is the initiator, when this is iSCSI: the port tells, or the first bytes do. */
  #initiatorOf({ from, to, fromPort, toPort, payload }: TcpSegment): string | undefined {
    const port = this.#port ?? ISCSI_PORT;
    if (toPort === port) return from;
    if (fromPort === port) return to;
    if (this.#port !== undefined || !beginsPdu(payload)) return undefined;
    const code = opcode(viewOf(payload), 0);
    // A zero byte alone would be a NOP-Out: of a port that nobody knows, more is wanted.
    if (code === OPCODES.NOP_OUT) return undefined;
    return code < FIRST_TARGET_OPCODE ? from : to;
  }
}

function isLoginRequest(payload: Uint8Array): boolean {
  return ((payload[0] ?? 0) & 0x3f) === OPCODES.LOGIN_REQUEST;
}

function keyOf({ from, to }: TcpSegment): string {
  return from < to ? `${from} ${to}` : `${to} ${from}`;
}
