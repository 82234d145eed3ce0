import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex } from '../../src/bytes/hex.ts';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { bench, startOn } from './fake.ts';

const runReportLuns = (select: string, length: string) => `a0 00 ${select} 000000 ${length} 00 00`;

function withUnits(...luns: number[]) {
  const made = bench();
  for (const lun of luns) {
    made.device.attach(lun, new DeviceLogicalUnit(new MemoryStore({ size: 1024 * 1024 }), { serial: `${lun}` }));
  }
  return made;
}

test('REPORT LUNS lists all units in ascending order, above 255 in flat addressing', async () => {
  const { run } = withUnits(300, 255, 256, 16383, 7);
  const expected = [
    '00000030 00000000',
    '0000000000000000',
    '0007000000000000',
    '00ff000000000000',
    '4100000000000000', // 256
    '412c000000000000', // 300
    '7fff000000000000', // 16383
  ];
  for (const select of ['00', '02']) {
    assert.equal(toHex((await run(runReportLuns(select, '00000100'))).data), expected.join('').replace(' ', ''));
  }
});

test('there are no well-known units', async () => {
  assert.equal(toHex((await bench().run(runReportLuns('01', '00000010'))).data), '0000000000000000');
});

test('an unknown SELECT REPORT is refused at its byte, also where no unit is', async () => {
  const { device, run } = bench();
  for (const select of ['03', '10', 'ff']) {
    const task = await run(runReportLuns(select, '00000010'));
    assert.equal(task.outcome, 'CHECK CONDITION 05/24/00');
    assert.equal(toHex(task.sense.slice(15, 18)), 'c00002');
  }
  device.detach(0);
  const absent = await startOn(device, 0, runReportLuns('03', '00000010')).ended;
  assert.equal(absent.outcome, 'CHECK CONDITION 05/24/00');
});

test('truncation cuts the list and leaves its length as it is', async () => {
  const { run } = withUnits(1, 2);
  for (const length of [0, 3, 4, 8, 12, 16, 32, 33]) {
    const task = await run(runReportLuns('00', length.toString(16).padStart(8, '0')));
    assert.equal(task.outcome, 'GOOD');
    assert.equal(task.data.length, Math.min(length, 32));
    if (length >= 4) assert.equal(task.data[3], 24);
  }
});

test('a device without any unit has an empty list', async () => {
  const { device } = bench();
  device.detach(0);
  assert.equal(toHex((await startOn(device, 0, runReportLuns('00', '00000100')).ended).data), '0000000000000000');
});
