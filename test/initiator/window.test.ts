/** Command and status numbering (RFC 7143 §4.2.2; checklist I-061 to I-067). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SendWindow } from '../../src/initiator/send-window.ts';
import { InitiatorRig } from '../support/initiator-rig.ts';
import { senseData, senseSegment } from '../support/speaker/data.ts';
import { NIL } from '../support/speaker/pdu.ts';

const EMPTY = new Uint8Array(0);
const LATER = 1_000_000;

/** Numbers near which 32-bit arithmetic goes wrong. */
const STARTS = [0, 1, 0x7fff_fff0, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_fffe, 0xffff_ffff];

for (const start of STARTS) {
  test(`I-061: CmdSN goes up by one per command from 0x${start.toString(16)}, whatever the window`, () => {
    for (const window of [1, 3, 100]) {
      const rig = InitiatorRig.loggedIn({ firstCmdSN: start, window });
      const commands = Array.from({ length: 40 }, () => rig.submit());
      const numbers: number[] = [];
      for (let round = 0; round < 100 && commands.some(({ settled }) => settled === 0); round++) {
        const sent = rig.take();
        assert.ok(sent.length <= window, 'never more than the window');
        for (const pdu of sent) numbers.push(pdu.word(24));
        for (const pdu of sent) rig.give(rig.voice.scsiResponse(pdu.tag));
      }
      assert.deepEqual(
        numbers,
        commands.map((_, index) => (start + index) >>> 0),
      );
      assert.ok(commands.every(({ settled, error }) => settled === 1 && error === undefined));
    }
  });
}

test('I-062, D-24: immediate requests carry CmdSN without using it up, and pass a closed window', () => {
  const rig = InitiatorRig.loggedIn({ firstCmdSN: 10, window: 1 });
  rig.submit();
  rig.submit();
  rig.ask((settle) => rig.session.nop(EMPTY, LATER, settle));
  rig.ask((settle) => rig.session.text(EMPTY, LATER, settle));
  rig.ask((settle) =>
    rig.session.taskManagement(
      { functionCode: 5, lunHigh: 0, lunLow: 0, referencedTaskTag: NIL, refCmdSN: 0 },
      LATER,
      settle,
    ),
  );
  const sent = rig.take();
  assert.deepEqual(
    sent.map((pdu) => [pdu.opcode, pdu.immediate, pdu.word(24)]),
    [
      [0x01, false, 10],
      [0x00, true, 11],
      [0x04, true, 11],
      [0x02, true, 11],
    ],
  );
  rig.give(rig.voice.nopIn());
  assert.deepEqual(
    rig.take().map((pdu) => [pdu.opcode, pdu.word(24)]),
    [[0x01, 11]],
  );
});

test('I-063: a closed window stops commands until a NOP-In opens it', () => {
  const rig = InitiatorRig.loggedIn({ firstCmdSN: 0xffff_ffff, window: 0 });
  for (let command = 0; command < 3; command++) rig.submit();
  assert.deepEqual(rig.take(), []);
  rig.voice.window = 2;
  rig.give(rig.voice.nopIn());
  assert.deepEqual(
    rig.take().map((pdu) => pdu.word(24)),
    [0xffff_ffff, 0],
  );
  rig.voice.window = 0;
  rig.give(rig.voice.nopIn());
  assert.deepEqual(rig.take(), []);
  rig.voice.window = 1;
  rig.give(rig.voice.nopIn());
  assert.deepEqual(
    rig.take().map((pdu) => pdu.word(24)),
    [1],
  );
});

test('I-063: any PDU can open the window: Data-In, R2T, a response, an answer to a ping', () => {
  const openers = (rig: InitiatorRig, write: number, read: number): Record<string, () => Uint8Array> => ({
    dataIn: () => rig.voice.dataIn(read, new Uint8Array(4)),
    r2t: () => rig.voice.r2t(write, { length: 10 }),
    response: () => rig.voice.scsiResponse(read, { status: 8 }),
    reject: () => rig.voice.reject(0x09, new Uint8Array(48).fill(0xff)),
    event: () => rig.voice.asyncMessage(255),
  });
  for (const opener of ['dataIn', 'r2t', 'response', 'reject', 'event']) {
    const rig = InitiatorRig.loggedIn({ window: 2, answers: { ImmediateData: 'No', InitialR2T: 'Yes' } });
    const write = rig.submit({ dataOut: new Uint8Array(10) });
    const read = rig.submit({ dataIn: new Uint8Array(8) });
    const waiting = rig.submit();
    rig.take();
    rig.give(openers(rig, write.tag, read.tag)[opener]?.() ?? EMPTY);
    assert.ok(
      rig.take().some(({ tag }) => tag === waiting.tag),
      opener,
    );
  }
});

test('I-064: the window only moves forwards, and a pair that contradicts itself is ignored', () => {
  for (const start of STARTS) {
    const at = (offset: number): number => (start + offset) >>> 0;
    const window = new SendWindow(start);
    assert.equal(window.open, false, 'closed until the login has ended');
    window.start(at(0), at(1));
    assert.equal(window.open, true);
    assert.deepEqual([window.take(), window.take()], [at(0), at(1)]);
    assert.equal(window.open, false);
    window.update(at(2), at(1)); // closed, correctly
    assert.equal(window.open, false);
    window.update(at(2), at(5));
    window.update(at(1), at(3)); // late
    assert.deepEqual([window.expCmdSN, window.maxCmdSN], [at(2), at(5)]);
    window.update(at(20), at(18)); // MaxCmdSN < ExpCmdSN - 1
    assert.deepEqual([window.expCmdSN, window.maxCmdSN], [at(2), at(5)]);
    window.update(at(20), at(19)); // closed beyond
    assert.deepEqual([window.expCmdSN, window.maxCmdSN], [at(20), at(19)]);
  }
});

test('I-065: tags are unique among all that waits, whatever it is, and never the reserved one', () => {
  const rig = InitiatorRig.loggedIn({ window: 1000 });
  const tags = new Set<number>();
  for (let round = 0; round < 200; round++) {
    rig.submit();
    rig.ask((settle) => rig.session.nop(EMPTY, LATER, settle));
  }
  for (const pdu of rig.take()) {
    assert.notEqual(pdu.tag, NIL);
    assert.ok(!tags.has(pdu.tag));
    tags.add(pdu.tag);
  }
  assert.equal(tags.size, 400);
});

test('I-065: a tag is not given out again right after its task has ended', () => {
  const rig = InitiatorRig.loggedIn();
  const tags = new Set<number>();
  for (let round = 0; round < 1000; round++) {
    const command = rig.submit();
    rig.take();
    rig.give(rig.voice.scsiResponse(command.tag));
    assert.equal(command.settled, 1);
    tags.add(command.tag);
  }
  assert.equal(tags.size, 1000);
});

test('I-066, I-099, D-14: ExpStatSN follows every PDU that uses a StatSN up, each once', () => {
  const rig = InitiatorRig.loggedIn({ firstStatSN: 0xffff_fff8, window: 100 });
  const acknowledged = (): number => {
    rig.ask((settle) => rig.session.nop(EMPTY, LATER, settle));
    return rig.take().at(-1)?.word(28) ?? -1;
  };
  const { voice } = rig;
  const step = (pdu: Uint8Array, uses: number, title: string): void => {
    const before = acknowledged();
    rig.give(pdu);
    assert.deepEqual(rig.ends, [], title);
    assert.equal(acknowledged(), (before + uses) >>> 0, title);
  };
  const read = rig.submit({ dataIn: new Uint8Array(8) });
  const other = rig.submit({ dataIn: new Uint8Array(4) });
  const write = rig.submit({ dataOut: new Uint8Array(300_000) });
  const text = rig.ask((settle) => rig.session.text(EMPTY, LATER, settle));
  const reset = { functionCode: 5, lunHigh: 9, lunLow: 0, referencedTaskTag: NIL, refCmdSN: 0 };
  rig.ask((settle) => rig.session.taskManagement(reset, LATER, settle));
  const sent = rig.take();
  const tagOf = (opcode: number): number => sent.find((pdu) => pdu.opcode === opcode)?.tag ?? 0;
  step(voice.dataIn(read.tag, new Uint8Array(4), { statSN: 0x1234 }), 0, 'Data-In without status');
  step(voice.dataIn(read.tag, new Uint8Array(4), { offset: 4, dataSN: 1, status: 0 }), 1, 'Data-In with status');
  step(voice.r2t(write.tag, { offset: 262_144, length: 37_856 }), 0, 'R2T');
  step(voice.scsiResponse(other.tag, { status: 8 }), 1, 'SCSI Response');
  step(voice.nopIn({ transferTag: 4 }), 0, 'a ping of the target');
  step(voice.nopIn(), 0, 'a NOP-In that wants nothing');
  step(voice.asyncMessage(255), 1, 'Asynchronous Message');
  step(voice.reject(0x09, new Uint8Array(48).fill(0xff)), 1, 'Reject');
  step(voice.textResponse(tagOf(0x04), EMPTY), 1, 'Text Response');
  step(voice.taskManagementResponse(tagOf(0x02)), 1, 'Task Management Function Response');
  step(voice.scsiResponse(write.tag, { status: 2, data: senseSegment(senseData(3, 0x11, 0)) }), 1, 'with sense data');
  assert.equal(text.settled, 1);
});

test('I-067: a hundred pings of the target leave ExpStatSN alone', () => {
  const rig = InitiatorRig.loggedIn({ firstStatSN: 41 });
  for (let ping = 0; ping < 100; ping++) rig.give(rig.voice.nopIn({ transferTag: ping }));
  const answers = rig.take();
  assert.equal(answers.length, 100);
  assert.ok(answers.every((pdu) => pdu.word(28) === 42));
});

test('a late answer with an old StatSN does not take the acknowledgement back', () => {
  const rig = InitiatorRig.loggedIn({ firstStatSN: 5 });
  const [first, second] = [rig.submit(), rig.submit()];
  rig.take();
  rig.give(rig.voice.scsiResponse(second.tag, { statSN: 7 }));
  rig.give(rig.voice.scsiResponse(first.tag, { statSN: 6 }));
  rig.submit();
  assert.equal(rig.takeOne(0x01).word(28), 8);
});

test('D-15: a command withdrawn from the queue leaves neither a hole nor a double in CmdSN', () => {
  const rig = InitiatorRig.loggedIn({ firstCmdSN: 1, window: 1 });
  rig.submit();
  const withdrawn = [rig.submit({ timeout: 100 }), rig.submit({ timeout: 100 })];
  const kept = rig.submit();
  rig.take();
  rig.advance(100);
  assert.ok(withdrawn.every(({ settled, error }) => settled === 1 && error?.code === 'ISCSI_TIMEOUT'));
  assert.deepEqual(rig.take(), [], 'nothing is to be aborted of what was not sent');
  rig.voice.window = 10;
  rig.give(rig.voice.nopIn());
  const next = rig.takeOne(0x01);
  assert.deepEqual([next.tag, next.word(24)], [kept.tag, 2]);
});
