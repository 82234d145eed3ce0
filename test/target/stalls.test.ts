/** Initiators that take nothing, send nothing, or say nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LIMITS } from '../../src/target/limits.ts';
import { nodeWith, read10, write10 } from './fake-device.ts';
import { pattern, RawInitiator } from './raw-initiator.ts';

function loggedIn(limits = {}) {
  const setup = nodeWith({}, limits);
  const i = new RawInitiator(setup.node);
  i.login();
  return { ...setup, i };
}

test('an initiator that takes nothing of what is sent to it is given up when the patience is over, one that takes something is not', () => {
  const { i } = loggedIn({ sendPatience: 10_000, keepAlive: Number.POSITIVE_INFINITY });
  i.flushes = false;
  for (let round = 0; round < 5; round++) {
    i.command(read10(0, 1), { edtl: 512 });
    i.pass(5000).pass(5000);
    assert.equal(i.core.finished, false);
    i.flush();
  }
  i.pass(60_000);
  assert.equal(i.core.finished, false, 'there is nothing to take');
  i.command(read10(0, 1), { edtl: 512 });
  i.pass(5000).pass(5000);
  assert.equal(i.core.finished, false);
  i.pass(5000);
  assert.equal(i.core.finished, true);
  assert.match(i.core.error?.message ?? '', /took nothing of 560 bytes within 10000 ms/);
});

test('an initiator that has long data to take has longer: a slow line is no stall', () => {
  const { i } = loggedIn({ sendPatience: 10_000, keepAlive: Number.POSITIVE_INFINITY, unsentBytes: 64 << 20 });
  i.flushes = false;
  for (let n = 0; n < 6; n++) i.command(read10(0, 4096), { edtl: 2 << 20 });
  for (let at = 0; at < 35_000; at += 5000) i.pass(5000);
  assert.equal(i.core.finished, false, '12 MiB have three times the patience');
  i.pass(5000).pass(5000);
  assert.equal(i.core.finished, true);
});

test('an initiator that sends none of the data that it owes is given up when the patience is over', () => {
  const { i, node } = loggedIn({ dataPatience: 10_000, keepAlive: Number.POSITIVE_INFINITY });
  const slow = i.command(write10(0, 8), { flags: 0xa1, edtl: 4096 });
  const r2t = i.take();
  for (let block = 0; block < 7; block++) {
    i.pass(5000).pass(4000);
    i.dataOut(slow, r2t.transferTag, block, 512 * block, pattern(512), 0);
  }
  assert.equal(i.core.finished, false, 'slow, but it comes');
  i.dataOut(slow, r2t.transferTag, 7, 3584, pattern(512));
  assert.equal(i.takeOnly().opcode, 0x21);
  i.command(write10(0, 1), { flags: 0xa1, edtl: 512, tag: 0xbad });
  i.pass(5000).pass(5000);
  assert.equal(i.core.finished, false);
  i.pass(5000);
  assert.equal(i.core.finished, true);
  assert.match(
    i.core.error?.message ?? '',
    /data of command 00000bad any longer: of 512 bytes none came within 10000 ms/,
  );
  assert.equal(node.sessions.length, 0);
});

test('a silent session is pinged by default, stays when it answers, and is given up when it does not', () => {
  const { i } = loggedIn();
  const { keepAlive } = DEFAULT_LIMITS;
  for (let round = 0; round < 4; round++) {
    i.pass(keepAlive).pass(keepAlive);
    const ping = i.takeOnly();
    assert.deepEqual([ping.opcode, ping.tag], [0x20, 0xffff_ffff]);
    i.send({ opcode: 0x00, immediate: true, word20: ping.transferTag, lun: '0' });
    assert.equal(i.core.finished, false);
  }
  i.pass(keepAlive).pass(keepAlive);
  i.pass(keepAlive);
  assert.equal(i.core.finished, true);
});

test('a Discovery session knows no ping: silent for twice the time, it ends', () => {
  const i = new RawInitiator(nodeWith().node);
  i.login({ discovery: true });
  i.pass(DEFAULT_LIMITS.keepAlive);
  assert.equal(i.core.finished, false);
  i.pass(DEFAULT_LIMITS.keepAlive);
  i.nothing();
  assert.equal(i.core.finished, true);
});

test('an initiator whose requests are not read, since it takes no answers, is not called silent', () => {
  const { i } = loggedIn({ unsentBytes: 1000, sendPatience: Number.POSITIVE_INFINITY });
  i.flushes = false;
  i.command(read10(0, 4), { edtl: 2048 });
  assert.equal(i.core.wantsData, false);
  for (let round = 0; round < 6; round++) i.pass(DEFAULT_LIMITS.keepAlive);
  assert.equal(i.core.finished, false);
});
