import { viewOf } from '../bytes/hex.ts';
import { ProtocolError } from '../errors.ts';
import { BHS_LENGTH, immediate, initiatorTaskTag, opcode } from '../pdu/bhs.ts';
import { targetTransferTag } from '../pdu/numbers.ts';
import { describePdu, PDU_KINDS, pduKind } from '../pdu/opcodes-table.ts';
import { parseText, type TextPair } from '../pdu/text.ts';
import { OPCODES, type OpcodeKey, opcodeName } from '../spec/iscsi-opcodes.ts';

/**
 * What became of a digest: there was none, because none is agreed or there is no data; or it was right, or it was not.
 */
export type DigestVerdict = 'absent' | 'right' | 'wrong';

/** The fields of a PDU as its codec names them. */
export type PduFields<K extends OpcodeKey> = ReturnType<(typeof PDU_KINDS)[K]['read']>;

/** The parts of a PDU as they came. */
export interface WirePduParts {
  /** Header and AHS in one piece, at least 48 bytes. */
  readonly headers: Uint8Array;
  readonly data: Uint8Array;
  readonly padding: Uint8Array;
  readonly headerDigest: DigestVerdict;
  readonly dataDigest: DigestVerdict;
  /** When its last byte came: milliseconds of the clock that the connection is given. */
  readonly arrivedAt: number;
}

/** The longest list of fields in a message. */
const SHOWN_LENGTH = 300;

/**
 * A PDU that arrived: its bytes as they came, whatever they are worth, and its fields when somebody asks. It owns its
 * bytes.
 *
 * @example
 * const seen: WirePdu[] = [];
 * const numbers = new TargetNumbers({ window: 3 });
 * new Deframer((pdu) => seen.push(pdu), () => 0).push(frame(nopIn(numbers, { targetTransferTag: 7 })));
 * const [pdu] = seen;
 * pdu?.name; // 'NOP-In'
 * pdu?.read('NOP_IN').maxCmdSN; // 2
 * pdu?.word(20); // 7
 * pdu?.broken; // undefined
 */
export class WirePdu {
  /** The 48 bytes of the basic header segment. */
  readonly header: Uint8Array;
  /** All additional header segments. */
  readonly ahs: Uint8Array;
  /** The data segment, without its padding. */
  readonly data: Uint8Array;
  /** The pad bytes, which should be zeros (RFC 7143 §11.1). */
  readonly padding: Uint8Array;
  readonly headerDigest: DigestVerdict;
  readonly dataDigest: DigestVerdict;
  /** When its last byte came: milliseconds of a monotonic clock. */
  readonly arrivedAt: number;
  readonly #view: DataView;

  constructor(parts: WirePduParts) {
    this.#view = viewOf(parts.headers);
    this.header = parts.headers.subarray(0, BHS_LENGTH);
    this.ahs = parts.headers.subarray(BHS_LENGTH);
    this.data = parts.data;
    this.padding = parts.padding;
    this.headerDigest = parts.headerDigest;
    this.dataDigest = parts.dataDigest;
    this.arrivedAt = parts.arrivedAt;
  }

  /** The opcode, 0..0x3f. */
  get opcode(): number {
    return opcode(this.#view, 0);
  }

  /** The RFC's name of the PDU. */
  get name(): string {
    return opcodeName(this.opcode);
  }

  /** The I bit. */
  get immediate(): boolean {
    return immediate(this.#view, 0);
  }

  /** Bytes 16 to 19, which are the Initiator Task Tag in every PDU. */
  get initiatorTaskTag(): number {
    return initiatorTaskTag(this.#view, 0);
  }

  /** Bytes 20 to 23, which are the Target Transfer Tag where a PDU has one. */
  get targetTransferTag(): number {
    return targetTransferTag(this.#view, 0);
  }

  /** The byte at `at` of the header. */
  byte(at: number): number {
    return this.#view.getUint8(at);
  }

  /** The 32-bit word at `at` of the header. */
  word(at: number): number {
    return this.#view.getUint32(at);
  }

  /** Whether it has this opcode. */
  is(key: OpcodeKey): boolean {
    return this.opcode === OPCODES[key];
  }

  /**
   * All fields of the header, as the PDU's own codec reads them.
   * @throws {ProtocolError} When it is another PDU.
   */
  read<K extends OpcodeKey>(key: K): PduFields<K> {
    if (!this.is(key)) {
      throw new ProtocolError(`Cannot read a ${this.name} as a ${opcodeName(OPCODES[key])}: opcodes differ`);
    }
    return PDU_KINDS[key].read(this.#view, 0) as PduFields<K>;
  }

  /**
   * What makes the header senseless by itself, with its clause; undefined when nothing does, or when nobody knows the
   * opcode.
   */
  get broken(): ProtocolError | undefined {
    try {
      pduKind(this.opcode)?.check(this.#view, 0);
      return undefined;
    } catch (error) {
      if (error instanceof ProtocolError) return error;
      throw error;
    }
  }

  /**
   * The pairs of the data segment of a login or text PDU.
   * @throws {ProtocolError} When it is no text, or not all of one.
   */
  get pairs(): TextPair[] {
    return parseText(this.data);
  }

  /** The PDU in words, for messages: name, what is not zero in its header, and which digest is wrong. */
  toString(): string {
    const { fields } = describePdu(this.#view, 0);
    const said = Object.entries(fields).filter(([, value]) => value !== 0 && value !== false && value !== '');
    const text = said.map(([name, value]) => (value === true ? name : `${name} ${value}`)).join(', ');
    const wrong = (verdict: DigestVerdict, which: string): string =>
      verdict === 'wrong' ? `, ${which} digest wrong` : '';
    const digests = wrong(this.headerDigest, 'header') + wrong(this.dataDigest, 'data');
    const shown = text.length > SHOWN_LENGTH ? `${text.slice(0, SHOWN_LENGTH)} ...` : text;
    return `${this.name} (${shown}${digests})`;
  }
}
