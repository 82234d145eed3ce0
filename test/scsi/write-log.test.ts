import assert from 'node:assert/strict';
import { test } from 'node:test';
import { cdb } from '../../src/scsi/cdb.ts';
import { blocksOf, effectOf, isStable } from '../../src/scsi/command-effect.ts';
import { WriteLog } from '../../src/scsi/write-log.ts';

function view(bytes: Uint8Array): DataView {
  const padded = new Uint8Array(16);
  padded.set(bytes.subarray(0, 16));
  return new DataView(padded.buffer);
}

test('writtenSince() tells of later writes that overlap, and of no others', () => {
  const log = new WriteLog();
  log.note(0, 100);
  const order = log.note(10, 20);
  for (const [from, to] of [
    [0, 10],
    [20, 30],
  ] as const)
    log.note(from, to);
  assert.equal(log.writtenSince(order, 10, 20), false);
  const later = log.note(19, 20);
  assert.equal(log.writtenSince(order, 10, 20), true);
  assert.equal(log.writtenSince(order, 10, 20, new Set([later])), false, 'it was never sent');
});

test('what lies too far back counts as written over', () => {
  const log = new WriteLog();
  const order = log.note(0, 1);
  for (let count = 0; count < 4095; count++) log.note(5, 6);
  assert.equal(log.writtenSince(order, 0, 1), false);
  log.note(5, 6);
  assert.equal(log.writtenSince(order, 0, 1), true);
});

test('a loss counts when something was acknowledged since the last flush', () => {
  const log = new WriteLog();
  log.lost();
  assert.equal(log.losses, 0);
  log.acknowledged = 3;
  log.flushed(2);
  log.lost();
  log.lost();
  assert.equal(log.losses, 1);
  log.acknowledged = 4;
  log.flushed(4);
  log.flushed(1); // of a flush that began earlier
  log.lost();
  assert.equal(log.losses, 1);
});

test('what commands change, and where', () => {
  const range = { logicalBlockAddress: 1000, transferLength: 8 };
  for (const name of ['WRITE_6', 'WRITE_10', 'WRITE_12', 'WRITE_16', 'WRITE_AND_VERIFY_10'] as const) {
    assert.equal(effectOf(view(cdb(name, range))), 'range');
    assert.deepEqual(blocksOf(view(cdb(name, range))), { from: 1000, to: 1008 });
  }
  assert.deepEqual(blocksOf(view(cdb('WRITE_6', { transferLength: 0 }))), { from: 0, to: 256 });
  const same = view(cdb('WRITE_SAME_16', { logicalBlockAddress: 2 ** 40, numberOfLogicalBlocks: 0 }));
  assert.deepEqual(blocksOf(same), { from: 2 ** 40, to: Number.POSITIVE_INFINITY });
  const all = { from: 0, to: Number.POSITIVE_INFINITY };
  assert.deepEqual(blocksOf(view(cdb('COMPARE_AND_WRITE', { numberOfLogicalBlocks: 1 }))), all);
  assert.equal(effectOf(view(cdb('COMPARE_AND_WRITE', {}))), 'unknown');
  assert.equal(effectOf(view(cdb('UNMAP', {}))), 'unknown');
  assert.equal(effectOf(view(Uint8Array.of(0x83, 0, 0, 0, 0, 0))), 'unknown'); // EXTENDED COPY
  assert.equal(effectOf(view(cdb('PERSISTENT_RESERVE_OUT', {}))), 'state');
  for (const name of ['READ_10', 'INQUIRY', 'SYNCHRONIZE_CACHE_10', 'VERIFY_10'] as const)
    assert.equal(effectOf(view(cdb(name, {}))), 'none');
});

test('FUA is where WRITE(10) and longer ones have it', () => {
  for (const name of ['WRITE_10', 'WRITE_12', 'WRITE_16'] as const) {
    assert.equal(isStable(view(cdb(name, { fua: 1 }))), true);
    assert.equal(isStable(view(cdb(name, {}))), false);
  }
  assert.equal(isStable(view(cdb('WRITE_6', { logicalBlockAddress: 0x08_0000 }))), false);
  assert.equal(isStable(view(cdb('WRITE_SAME_10', {}))), false);
});
