/** 0xffffffff: no tag (RFC 7143 §11.2.1.8). */
export const NIL = 0xffff_ffff;

/** Length of a basic header segment in bytes. */
export const BHS = 48;

/** The parts of a PDU. */
export interface PduParts {
  /** Header and AHS in one piece. */
  readonly headers: Uint8Array;
  readonly data: Uint8Array;
  readonly pad: Uint8Array;
}

/**
 * One PDU, taken apart by the offsets of RFC 7143 §11 and by nothing in `src/`, so that the tests do not share the
 * mistakes of what they test. A name means something in those PDUs only that have the field.
 */
export class Pdu {
  /** The basic header segment. */
  readonly header: Uint8Array;
  readonly ahs: Uint8Array;
  readonly data: Uint8Array;
  readonly pad: Uint8Array;
  /** Header and AHS. */
  readonly view: DataView;

  constructor({ headers, data, pad }: PduParts) {
    this.view = new DataView(headers.buffer, headers.byteOffset, headers.byteLength);
    this.header = headers.subarray(0, BHS);
    this.ahs = headers.subarray(BHS);
    this.data = data;
    this.pad = pad;
  }

  get opcode(): number {
    return this.view.getUint8(0) & 0x3f;
  }
  get immediate(): boolean {
    return (this.view.getUint8(0) & 0x40) !== 0;
  }
  /** Byte 1: F and what else the opcode puts there. */
  get flags(): number {
    return this.view.getUint8(1);
  }
  get final(): boolean {
    return (this.flags & 0x80) !== 0;
  }
  /** Byte 2: response, reason. */
  get byte2(): number {
    return this.view.getUint8(2);
  }
  /** Byte 3: SCSI status. */
  get status(): number {
    return this.view.getUint8(3);
  }
  /** Initiator Task Tag. */
  get tag(): number {
    return this.word(16);
  }
  /** Target Transfer Tag. */
  get transferTag(): number {
    return this.word(20);
  }
  get statSN(): number {
    return this.word(24);
  }
  get expCmdSN(): number {
    return this.word(28);
  }
  get maxCmdSN(): number {
    return this.word(32);
  }
  /** DataSN, R2TSN, ExpDataSN. */
  get dataSN(): number {
    return this.word(36);
  }
  /** Buffer Offset. */
  get offset(): number {
    return this.word(40);
  }
  /** Residual Count, Desired Data Transfer Length. */
  get count(): number {
    return this.word(44);
  }
  get text(): string {
    return new TextDecoder().decode(this.data);
  }
  /** Keys of a text, by name. */
  get keys(): Map<string, string> {
    const pairs = this.text.split('\0').filter((pair) => pair !== '');
    return new Map(pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]));
  }
  /** Sense key, ASC, ASCQ as `0b/0c/0d`, of fixed-format sense data. */
  get sense(): string {
    const [key = 0, asc = 0, ascq = 0] = [this.data[2 + 2], this.data[2 + 12], this.data[2 + 13]];
    return [key & 0x0f, asc, ascq].map((byte) => byte.toString(16).padStart(2, '0')).join('/');
  }

  /** The 32-bit word at `offset` of the header. */
  word(offset: number): number {
    return this.view.getUint32(offset);
  }
}
