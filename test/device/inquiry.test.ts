import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { bench, startOn } from './fake.ts';
import { HeldStore } from './stores.ts';

const ascii = (text: string) => toHex(Buffer.from(text, 'ascii'));

const STANDARD = hex(`
  00                     // qualifier 0 connected, type 0 direct access
  00                     // RMB 0: not removable
  06                     // VERSION: SPC-4
  12                     // HISUP, response data format 2
  5b                     // ADDITIONAL LENGTH: 96 - 5
  00 00 02               // no protection, one port; CMDQUE
  ${ascii('TSISCSI ')}
  ${ascii('VIRTUAL DISK    ')}
  ${ascii('0001')}
  0000000000 0000000000 0000000000 0000000000
  00 00
  00a0 0460 04c0 0960 0000 0000 0000 0000   // SAM-5, SPC-4, SBC-3, iSCSI
  0000000000 0000000000 0000000000 0000000000 0000
`);

test('standard INQUIRY data tells a disk of SPC-4 and SBC-3', async () => {
  const task = await bench().run('12 00 00 00ff 00');
  assert.equal(task.outcome, 'GOOD');
  assert.equal(toHex(task.data), toHex(STANDARD));
});

test('vendor, product and revision are those of the options, padded with blanks', async () => {
  const task = await bench({ vendor: 'ACME', product: 'ROCKET', revision: '7' }).run('12 00 00 0060 00');
  assert.equal(Buffer.from(task.data.slice(8, 36)).toString('ascii'), 'ACME    ROCKET          7   ');
});

test('an allocation length cuts the data and is never an error', async () => {
  const { run } = bench();
  for (const length of [0, 1, 4, 5, 36, 95, 96, 97, 0xffff]) {
    const task = await run(`12 00 00 ${length.toString(16).padStart(4, '0')} 00`);
    assert.equal(task.outcome, 'GOOD');
    assert.equal(toHex(task.data), toHex(STANDARD.slice(0, length)), `allocation length ${length}`);
  }
});

test('a page code without EVPD, an unknown page and the obsolete CMDDT are refused at their place in the CDB', async () => {
  const { run } = bench();
  for (const [cdb, specific] of [
    ['12 00 01 00ff 00', 'c00002'], // C/D, byte 2
    ['12 01 86 00ff 00', 'c00002'],
    ['12 02 00 00ff 00', 'c90001'], // C/D, BPV, bit 1 of byte 1
  ] as const) {
    const task = await run(cdb);
    assert.equal(task.outcome, 'CHECK CONDITION 05/24/00', cdb);
    assert.equal(toHex(task.sense.slice(15, 18)), specific, cdb);
  }
});

const page = async (code: string, options = {}, store?: HeldStore) =>
  toHex((await bench(options, store).run(`12 01 ${code} 0400 00`)).data);

test('VPD page 00 lists the pages in ascending order, and each of them can be read and echoes its code', async () => {
  assert.equal(await page('00'), '00000006' + '008083b0b1b2');
  for (const code of ['00', '80', '83', 'b0', 'b1', 'b2']) {
    assert.match(await page(code), new RegExp(`^00${code}00`));
  }
});

test('VPD page 80 is the serial number as it was given', async () => {
  assert.equal(await page('80'), `00800008${ascii('serial-1')}`);
});

test('VPD page 83 names the unit by NAA and T10 vendor, the port by number and name, and the device by name', async () => {
  const name = 'iqn.2003-01.org.example:disk'; // 28 characters, 32 with NUL and padding
  const padded = `${ascii(name)}00000000`;
  const portName = `${ascii(`${name},t,0x0001`)}000000`; // 37 characters, 40 with NUL and padding
  const expected = [
    '010300083921dbd229996f3f',
    `02010010${ascii('TSISCSI serial-1')}`,
    '5194000400000001', // iSCSI, PIV, target port, relative target port 1
    `53980028${portName}`, // iSCSI, UTF-8, PIV, target port, SCSI name
    `53a80020${padded}`, // iSCSI, UTF-8, PIV, target device, SCSI name
  ].join('');
  assert.equal(await page('83'), `0083${(expected.length / 2).toString(16).padStart(4, '0')}${expected}`);
});

test('VPD page 83 of a device without a name has the first three designators', async () => {
  const device = new DeviceServer();
  const { unit } = bench();
  device.attach(0, unit);
  const task = await startOn(device, 0, '12 01 83 00ff 00').ended;
  assert.equal(task.data.length, 4 + 12 + 20 + 8);
});

test('VPD page B0 tells the limits that are kept', async () => {
  const limits = (...words: string[]) => `00b0003c${words.join('')}`;
  const atomic = '00'.repeat(20);
  assert.equal(
    await page('b0'),
    limits(
      '01000000', // WSNZ; no COMPARE AND WRITE; no granularity
      '00004000', // MAXIMUM TRANSFER LENGTH 16384 blocks: 8 MiB
      '00000000', // optimal transfer length not told
      '00000000', // prefetch
      '00100000', // MAXIMUM UNMAP LBA COUNT 1048576: 512 MiB
      '00000100', // 256 descriptors
      '00000000', // unmap granularity not told
      '00000000',
      '0000000000008000', // MAXIMUM WRITE SAME LENGTH 32768: 16 MiB
      atomic,
    ),
  );
  const thick = await page('b0', { physicalBlockLength: 4096 }, new HeldStore());
  assert.equal(
    thick,
    limits(
      '01000008',
      '00004000',
      '00000000',
      '00000000',
      '00000000',
      '00000000',
      '00000000',
      '00000000',
      '0000000000008000',
      atomic,
    ),
  );
});

test('VPD page B0 tells how much must be discarded at a time for room to be given back', async () => {
  const store = Object.assign(new HeldStore(4 * 1024 * 1024, 4096, true), { discardGranularity: 1024 * 1024 });
  assert.equal((await page('b0', {}, store)).slice(56, 72), '00000100' + '80000000'); // 256 blocks; from block 0 on
});

test('VPD page B1 tells a medium that does not rotate', async () => {
  assert.equal(await page('b1'), `00b1003c0001${'00'.repeat(58)}`);
});

test('VPD page B2 tells thin provisioning with zeros for unmapped blocks, or nothing for a thick store', async () => {
  assert.equal(await page('b2'), '00b20004' + '00e40200'); // LBPU, LBPWS, LBPWS10, LBPRZ 001b; type 2 thin
  assert.equal(await page('b2', {}, new HeldStore()), '00b20004' + '00000000');
});

test('INQUIRY to a number without logical unit is GOOD and says so', async () => {
  const { device } = bench();
  const standard = await startOn(device, 5, '12 00 00 0024 00').ended;
  assert.equal(standard.outcome, 'GOOD');
  assert.equal(toHex(standard.data.slice(0, 8)), '7f0006125b000000'); // qualifier 3, type 1F
  assert.equal(toHex((await startOn(device, 5, '12 01 00 00ff 00').ended).data), '7f00000100');
  assert.equal((await startOn(device, 5, '12 01 80 00ff 00').ended).outcome, 'CHECK CONDITION 05/24/00');
  assert.equal((await startOn(device, 5, '12 00 80 00ff 00').ended).outcome, 'CHECK CONDITION 05/24/00');
});
