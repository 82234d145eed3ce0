import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { bench } from './fake.ts';
import { HeldStore } from './stores.ts';

const report = (options: string, opcode = '00', action = '0000', length = '0000ffff') =>
  `a3 0c ${options} ${opcode} ${action} ${length} 00 00`;

// operation code, service action, SERVACTV, CDB length
const THIN = [
  ...[
    '00 06',
    '03 06',
    '08 06',
    '0a 06',
    '12 06',
    '15 06',
    '16 06',
    '17 06',
    '1a 06',
    '1b 06',
    '1d 06',
    '1e 06',
    '25 0a',
    '28 0a',
  ],
  ...[
    '2a 0a',
    '2e 0a',
    '2f 0a',
    '35 0a',
    '41 0a',
    '42 0a',
    '55 0a',
    '56 0a',
    '57 0a',
    '5a 0a',
    '88 10',
    '8a 10',
    '8e 10',
    '8f 10',
  ],
  ...['91 10', '93 10', '9e 10 10', '9e 10 12', 'a0 0c', 'a3 0c 0c', 'a8 0c', 'aa 0c', 'ae 0c', 'af 0c'],
];

const descriptors = (list: readonly string[], flags: number, behind = '') =>
  list
    .map((entry) => {
      const [opcode, length, action] = entry.split(' ');
      const servactv = action === undefined ? 0 : 1;
      return `${opcode}0000${action ?? '00'}000${flags | servactv}00${length}${behind}`;
    })
    .join('');

test('all commands are listed in ascending order', async () => {
  const { data } = await bench().run(report('00'));
  assert.equal(toHex(data), `00000130${descriptors(THIN, 0)}`);
  assert.equal(THIN.length * 8, 0x130);
});

test('RCTD adds a timeouts descriptor to each', async () => {
  const { data } = await bench().run(report('80'));
  const timeouts = `000a${'00'.repeat(10)}`;
  assert.equal(toHex(data), `${(THIN.length * 20).toString(16).padStart(8, '0')}${descriptors(THIN, 2, timeouts)}`);
});

test('a thick unit lists neither UNMAP nor GET LBA STATUS', async () => {
  const { data } = await bench({}, new HeldStore()).run(report('00'));
  const thick = THIN.filter((entry) => entry !== '42 0a' && entry !== '9e 10 12');
  assert.equal(toHex(data), `00000120${descriptors(thick, 0)}`);
});

test('the usage data has a one for each bit that a command looks at', async () => {
  const { run } = bench();
  for (const [opcode, expected] of [
    ['00', '00 00 00 00 00 00'],
    ['08', '08 1f ff ff ff 00'],
    ['12', '12 01 ff ff ff 00'],
    ['15', '15 10 00 00 ff 00'],
    ['1a', '1a 08 ff ff ff 00'],
    ['1b', '1b 01 00 00 05 00'],
    ['28', '28 1a ffffffff 00 ffff 00'],
    ['2a', '2a 1a ffffffff 00 ffff 00'],
    ['2e', '2e 16 ffffffff 00 ffff 00'],
    ['2f', '2f 16 ffffffff 00 ffff 00'],
    ['35', '35 06 ffffffff 00 ffff 00'],
    ['41', '41 08 ffffffff 00 ffff 00'],
    ['42', '42 00 00000000 00 ffff 00'],
    ['5a', '5a 18 ff ff 00 00 00 ffff 00'],
    ['88', '88 1a ffffffffffffffff ffffffff 00 00'],
    ['93', '93 09 ffffffffffffffff ffffffff 00 00'],
    ['a8', 'a8 1a ffffffff ffffffff 00 00'],
  ] as const) {
    const { data } = await run(report('01', opcode));
    const usage = expected.replaceAll(' ', '');
    assert.equal(toHex(data), `000300${(usage.length / 2).toString(16).padStart(2, '0')}${usage}`, opcode);
  }
  assert.equal(toHex((await run(report('02', '9e', '0010'))).data), '00030010' + '9e100000000000000000ffffffff0000');
  assert.equal(
    toHex((await run(report('82', 'a3', '000c'))).data),
    `0083000c${'a30c87ffffffffffffff0000'}000a${'00'.repeat(10)}`,
  );
});

test('a thick unit has no UNMAP bit in WRITE SAME', async () => {
  const { run } = bench({}, new HeldStore());
  assert.equal(toHex((await run(report('01', '41'))).data.slice(4, 6)), '4100');
});

test('a command that there is not is reported as not supported', async () => {
  const { run } = bench();
  for (const cdb of [
    report('01', 'ff'),
    report('02', '5e', '0000'),
    report('02', '9e', '001f'),
    report('03', '28', '0001'),
  ]) {
    assert.equal(toHex((await run(cdb)).data), '00010000', cdb);
  }
  assert.equal((await run(report('03', '28', '0000'))).data[1], 3);
  assert.equal((await run(report('03', 'a3', '000c'))).data[1], 3);
});

test('an option that does not suit the operation code is refused at the options', async () => {
  const { run } = bench();
  for (const cdb of [report('01', '9e'), report('02', '28', '0000'), report('04'), report('07')]) {
    const task = await run(cdb);
    assert.equal(task.outcome, 'CHECK CONDITION 05/24/00', cdb);
    assert.equal(toHex(task.sense.slice(15, 18)), 'ca0002', cdb);
  }
});

test('what is reported is what is done: each listed command is known, and each other operation code is not', async () => {
  const { run } = bench();
  const listed = new Set(THIN.map((entry) => entry.slice(0, 2)));
  for (let opcode = 0; opcode < 256; opcode++) {
    const code = opcode.toString(16).padStart(2, '0');
    const { outcome } = await run(`${code}${'00'.repeat(15)}`);
    assert.equal(outcome === 'CHECK CONDITION 05/20/00', !listed.has(code), `${code}: ${outcome}`);
  }
});
