/** `timeout` is the call's: however many commands it takes, and whoever it waits for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawDisk } from '../client/raw-disk.ts';
import { senseData } from '../support/speaker/data.ts';
import type { StepIn } from './raw-disk-port.ts';
import { RAW_WAYS } from './ways.ts';

const READ_10 = 0x28;
const WRITE_10 = 0x2a;
const BLOCK = new Uint8Array(512).fill(7);

/** Answers commands with these operation codes only after a while. */
function slowly(disk: RawDisk, milliseconds: number, ...operations: readonly number[]): StepIn {
  return ({ cdb, dataOut }, answer) => {
    if (!operations.includes(cdb[0] ?? 0)) return false;
    const bytes = cdb.slice();
    const data = dataOut.slice();
    setTimeout(() => answer(disk.execute(bytes, data, 0)), milliseconds);
    return true;
  };
}

async function failsWithin(work: Promise<unknown>, code: string, most: number): Promise<void> {
  const started = performance.now();
  await assert.rejects(work, { code });
  const took = performance.now() - started;
  assert.ok(took < most, `${took} ms`);
}

for (const { name, open } of RAW_WAYS) {
  test(`${name}: writes that wait for a write that hangs give up within their own time, and by their own signal`, async (t) => {
    let hanging = true;
    const { lun, alive } = await open(t, { onCommand: ({ cdb }) => hanging && cdb[0] === READ_10 });
    const stuck = lun.write(new Uint8Array(5), { position: 3, timeout: 4000 });
    stuck.catch(() => undefined);
    const stop = new AbortController();
    const stopped = lun.write(BLOCK, { position: 0, signal: stop.signal });
    const waiting = [
      failsWithin(lun.write(BLOCK, { position: 512, timeout: 400 }), 'ISCSI_TIMEOUT', 1000),
      failsWithin(lun.write(new Uint8Array(5), { position: 700, timeout: 400 }), 'ISCSI_TIMEOUT', 1000),
      failsWithin(lun.trim({ position: 0, length: 4096, timeout: 400 }), 'ISCSI_TIMEOUT', 1000),
      failsWithin(stopped, 'ISCSI_ABORTED', 500),
    ];
    setTimeout(() => stop.abort(), 20);
    await Promise.all(waiting);
    const last = lun.write(BLOCK, { position: 1024, timeout: 10_000 });
    hanging = false;
    await assert.rejects(stuck, { code: 'ISCSI_TIMEOUT' });
    await last; // who gave up has not left the gate shut
    await lun.write(new Uint8Array(5), { position: 3 });
    assert.equal(alive(), true);
  });

  test(`${name}: the commands of one call have its time together`, async (t) => {
    const disk = new RawDisk(4000);
    disk.maximumTransfer = 1;
    const { lun, alive } = await open(t, { disk, onCommand: slowly(disk, 60, READ_10, WRITE_10) });
    const blocks = new Uint8Array(512 * 400);
    for (const work of [
      () => lun.read(blocks, { position: 0, timeout: 400 }),
      () => lun.write(blocks, { position: 0, timeout: 400 }),
      () => lun.read(blocks.subarray(1), { position: 3, timeout: 400 }),
      () => lun.write(blocks.subarray(1), { position: 3, timeout: 400 }),
    ]) {
      await failsWithin(work(), 'ISCSI_TIMEOUT', 800);
    }
    assert.equal(alive(), true);
  });

  test(`${name}: a long transfer that names no time may take longer than one command may`, async (t) => {
    const disk = new RawDisk(64);
    disk.maximumTransfer = 1;
    const { lun } = await open(t, { disk, onCommand: slowly(disk, 30, READ_10) });
    const port = lun.port as { timeout: number };
    port.timeout = 200;
    await lun.read(new Uint8Array(512 * 64), { position: 0 });
  });

  test(`${name}: a look at who answers counts against the time of the call that waits for it, and against no other`, async (t) => {
    const disk = new RawDisk();
    let silent = false;
    let looks = 0;
    const { lun, changes, alive } = await open(t, {
      disk,
      onCommand: ({ cdb, dataOut }, answer) => {
        if (!silent || cdb[0] !== 0x12) return false;
        looks++;
        const bytes = cdb.slice();
        setTimeout(() => answer(disk.execute(bytes, dataOut, 0)), 300);
        return true;
      },
    });
    silent = true;
    disk.refusals.push([6, 0x3f, 0x03]);
    const patient = lun.write(BLOCK, { position: 0 });
    while (looks === 0) await new Promise((resolve) => setImmediate(resolve));
    await failsWithin(lun.write(BLOCK, { position: 512, timeout: 250 }), 'ISCSI_TIMEOUT', 600);
    assert.equal(changes(), 0);
    silent = false;
    await patient;
    assert.equal(alive(), true);
  });

  test(`${name}: a trim in many commands, a flush and its question, and a list asked for twice have one time each`, async (t) => {
    const disk = new RawDisk();
    disk.thin = true;
    let slow = false;
    const { lun } = await open(t, {
      disk,
      onCommand: ({ cdb, dataOut }, answer) => {
        if (!slow) return false;
        const bytes = cdb.slice();
        const data = dataOut.slice();
        const refused = cdb[0] === 0x35 || cdb[0] === 0x1a || cdb[0] === 0x9e;
        setTimeout(
          () => answer(refused ? { status: 2, sense: senseData(5, 0x20, 0) } : disk.execute(bytes, data, 0)),
          180,
        );
        return true;
      },
    });
    slow = true;
    await failsWithin(lun.flush({ timeout: 260 }), 'ISCSI_TIMEOUT', 500);
    await failsWithin(lun.readCapacity({ timeout: 260 }), 'ISCSI_TIMEOUT', 500);
  });
}
