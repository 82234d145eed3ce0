/** A target core against an initiator that sends nonsense: it may reject, close, or ignore, but nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viewOf } from '../../src/bytes/hex.ts';
import { serialLess } from '../../src/bytes/serial.ts';
import type { Request } from '../support/speaker/initiator-voice.ts';
import { NIL, type Pdu } from '../support/speaker/pdu.ts';
import { nodeWith } from '../target/fake-device.ts';
import { pattern, RawInitiator } from '../target/raw-initiator.ts';
import { Random } from './random.ts';

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 0x7fff_ffff));
const ROUNDS = 150;
const LUNS = ['0', '0', '0', '1000000000000', '63000000000000'];
const REJECT = 0x3f;

/** Draws requests: mostly what an initiator could send, now and then with a field that makes no sense. */
class Hostile {
  readonly pick: (below: number) => number;
  readonly i: RawInitiator;
  readonly r2ts: Pdu[] = [];

  constructor(i: RawInitiator, pick: (below: number) => number) {
    this.i = i;
    this.pick = pick;
  }

  next(): Request {
    const request = this.any([
      this.read,
      this.write,
      this.write,
      this.dataOut,
      this.dataOut,
      this.other,
      this.other,
    ]).call(this);
    return this.pick(25) === 0 ? { ...request, ...this.#nonsense() } : request;
  }

  any<T>(list: readonly T[]): T {
    return list[this.pick(list.length)] as T;
  }

  tag(): number {
    return 0x100 + this.pick(12);
  }

  read(): Request {
    const blocks = this.pick(9);
    return { ...this.#command(`28000000${this.#address()}`, blocks), flags: this.any([0xc1, 0xc1, 0xc0, 0xc2, 0xc3]) };
  }

  write(): Request {
    const request = this.#command(`2a000000${this.#address()}`, 1 + this.pick(8));
    const length = Math.min(this.any([0, 0, 512, 700, 1024]), request.word20 ?? 0);
    const more = length < (request.word20 ?? 0) && this.pick(3) === 0;
    return { ...request, flags: more ? 0x21 : 0xa1, data: pattern(length) };
  }

  dataOut(): Request {
    const r2t = this.r2ts[this.pick(this.r2ts.length)];
    const whole = r2t?.count ?? 512;
    const [offset, transferTag, tag] =
      r2t === undefined ? [0, NIL, this.tag()] : [r2t.offset, r2t.transferTag, r2t.tag];
    const length = this.pick(3) === 0 ? this.pick(whole + 1) : whole;
    const rest = [0, this.pick(8) === 0 ? 1 : 0, offset, 0].map((n) => n.toString(16).padStart(8, '0')).join('');
    const lun = r2t === undefined ? '0' : r2t.view.getBigUint64(8).toString(16);
    return {
      opcode: 0x05,
      flags: this.any([0x80, 0x80, 0]),
      tag,
      word20: transferTag,
      rest,
      lun,
      data: pattern(length),
    };
  }

  other(): Request {
    const immediate = this.pick(2) === 0;
    const tag = this.tag() + 0x100;
    const cmdSN = this.#cmdSN(immediate);
    return this.any<Request>([
      { opcode: 0x00, immediate, tag, cmdSN, data: pattern(this.pick(2000)) },
      {
        opcode: 0x02,
        immediate,
        tag,
        cmdSN,
        flags: 0x81,
        word20: this.tag(),
        rest: ((cmdSN - 1 - this.pick(4)) >>> 0).toString(16).padStart(8, '0'),
      },
      { opcode: 0x02, immediate, tag, cmdSN, flags: 0x80 | this.any([2, 4, 5, 7, 8, 9]), lun: this.any(LUNS) },
      {
        opcode: 0x04,
        immediate,
        tag,
        cmdSN,
        flags: this.any([0x80, 0, 0x40]),
        data: new TextEncoder().encode(this.any(['SendTargets=\0', 'X-a=1\0', 'half'])),
      },
      { opcode: 0x04, immediate, tag: this.any([tag, 0x201]), cmdSN, word20: this.pick(5) },
      { opcode: 0x10, flags: 0x80, tag: this.tag() },
      { opcode: 0x07, tag },
    ]);
  }

  #command(cdb: string, blocks: number): Request & { readonly cmdSN: number } {
    const immediate = this.pick(10) === 0;
    return {
      opcode: 0x01,
      immediate,
      tag: this.tag(),
      lun: this.any(LUNS),
      word20: 512 * (this.pick(6) === 0 ? this.pick(9) : blocks),
      cmdSN: this.#cmdSN(immediate),
      rest: `${cdb}0000${blocks.toString(16).padStart(2, '0')}00`.padEnd(32, '0'),
    };
  }

  /** The next one, now and then a later one that leaves a hole, or one that was used. */
  #cmdSN(immediate: boolean): number {
    const { i } = this;
    if (this.pick(12) === 0) return (i.cmdSN + this.pick(4) - 2) >>> 0;
    const cmdSN = i.cmdSN;
    if (!immediate) i.cmdSN = (cmdSN + 1) >>> 0;
    return cmdSN;
  }

  #address(): string {
    return this.any(['0000', '0007', '0ff8', '0fff']);
  }

  #nonsense(): Partial<Request> {
    return this.any<Partial<Request>>([
      { opcode: this.any([0x03, 0x06, 0x1c, 0x21, 0x3f]) },
      { flags: this.pick(256) },
      { lun: this.pick(0xffff_ffff).toString(16) },
      { tag: this.any([NIL, 0, this.pick(0x1_0000_0000)]) },
      { word20: this.any([NIL, 0x7fff_ffff, this.pick(0x1_0000_0000)]) },
      { cmdSN: this.pick(0x1_0000_0000) },
      { data: pattern(this.pick(3000)) },
      { ahs: new Uint8Array(4 * this.pick(20)).fill(this.pick(256)) },
    ]);
  }
}

test(`full feature phase survives whatever an initiator sends (SEED=${SEED})`, () => {
  const pick = picker(SEED);
  const seen = new Map<number, number>();
  for (let round = 0; round < ROUNDS; round++) {
    const why = `SEED=${SEED}, round ${round}`;
    const { node, device } = nodeWith(
      {},
      { commands: 8, unsentBytes: 20_000, textLength: 3000, writeBufferBytes: 8192 },
    );
    const i = new RawInitiator(node);
    const keys = { InitialR2T: 'No', MaxOutstandingR2T: '4', FirstBurstLength: '1024', MaxBurstLength: '2048' };
    i.login({ keys: pick(2) === 0 ? keys : {}, cmdSN: pick(2) === 0 ? 1 : 0xffff_fff0 });
    const hostile = new Hostile(i, pick);
    i.flushes = false;
    const numbers = new Numbers(why);
    for (let step = 0; step < 80 && !i.core.finished; step++) {
      device.holds = pick(3) === 0;
      i.send(hostile.next());
      if (pick(3) === 0 && device.tasks.length > 0) device.next();
      if (pick(2) === 0) i.flush();
      if (pick(20) === 0) i.pass(3000);
      for (const pdu of i.collect().takeAll()) {
        seen.set(pdu.opcode, (seen.get(pdu.opcode) ?? 0) + 1);
        if (pdu.opcode === REJECT) assert.notEqual(pdu.byte2, 0x0b, `${why}: T-124`);
        numbers.check(pdu);
        if (pdu.opcode === 0x31) hostile.r2ts.push(pdu);
        while (hostile.r2ts.length > 4) hostile.r2ts.shift();
      }
      const tasks = node.sessions[0]?.tasks.size ?? 0;
      assert.ok(tasks <= 8 + 32, `${why}: ${tasks} tasks`);
    }
    i.core.ended();
    while (device.tasks.length > 0) device.next();
    assert.deepEqual([node.sessions.length, node.connectionCount, device.nexuses.size], [0, 0, 0], why);
    assert.equal(i.core.nextDeadline(), Number.POSITIVE_INFINITY, why);
  }
  for (const opcode of [0x20, 0x21, 0x22, 0x24, 0x25, 0x31, REJECT]) {
    assert.ok(
      (seen.get(opcode) ?? 0) > ROUNDS / 2,
      `the run has seen opcode ${opcode.toString(16)} often enough, SEED=${SEED}`,
    );
  }
});

/** Checks the numbers that each PDU of the target carries. */
class Numbers {
  readonly #why: string;
  #maxCmdSN: number | undefined;
  #expCmdSN: number | undefined;
  #statSN: number | undefined;

  constructor(why: string) {
    this.#why = why;
  }

  check({ opcode, flags, tag, statSN, expCmdSN, maxCmdSN }: Pdu): void {
    assert.equal(serialLess(maxCmdSN, (expCmdSN - 1) >>> 0), false, `${this.#why}: T-074`);
    assert.equal(serialLess(maxCmdSN, this.#maxCmdSN ?? maxCmdSN), false, `${this.#why}: T-074`);
    assert.equal(serialLess(expCmdSN, this.#expCmdSN ?? expCmdSN), false, `${this.#why}: T-075`);
    this.#maxCmdSN = maxCmdSN;
    this.#expCmdSN = expCmdSN;
    const isStatus = opcode === 0x25 ? (flags & 1) !== 0 : opcode !== 0x31 && !(opcode === 0x20 && tag === NIL);
    if (opcode === 0x25 && !isStatus) return;
    if (this.#statSN !== undefined) assert.equal(statSN, this.#statSN, `${this.#why}: T-080`);
    this.#statSN = isStatus ? (statSN + 1) >>> 0 : statSN;
  }
}

test(`login survives whatever is sent instead of it (SEED=${SEED})`, () => {
  const pick = picker(SEED ^ 0x5555);
  for (let round = 0; round < 300; round++) {
    const { node } = nodeWith({}, { textLength: 4000 });
    const i = new RawInitiator(node);
    const text = new TextEncoder().encode(
      'InitiatorName=iqn.2003-01.org.example:host\0TargetName=iqn.2003-01.org.example:disk\0',
    );
    for (let step = 0; step < 5 && !i.core.finished && i.core.loggingIn; step++) {
      const bytes = i.encode({ ...i.loginRequest([0x87, 0x81, 0x04, 0x44][pick(4)] ?? 0, ''), data: text });
      for (let change = pick(4); change > 0; change--) bytes[pick(bytes.length)] = pick(256);
      const cut = pick(bytes.length);
      const view = viewOf(bytes);
      i.core.receive(bytes, view, 0, cut);
      i.core.receive(bytes, view, cut, bytes.length);
      i.collect();
    }
    i.core.ended();
    assert.deepEqual([node.sessions.length, node.connectionCount], [0, 0], `SEED=${SEED}, round ${round}`);
  }
});

/** Gives numbers below a bound, the same ones for the same seed. */
function picker(seed: number): (below: number) => number {
  const random = new Random(seed);
  return (below) => random.below(below);
}
