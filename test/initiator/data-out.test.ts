/**
 * What a write sends: immediate, unsolicited, and on request (RFC 7143 §4.2.5.2, §11.7, §11.8; checklist I-044, I-074
 * to I-081).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitiatorRig, type Submitted } from '../support/initiator-rig.ts';
import { NIL, type Pdu } from '../support/speaker/pdu.ts';

const LUN = 0x0005_0000;

interface Limits {
  readonly initialR2T: boolean;
  readonly immediateData: boolean;
  readonly firstBurst: number;
  readonly maxBurst: number;
  readonly segment: number;
}

function rigOf({ initialR2T, immediateData, firstBurst, maxBurst, segment }: Limits): InitiatorRig {
  const yes = (value: boolean): string => (value ? 'Yes' : 'No');
  return InitiatorRig.loggedIn({
    policy: { initialR2T, immediateData },
    answers: {
      InitialR2T: yes(initialR2T),
      ImmediateData: yes(immediateData),
      FirstBurstLength: `${firstBurst}`,
      MaxBurstLength: `${maxBurst}`,
      MaxRecvDataSegmentLength: `${segment}`,
      HeaderDigest: 'CRC32C',
      DataDigest: 'CRC32C',
    },
  });
}

function payload(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, at) => (at * 7 + (at >> 8)) & 0xff);
}

/** Asserts that `pdus` are one sequence of Data-Outs, for bytes `[from, to)` of `data`. */
function checkSequence(
  pdus: readonly Pdu[],
  tag: number,
  transferTag: number,
  data: Uint8Array,
  from: number,
  to: number,
  segment: number,
): void {
  let offset = from;
  for (const [index, pdu] of pdus.entries()) {
    assert.equal(pdu.opcode, 0x05);
    assert.equal(pdu.tag, tag);
    assert.equal(pdu.word(20), transferTag, 'Target Transfer Tag');
    assert.deepEqual([pdu.word(8), pdu.word(12)], transferTag === NIL ? [0, 0] : [LUN, 0], 'LUN');
    assert.equal(pdu.word(36), index, 'DataSN from 0');
    assert.equal(pdu.word(40), offset, 'offset');
    assert.ok(pdu.data.length > 0 && pdu.data.length <= segment, `${pdu.data.length} bytes in one PDU`);
    assert.deepEqual(pdu.data, data.subarray(offset, offset + pdu.data.length));
    offset += pdu.data.length;
    assert.equal(pdu.final, index === pdus.length - 1, 'F on the last one only');
  }
  assert.equal(offset, to, 'exactly the range');
}

/** Plays the whole write with a target that asks for `step` bytes at a time, `ahead` requests at once. */
function playWrite(rig: InitiatorRig, limits: Limits, length: number, ahead: number): Submitted {
  const data = payload(length);
  const write = rig.submit({ dataOut: data, lun: [LUN, 0] });
  const [command, ...unsolicited] = rig.take();
  assert.ok(command !== undefined && command.opcode === 0x01);
  const burst = Math.min(length, limits.firstBurst);
  const immediate = limits.immediateData ? Math.min(burst, limits.segment) : 0;
  const firstEnd = limits.initialR2T ? immediate : burst;
  assert.equal(command.data.length, immediate, 'I-076');
  assert.deepEqual(command.data, data.subarray(0, immediate));
  assert.equal(command.final, firstEnd === immediate, 'F says whether unsolicited data follows');
  assert.equal(command.flags & 0x60, length > 0 ? 0x20 : 0);
  assert.equal(command.word(20), length);
  checkSequence(unsolicited, write.tag, NIL, data, immediate, firstEnd, limits.segment);

  let asked = firstEnd;
  for (let r2tSN = 0; asked < length; ) {
    const requests: { from: number; to: number; transferTag: number }[] = [];
    const pdus: Uint8Array[] = [];
    for (let count = 0; count < ahead && asked < length; count++, r2tSN++) {
      const to = Math.min(length, asked + limits.maxBurst);
      const transferTag = 0x1000 + r2tSN;
      requests.push({ from: asked, to, transferTag });
      pdus.push(
        rig.voice.r2t(write.tag, { r2tSN, offset: asked, length: to - asked, transferTag, lun: BigInt(LUN) << 32n }),
      );
      asked = to;
    }
    rig.give(...pdus);
    const sent = rig.take();
    for (const { from, to, transferTag } of requests) {
      const end = sent.findIndex(({ final }) => final) + 1;
      // I-075: in the order asked
      checkSequence(sent.splice(0, end), write.tag, transferTag, data, from, to, limits.segment);
    }
    assert.deepEqual(sent, []);
  }
  rig.give(rig.voice.scsiResponse(write.tag));
  assert.deepEqual([write.settled, write.error, write.status], [1, undefined, 0]);
  return write;
}

for (const initialR2T of [false, true]) {
  for (const immediateData of [false, true]) {
    test(`I-044, I-074 to I-078: InitialR2T=${initialR2T}, ImmediateData=${immediateData}, at the borders of every length`, () => {
      for (const [segment, firstBurst, maxBurst] of [
        [512, 1024, 2048],
        [1024, 1024, 1024],
        [4096, 1024, 8192],
        [513, 1537, 4099],
        [65_536, 512, 512],
      ] as const) {
        const limits = { initialR2T, immediateData, firstBurst, maxBurst, segment };
        const rig = rigOf(limits);
        const borders = [segment, firstBurst, maxBurst, firstBurst + segment, firstBurst + maxBurst];
        const lengths = new Set([0, 1, ...borders.flatMap((border) => [border - 1, border, border + 1])]);
        for (const length of lengths) {
          for (const ahead of [1, 3]) playWrite(rig, limits, length, ahead);
        }
        rig.assertAlive();
      }
    });
  }
}

test('I-012: F is set when the immediate data is all there is', () => {
  const rig = rigOf({ initialR2T: false, immediateData: true, firstBurst: 512, maxBurst: 512, segment: 512 });
  rig.submit({ dataOut: payload(512) });
  const command = rig.takeOne(0x01);
  assert.deepEqual([command.final, command.data.length], [true, 512]);
});

test('I-077: a write longer than FirstBurstLength sends exactly that much unasked', () => {
  for (const length of [1023, 1024, 1025, 5000]) {
    const rig = rigOf({ initialR2T: false, immediateData: true, firstBurst: 1024, maxBurst: 4096, segment: 512 });
    rig.submit({ dataOut: payload(length) });
    const total = rig.take().reduce((sum, pdu) => sum + pdu.data.length, 0);
    assert.equal(total, Math.min(1024, length));
  }
});

test('I-079: unsolicited bursts go in the order of their commands', () => {
  const rig = rigOf({ initialR2T: false, immediateData: true, firstBurst: 2048, maxBurst: 4096, segment: 512 });
  const [first, second] = [rig.submit({ dataOut: payload(2048) }), rig.submit({ dataOut: payload(2048) })];
  const tags = rig
    .take()
    .filter(({ opcode }) => opcode === 0x05)
    .map(({ tag }) => tag);
  assert.deepEqual(tags, [first.tag, first.tag, first.tag, second.tag, second.tag, second.tag]);
});

test('I-074: R2Ts of one byte, of the segment length and one more, of MaxBurstLength', () => {
  const limits = { initialR2T: true, immediateData: false, firstBurst: 512, maxBurst: 2048, segment: 512 };
  const rig = rigOf(limits);
  const data = payload(1 + 512 + 513 + 2048);
  const write = rig.submit({ dataOut: data, lun: [LUN, 0] });
  rig.take();
  let offset = 0;
  for (const [r2tSN, length] of [1, 512, 513, 2048].entries()) {
    rig.give(rig.voice.r2t(write.tag, { r2tSN, offset, length, transferTag: 0, lun: BigInt(LUN) << 32n }));
    checkSequence(rig.take(), write.tag, 0, data, offset, offset + length, 512);
    offset += length;
  }
});

const ASKING: Limits = { initialR2T: true, immediateData: false, firstBurst: 512, maxBurst: 2048, segment: 512 };
const BAD_R2TS = [
  ['I-081, D-44: beyond the end of what is written', { offset: 0, length: 1025 }],
  ['I-081, D-44: that begins behind the end', { offset: 1024, length: 1 }],
  ['I-081, D-44: whose end is beyond 2^32', { offset: 0xffff_ffff, length: 512 }],
  ['I-081, D-44: for no bytes', { offset: 0, length: 0 }],
  ['D-44: above MaxBurstLength', { offset: 0, length: 2049 }],
  ['D-44: with another R2TSN than the next', { r2tSN: 1, offset: 0, length: 512 }],
  ['D-44: that leaves a gap', { offset: 512, length: 512 }],
  ['with the reserved tag', { offset: 0, length: 512, transferTag: NIL }],
] as const;

for (const [title, fields] of BAD_R2TS) {
  test(`an R2T ${title} ends the session and sends nothing`, () => {
    const rig = rigOf(ASKING);
    const length = title.includes('MaxBurst') ? 4096 : 1024;
    const write = rig.submit({ dataOut: payload(length), lun: [LUN, 0] });
    rig.take();
    rig.give(rig.voice.r2t(write.tag, fields));
    rig.assertEnded('ISCSI_PROTOCOL');
    assert.deepEqual([write.settled, write.error?.code], [1, 'ISCSI_PROTOCOL']);
  });
}

test('I-112: an R2T that comes twice ends the session, and its data goes out once', () => {
  for (const offset of [0, 512]) {
    const rig = rigOf(ASKING);
    const write = rig.submit({ dataOut: payload(1024), lun: [LUN, 0] });
    rig.take();
    rig.give(rig.voice.r2t(write.tag, { r2tSN: 0, offset: 0, length: 512 }));
    assert.equal(rig.takeOne(0x05).data.length, 512);
    rig.give(rig.voice.r2t(write.tag, { r2tSN: 0, offset, length: 512 }));
    rig.assertEnded('ISCSI_PROTOCOL');
    assert.deepEqual([write.settled, write.error?.code], [1, 'ISCSI_PROTOCOL']);
  }
});

test('I-081, D-44: an R2T for a read ends the session', () => {
  const rig = rigOf(ASKING);
  const read = rig.submit({ dataIn: new Uint8Array(512) });
  rig.take();
  rig.give(rig.voice.r2t(read.tag, { length: 512 }));
  rig.assertEnded('ISCSI_PROTOCOL');
});

test('an R2T for a ping, and one for a command that was not sent, end the session', () => {
  const rig = rigOf(ASKING);
  rig.ask((settle) => rig.session.nop(new Uint8Array(0), 1e9, settle));
  rig.give(rig.voice.r2t(rig.takeOne(0x00).tag, { length: 512 }));
  rig.assertEnded('ISCSI_PROTOCOL');

  const queued = rigOf(ASKING);
  queued.voice.window = 1;
  for (let command = 0; command < 33; command++) queued.submit({ dataOut: payload(512) });
  queued.take();
  const waiting = queued.submit({ dataOut: payload(512) });
  queued.give(queued.voice.r2t(waiting.tag, { length: 512, maxCmdSN: 0, expCmdSN: 0x100 }));
  queued.assertEnded('ISCSI_PROTOCOL');
});

test('D-44, D-46: a target cannot make us queue the same bytes again and again', () => {
  const rig = rigOf(ASKING);
  const write = rig.submit({ dataOut: payload(4096), lun: [LUN, 0] });
  rig.take();
  for (let r2tSN = 0; r2tSN < 1000; r2tSN++) rig.give(rig.voice.r2t(write.tag, { r2tSN, offset: 0, length: 2048 }));
  assert.ok(rig.connection.outbox.pendingBytes < 10_000, `${rig.connection.outbox.pendingBytes} bytes`);
});

test('D-19: GOOD for a write of which the target took only a part is an error', () => {
  for (const [limits, taken] of [
    [ASKING, 0],
    [ASKING, 512],
    [{ ...ASKING, immediateData: true }, 0],
  ] as const) {
    const rig = rigOf(limits);
    const write = rig.submit({ dataOut: payload(1024), lun: [LUN, 0] });
    rig.take();
    if (taken > 0) rig.give(rig.voice.r2t(write.tag, { length: taken }));
    rig.take();
    rig.give(rig.voice.scsiResponse(write.tag));
    assert.deepEqual([write.settled, write.error?.code], [1, 'ISCSI_PROTOCOL']);
    rig.assertAlive();
  }
});

test('a write of which the target took less and says so is reported with its residual', () => {
  const rig = rigOf(ASKING);
  const write = rig.submit({ dataOut: payload(1024) });
  rig.take();
  rig.give(rig.voice.scsiResponse(write.tag, { residual: 0x02, residualCount: 1024 }));
  assert.deepEqual([write.error, write.status, write.residual, write.residualCount], [undefined, 0, 'underflow', 1024]);
});

test('a write that ends with a status other than GOOD before its data was asked for is just that', () => {
  const rig = rigOf(ASKING);
  const write = rig.submit({ dataOut: payload(1024) });
  rig.take();
  rig.give(rig.voice.scsiResponse(write.tag, { status: 0x08 }));
  assert.deepEqual([write.error, write.status], [undefined, 0x08]);
});

for (const shared of [false, true]) {
  test(`a bidirectional command moves data both ways, numbered ${shared ? 'together' : 'apart'}`, () => {
    const rig = rigOf(ASKING);
    const dataIn = new Uint8Array(1024);
    const command = rig.submit({ dataIn, dataOut: payload(1024), lun: [LUN, 0] });
    rig.take();
    const { tag } = command;
    rig.give(rig.voice.r2t(tag, { length: 512 }));
    rig.give(rig.voice.dataIn(tag, payload(512), { dataSN: shared ? 1 : 0 }));
    rig.give(rig.voice.r2t(tag, { r2tSN: shared ? 2 : 1, offset: 512, length: 512 }));
    rig.give(rig.voice.dataIn(tag, payload(512), { dataSN: shared ? 3 : 1, offset: 512 }));
    assert.deepEqual(rig.ends, []);
    assert.equal(
      rig.take().reduce((sum, { data }) => sum + data.length, 0),
      1024,
    );
    rig.give(rig.voice.scsiResponse(tag, { expDataSN: shared ? 4 : 2 }));
    assert.deepEqual([command.settled, command.error, command.received], [1, undefined, 1024]);
  });
}

test('I-071: what is missing of the read of a bidirectional command must be in its own residual', () => {
  for (const [residual, word40, code] of [
    [0x08, 1000, undefined],
    [0x00, 1000, 'ISCSI_PROTOCOL'],
    [0x08, 999, 'ISCSI_PROTOCOL'],
  ] as const) {
    const rig = rigOf({ ...ASKING, immediateData: true });
    const command = rig.submit({ dataIn: new Uint8Array(1024), dataOut: payload(16) });
    rig.take();
    rig.give(rig.voice.dataIn(command.tag, payload(24)));
    rig.give(rig.voice.scsiResponse(command.tag, { residual, word40, expDataSN: 1 }));
    assert.deepEqual([command.settled, command.error?.code], [1, code]);
    assert.equal(command.residual, 'none');
  }
});
