/** Header and data digests (RFC 7143 §7.8, §11.2.3, §13.1; checklist I-015 to I-020). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { InitiatorRig } from '../support/initiator-rig.ts';
import { keyText, senseData } from '../support/speaker/data.ts';
import { NIL } from '../support/speaker/pdu.ts';
import { USUAL_ANSWERS } from '../support/speaker/target-voice.ts';

const LATER = 1_000_000;
const BOTH = { HeaderDigest: 'CRC32C', DataDigest: 'CRC32C' };

/** The rig checks every digest of what is sent. */
for (const HeaderDigest of ['None', 'CRC32C']) {
  for (const DataDigest of ['None', 'CRC32C']) {
    test(`I-015, I-016, I-017: header digest ${HeaderDigest}, data digest ${DataDigest}, on each PDU after the login`, () => {
      const rig = InitiatorRig.loggedIn({ answers: { HeaderDigest, DataDigest, MaxRecvDataSegmentLength: '8192' } });
      const lengths = [0, 1, 5, 512, 8192, 100_000];
      const writes = lengths.map((length) =>
        rig.submit({ dataOut: new Uint8Array(length).fill(length), timeout: 1e9 }),
      );
      rig.submit({ cdb: new Uint8Array(20), dataOut: new Uint8Array(9) }); // AHS and data
      rig.ask((settle) => rig.session.nop(new Uint8Array(5).fill(1), LATER, settle));
      rig.ask((settle) => rig.session.nop(new Uint8Array(0), LATER, settle));
      const sent = rig.take();
      assert.ok(rig.parser.empty);
      assert.equal(sent.filter(({ opcode }) => opcode === 0x00).length, 2);
      for (const [index, write] of writes.entries()) {
        const bytes = sent.filter(({ tag }) => tag === write.tag).flatMap(({ data }) => [...data]);
        assert.equal(bytes.length, lengths[index]);
      }
    });
  }
}

test('I-016, D-06: digests are in force for a PDU that comes in the same read as the last Login Response', () => {
  for (const step of [1, 48, 500, 100_000]) {
    const rig = new InitiatorRig();
    const [request] = rig.begin();
    assert.ok(request !== undefined);
    const last = rig.voice.loginResponse(request, keyText({ ...USUAL_ANSWERS, ...BOTH }));
    rig.voice.digests = { header: true, data: true };
    const event = rig.voice.asyncMessage(0, [0, 0, 0], Uint8Array.of(0, 18, ...senseData(6, 0x29, 0)));
    const ping = rig.voice.nopIn({ transferTag: 9 });
    rig.trickle(Uint8Array.of(...last, ...event, ...ping), step);
    assert.deepEqual(rig.ends, []);
    assert.equal(rig.events.length, 1);
    rig.useDigests(true, true);
    assert.equal(rig.takeOne(0x00).word(20), 9);
  }
});

test('D-03: a login without an answer about digests is not taken as if there were digests', () => {
  const rig = new InitiatorRig();
  const [request] = rig.begin();
  assert.ok(request !== undefined);
  const { HeaderDigest, DataDigest, ...others } = USUAL_ANSWERS;
  assert.deepEqual([HeaderDigest, DataDigest], ['None', 'None']);
  rig.give(rig.voice.loginResponse(request, keyText(others)));
  if (rig.logins === 1) rig.assertAlive();
  else rig.assertEnded('ISCSI_PROTOCOL');
});

test('D-07: digests that come in reads of their own are waited for', () => {
  const rig = InitiatorRig.loggedIn({ answers: BOTH });
  const dataIn = new Uint8Array(6);
  const read = rig.submit({ dataIn });
  rig.take();
  const bytes = rig.voice.dataIn(read.tag, Uint8Array.of(1, 2, 3, 4, 5, 6), { status: 0 });
  rig.give(bytes.subarray(0, 48));
  rig.give(bytes.subarray(48, 52));
  rig.give(bytes.subarray(52, 60));
  assert.equal(read.settled, 0, 'not before the data digest was seen');
  rig.give(bytes.subarray(60));
  assert.deepEqual([read.settled, read.error], [1, undefined]);
});

test('I-018: a wrong header digest ends the session, and nothing is done about the header', () => {
  const rig = InitiatorRig.loggedIn({ answers: BOTH });
  const dataIn = new Uint8Array(4).fill(0x11);
  const read = rig.submit({ dataIn });
  rig.take();
  rig.voice.digests = { header: true, data: true, spoilHeader: true };
  rig.give(rig.voice.dataIn(read.tag, Uint8Array.of(1, 2, 3, 4), { status: 0 }));
  rig.assertEnded('ISCSI_DIGEST');
  assert.equal(read.error?.code, 'ISCSI_DIGEST');
  assert.equal(toHex(dataIn), '11111111');
});

test('I-019: a wrong data digest of a Data-In aborts its task and leaves the others alone', () => {
  const rig = InitiatorRig.loggedIn({ answers: BOTH });
  const read = rig.submit({ dataIn: new Uint8Array(8) });
  const other = rig.submit({ dataIn: new Uint8Array(4) });
  rig.take();
  rig.voice.digests = { header: true, data: true, spoilData: true };
  rig.give(rig.voice.dataIn(read.tag, Uint8Array.of(1, 2, 3, 4)));
  rig.useDigests(true, true);
  const abort = rig.takeOne(0x02);
  assert.deepEqual([abort.flags & 0x7f, abort.word(20)], [1, read.tag]);
  assert.equal(read.settled, 0, 'the target may still send');
  rig.give(rig.voice.dataIn(read.tag, Uint8Array.of(5, 6, 7, 8), { offset: 4, dataSN: 1 }));
  rig.give(rig.voice.taskManagementResponse(abort.tag, 0));
  assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_DIGEST']);
  rig.give(rig.voice.dataIn(other.tag, Uint8Array.of(1, 2, 3, 4), { status: 0 }));
  assert.deepEqual([other.settled, other.error], [1, undefined]);
  rig.assertAlive();
});

test('I-019: a command whose data was damaged does not end well, even when its status overtakes the abort', () => {
  for (const dataSN of [1, 2]) {
    const rig = InitiatorRig.loggedIn({ answers: BOTH });
    const read = rig.submit({ dataIn: new Uint8Array(8) });
    rig.take();
    rig.voice.digests = { header: true, data: true, spoilData: true };
    rig.give(rig.voice.dataIn(read.tag, Uint8Array.of(1, 2, 3, 4)));
    rig.useDigests(true, true);
    if (dataSN === 1) rig.give(rig.voice.dataIn(read.tag, Uint8Array.of(5, 6, 7, 8), { offset: 4, dataSN, status: 0 }));
    else rig.give(rig.voice.scsiResponse(read.tag, { expDataSN: dataSN }));
    assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_DIGEST']);
    const abort = rig.takeOne(0x02);
    rig.give(rig.voice.taskManagementResponse(abort.tag, 1));
    rig.assertAlive();
  }
});

test('I-019: two damaged Data-Ins of one task are one error', () => {
  const rig = InitiatorRig.loggedIn({ answers: BOTH });
  const read = rig.submit({ dataIn: new Uint8Array(8) });
  rig.take();
  rig.voice.digests = { header: true, data: true, spoilData: true };
  rig.give(rig.voice.dataIn(read.tag, Uint8Array.of(1, 2, 3, 4)));
  rig.give(rig.voice.dataIn(read.tag, Uint8Array.of(1, 2, 3, 4), { offset: 4, dataSN: 1 }));
  rig.useDigests(true, true);
  const abort = rig.takeOne(0x02);
  rig.give(rig.voice.taskManagementResponse(abort.tag));
  assert.equal(read.settled, 1);
  rig.assertAlive();
});

test('I-019: a damaged Data-In with status loses the status, and with it the session', () => {
  const rig = InitiatorRig.loggedIn({ answers: BOTH });
  const read = rig.submit({ dataIn: new Uint8Array(4) });
  rig.take();
  rig.voice.digests = { header: true, data: true, spoilData: true };
  rig.give(rig.voice.dataIn(read.tag, Uint8Array.of(1, 2, 3, 4), { status: 0 }));
  rig.assertEnded('ISCSI_DIGEST');
});

test('I-020: a wrong data digest of a SCSI Response ends the session', () => {
  const rig = InitiatorRig.loggedIn({ answers: BOTH });
  const command = rig.submit();
  rig.take();
  rig.voice.digests = { header: true, data: true, spoilData: true };
  rig.give(rig.voice.scsiResponse(command.tag, { status: 2, sense: senseData(5, 0x20, 0) }));
  rig.assertEnded('ISCSI_DIGEST');
  assert.deepEqual([command.settled, command.error?.code], [1, 'ISCSI_DIGEST']);
});

test('a ping of the target is answered with digests too', () => {
  const rig = InitiatorRig.loggedIn({ answers: BOTH });
  rig.give(rig.voice.nopIn({ transferTag: 3 }));
  const answer = rig.takeOne(0x00);
  assert.deepEqual([answer.tag, answer.word(20)], [NIL, 3]);
});
