import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { REPOSITORY } from '../repository.ts';
import { examplesIn } from './collect.ts';
import { problemsOf } from './problems.ts';

/** As if `lines` were the one example of `file`; they begin in line 3. */
const example = (file: string, ...lines: string[]) =>
  examplesIn(file, ['/**', ' * @example', ...lines.map((line) => ` * ${line}`), ' */', ''].join('\n'));
const CDB = 'src/scsi/cdb.ts';
const READ = "cdb('READ_10', { logicalBlockAddress: 8, transferLength: 1 })";

test('problemsOf() has nothing to say about examples that are true', async () => {
  const good = [
    ...example(CDB, "commandTitle('READ_10'); // 'READ(10)'", `${READ}; // hex 28 00 00 00 00 08 00 00 01 00`),
    ...example(CDB, `${READ}; // hex 28 00 ...`, `({ ...${READ} })[0]; // 0x28`),
    ...example(CDB, "const cdbLength = '127.0.0.1:3260';", "cdbLength; // '127.0.0.1:1'"),
    ...example(
      'src/client/connect.ts',
      "const options: ConnectOptions = { initiatorAlias: 'me' };",
      'options; // { initiatorAlias: "me" }',
    ),
    ...example('src/device/store.ts', 'const lun: LunDefinition = { memory: 1 };', 'lun; // { memory: 1 }'),
    ...example('src/bytes/hex.ts', "toHex(utf8('a')); // '61'", 'typeof createTarget; // "function"'),
  ];
  assert.deepEqual(await problemsOf(good, '127.0.0.1:1'), []);
});

test('problemsOf() names file and line of whatever is wrong with an example', async () => {
  const bad = [
    ...example(CDB, 'cdbLength(0x28);', 'cdbLength(0x28); // 12'),
    ...example(CDB, `${READ}; // hex 28 00`),
    ...example(CDB, `${READ}; // hex 2a ...`),
    ...example(CDB, 'cdbLength(0x28); // hex 0a'),
    ...example(CDB, `${READ};`, "cdb('READ_10', { blocks: 1 });"),
    ...example(CDB, 'cdbLength(0x28); // ten'),
    ...example(CDB, "viewOf(Uint8Array.of(1)); // 'of a room that has no entrance'"),
    ...example(CDB, 'if (cdbLength(0x28) === 12) {', '  cdbLength(0x28); // 12', '}'),
    ...example(CDB, "parseLun('x');"),
    ...example(CDB, "console.error('so');"),
    ...example(CDB, "process.emitWarning('much');"),
    ...example('src/server/create-target.ts', "await createTarget({ luns: [{ memory: '1M' }] }).listen({ port: 0 });"),
    ...example(CDB, 'process.exit(0);'),
    ...example(CDB, 'cdbLength(0x28); // 10'),
  ];
  const problems = await problemsOf(bad, '127.0.0.1:1');
  const expected = [
    /^src\/scsi\/cdb.ts:4: does not compile: error TS\d+: .*'blocks' does not exist/,
    /^src\/scsi\/cdb.ts:3: does not compile: error TS\d+: Cannot find name 'ten'/,
    /^src\/scsi\/cdb.ts:3: does not compile: error TS\d+: Cannot find name 'viewOf'/,
    /^src\/scsi\/cdb.ts:4: is 10, not 12$/,
    /^src\/scsi\/cdb.ts:3: is hex 28 00 00 00 00 08 00 00 01 00, not hex 28 00$/,
    /^src\/scsi\/cdb.ts:3: is hex 28 00 00 00 00 08 00 00 01 00, not hex 2a \.\.\.$/,
    /^src\/scsi\/cdb.ts:3: is 10, not bytes$/,
    /^src\/scsi\/cdb.ts:4: is never reached$/,
    /^src\/scsi\/cdb.ts:3: throws RangeError: Cannot read LUN "x"/,
    /^src\/scsi\/cdb.ts:3: writes to stderr: so$/,
    /^src\/scsi\/cdb.ts:3: writes to stderr: .*much\n/,
    /^src\/server\/create-target.ts:3: leaves open: TCPServerWrap$/,
    /^src\/scsi\/cdb.ts:3: ends the process with 0, and 1 more do not run$/,
  ];
  for (const [at, pattern] of expected.entries()) assert.match(problems[at] ?? 'nothing', pattern);
  assert.equal(problems.length, expected.length, problems.join('\n'));
});

test('problemsOf() names what is no TypeScript, such as words where a value belongs', async () => {
  const problems = await problemsOf(example(CDB, '', 'cdbLength(0x28); // ten bytes'), '127.0.0.1:1');
  assert.match(problems[0] ?? '', /^src\/scsi\/cdb.ts:4: does not compile: error TS1005/);
});

test('problemsOf() leaves no folder behind', () => {
  const left = readdirSync(join(REPOSITORY, 'dist')).filter((name) => name.startsWith(`examples-${process.pid}-`));
  assert.deepEqual(left, []);
});
