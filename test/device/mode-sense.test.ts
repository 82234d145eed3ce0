import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { bench } from './fake.ts';
import { HeldStore } from './stores.ts';

const NO_CACHE = '0812 00 00 0000 0000 0000 0000 00 00 0000 00000000'.replaceAll(' ', ''); // WCE 0
const CACHE = NO_CACHE.replace('081200', '081204'); // WCE 1
const CONTROL = '0a0a 00 00 00 40 0000 0000 0000'.replaceAll(' ', '');
const EXCEPTIONS = '1c0a 08 00 00000000 00000000'.replaceAll(' ', ''); // DEXCPT
const DESCRIPTOR = '00000800 00 000200'.replaceAll(' ', ''); // 2048 blocks of 512

const sense6 = (page: string, dbd = '00', length = 'ff') => `1a ${dbd} ${page} 00 ${length} 00`;
const sense10 = (page: string, flags = '00') => `5a ${flags} ${page} 00 00 00 00 0200 00`;

test('all pages come in ascending order behind header and block descriptor', async () => {
  const { run } = bench();
  const six = await run(sense6('3f'));
  assert.equal(toHex(six.data), `37001008${DESCRIPTOR}${NO_CACHE}${CONTROL}${EXCEPTIONS}`); // DPOFUA
  const ten = await run(sense10('3f'));
  assert.equal(toHex(ten.data), `003a001000000008${DESCRIPTOR}${NO_CACHE}${CONTROL}${EXCEPTIONS}`);
  assert.equal(toHex((await run('1a 00 3f ff ff 00')).data), toHex(six.data), 'all subpages are the same pages');
});

test('DBD leaves the block descriptor out; LLBAA makes it long', async () => {
  const { run } = bench();
  assert.equal(toHex((await run(sense6('0a', '08'))).data), `0f001000${CONTROL}`);
  assert.equal(toHex((await run(sense10('0a', '08'))).data), `0012001000000000${CONTROL}`);
  const long = '0000000000000800 00000000 00000200'.replaceAll(' ', '');
  assert.equal(toHex((await run(sense10('0a', '10'))).data), `0022001001000010${long}${CONTROL}`);
});

test('a unit of more than 2^32 blocks says so in the short block descriptor, and tells the number in the long one', async () => {
  const { run } = bench({ size: 2 ** 42 }); // 2^33 blocks
  assert.equal(toHex((await run(sense6('0a'))).data.slice(4, 12)), 'ffffffff00000200');
  assert.equal(toHex((await run(sense10('0a', '10'))).data.slice(8, 24)), '00000002000000000000000000000200');
});

test('blocks of 65536 bytes fit the three bytes of the short descriptor', async () => {
  const { run } = bench({ size: 4 * 65536, blockSize: 65536 });
  assert.equal(toHex((await run(sense6('0a'))).data.slice(4, 12)), '0000000400010000');
});

test('WCE is that of the store, and what an initiator made of it', async () => {
  const { run, unit } = bench({}, new HeldStore());
  const page = async (code: string) => toHex((await run(sense6(code, '08'))).data.slice(4));
  assert.equal(await page('08'), CACHE);
  assert.equal(await page('48'), CACHE, 'changeable: WCE');
  unit.writeCacheEnabled = false;
  assert.equal(await page('08'), NO_CACHE);
  assert.equal(await page('88'), CACHE, 'default');
  assert.equal(toHex((await bench().run(sense6('48', '08'))).data.slice(4)), NO_CACHE, 'without a cache nothing is');
});

test('current, changeable and default values of the Control page', async () => {
  const { run, unit } = bench();
  unit.softwareWriteProtect = true;
  unit.descriptorSense = true;
  const page = async (code: string) => toHex((await run(sense6(code, '08'))).data);
  const set = '0a0a040008400000' + '00000000'; // D_SENSE, SWP, TAS
  assert.equal(await page('0a'), `0f009000${set}`, 'current, and WP in the header');
  assert.equal(await page('4a'), '0f009000' + '0a0a040008000000' + '00000000', 'changeable: D_SENSE, SWP');
  assert.equal(await page('8a'), `0f009000${CONTROL}`, 'default');
  assert.equal(await page('5c'), `0f0090001c0a${'00'.repeat(10)}`, 'nothing of page 1C is changeable');
});

test('WP tells a read-only store', async () => {
  assert.equal((await bench({ readOnly: true }).run(sense6('0a'))).data[2], 0x90);
});

test('saved values, unknown pages and unknown subpages are refused', async () => {
  const { run } = bench();
  for (const [cdb, outcome, specific] of [
    [sense6('ff'), 'CHECK CONDITION 05/39/00', '000000'],
    [sense10('ca'), 'CHECK CONDITION 05/39/00', '000000'],
    [sense6('05'), 'CHECK CONDITION 05/24/00', 'cd0002'],
    [sense10('00'), 'CHECK CONDITION 05/24/00', 'cd0002'],
    ['1a 00 0a 01 ff 00', 'CHECK CONDITION 05/24/00', 'c00003'],
    ['1a 00 3f 01 ff 00', 'CHECK CONDITION 05/24/00', 'c00003'],
    ['1a 10 0a 00 ff 00', 'CHECK CONDITION 05/24/00', 'cc0001'], // LLBAA is of the longer form only
  ] as const) {
    const task = await run(cdb);
    assert.equal(task.outcome, outcome, cdb);
    assert.equal(toHex(task.sense.slice(15, 18)), specific, cdb);
  }
});

test('an allocation length cuts the list, and the data length in it stays', async () => {
  const { run } = bench();
  for (const length of [0, 1, 3, 4, 5, 12, 55, 56, 57]) {
    const task = await run(sense6('3f', '00', length.toString(16).padStart(2, '0')));
    assert.equal(task.outcome, 'GOOD');
    assert.equal(task.data.length, Math.min(length, 56));
    if (length > 0) assert.equal(task.data[0], 0x37);
  }
});
