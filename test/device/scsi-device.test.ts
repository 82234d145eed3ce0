import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { bench, FakeNexus, FakeTask, filled, NEXUS, OTHER_NEXUS, resetUnit, startOn } from './fake.ts';
import { HeldStore, settle } from './stores.ts';

const TEST_UNIT_READY = '00 00 00 00 00 00';
const INQUIRY = '12 00 00 0024 00';
const REQUEST_SENSE = '03 00 00 00 ff 00';
const REPORT_LUNS = 'a0 00 00 000000 000000ff 00 00';
const READ_10 = '28 00 00000000 00 0001 00';
const WRITE_10 = '2a 00 00000000 00 0001 00';
const POWER_ON = 'CHECK CONDITION 06/29/00';
const RESET = 'CHECK CONDITION 06/29/03';
const LUNS_CHANGED = 'CHECK CONDITION 06/3f/0e';

const unitOf = (serial: string) => new DeviceLogicalUnit(new MemoryStore({ size: 1024 * 1024 }), { serial });

test('a unit is reached by peripheral and by flat addressing, and by nothing else', () => {
  const { device } = bench();
  device.attach(300, unitOf('300'));
  device.attach(16383, unitOf('16383'));
  for (const [high, low, there] of [
    [0x0000_0000, 0, true],
    [0x4000_0000, 0, true], // flat 0
    [0x412c_0000, 0, true], // flat 300
    [0x7fff_0000, 0, true], // flat 16383
    [0xd200_012c, 0, true], // extended flat 300
    [0x0001_0000, 0, false],
    [0x0000_0001, 0, false], // a second level
    [0x0000_0000, 1, false],
    [0x0100_0000, 0, false], // bus 1
    [0x412d_0000, 0, false],
    [0xc101_0000, 0, false], // well known REPORT LUNS
    [0xffff_ffff, 0xffff_ffff, false],
  ] as const) {
    assert.equal(device.hasLogicalUnit(high, low), there, `${high.toString(16)} ${low.toString(16)}`);
  }
});

test('a number without logical unit answers INQUIRY, REQUEST SENSE, and REPORT LUNS at LUN 0; all else is 25/00', async () => {
  const device = new DeviceServer();
  device.attach(3, unitOf('3'));
  device.nexusStarted(NEXUS);
  assert.equal((await startOn(device, 0, INQUIRY).ended).data[0], 0x7f);
  const sense = await startOn(device, 0, REQUEST_SENSE).ended;
  assert.equal(sense.outcome, 'GOOD');
  assert.equal(toHex(sense.data), '70000500000000' + '0a00000000' + '2500' + '00000000');
  const luns = await startOn(device, 0, REPORT_LUNS).ended;
  assert.equal(toHex(luns.data), '00000008' + '00000000' + '0003000000000000');
  assert.equal((await startOn(device, 7, REPORT_LUNS).ended).outcome, 'CHECK CONDITION 05/25/00');
  for (const cdb of [TEST_UNIT_READY, READ_10, WRITE_10, 'ff 00 00 00 00 00']) {
    assert.equal((await startOn(device, 0, cdb, filled(512, 1)).ended).outcome, 'CHECK CONDITION 05/25/00', cdb);
  }
  assert.equal(
    (await startOn(device, 3, TEST_UNIT_READY).ended).outcome,
    POWER_ON,
    'the unit that is there is another',
  );
});

test('an unknown operation code is 20/00, an unknown service action 24/00 at byte 1', async () => {
  const { run } = bench();
  for (const opcode of ['04', '18', '48', '4d', '5e', '5f', '7f', '7e', '89', '9c', 'c0', 'ff']) {
    assert.equal((await run(`${opcode}${'00'.repeat(15)}`)).outcome, 'CHECK CONDITION 05/20/00', opcode);
  }
  for (const cdb of ['9e 1f', '9e 00', 'a3 0a', 'a3 05']) {
    const task = await run(`${cdb}${'00'.repeat(14)}`);
    assert.equal(task.outcome, 'CHECK CONDITION 05/24/00', cdb);
    assert.equal(toHex(task.sense.slice(15, 18)), 'cc0001', cdb); // C/D, BPV, bit 4 of byte 1
  }
});

test('each bit of a CDB that is reserved or not supported is refused, with its place', async () => {
  const { run } = bench();
  for (const [cdb, specific] of [
    ['28 20 00000000 00 0001 00', 'cd0001'], // RDPROTECT 1: bit 5 of byte 1
    ['28 e0 00000000 00 0001 00', 'cf0001'], // RDPROTECT 7: bit 7
    ['28 04 00000000 00 0001 00', 'ca0001'], // RARC
    ['28 01 00000000 00 0001 00', 'c80001'],
    ['28 00 00000000 01 0001 00', 'c80006'], // GROUP NUMBER
    ['28 00 00000000 00 0001 04', 'ca0009'], // NACA
    ['88 01 0000000000000000 00000001 00 00', 'c80001'], // DLD2
    ['88 00 0000000000000000 00000001 80 00', 'cf000e'], // DLD1
    ['a8 00 00000000 00000001 80 00', 'cf000a'], // streaming
    ['00 00 00 80 00 00', 'cf0003'],
    ['25 00 00000001 0000 00 00', 'c80005'], // READ CAPACITY(10) with an address
    ['25 00 00000000 0000 01 00', 'c80008'], // PMI
    ['42 01 00000000 00 0000 00', 'c80001'], // UNMAP with ANCHOR
    ['41 10 00000000 00 0001 00', 'cc0001'], // WRITE SAME(10) with ANCHOR
    ['41 01 00000000 00 0001 00', 'c80001'], // NDOB is of WRITE SAME(16) only
  ] as const) {
    const task = await run(cdb, filled(512, 0));
    assert.equal(task.outcome, 'CHECK CONDITION 05/24/00', cdb);
    assert.equal(toHex(task.sense.slice(15, 18)), specific, cdb);
  }
});

test('what lies behind a CDB of 6, 10 or 12 bytes in its 16 bytes does not matter', async () => {
  const { run } = bench();
  assert.equal((await run(`00 00 00 00 00 00 ${'ff'.repeat(10)}`)).outcome, 'GOOD');
  assert.equal((await run(`${READ_10} ${'ff'.repeat(6)}`)).outcome, 'GOOD');
});

test('a new session is told of the power on once per unit, by the first command that may tell it', async () => {
  const device = new DeviceServer();
  device.attach(0, unitOf('0'));
  device.attach(1, unitOf('1'));
  device.nexusStarted(NEXUS);
  assert.equal((await startOn(device, 0, INQUIRY).ended).outcome, 'GOOD');
  assert.equal((await startOn(device, 0, REPORT_LUNS).ended).outcome, 'GOOD');
  const first = await startOn(device, 0, READ_10).ended;
  assert.equal(first.outcome, POWER_ON);
  assert.equal(first.data.length, 0, 'the command was not done');
  assert.equal((await startOn(device, 0, READ_10).ended).outcome, 'GOOD');
  assert.equal((await startOn(device, 1, TEST_UNIT_READY).ended).outcome, POWER_ON, 'the other unit tells it, too');
});

test('a write that is stopped by a unit attention writes nothing', async () => {
  const { device, run } = bench();
  resetUnit(device, 0, 0);
  assert.equal((await run(WRITE_10, filled(512, 7))).outcome, RESET);
  assert.deepEqual((await run(READ_10)).data, filled(512, 0));
});

test('a unit attention stops unknown commands, too', async () => {
  const { device, run } = bench();
  resetUnit(device, 0, 0);
  assert.equal((await run('ff 00 00 00 00 00')).outcome, RESET);
  assert.equal((await run('ff 00 00 00 00 00')).outcome, 'CHECK CONDITION 05/20/00');
});

test('REQUEST SENSE tells a unit attention as data, and takes it away', async () => {
  const { device, run } = bench();
  resetUnit(device, 0, 0);
  const task = await run(REQUEST_SENSE);
  assert.equal(task.outcome, 'GOOD');
  assert.equal(toHex(task.data), '70000600000000' + '0a00000000' + '2903' + '00000000');
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
});

test('a reset is told to every session, in place of what waited, and sets everything back', async () => {
  const { device, unit, run } = bench();
  unit.stopped = true;
  unit.softwareWriteProtect = true;
  unit.descriptorSense = true;
  device.attach(1, unitOf('1')); // a changed inventory waits now
  resetUnit(device, 0, 0);
  resetUnit(device, 0, 0);
  for (const nexus of [NEXUS, OTHER_NEXUS]) {
    const task = await run(TEST_UNIT_READY, undefined, nexus);
    assert.equal(task.outcome, RESET);
    assert.equal(task.sense[0], 0x70, 'D_SENSE is 0 again');
    assert.equal((await run(WRITE_10, filled(512, 1), nexus)).outcome, 'GOOD');
  }
  resetUnit(device, 0x0009_0000, 0); // a unit that is not there
});

test('a changed inventory is told once to each session, whichever unit it asks first', async () => {
  const { device, run } = bench();
  device.attach(1, unitOf('1'));
  device.attach(2, unitOf('2'));
  assert.equal((await run(TEST_UNIT_READY)).outcome, LUNS_CHANGED);
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
  assert.equal((await startOn(device, 1, TEST_UNIT_READY).ended).outcome, POWER_ON);
  assert.equal((await startOn(device, 1, TEST_UNIT_READY).ended).outcome, 'GOOD');
  assert.equal((await run(TEST_UNIT_READY, undefined, OTHER_NEXUS)).outcome, LUNS_CHANGED);
});

test('REPORT LUNS takes the attention of a changed inventory back on all units of the session', async () => {
  const { device, run } = bench();
  device.attach(1, unitOf('1'));
  device.detach(1);
  assert.equal((await run(REPORT_LUNS)).outcome, 'GOOD');
  assert.equal((await run(TEST_UNIT_READY)).outcome, 'GOOD');
  assert.equal((await run(TEST_UNIT_READY, undefined, OTHER_NEXUS)).outcome, LUNS_CHANGED);
});

test('detach() takes a unit away and returns it; its number can be used again', async () => {
  const { device, unit } = bench();
  assert.equal(device.detach(0), unit);
  assert.equal(device.detach(0), undefined);
  assert.equal(device.hasLogicalUnit(0, 0), false);
  assert.equal((await startOn(device, 0, TEST_UNIT_READY).ended).outcome, 'CHECK CONDITION 05/25/00');
  device.attach(0, unit);
  assert.equal((await startOn(device, 0, TEST_UNIT_READY).ended).outcome, POWER_ON);
});

test('attach() refuses a number that is taken or out of range', () => {
  const { device } = bench();
  assert.throws(() => device.attach(0, unitOf('x')), /LUN 0: there is one/);
  for (const lun of [-1, 16384, 1.5]) assert.throws(() => device.attach(lun, unitOf('x')), /0\.\.16383 allowed/);
});

test('a changed capacity is told to every session, and taken over', async () => {
  const { device, unit, run } = bench();
  Object.defineProperty(unit.store, 'blocks', { value: 1000 });
  device.capacityChanged(0);
  device.capacityChanged(9); // nobody there: nothing happens
  for (const nexus of [NEXUS, OTHER_NEXUS]) {
    assert.equal((await run(TEST_UNIT_READY, undefined, nexus)).outcome, 'CHECK CONDITION 06/2a/09');
  }
  assert.equal(toHex((await run('25 00 00000000 0000 00 00')).data), '000003e700000200');
  assert.equal((await run('28 00 000003e8 00 0001 00')).outcome, 'CHECK CONDITION 05/21/00');
});

test('nothing is kept for a session that ended', async () => {
  const { device, unit } = bench();
  resetUnit(device, 0, 0);
  device.nexusEnded(NEXUS);
  device.nexusEnded(OTHER_NEXUS);
  assert.equal(unit.attentions.any, false);
  resetUnit(device, 0, 0);
  assert.equal(unit.attentions.any, false);
});

test('two devices can share a unit: the sessions of both are told', async () => {
  const { unit, run } = bench();
  const second = new DeviceServer();
  second.attach(4, unit);
  const nexus = new FakeNexus('iqn.2003-01.org.example:three,i,0x800000000003');
  second.nexusStarted(nexus);
  unit.attentions.take(nexus);
  resetUnit(second, 0x0004_0000, 0);
  assert.equal((await run(TEST_UNIT_READY)).outcome, RESET);
  assert.equal((await startOn(second, 4, TEST_UNIT_READY, undefined, nexus).ended).outcome, RESET);
});

test('a task that is aborted already is ended without being done', async () => {
  const { device, run } = bench();
  const task = new FakeTask(hex(WRITE_10), filled(512, 7));
  task.aborted = true;
  task.submit(device, 0, 0);
  assert.equal(task.outcome, 'status 40');
  assert.deepEqual((await run(READ_10)).data, filled(512, 0));
});

test('a task that is aborted while it waits for its turn is ended without being done', async () => {
  const store = new HeldStore();
  const { start } = bench({}, store);
  start(WRITE_10, filled(512, 1));
  const second = start(WRITE_10, filled(512, 2));
  second.aborted = true;
  await store.releaseNext();
  await settle();
  assert.equal(second.outcome, 'status 40');
  assert.deepEqual(store.log, ['write']);
});

test('close() of a unit waits for its commands, and closes the store', async () => {
  const store = new HeldStore();
  const { unit, start } = bench({}, store);
  const task = start(WRITE_10, filled(512, 1));
  const closing = unit.close();
  await settle();
  assert.equal(store.closed, false);
  await store.releaseNext();
  await closing;
  assert.equal(store.closed, true);
  assert.equal(task.outcome, 'GOOD');
});

test('close() of a unit whose store never answers is an error in the end, and says what it waited for', async () => {
  for (const stuck of ['write', 'close'] as const) {
    const store = new HeldStore();
    if (stuck === 'close') store.close = () => new Promise(() => {});
    let later: () => void = () => assert.fail('nobody waits');
    let stopped = 0;
    const clock = {
      now: () => 0,
      after: (milliseconds: number, then: () => void) => {
        assert.equal(milliseconds, 1500);
        later = then;
        return () => stopped++;
      },
    };
    const { unit, start } = bench({ clock, closePatience: 1500 }, store);
    if (stuck === 'write') start(WRITE_10, filled(512, 1));
    const closing = unit.close();
    await settle();
    assert.equal(stopped, 0);
    later();
    await assert.rejects(closing, {
      code: 'ISCSI_TIMEOUT',
      message: stuck === 'write' ? /serial-1: within 1500 ms its store has not ended 1 of/ : /does not close$/,
    });
    await store.releaseNext();
    await settle();
    assert.equal(store.closed, stuck === 'write', 'it goes on behind that');
  }
});

test('a unit that nobody has used is abandoned with what its store had made, or closed', async () => {
  const store = new HeldStore();
  await bench({}, store).unit.abandon();
  assert.equal(store.closed, true);
  let abandoned = 0;
  const made = Object.assign(new HeldStore(), { abandon: () => void abandoned++ });
  await bench({}, made).unit.abandon();
  assert.deepEqual([abandoned, made.closed], [1, false]);
});

test('no data-out is asked for by commands that have none or will be refused', () => {
  const { device } = bench();
  const wanted = (cdb: string, high = 0) => {
    const { cdb: view, cdbLength } = new FakeTask(hex(cdb));
    return device.dataOutLength(high, 0, view, cdbLength);
  };
  assert.equal(wanted('2a 00 00000000 00 0003 00'), 3 * 512);
  assert.equal(wanted('0a 00 00 00 00 00'), 256 * 512); // length 0 is 256 blocks
  assert.equal(wanted('8a 00 0000000000000000 00000400 00 00'), 1024 * 512);
  assert.equal(wanted('15 10 00 00 18 00'), 24);
  assert.equal(wanted('55 10 000000 0000 ffff 00'), 65535);
  assert.equal(wanted('42 00 00000000 00 0018 00'), 24);
  assert.equal(wanted('41 00 00000000 00 0100 00'), 512);
  assert.equal(wanted('93 00 0000000000000000 00000100 00 00'), 512);
  assert.equal(wanted('2f 02 00000000 00 0004 00'), 4 * 512);
  assert.equal(wanted('2f 06 00000000 00 0004 00'), 512);
  assert.equal(wanted('2e 02 00000000 00 0004 00'), 4 * 512);
  assert.equal(wanted('2e 00 00000000 00 0004 00'), 4 * 512);
  for (const none of [
    TEST_UNIT_READY,
    READ_10,
    '2f 00 00000000 00 0004 00', // VERIFY without byte check
    '2f 04 00000000 00 0004 00', // BYTCHK 2
    '2e 06 00000000 00 0004 00', // WRITE AND VERIFY with BYTCHK 3
    '93 01 0000000000000000 00000100 00 00', // NDOB
    '2a 20 00000000 00 0001 00', // WRPROTECT
    '2a 00 00000800 00 0001 00', // out of range
    '8a 00 0000000000000000 ffffffff 00 00', // too long
    '8a 00 ffffffffffffffff 00000001 00 00',
    '93 00 0000000000000000 ffffffff 00 00',
    '3b 02 00 000000 010000 00', // WRITE BUFFER, which there is not
  ]) {
    assert.equal(wanted(none), 0, none);
  }
  assert.equal(wanted(WRITE_10, 0x0005_0000), 0, 'no such unit');
});
