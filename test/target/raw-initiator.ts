/**
 * A scripted initiator for the target core: in memory, on a clock of its own. What it says and hears goes through the
 * speaker of the tests, which shares nothing with `src/pdu`.
 */
import assert from 'node:assert/strict';
import { concat, viewOf } from '../../src/bytes/hex.ts';
import type { TargetConnection } from '../../src/target/target-connection.ts';
import type { TargetNode } from '../../src/target/target-node.ts';
import { textOf } from '../support/speaker/data.ts';
import {
  InitiatorVoice,
  type LoginOptions,
  type Request,
  type TaggedRequest,
} from '../support/speaker/initiator-voice.ts';
import { PduParser } from '../support/speaker/parser.ts';
import type { Pdu } from '../support/speaker/pdu.ts';

export const TARGET_NAME = 'iqn.2003-01.org.example:disk';
export const INITIATOR_NAME = 'iqn.2003-01.org.example:host';

export class RawInitiator extends InitiatorVoice {
  readonly core: TargetConnection;
  readonly pdus: Pdu[] = [];
  /** False: hand-overs are not reported as written. */
  flushes = true;
  wakes = 0;
  now = 0;
  #unflushed = 0;
  readonly #parser = new PduParser();

  constructor(node: TargetNode, portal = { host: '192.0.2.1', port: 3260 }) {
    super();
    const core = node.accept({ portal, now: () => this.now, wake: () => this.wakes++ });
    assert.ok(core, 'the node accepts the connection');
    this.core = core;
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
    const pending: Uint8Array[] = [];
    for (let chunks = this.core.drain(); chunks.length > 0; chunks = this.core.drain()) {
      pending.push(concat(...chunks));
      this.#unflushed++;
      if (this.flushes) this.flush();
    }
    this.#parse(concat(...pending));
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
  command(...args: Parameters<InitiatorVoice['commandRequest']>): number {
    return this.#sendTagged(this.commandRequest(...args));
  }

  /** A Data-Out. */
  dataOut(...args: Parameters<InitiatorVoice['dataOutRequest']>): this {
    return this.send(this.dataOutRequest(...args));
  }

  /** A Task Management Function Request; immediate. */
  taskManagement(...args: Parameters<InitiatorVoice['taskManagementRequest']>): number {
    return this.#sendTagged(this.taskManagementRequest(...args));
  }

  /** A NOP-Out that wants an answer; immediate. */
  ping(...args: Parameters<InitiatorVoice['pingRequest']>): number {
    return this.#sendTagged(this.pingRequest(...args));
  }

  #sendTagged(request: TaggedRequest): number {
    this.send(request);
    return request.tag;
  }

  #statusOf(response: Pdu): number {
    assert.equal(response.opcode, 0x23, 'a Login Response');
    return response.view.getUint16(36);
  }

  #parse(bytes: Uint8Array): void {
    this.#parser.headerDigest = this.headerDigest;
    this.#parser.dataDigest = this.dataDigest;
    for (const pdu of this.#parser.push(bytes)) {
      assert.equal(pdu.ahs.length, 0, 'responses have no AHS');
      assert.deepEqual([...pdu.pad], new Array(pdu.pad.length).fill(0), 'zero padding');
      this.pdus.push(pdu);
    }
  }
}

/** Bytes that differ from place to place. */
export function pattern(length: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 31 + (at >> 8) * 7 + seed) & 0xff);
}
