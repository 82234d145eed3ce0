/**
 * A write reported done is on the target (promise 1): whatever a target answers and whenever, nothing is reported
 * written that was not handed to the socket before (RFC 7143 §11.4.5).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type SeededRandom, seededRandom } from '../pdu/random.ts';
import { InitiatorRig, type Submitted } from '../support/initiator-rig.ts';
import { senseData } from '../support/speaker/data.ts';

const ROUNDS = 6000;
const GOOD_STATUSES = [0x00, 0x04];

/** A write of `length` bytes, none of which goes out unasked. */
function asking(length: number): { readonly rig: InitiatorRig; readonly write: Submitted } {
  const rig = InitiatorRig.loggedIn({
    policy: { initialR2T: true, immediateData: false },
    answers: { InitialR2T: 'Yes', ImmediateData: 'No' },
  });
  const write = rig.submit({ dataOut: new Uint8Array(length) });
  rig.take();
  return { rig, write };
}

for (const [title, fields] of [
  ['U and a count of 0', { residual: 0x02, residualCount: 0 }],
  ['U and a count that is too small', { residual: 0x02, residualCount: 1023 }],
  ['U and a count above what was announced', { residual: 0x02, residualCount: 1025 }],
  ['O', { residual: 0x04, residualCount: 512 }],
  ['u, which is about reading', { residual: 0x08, word40: 1024 }],
  ['no flag and a count', { residualCount: 1024 }],
  ['CONDITION MET and U with a count of 0', { status: 0x04, residual: 0x02 }],
] as const) {
  test(`a write of which no byte was asked for, answered GOOD with ${title}, is an error`, () => {
    const { rig, write } = asking(1024);
    rig.give(rig.voice.scsiResponse(write.tag, fields));
    assert.deepEqual([write.settled, write.error?.code], [1, 'ISCSI_PROTOCOL']);
    rig.assertAlive();
  });
}

test('a write answered GOOD by a Data-In with status is held to the same account', () => {
  const { rig, write } = asking(1024);
  rig.give(rig.voice.dataIn(write.tag, new Uint8Array(0), { status: 0, flags: 0x83 }));
  assert.deepEqual([write.settled, write.error?.code], [1, 'ISCSI_PROTOCOL']);
});

test('a residual may be more than what was not sent: unsolicited data goes out before the target knows the CDB', () => {
  const rig = InitiatorRig.loggedIn();
  const write = rig.submit({ dataOut: new Uint8Array(1024) });
  rig.take();
  rig.give(rig.voice.scsiResponse(write.tag, { residual: 0x02, residualCount: 512 }));
  assert.deepEqual([write.error, write.residual, write.residualCount], [undefined, 'underflow', 512]);
});

/** A socket and a target that do as they like; counts what was handed to the socket. */
class Play {
  readonly random: SeededRandom;
  readonly rig: InitiatorRig;
  readonly length: number;
  readonly write: Submitted;
  /** Bytes of the write that were handed to the socket. */
  handed = 0;
  /** What was handed over when the status came, and what it said. */
  answer: { readonly handed: number; readonly good: boolean; readonly unused: number } | undefined;
  /** True when the connection ended before the socket had taken all. */
  cutOff = false;
  #asked = 0;
  #r2tSN = 0;
  #unflushed = 0;

  constructor(random: SeededRandom) {
    this.random = random;
    this.length = 1 + random.below(random.below(2) === 0 ? 3000 : 40_000);
    this.rig = InitiatorRig.loggedIn({
      answers: {
        InitialR2T: random.below(2) === 0 ? 'Yes' : 'No',
        ImmediateData: random.below(2) === 0 ? 'Yes' : 'No',
        MaxRecvDataSegmentLength: random.below(2) === 0 ? '1024' : '65536',
        FirstBurstLength: '2048',
        MaxBurstLength: '20000',
      },
    });
    this.write = this.rig.submit({ dataOut: new Uint8Array(this.length), timeout: 5000 });
    this.#asked = this.write.task.sent;
  }

  drain(): void {
    const chunks = this.rig.connection.drain();
    if (chunks.length === 0) return;
    this.#unflushed++;
    for (const chunk of chunks) {
      for (const pdu of this.rig.parser.push(chunk)) {
        this.rig.voice.hear(pdu);
        this.handed += pdu.data.length;
      }
    }
  }

  flush(): void {
    if (this.#unflushed === 0) return;
    this.#unflushed--;
    this.rig.connection.flushed();
  }

  ask(): Uint8Array | undefined {
    const left = this.length - this.#asked;
    if (left === 0) return undefined;
    const length = Math.min(left, 1 + this.random.below(20_000));
    const bytes = this.rig.voice.r2t(this.write.tag, { r2tSN: this.#r2tSN++, offset: this.#asked, length });
    this.#asked += length;
    return bytes;
  }

  /** Any status with any flags and counts; the honest one now and then. */
  respond(): Uint8Array {
    const { random, write } = this;
    const status = [0, 0, 0, 0x04, 0x02, 0x08, 0x18][random.below(7)] ?? 0;
    const residual = [0, 0, 0x02, 0x02, 0x04, 0x08, 0x10][random.below(7)] ?? 0;
    const counts = [0, this.length - this.handed, this.length, this.length + 1, random.below(this.length + 2)];
    const residualCount = counts[random.below(5)] ?? 0;
    this.answer ??= {
      handed: this.handed,
      good: GOOD_STATUSES.includes(status),
      unused: residual === 0x02 ? residualCount : 0,
    };
    const sense = status === 0x02 ? { sense: senseData(3, 0x0c, 0) } : {};
    return this.rig.voice.scsiResponse(write.tag, { status, residual, residualCount, word40: residualCount, ...sense });
  }

  run(): void {
    const { random, rig } = this;
    for (let step = 0; step < 30 && this.write.settled === 0; step++) {
      const dice = random.below(12);
      const request = this.ask.bind(this);
      if (dice < 3) this.drain();
      else if (dice < 6) this.flush();
      else if (dice < 9) this.#give(request());
      else if (dice === 9) this.#give(request(), this.respond());
      else if (dice === 10) this.#give(this.respond());
      else if (random.below(6) === 0) {
        this.cutOff = this.#unflushed > 0 || this.handed < this.length;
        rig.connection.ended(random.below(2) === 0 ? new Error('reset') : undefined);
      }
    }
    if (this.write.settled === 0) rig.connection.ended();
  }

  #give(...pdus: readonly (Uint8Array | undefined)[]): void {
    this.rig.give(...pdus.filter((pdu) => pdu !== undefined));
  }
}

test('no write is reported done unless each of its bytes was handed to the socket before its status came', () => {
  const random = seededRandom();
  let done = 0;
  let refused = 0;
  let partly = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const play = new Play(random);
    play.run();
    const { write, answer, length } = play;
    assert.equal(write.settled, 1, random.note);
    if (write.error !== undefined || !GOOD_STATUSES.includes(write.status)) {
      if (answer?.good === true) refused++;
      continue;
    }
    assert.ok(answer?.good, `${random.note}: reported ${write.status} without such a status`);
    assert.ok(
      answer.handed + answer.unused >= length && answer.unused <= length,
      `${random.note}: ${length} bytes written, ${answer.handed} handed over, ${answer.unused} named as not written`,
    );
    assert.equal(write.residual === 'underflow' ? write.residualCount : 0, answer.unused, random.note);
    assert.ok(!play.cutOff, `${random.note}: done although the connection ended before the socket took all`);
    if (answer.unused === 0) done++;
    else partly++;
  }
  // The play is worth something only when it goes all ways.
  assert.ok(
    done > 50 && partly > 50 && refused > 50,
    `${random.note}: ${done} done, ${partly} partly, ${refused} refused`,
  );
});
