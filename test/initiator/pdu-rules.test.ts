/** What every PDU must keep to (RFC 7143 §11, checklist I-001 to I-014). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { IscsiError } from '../../src/errors.ts';
import { InitiatorRig } from '../support/initiator-rig.ts';
import { senseData } from '../support/speaker/data.ts';
import { NIL, type Pdu } from '../support/speaker/pdu.ts';

const EMPTY = new Uint8Array(0);
const LATER = 1_000_000;
const ABORT_TASK_SET = 2;

/** Reserved bits of each PDU of an initiator, from the layouts of RFC 7143 §11. */
const RESERVED: Readonly<Record<number, string>> = {
  0: `
    80 7f ff ff  ff 00 00 00   // bit 7, all of byte 1 but F, TotalAHSLength
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00
    ff ff ff ff  ff ff ff ff
    ff ff ff ff  ff ff ff ff`,
  1: `
    80 18 ff ff  00 00 00 00
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00`,
  2: `
    80 00 ff ff  ff ff ff ff   // both lengths are 0
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00
    00 00 00 00  ff ff ff ff   // ExpDataSN is for TASK REASSIGN
    ff ff ff ff  ff ff ff ff`,
  3: `
    80 30 ff ff  ff 00 00 00   // versions are 0
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 ff ff
    00 00 00 00  00 00 00 00
    ff ff ff ff  ff ff ff ff
    ff ff ff ff  ff ff ff ff`,
  4: `
    80 3f ff ff  ff 00 00 00
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00
    ff ff ff ff  ff ff ff ff
    ff ff ff ff  ff ff ff ff`,
  5: `
    c0 7f ff ff  ff 00 00 00
    00 00 00 00  00 00 00 00
    00 00 00 00  00 00 00 00
    ff ff ff ff  00 00 00 00   // no CmdSN
    ff ff ff ff  00 00 00 00
    00 00 00 00  ff ff ff ff`,
  6: `
    80 00 ff ff  ff ff ff ff
    ff ff ff ff  ff ff ff ff
    00 00 00 00  ff ff ff ff   // reason 0: no CID
    00 00 00 00  00 00 00 00
    ff ff ff ff  ff ff ff ff
    ff ff ff ff  ff ff ff ff`,
};

/** A session that sends every kind of PDU an initiator of error recovery level 0 has. */
function everything(): Pdu[] {
  const rig = InitiatorRig.loggedIn({ answers: { MaxRecvDataSegmentLength: '512', FirstBurstLength: '1024' } });
  const { session, voice } = rig;
  const lun: readonly [number, number] = [0x0005_0000, 0];
  rig.submit({ lun, dataIn: new Uint8Array(512) });
  const write = rig.submit({ lun, dataOut: new Uint8Array(3000).fill(9) }); // immediate, unsolicited, R2T
  rig.submit({ lun });
  rig.submit({ lun, cdb: new Uint8Array(32), dataIn: new Uint8Array(8), dataOut: new Uint8Array(8) });
  rig.take();
  rig.give(voice.r2t(write.tag, { offset: 1024, length: 1976, lun: 0x0005_0000_0000_0000n }));
  rig.give(voice.nopIn({ transferTag: 5, lun: 0x0007_0000_0000_0000n }));
  rig.ask((settle) => session.nop(Uint8Array.of(1, 2, 3), LATER, settle));
  rig.ask((settle) => session.nop(EMPTY, LATER, settle));
  rig.ask((settle) => session.text(Uint8Array.of(65, 61, 66, 0), LATER, settle));
  rig.session.abort(write.task, write.tag, new IscsiError('ISCSI_ABORTED', 'Enough'));
  for (const pdu of rig.take()) if (pdu.opcode === 0x02) rig.give(voice.taskManagementResponse(pdu.tag));
  for (const pdu of [...rig.sent]) {
    if (pdu.opcode === 0x00 && pdu.tag !== NIL) rig.give(voice.pong(pdu.tag));
    if (pdu.opcode === 0x01) rig.give(voice.scsiResponse(pdu.tag, { status: 8 }));
    if (pdu.opcode === 0x04) rig.give(voice.textResponse(pdu.tag, EMPTY));
  }
  session.logout(LATER);
  rig.take();
  return rig.sent;
}

test('I-001: every reserved bit of everything sent is 0', () => {
  const sent = everything();
  const opcodes = new Set(sent.map(({ opcode }) => opcode));
  assert.deepEqual([...opcodes].sort(), [0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06]);
  for (const pdu of sent) {
    const mask = hex(RESERVED[pdu.opcode] ?? '');
    const stray = pdu.header.map((byte, at) => byte & (mask[at] ?? 0));
    assert.equal(toHex(stray), '00'.repeat(48), `opcode ${pdu.opcode}: ${toHex(pdu.header)}`);
    const tag = pdu.word(20);
    const noLun = (pdu.opcode === 0x00 || pdu.opcode === 0x04 || pdu.opcode === 0x05) && tag === NIL;
    if (noLun) assert.deepEqual([pdu.word(8), pdu.word(12)], [0, 0], 'the LUN is reserved without a tag');
    if (pdu.opcode !== 0x01) assert.equal(pdu.ahs.length, 0);
  }
});

test('I-003: only opcodes of an initiator are sent, Data-Out never as immediate', () => {
  for (const pdu of everything()) {
    assert.ok(pdu.opcode <= 0x06);
    if (pdu.opcode === 0x05) assert.equal(pdu.immediate, false);
  }
});

test('I-002: reserved bits of what is received are ignored', () => {
  const rig = InitiatorRig.loggedIn();
  const dataIn = new Uint8Array(8);
  const read = rig.submit({ dataIn });
  const write = rig.submit({ dataOut: new Uint8Array(300_000) });
  rig.take();
  const noisy = (pdu: Uint8Array, mask: string): Uint8Array => pdu.map((byte, at) => byte | (hex(mask)[at] ?? 0));
  rig.give(
    noisy(
      rig.voice.r2t(write.tag, { offset: 262_144, length: 37_856 }),
      `80 7f ff ff  00 00 00 00
       ff ff ff ff  ff ff ff ff`,
    ),
    noisy(
      rig.voice.dataIn(read.tag, Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)),
      `80 38 ff ff  00 00 00 00   // A stays 0, S stays 0: status and residual are garbage
       ff ff ff ff  ff ff ff ff
       00 00 00 00  ff ff ff ff
       ff ff ff ff  00 00 00 00
       00 00 00 00  00 00 00 00
       00 00 00 00  ff ff ff ff`,
    ),
    noisy(
      rig.voice.scsiResponse(read.tag, { expDataSN: 1 }),
      `80 61 00 00  00 00 00 00
       ff ff ff ff  ff ff ff ff
       00 00 00 00  ff ff ff ff
       00 00 00 00  00 00 00 00
       00 00 00 00  00 00 00 00
       ff ff ff ff  ff ff ff ff   // residual counts without their flags`,
    ),
    noisy(rig.voice.nopIn(), `80 7f ff ff`),
  );
  assert.equal(read.settled, 1);
  rig.take(); // the Data-Out: an answer that came before it would not be believed
  rig.give(
    noisy(
      rig.voice.scsiResponse(write.tag),
      `80 61 00 00  00 00 00 00
       ff ff ff ff  ff ff ff ff`,
    ),
  );
  assert.deepEqual([read.error, read.status, read.residual, read.received], [undefined, 0, 'none', 8]);
  assert.deepEqual([write.error, write.status], [undefined, 0]);
  rig.take();
  rig.assertAlive();
});

test('I-004: data segments are padded to four bytes with zeros', () => {
  for (const length of [1, 2, 3, 4, 5]) {
    const rig = InitiatorRig.loggedIn();
    rig.ask((settle) => rig.session.nop(new Uint8Array(length).fill(0xff), LATER, settle));
    const ping = rig.takeOne(0x00);
    assert.equal(ping.data.length, length);
    assert.deepEqual([...ping.pad], Array((4 - (length % 4)) % 4).fill(0));
    assert.ok(rig.parser.empty);
  }
});

test('I-005: pad bytes may be anything and are never delivered', () => {
  const rig = InitiatorRig.loggedIn();
  const dataIn = new Uint8Array(8).fill(0x11);
  const read = rig.submit({ dataIn: dataIn.subarray(0, 5) });
  rig.take();
  rig.give(rig.voice.dataIn(read.tag, Uint8Array.of(1, 2, 3, 4, 5), { status: 0, pad: 0xff }));
  assert.equal(toHex(dataIn), '0102030405111111');
  assert.deepEqual([read.settled, read.error, read.received], [1, undefined, 5]);
});

test('I-006: answers are understood byte by byte, and many in one read', () => {
  for (const step of [1, 2, 3, 7, 47, 48, 49, 100_000]) {
    const rig = InitiatorRig.loggedIn({ answers: { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' } });
    const buffers = Array.from({ length: 5 }, () => new Uint8Array(100));
    const reads = buffers.map((dataIn) => rig.submit({ dataIn }));
    rig.take();
    const answers = reads.flatMap(({ tag }, index) => [
      rig.voice.dataIn(tag, new Uint8Array(61).fill(index), { pad: 0xff }),
      rig.voice.dataIn(tag, new Uint8Array(39).fill(index), { offset: 61, dataSN: 1, status: 0 }),
    ]);
    rig.trickle(Uint8Array.from(answers.flatMap((bytes) => [...bytes])), step);
    for (const [index, read] of reads.entries()) {
      assert.deepEqual([read.settled, read.error], [1, undefined]);
      assert.ok(buffers[index]?.every((byte) => byte === index));
    }
    rig.assertAlive();
  }
});

test('I-007: an opcode that no target has ends the session', () => {
  for (const opcode of [0x00, 0x01, 0x05, 0x10, 0x1c, 0x2a, 0x27, 0x30, 0x3c, 0x3e]) {
    const rig = InitiatorRig.loggedIn();
    const read = rig.submit({ dataIn: new Uint8Array(8) });
    rig.take();
    rig.give(rig.voice.pdu({ opcode, tag: read.tag }));
    rig.assertEnded('ISCSI_PROTOCOL');
    assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_PROTOCOL']);
  }
});

test('I-007: a Login Response after the login ends the session', () => {
  const rig = InitiatorRig.loggedIn();
  rig.give(rig.voice.pdu({ opcode: 0x23, tag: 0 }));
  rig.assertEnded('ISCSI_PROTOCOL');
});

test('I-008: a NOP-In with both tags ends the session', () => {
  const rig = InitiatorRig.loggedIn();
  rig.ask((settle) => rig.session.nop(EMPTY, LATER, settle));
  const ping = rig.takeOne(0x00);
  rig.give(rig.voice.pdu({ opcode: 0x20, tag: ping.tag, transferTag: 5 }));
  rig.assertEnded('ISCSI_PROTOCOL');
});

test('CHECK CONDITION without sense data fails that command and no other: targets in use leave it out', () => {
  for (const data of [undefined, Uint8Array.of(0, 0), Uint8Array.of(0, 0, 1, 2)]) {
    const rig = InitiatorRig.loggedIn();
    const [command, other] = [rig.submit(), rig.submit()];
    rig.take();
    rig.give(rig.voice.scsiResponse(command.tag, { status: 2, ...(data === undefined ? {} : { data }) }));
    assert.deepEqual([command.settled, command.error, command.status, command.sense], [1, undefined, 2, undefined]);
    assert.equal(other.settled, 0);
    rig.assertAlive();
  }
});

test('of a long data segment only the sense data is kept, in memory of its own', () => {
  const rig = InitiatorRig.loggedIn();
  let kept: Uint8Array | undefined;
  const command = rig.submit({ onSettled: ({ task }) => (kept = task.sense) });
  rig.take();
  const sense = senseData(3, 0x11, 0);
  const data = Uint8Array.of(0, sense.length, ...sense, ...new Uint8Array(65_536));
  rig.give(rig.voice.scsiResponse(command.tag, { status: 2, data }));
  assert.deepEqual([kept, kept?.buffer.byteLength], [sense, sense.length]);
});

test('I-009, D-38: a CDB of more than 16 bytes goes into an extended CDB AHS, a shorter one never', () => {
  const rig = InitiatorRig.loggedIn();
  const cdb = Uint8Array.from({ length: 32 }, (_, at) => at + 1);
  rig.submit({ cdb });
  const long = rig.takeOne(0x01);
  assert.equal(toHex(long.header.subarray(32)), '0102030405060708090a0b0c0d0e0f10');
  assert.equal(
    toHex(long.ahs),
    toHex(
      hex(`
    00 11 01 00               // AHSLength 17, type 1
    11 12 13 14  15 16 17 18  // CDB from byte 16 on
    19 1a 1b 1c  1d 1e 1f 20`),
    ),
  );
  for (const length of [6, 10, 12, 16]) {
    rig.submit({ cdb: cdb.subarray(0, length) });
    assert.equal(rig.takeOne(0x01).ahs.length, 0);
  }
});

test('I-010, D-38: a bidirectional command carries the read length in an AHS, the write length in its header', () => {
  const rig = InitiatorRig.loggedIn({ answers: { ImmediateData: 'No', InitialR2T: 'Yes' } });
  rig.submit({ dataIn: new Uint8Array(0x1234), dataOut: new Uint8Array(0x567) });
  const pdu = rig.takeOne(0x01);
  assert.equal(pdu.flags, 0x80 | 0x40 | 0x20 | 0x01); // F, R, W, simple
  assert.equal(pdu.word(20), 0x567);
  assert.equal(toHex(pdu.ahs), '0005020000001234');
});

test('I-011, I-012: F, R and W say what data there is and what follows', () => {
  const rig = InitiatorRig.loggedIn();
  const flagsOf = (dataIn?: number, dataOut?: number): number => {
    rig.submit({
      ...(dataIn === undefined ? {} : { dataIn: new Uint8Array(dataIn) }),
      ...(dataOut === undefined ? {} : { dataOut: new Uint8Array(dataOut) }),
    });
    const [pdu] = rig.take();
    return (pdu?.flags ?? 0) & 0xe0;
  };
  assert.equal(flagsOf(), 0x80);
  assert.equal(flagsOf(512), 0x80 | 0x40);
  assert.equal(flagsOf(undefined, 512), 0x80 | 0x20);
});

test('I-013, D-32: the LUN goes out in the eight bytes it was given in', () => {
  const rig = InitiatorRig.loggedIn();
  for (const [high, low] of [
    [0, 0],
    [0x0001_0000, 0],
    [0x4100_0000, 0],
    [0x7fff_0000, 0],
    [0xd212_3456, 0x789a_bcde],
  ] as const) {
    rig.submit({ lun: [high, low] });
    const pdu = rig.takeOne(0x01);
    assert.deepEqual([pdu.word(8), pdu.word(12)], [high, low]);
  }
});

test('I-014, D-12: Data-In without data is taken, with and without status', () => {
  const rig = InitiatorRig.loggedIn();
  const dataIn = new Uint8Array(8);
  const read = rig.submit({ dataIn });
  rig.take();
  rig.give(rig.voice.dataIn(read.tag, EMPTY, { offset: 0 }));
  rig.give(rig.voice.dataIn(read.tag, new Uint8Array(8).fill(7), { dataSN: 1 }));
  rig.give(rig.voice.dataIn(read.tag, EMPTY, { dataSN: 2, offset: 8, status: 0 }));
  assert.deepEqual([read.settled, read.error, read.received], [1, undefined, 8]);
  assert.equal(toHex(dataIn), '07'.repeat(8));

  const status = rig.submit();
  rig.take();
  rig.give(rig.voice.dataIn(status.tag, EMPTY, { status: 0 }));
  assert.deepEqual([status.settled, status.error], [1, undefined]);
  rig.assertAlive();
});

test('a command for task management carries its function, and a response with sense data is read', () => {
  const rig = InitiatorRig.loggedIn();
  const command = rig.submit();
  rig.take();
  rig.give(rig.voice.scsiResponse(command.tag, { status: 2, sense: senseData(5, 0x20, 0) }));
  assert.deepEqual([command.status, command.sense?.[2], command.sense?.length], [2, 5, 18]);
  rig.ask((settle) =>
    rig.session.taskManagement(
      { functionCode: ABORT_TASK_SET, lunHigh: 3, lunLow: 4, referencedTaskTag: NIL, refCmdSN: 0 },
      LATER,
      settle,
    ),
  );
  const request = rig.takeOne(0x02);
  assert.deepEqual([request.flags, request.word(8), request.word(12), request.word(20)], [0x82, 3, 4, NIL]);
});
