/**
 * Whatever a target does and whenever: each command settles once, in time, and its buffer is left alone from then on.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { type SeededRandom, seededRandom } from '../pdu/random.ts';
import { InitiatorRig, type Submitted } from '../support/initiator-rig.ts';
import { senseData } from '../support/speaker/data.ts';
import { NIL, type Pdu } from '../support/speaker/pdu.ts';

const ROUNDS = 150;
const STEPS = 120;
const DEAD = 0xee;

/** A command under test and what the target has done about it. */
interface Played {
  readonly submitted: Submitted;
  readonly latest: number;
  readonly buffer: Uint8Array;
  readonly write: boolean;
  /** The buffer as it was when the command settled. */
  snapshot: Uint8Array | undefined;
  arrived: boolean;
  moved: number;
  dataSN: number;
  r2tSN: number;
  answered: boolean;
}

class Play {
  readonly random: SeededRandom;
  readonly rig: InitiatorRig;
  readonly played: Played[] = [];
  readonly byTag = new Map<number, Played>();
  readonly functions: Pdu[] = [];
  readonly asked: { settled: number }[] = [];
  aborts = 0;

  constructor(random: SeededRandom) {
    this.random = random;
    this.rig = InitiatorRig.loggedIn({
      firstCmdSN: random.below(2) === 0 ? 0xffff_fff0 : random.below(2 ** 31),
      firstStatSN: random.below(2) === 0 ? 0xffff_fff0 : 0x7fff_fff0,
      window: 1 + random.below(12),
      keepaliveInterval: random.below(3) === 0 ? 500 : 0,
      answers: {
        HeaderDigest: random.below(2) === 0 ? 'None' : 'CRC32C',
        DataDigest: random.below(2) === 0 ? 'None' : 'CRC32C',
        InitialR2T: random.below(2) === 0 ? 'Yes' : 'No',
        ImmediateData: random.below(2) === 0 ? 'Yes' : 'No',
        FirstBurstLength: '512',
        MaxBurstLength: '1024',
        MaxRecvDataSegmentLength: '512',
      },
    });
  }

  get open(): boolean {
    return this.rig.ends.length === 0;
  }

  /** One command, of any kind. */
  submit(): void {
    const { random, rig } = this;
    const write = random.below(2) === 0;
    const buffer = new Uint8Array(random.below(6) === 0 ? 0 : 1 + random.below(4000)).fill(write ? 0x33 : 0x11);
    const timeout = random.below(4) === 0 ? Number.POSITIVE_INFINITY : 50 + random.below(4000);
    const at = rig.now;
    const holder: { played?: Played } = {};
    const submitted = rig.submit({
      ...(write ? { dataOut: buffer } : { dataIn: buffer }),
      timeout,
      lun: [random.below(3) << 16, 0],
      onSettled: () => {
        if (holder.played !== undefined) this.onSettled(holder.played);
      },
    });
    const played: Played = {
      submitted,
      latest: at + timeout,
      buffer,
      write,
      snapshot: undefined,
      arrived: false,
      moved: 0,
      dataSN: 0,
      r2tSN: 0,
      answered: false,
    };
    holder.played = played;
    this.played.push(played);
    this.byTag.set(submitted.tag, played);
    if (submitted.settled > 0) this.onSettled(played);
  }

  /** The buffer is the caller's again: who looks at it now, or writes to it, is found out. */
  onSettled(played: Played): void {
    if (played.write) played.buffer.fill(DEAD);
    played.snapshot = played.buffer.slice();
  }

  /** The target takes what was sent. */
  hear(): void {
    for (const pdu of this.rig.take()) {
      const played = this.byTag.get(pdu.tag);
      if (pdu.opcode === 0x01 && played !== undefined) played.arrived = true;
      if ((pdu.opcode === 0x01 || pdu.opcode === 0x05) && played !== undefined) {
        assert.ok(!pdu.data.includes(DEAD), `${this.random.note}: a settled command's buffer was sent`);
        if (played.write) played.moved += pdu.data.length;
      }
      if (pdu.opcode === 0x02 || pdu.opcode === 0x04 || (pdu.opcode === 0x00 && pdu.tag !== NIL))
        this.functions.push(pdu);
    }
  }

  say(bytes: Uint8Array): void {
    const { random, rig } = this;
    if (random.below(4) === 0) rig.trickle(bytes, 1 + random.below(60));
    else rig.give(bytes);
  }

  /** The target does something about a command that arrived. */
  act(): void {
    const { random, rig } = this;
    const candidates = this.played.filter(({ arrived, answered }) => arrived && !answered);
    const played = candidates[random.below(Math.max(1, candidates.length))];
    if (played === undefined) return;
    const { tag } = played.submitted;
    const left = played.buffer.length - played.moved;
    const dice = random.below(10);
    if (dice === 0) this.finish(played, rig.voice.scsiResponse(tag, { status: 2, sense: senseData(3, 0x11, 0) }));
    else if (dice === 1) this.finish(played, rig.voice.scsiResponse(tag, { response: 1 }));
    else if (played.write) this.actOnWrite(played, left);
    else if (left > 0 && dice < 8) {
      const length = 1 + random.below(left);
      const last = length === left && random.below(2) === 0;
      const bytes = rig.voice.dataIn(tag, new Uint8Array(length).fill(0x22), {
        offset: played.moved,
        dataSN: played.dataSN++,
        ...(last ? { status: 0 } : {}),
      });
      played.moved += length;
      if (last) played.answered = true;
      this.say(bytes);
    } else {
      const fields = left > 0 ? { residual: 0x02, residualCount: left } : {};
      this.finish(played, rig.voice.scsiResponse(tag, { ...fields, expDataSN: played.dataSN }));
    }
  }

  actOnWrite(played: Played, left: number): void {
    const { rig } = this;
    const { tag } = played.submitted;
    if (left <= 0) this.finish(played, rig.voice.scsiResponse(tag));
    else {
      const length = Math.min(left, 1 + this.random.below(1024));
      this.say(
        rig.voice.r2t(tag, { r2tSN: played.r2tSN++, offset: played.moved, length, transferTag: this.random.below(9) }),
      );
      this.hear();
    }
  }

  finish(played: Played, bytes: Uint8Array): void {
    played.answered = true;
    this.say(bytes);
  }

  /** The target answers a task management request, a text or a ping. */
  answerFunction(): void {
    const pdu = this.functions.shift();
    if (pdu === undefined) return;
    const { voice } = this.rig;
    if (pdu.opcode === 0x00) this.say(voice.pong(pdu.tag, pdu.data.slice()));
    else if (pdu.opcode === 0x04) this.say(voice.textResponse(pdu.tag, new Uint8Array(0)));
    else {
      const target = this.byTag.get(pdu.word(20));
      if (target !== undefined && this.random.below(3) > 0) target.answered = true; // else it answers late
      this.say(voice.taskManagementResponse(pdu.tag, target?.answered === true ? this.random.below(2) : 0));
    }
  }

  abort(): void {
    const played = this.played[this.random.below(Math.max(1, this.played.length))];
    if (played === undefined) return;
    this.aborts++;
    this.rig.session.abort(played.submitted.task, played.submitted.tag, new IscsiError('ISCSI_ABORTED', 'Enough'));
  }

  ask(): void {
    const { rig } = this;
    const deadline = rig.now + 100 + this.random.below(5000);
    this.asked.push(
      rig.ask((settle) => {
        if (this.random.below(2) === 0) rig.session.nop(this.random.bytes(this.random.below(9)), deadline, settle);
        else rig.session.text(new Uint8Array(0), deadline, settle);
      }),
    );
  }

  /** A thing that ends sessions. */
  disaster(): void {
    const { random, rig } = this;
    const dice = random.below(5);
    if (dice === 0) rig.connection.ended(new Error('reset'));
    else if (dice === 1) this.say(rig.voice.pdu({ opcode: 0x2a }));
    else if (dice === 2) rig.session.logout(rig.now + random.below(3000));
    else if (dice === 3) this.say(rig.voice.asyncMessage(1 + random.below(5), [0, 1, 1]));
    else this.say(random.bytes(60));
  }

  step(): void {
    const dice = this.random.below(100);
    if (dice < 25) this.submit();
    else if (dice < 60) this.act();
    else if (dice < 70) this.answerFunction();
    else if (dice < 76) this.abort();
    else if (dice < 79) this.ask();
    else if (dice < 90) this.rig.advance(this.random.below(200));
    else if (dice === 99 && this.random.below(4) === 0) this.disaster();
    if (this.random.below(3) > 0) this.hear();
  }

  check(): void {
    const { note } = this.random;
    for (const { submitted, latest, snapshot, buffer } of this.played) {
      assert.equal(submitted.settled, 1, `${note}: settled once`);
      assert.ok(submitted.settledAt <= latest, `${note}: settled at ${submitted.settledAt}, not by ${latest}`);
      assert.deepEqual(buffer, snapshot, `${note}: the buffer was touched after the command had settled`);
    }
    assert.ok(
      this.asked.every(({ settled }) => settled === 1),
      `${note}: each request settled once`,
    );
    assert.equal(this.rig.ends.length, 1, note);
    assert.equal(this.rig.session.tasks.size, 0, note);
    assert.equal(this.rig.connection.nextDeadline() === Number.POSITIVE_INFINITY || this.rig.connection.finished, true);
  }
}

test('each command settles exactly once, by its deadline, and its buffer is left alone afterwards', () => {
  const random = seededRandom();
  let ended = 0;
  let good = 0;
  let aborted = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const play = new Play(random);
    for (let step = 0; step < STEPS && play.open; step++) play.step();
    if (!play.open) ended++;
    // What is left ends by itself, by its deadline, or with the connection.
    if (play.open) play.rig.advance(random.below(20_000));
    if (play.open) play.rig.connection.ended();
    play.hear();
    for (const { submitted } of play.played) play.rig.give(play.rig.voice.dataIn(submitted.tag, new Uint8Array(4)));
    play.check();
    good += play.played.filter(({ submitted }) => submitted.error === undefined).length;
    aborted += play.played.filter(({ submitted }) => submitted.error?.code === 'ISCSI_ABORTED').length;
  }
  // The play is worth something only when it goes all ways.
  assert.ok(ended > 0 && ended < ROUNDS, `${random.note}: ${ended} of ${ROUNDS} sessions ended early`);
  assert.ok(good > ROUNDS && aborted > 10, `${random.note}: ${good} good, ${aborted} aborted`);
});

test('any bytes from the target, before the login and after it, end in a session that is alive or has ended with an error', () => {
  const random = seededRandom();
  for (let round = 0; round < 400; round++) {
    const rig = round % 4 === 0 ? new InitiatorRig() : InitiatorRig.loggedIn();
    if (round % 4 === 0) rig.begin();
    const commands = Array.from({ length: 3 }, () => rig.submit({ dataIn: new Uint8Array(64) }));
    const writes = Array.from({ length: 2 }, () => rig.submit({ dataOut: new Uint8Array(300_000) }));
    rig.take();
    const opcodes = [0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x31, 0x32, 0x3f];
    for (let count = 0; count < 20; count++) {
      const pdu = rig.voice.pdu({
        opcode: opcodes[random.below(opcodes.length)] ?? 0,
        tag: [...commands, ...writes][random.below(5)]?.tag ?? 0,
        data: random.bytes(random.below(70)),
      });
      for (let flips = random.below(6); flips > 0; flips--)
        pdu[random.below(Math.min(48, pdu.length))] = random.below(256);
      rig.give(pdu.subarray(0, random.below(20) === 0 ? random.below(pdu.length) : pdu.length));
      rig.take();
    }
    rig.connection.ended();
    assert.ok(rig.ends.length === 1, random.note);
    assert.ok(
      [...commands, ...writes].every(({ settled }) => settled === 1),
      random.note,
    );
    assert.ok(rig.ends[0] === undefined || rig.ends[0] instanceof IscsiError, random.note);
    // A cause that is no error of the protocol would be a bug of ours that the target can set off.
    const cause = rig.ends[0]?.cause;
    assert.ok(!(cause instanceof Error), `${random.note}: ${String(cause)}`);
  }
});
