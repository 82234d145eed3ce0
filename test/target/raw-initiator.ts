/**
 * A scripted initiator for the target core: in memory, on a clock of its own. It builds and reads PDUs by byte offsets
 * of RFC 7143 §11, without the codecs of `src/pdu`, so that it does not share their mistakes.
 */
import assert from 'node:assert/strict';
import { crc32c } from '../../src/bytes/crc32c.ts';
import { concat, viewOf } from '../../src/bytes/hex.ts';
import type { TargetConnection } from '../../src/target/target-connection.ts';
import type { TargetNode } from '../../src/target/target-node.ts';

export const NIL = 0xffff_ffff;
export const TARGET_NAME = 'iqn.2003-01.org.example:disk';
export const INITIATOR_NAME = 'iqn.2003-01.org.example:host';
const BHS = 48;

/** One PDU from the target, taken apart by offsets. */
export class Pdu {
  readonly bytes: Uint8Array;
  readonly data: Uint8Array;
  readonly view: DataView;

  constructor(bytes: Uint8Array, data: Uint8Array) {
    this.bytes = bytes;
    this.view = viewOf(bytes);
    this.data = data;
  }

  get opcode(): number {
    return this.view.getUint8(0) & 0x3f;
  }
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
  get tag(): number {
    return this.u32(16);
  }
  get transferTag(): number {
    return this.u32(20);
  }
  get statSN(): number {
    return this.u32(24);
  }
  get expCmdSN(): number {
    return this.u32(28);
  }
  get maxCmdSN(): number {
    return this.u32(32);
  }
  /** DataSN, R2TSN, ExpDataSN. */
  get dataSN(): number {
    return this.u32(36);
  }
  get offset(): number {
    return this.u32(40);
  }
  /** Residual Count, Desired Data Transfer Length. */
  get count(): number {
    return this.u32(44);
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
  u32(at: number): number {
    return this.view.getUint32(at);
  }
}

/** Fields of a request; what is left out is zero, tags are reserved. */
export interface Request {
  readonly opcode: number;
  readonly immediate?: boolean;
  readonly flags?: number;
  /** Eight bytes as hex digits. */
  readonly lun?: string;
  readonly tag?: number;
  /** Bytes 20..23. */
  readonly word20?: number;
  readonly cmdSN?: number;
  readonly expStatSN?: number;
  /** Bytes 32.., as hex digits. */
  readonly rest?: string;
  readonly ahs?: Uint8Array;
  readonly data?: Uint8Array;
  /** Says another DataSegmentLength than there is data. */
  readonly length?: number;
}

/** What a login shall ask for. */
export interface LoginOptions {
  readonly keys?: Readonly<Record<string, string>>;
  readonly isid?: string;
  readonly tsih?: number;
  readonly cid?: number;
  readonly cmdSN?: number;
  readonly discovery?: boolean;
  readonly initiatorName?: string;
  readonly targetName?: string;
}

export class RawInitiator {
  readonly core: TargetConnection;
  readonly pdus: Pdu[] = [];
  cmdSN = 1;
  tag = 0x100;
  headerDigest = false;
  dataDigest = false;
  /** False: hand-overs are not reported as written. */
  flushes = true;
  wakes = 0;
  now = 0;
  #unflushed = 0;
  #pending: Uint8Array = new Uint8Array(0);

  constructor(node: TargetNode, portal = { host: '192.0.2.1', port: 3260 }) {
    const core = node.accept({ portal, wake: () => this.wakes++, now: () => this.now });
    assert.ok(core, 'the node accepts the connection');
    this.core = core;
  }

  /** The bytes of a request. */
  encode(request: Request): Uint8Array {
    const { ahs = new Uint8Array(0), data = new Uint8Array(0) } = request;
    const header = new Uint8Array(BHS);
    const v = viewOf(header);
    v.setUint8(0, request.opcode | (request.immediate ? 0x40 : 0));
    v.setUint8(1, request.flags ?? 0x80);
    v.setUint32(4, request.length ?? data.length);
    v.setUint8(4, ahs.length / 4);
    v.setBigUint64(8, BigInt(`0x${request.lun ?? '0'}`));
    v.setUint32(16, request.tag ?? NIL);
    v.setUint32(20, request.word20 ?? NIL);
    v.setUint32(24, request.cmdSN ?? this.cmdSN);
    v.setUint32(28, request.expStatSN ?? 0);
    const rest = request.rest ?? '';
    for (let at = 0; at < rest.length / 2; at++)
      v.setUint8(32 + at, Number.parseInt(rest.slice(2 * at, 2 * at + 2), 16));
    const pad = new Uint8Array(-data.length & 3);
    const parts = [header, ahs];
    if (this.headerDigest) parts.push(digest(concat(header, ahs)));
    parts.push(data, pad);
    if (this.dataDigest && data.length > 0) parts.push(digest(concat(data, pad)));
    return concat(...parts);
  }

  send(request: Request): this {
    return this.sendBytes(this.encode(request));
  }

  /** Feeds bytes in one read. */
  sendBytes(bytes: Uint8Array): this {
    const copy = bytes.slice();
    this.core.receive(copy, viewOf(copy), 0, copy.length);
    copy.fill(0xee); // whoever kept a view of it shall notice
    return this.collect();
  }

  /** Takes what the core wants to send. */
  collect(): this {
    for (let chunks = this.core.drain(); chunks.length > 0; chunks = this.core.drain()) {
      this.#pending = concat(this.#pending, ...chunks);
      this.#unflushed++;
      if (this.flushes) this.flush();
    }
    this.#parse();
    return this;
  }

  /** Reports all hand-overs as written. */
  flush(): this {
    while (this.#unflushed > 0) {
      this.#unflushed--;
      this.core.flushed();
    }
    return this;
  }

  /** Lets milliseconds pass. */
  pass(milliseconds: number): this {
    this.now += milliseconds;
    this.core.tick(this.now);
    return this.collect();
  }

  /** The next PDU. */
  take(): Pdu {
    const pdu = this.pdus.shift();
    assert.ok(pdu, 'the target has sent something');
    return pdu;
  }

  /** The only PDU that there is. */
  takeOnly(): Pdu {
    assert.equal(this.pdus.length, 1, `one PDU, not opcodes ${this.pdus.map(({ opcode }) => opcode.toString(16))}`);
    return this.take();
  }

  /** All PDUs that there are. */
  takeAll(): Pdu[] {
    return this.pdus.splice(0);
  }

  nothing(): this {
    assert.deepEqual(
      this.pdus.map(({ opcode }) => opcode),
      [],
      'the target sends nothing',
    );
    return this;
  }

  /** One Login Request. */
  loginRequest(
    flags: number,
    text: string,
    { isid = '800000000001', tsih = 0, cid = 0, cmdSN = this.cmdSN }: LoginOptions = {},
  ): Request {
    return {
      opcode: 0x03,
      immediate: true,
      flags,
      lun: isid + tsih.toString(16).padStart(4, '0'),
      tag: 0x10,
      word20: (cid << 16) >>> 0,
      cmdSN,
      data: new TextEncoder().encode(text),
    };
  }

  /** Logs in with one request, from the operational stage, and takes the digests into force. */
  login(options: LoginOptions = {}): Pdu {
    const { discovery = false, initiatorName = INITIATOR_NAME, targetName = TARGET_NAME, keys = {} } = options;
    this.cmdSN = options.cmdSN ?? this.cmdSN;
    const all: Record<string, string> = {
      InitiatorName: initiatorName,
      ...(discovery ? { SessionType: 'Discovery' } : { TargetName: targetName }),
      ...keys,
    };
    this.send(this.loginRequest(0x87, textOf(all), options));
    let response = this.take();
    // What the target proposes itself is accepted as it is.
    while (response.flags === 0x04 && this.#statusOf(response) === 0) {
      const proposed = [...response.keys].filter(([key]) => key !== 'MaxRecvDataSegmentLength' && !(key in all));
      const answers = proposed.filter(([key]) => !key.startsWith('Target'));
      this.send(this.loginRequest(0x87, textOf(Object.fromEntries(answers)), options));
      response = this.take();
    }
    assert.equal(this.#statusOf(response), 0, 'the login is accepted');
    assert.equal(response.flags & 0x83, 0x83, 'the login has ended');
    this.headerDigest = keys['HeaderDigest'] === 'CRC32C';
    this.dataDigest = keys['DataDigest'] === 'CRC32C';
    return response;
  }

  /** A SCSI Command; uses up a CmdSN unless it is immediate or brings its own. */
  command(cdb: string, request: Partial<Request> & { readonly edtl?: number } = {}): number {
    const tag = request.tag ?? this.tag++;
    const numbered = !request.immediate && request.cmdSN === undefined;
    this.send({
      opcode: 0x01,
      flags: 0xc1,
      word20: request.edtl ?? 0,
      rest: cdb.replace(/\s/g, '').padEnd(32, '0'),
      ...request,
      tag,
    });
    if (numbered) this.cmdSN = (this.cmdSN + 1) >>> 0;
    return tag;
  }

  /** A Data-Out. */
  dataOut(
    tag: number,
    transferTag: number,
    dataSN: number,
    offset: number,
    data: Uint8Array,
    flags = 0x80,
    lun?: string,
  ): this {
    const hexWords = [0, dataSN, offset, 0].map((word) => word.toString(16).padStart(8, '0')).join('');
    return this.send({
      opcode: 0x05,
      flags,
      tag,
      word20: transferTag,
      cmdSN: 0,
      rest: hexWords,
      data,
      ...(lun === undefined ? {} : { lun }),
    });
  }

  /** A Task Management Function Request; immediate. */
  taskManagement(
    code: number,
    referenced = NIL,
    request: Partial<Request> & { readonly refCmdSN?: number } = {},
  ): number {
    const tag = request.tag ?? this.tag++;
    const refCmdSN = (request.refCmdSN ?? 0).toString(16).padStart(8, '0');
    this.send({
      opcode: 0x02,
      immediate: true,
      flags: 0x80 | code,
      word20: referenced,
      rest: refCmdSN,
      ...request,
      tag,
    });
    return tag;
  }

  /** A NOP-Out that wants an answer; immediate. */
  ping(data: Uint8Array = new Uint8Array(0), request: Partial<Request> = {}): number {
    const tag = request.tag ?? this.tag++;
    this.send({ opcode: 0x00, immediate: true, data, ...request, tag });
    return tag;
  }

  #statusOf(response: Pdu): number {
    assert.equal(response.opcode, 0x23, 'a Login Response');
    return response.view.getUint16(36);
  }

  #parse(): void {
    const bytes = this.#pending;
    let at = 0;
    while (bytes.length - at >= BHS) {
      const v = viewOf(bytes.subarray(at));
      assert.equal(v.getUint8(4), 0, 'responses have no AHS');
      const length = v.getUint32(4) & 0xff_ffff;
      const padded = (length + 3) & ~3;
      const dataAt = at + BHS + (this.headerDigest ? 4 : 0);
      const end = dataAt + padded + (this.dataDigest && length > 0 ? 4 : 0);
      if (end > bytes.length) break;
      if (this.headerDigest) check(bytes, at, at + BHS);
      if (this.dataDigest && length > 0) check(bytes, dataAt, dataAt + padded);
      assert.deepEqual(
        [...bytes.slice(dataAt + length, dataAt + padded)],
        new Array(padded - length).fill(0),
        'zero padding',
      );
      this.pdus.push(new Pdu(bytes.slice(at, at + BHS), bytes.slice(dataAt, dataAt + length)));
      at = end;
    }
    this.#pending = bytes.slice(at);
  }
}

/** `key=value NUL` for each. */
export function textOf(keys: Readonly<Record<string, string>>): string {
  return Object.entries(keys)
    .map(([key, value]) => `${key}=${value}\0`)
    .join('');
}

/** Bytes that differ from place to place. */
export function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8) * 7 + seed) & 0xff);
}

function digest(bytes: Uint8Array): Uint8Array {
  const word = new Uint8Array(4);
  viewOf(word).setUint32(0, crc32c(bytes, 0, bytes.length), true);
  return word;
}

function check(bytes: Uint8Array, from: number, to: number): void {
  assert.equal(viewOf(bytes).getUint32(to, true), crc32c(bytes, from, to), 'the digest is right');
}
