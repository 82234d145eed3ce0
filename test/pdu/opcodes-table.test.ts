import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../src/bytes/crc32c.ts';
import { hex, toHex, viewOf } from '../../src/bytes/hex.ts';
import { ProtocolError } from '../../src/errors.ts';
import { describePdu, PDU_KINDS, pduKind } from '../../src/pdu/opcodes-table.ts';
import { FIRST_TARGET_OPCODE, OPCODES, type OpcodeKey, opcodeName } from '../../src/spec/iscsi-opcodes.ts';
import { ALL_FIXTURES } from '../fixtures/all.ts';
import { nopOut } from '../fixtures/nop-out.ts';
import { scsiCommand } from '../fixtures/scsi-command.ts';

const KEYS = Object.keys(OPCODES) as OpcodeKey[];

test('there are 18 PDUs, each with a fixture that begins with its opcode', () => {
  assert.equal(KEYS.length, 18);
  for (const key of KEYS) {
    for (const { bytes } of ALL_FIXTURES[key].examples) assert.equal((hex(bytes)[0] ?? 0) & 0x3f, OPCODES[key], key);
  }
});

test('pduKind() finds the reader of every PDU by its opcode', () => {
  for (const key of KEYS) {
    assert.equal(pduKind(OPCODES[key]), PDU_KINDS[key]);
    for (const { bytes, pdu } of ALL_FIXTURES[key].examples) {
      assert.deepEqual(pduKind(OPCODES[key])?.read(viewOf(hex(bytes)), 0), pdu, key);
    }
  }
});

test('pduKind() says who sends a PDU', () => {
  for (const key of KEYS) {
    assert.equal(PDU_KINDS[key].role, OPCODES[key] < FIRST_TARGET_OPCODE ? 'initiator' : 'target', key);
  }
});

test('the check of each PDU is its own: with AHS only a SCSI Command is taken', () => {
  for (const key of KEYS) {
    const header = hex(ALL_FIXTURES[key].examples[0].bytes);
    if (key === 'SCSI_COMMAND') continue;
    header[4] = 1;
    assert.throws(
      () => PDU_KINDS[key].check(viewOf(header), 0),
      (error) => error instanceof ProtocolError && error.message.includes('AHS'),
    );
  }
});

test('pduKind() knows nothing about vendor-specific and unassigned opcodes', () => {
  const known = new Set<number>(Object.values(OPCODES));
  for (let opcode = 0; opcode < 64; opcode++) assert.equal(pduKind(opcode) !== undefined, known.has(opcode));
});

test('opcodeName() has a name for all 64 opcodes', () => {
  assert.equal(opcodeName(0x01), 'SCSI Command');
  assert.equal(opcodeName(0x3f), 'Reject');
  for (const vendor of [0x1c, 0x1d, 0x1e, 0x3c, 0x3d, 0x3e])
    assert.match(opcodeName(vendor), /^vendor-specific opcode/);
  for (const unassigned of [0x07, 0x0f, 0x11, 0x1b, 0x1f, 0x27, 0x30, 0x33, 0x3b]) {
    assert.match(opcodeName(unassigned), /^unassigned opcode 0x/);
  }
  assert.equal(new Set(Array.from({ length: 64 }, (_, opcode) => opcodeName(opcode))).size, 64);
});

test('describePdu() names the PDU and its fields, the CDB as hex', () => {
  const { opcode, name, role, fields } = describePdu(viewOf(hex(scsiCommand.examples[1].bytes)), 0);
  assert.deepEqual({ opcode, name, role }, { opcode: 1, name: 'SCSI Command', role: 'initiator' });
  assert.equal(fields['cdb'], '28000000000000000200000000000000');
  assert.equal(fields['expectedDataTransferLength'], 1024);
  assert.equal(fields['final'], true);
});

test('describePdu() ignores the reserved bit and the I bit beside the opcode', () => {
  const header = hex(scsiCommand.examples[1].bytes);
  header[0] = 0xc1;
  assert.equal(describePdu(viewOf(header), 0).name, 'SCSI Command');
});

test('describePdu() gives the common fields of an unknown opcode', () => {
  const header = hex(nopOut.examples[0].bytes);
  header[0] = 0x1c;
  assert.deepEqual(describePdu(viewOf(header), 0), {
    opcode: 0x1c,
    name: 'vendor-specific opcode 0x1c',
    role: undefined,
    fields: { totalAhsLength: 0, dataSegmentLength: 66_051, initiatorTaskTag: 0x2122_2324 },
  });
});

/** The digest on the wire of `bytes[from, to)`, which is stored little-endian. */
function wireDigest(bytes: Uint8Array, from: number, to: number): string {
  const digest = new Uint8Array(4);
  viewOf(digest).setUint32(0, crc32c(bytes, from, to), true);
  return toHex(digest);
}

test('the fixtures have the digests that RFC 7143 appendix A.4 and an independent implementation give', () => {
  const [, readTen, longCdb] = scsiCommand.examples.map(({ bytes }) => hex(bytes));
  const ping = hex(nopOut.examples[1]?.bytes ?? '');
  assert.equal(wireDigest(readTen ?? new Uint8Array(), 0, 48), '563a96d9');
  assert.equal(wireDigest(longCdb ?? new Uint8Array(), 0, 80), 'a1b7e7d6');
  assert.equal(wireDigest(ping, 0, 48), 'aba2fe03');
  assert.equal(wireDigest(ping, 48, 56), 'b3ed0390');
});
