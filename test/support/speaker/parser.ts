import assert from 'node:assert/strict';
import { slowCrc32c } from './crc32c.ts';
import { BHS, Pdu } from './pdu.ts';

/** Finds the PDUs in what a peer of either role sent, and checks their digests. */
export class PduParser {
  headerDigest = false;
  dataDigest = false;
  #rest = new Uint8Array(0);

  /** True when no part of a PDU is left over. */
  get empty(): boolean {
    return this.#rest.length === 0;
  }

  push(bytes: Uint8Array): Pdu[] {
    const joined = new Uint8Array(this.#rest.length + bytes.length);
    joined.set(this.#rest);
    joined.set(bytes, this.#rest.length);
    const pdus: Pdu[] = [];
    let at = 0;
    for (;;) {
      const end = this.#endOf(joined, at);
      if (end === undefined || end > joined.length) break;
      pdus.push(this.#parse(joined, at, end));
      at = end;
    }
    this.#rest = joined.slice(at);
    return pdus;
  }

  #endOf(bytes: Uint8Array, at: number): number | undefined {
    if (bytes.length - at < BHS) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset + at);
    const length = view.getUint32(4) & 0xff_ffff;
    const data = length === 0 ? 0 : ((length + 3) & ~3) + (this.dataDigest ? 4 : 0);
    return at + BHS + view.getUint8(4) * 4 + (this.headerDigest ? 4 : 0) + data;
  }

  #parse(bytes: Uint8Array, at: number, end: number): Pdu {
    const whole = bytes.slice(at, end);
    const view = new DataView(whole.buffer);
    const headerEnd = BHS + view.getUint8(4) * 4;
    if (this.headerDigest) {
      assert.equal(view.getUint32(headerEnd, true), slowCrc32c(whole.subarray(0, headerEnd)), 'header digest');
    }
    const dataAt = headerEnd + (this.headerDigest ? 4 : 0);
    const length = view.getUint32(4) & 0xff_ffff;
    const padEnd = dataAt + ((length + 3) & ~3);
    if (this.dataDigest && length > 0) {
      assert.equal(view.getUint32(padEnd, true), slowCrc32c(whole.subarray(dataAt, padEnd)), 'data digest');
    }
    return new Pdu({
      headers: whole.subarray(0, headerEnd),
      data: whole.subarray(dataAt, dataAt + length),
      pad: whole.subarray(dataAt + length, padEnd),
    });
  }
}
