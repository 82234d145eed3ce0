import assert from 'node:assert/strict';
import test from 'node:test';
import { hex, toHex, viewOf } from '../../src/bytes/hex.ts';
import { cdb, cdbLength, commandName, commandTitle, parseCdb } from '../../src/scsi/cdb.ts';
import type { CommandRow } from '../../src/scsi/command-row.ts';
import type { CommandName } from '../../src/scsi/commands.ts';
import { COMMANDS } from '../../src/scsi/commands.ts';
import { CDB_FIXTURES } from './cdb-fixtures.ts';

/** `cdb()` for a name that is known at run time only. */
const build = cdb as (name: CommandName, values: object) => Uint8Array;

for (const { name, values, bytes } of CDB_FIXTURES) {
  test(`cdb() builds ${name} ${JSON.stringify(values)}, and parseCdb() takes it apart`, () => {
    assert.equal(toHex(build(name, values)), toHex(bytes));
    const parsed = parseCdb(viewOf(bytes), bytes.length);
    assert.equal(parsed?.name, name);
    const fields: Readonly<Record<string, number | boolean>> = { ...parsed?.fields };
    for (const [field, value] of Object.entries(fields)) {
      assert.equal(value, values[field] ?? (typeof value === 'boolean' ? false : 0), field);
    }
    assert.deepEqual(
      Object.keys(values).filter((field) => !(field in fields)),
      [],
    );
    assert.equal(commandName(viewOf(bytes)), name);
  });
}

test('every command of the table has a fixture, a length that its operation code tells, and fields that do not overlap', () => {
  const seen = new Set(CDB_FIXTURES.map((fixture) => fixture.name));
  for (const [name, row] of Object.entries<CommandRow>(COMMANDS)) {
    assert.ok(seen.has(name as CommandName), `${name} has no fixture`);
    assert.equal(cdbLength(row.opcode) ?? 32, row.length, name);
    const used = new Array<string | undefined>(row.length * 8).fill(undefined);
    for (const [field, { at, bits, shift }] of Object.entries(row.fields)) {
      const lastBit = (at + ((bits + shift + 7) >>> 3)) * 8 - shift;
      for (let bit = lastBit - bits; bit < lastBit; bit++) {
        assert.ok(bit >= 8 && bit < row.length * 8, `${name}: ${field} lies outside of the CDB`);
        assert.equal(used[bit], undefined, `${name}: ${field} lies on ${used[bit]}`);
        used[bit] = field;
      }
    }
  }
});

test('cdb() refuses what does not fit its field, naming field, value and range', () => {
  assert.throws(() => cdb('READ_10', { transferLength: 65_536 }), {
    name: 'RangeError',
    message: 'Cannot write READ_10: transferLength = 65536: 0..65535 allowed',
  });
  assert.throws(
    () => cdb('COMPARE_AND_WRITE', { numberOfLogicalBlocks: 300 }),
    /numberOfLogicalBlocks = 300: 0\.\.255 allowed/,
  );
  assert.throws(() => cdb('READ_6', { logicalBlockAddress: 0x20_0000 }), /0\.\.2097151 allowed/);
  assert.throws(() => cdb('READ_16', { logicalBlockAddress: 2 ** 53 }), /0\.\.2\^53 - 1 allowed/);
  for (const bad of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => cdb('READ_16', { transferLength: bad }), RangeError, `${bad}`);
    assert.throws(() => cdb('READ_16', { logicalBlockAddress: bad }), RangeError, `${bad}`);
  }
  assert.throws(() => cdb('READ_10', { fua: 2 }), /fua = 2: 0\.\.1 allowed/);
});

test('cdb() takes the fields of its command only: the compiler and the run time refuse others', () => {
  // @ts-expect-error READ_10 has no field of this name.
  assert.throws(() => cdb('READ_10', { lba: 8 }), /it has no field lba, only rdprotect, /);
  // @ts-expect-error There is no such command.
  assert.throws(() => cdb('READ_11', {}), RangeError);
  // @ts-expect-error A number field takes no boolean.
  assert.equal(cdb('READ_10', { transferLength: true })[8], 1);
});

test('cdb() takes flags as numbers and passes undefined over', () => {
  const expected = hex('28 08 00 00 00 00 00 00 01 00');
  assert.deepEqual(cdb('READ_10', { fua: 1, dpo: undefined, transferLength: 1 }), expected);
});

test('parseCdb() types the fields by the name', () => {
  const bytes = hex('28 08 00 00 00 09 00 00 02 00');
  const parsed = parseCdb(viewOf(bytes), bytes.length);
  assert.ok(parsed?.name === 'READ_10');
  assert.deepEqual([parsed.fields.logicalBlockAddress, parsed.fields.transferLength, parsed.fields.fua], [9, 2, true]);
});

test('parseCdb() reads a CDB inside of a larger view, which may be shared', () => {
  const bytes = hex('ff ff 2a 00 00 00 00 09 00 00 02 00 ff').subarray(1);
  const parsed = parseCdb(viewOf(bytes), 10, 1);
  assert.ok(parsed?.name === 'WRITE_10');
  assert.equal(parsed.fields.logicalBlockAddress, 9);
});

test('parseCdb() gives an address above 2^53 - 1 as 2^53 - 1', () => {
  const bytes = hex('88 00 ff ff ff ff ff ff ff ff 00 00 00 01 00 00');
  const parsed = parseCdb(viewOf(bytes), 16);
  assert.ok(parsed?.name === 'READ_16');
  assert.equal(parsed.fields.logicalBlockAddress, Number.MAX_SAFE_INTEGER);
});

test('parseCdb() knows nothing of commands outside of the table and of CDBs that are cut', () => {
  for (const { bytes } of CDB_FIXTURES) {
    for (let length = 0; length < bytes.length; length++) {
      assert.equal(parseCdb(viewOf(bytes.subarray(0, length)), length), undefined, `${toHex(bytes)} cut at ${length}`);
    }
  }
  for (const text of ['d4 00 00 00 00 00', 'a3 1f 00 00 00 00 00 00 00 00 00 00', '7f 00 00 00 00 00 00 18 7f ff']) {
    const bytes = hex(text);
    assert.equal(parseCdb(viewOf(bytes), bytes.length), undefined, text);
  }
});

test('commandName() tells commands with a service action apart and names unknown ones by their codes', () => {
  const nameOfBytes = (text: string) => commandName(viewOf(hex(text)));
  assert.equal(nameOfBytes('9e 10 00 00 00 00 00 00 00 00 00 00 00 00 00 00'), 'READ_CAPACITY_16');
  assert.equal(nameOfBytes('9e 12 00 00 00 00 00 00 00 00 00 00 00 00 00 00'), 'GET_LBA_STATUS_16');
  assert.equal(nameOfBytes('9e 1e'), 'SERVICE_ACTION_IN_16');
  assert.equal(nameOfBytes('d4 00 00 00 00 00'), '0xD4');
  assert.equal(nameOfBytes('a3 1f 00 00 00 00 00 00 00 00 00 00'), '0xA3/0x1F');
  assert.equal(nameOfBytes('7f 00 00 00 00 00 00 18 1f f0'), '0x7F/0x1FF0');
  assert.equal(nameOfBytes('7f'), '0x7F');
  assert.equal(nameOfBytes(''), 'no command');
});

test('commandTitle() writes a name as the standards print it', () => {
  assert.equal(commandTitle('READ_10'), 'READ(10)');
  assert.equal(commandTitle('REPORT_SUPPORTED_OPERATION_CODES'), 'REPORT SUPPORTED OPERATION CODES');
  assert.equal(commandTitle('PRE_FETCH_16'), 'PRE-FETCH(16)');
  assert.equal(commandTitle('0xD4'), '0xD4');
});

test('cdbLength() follows the group of the operation code', () => {
  const expected = [6, 10, 10, undefined, 16, 12, undefined, undefined];
  for (let opcode = 0; opcode < 256; opcode++) assert.equal(cdbLength(opcode), expected[opcode >>> 5], `${opcode}`);
});
