/** What a session counts where a task settles, and the buckets of its latencies. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandKind, KindCounters, SessionCounters, UnitCounters } from '../../src/initiator/counters.ts';
import { bucketOf, bucketStart, wholeMicroseconds } from '../../src/initiator/latency-histogram.ts';
import { InitiatorRig } from '../support/initiator-rig.ts';
import { senseData, senseSegment } from '../support/speaker/data.ts';

const LONGEST = 0xffff_ffff;

test('a bucket holds what is in it, is an eighth of that wide at the most, and the next begins where it ends', () => {
  let random = 20261129;
  const next = (): number => {
    random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
    return random >>> (random & 31);
  };
  for (let round = 0; round < 20_000; round++) {
    const value = next();
    const bucket = bucketOf(value);
    const [from, to] = [bucketStart(bucket), bucketStart(bucket + 1)];
    assert.ok(from <= value && value < to, `${value} in [${from}, ${to})`);
    assert.ok(to - from <= Math.max(1, from / 8), `[${from}, ${to}) is too wide`);
    assert.equal(bucketOf(from), bucket);
  }
  assert.ok(bucketStart(bucketOf(LONGEST)) <= LONGEST);
});

test('a histogram takes any time: what cannot be counts as the nearest that can', () => {
  const kind = new KindCounters();
  assert.deepEqual([kind.commands, kind.failed, kind.bytes, kind.latency.count, kind.buckets.length], [0, 0, 0, 0, 0]);
  for (const milliseconds of [0.0004, 0.0019, 0.1, -5, Number.NaN, Number.POSITIVE_INFINITY, 1e9]) {
    const microseconds = wholeMicroseconds(milliseconds);
    kind.add(true, 0, microseconds, bucketOf(microseconds));
  }
  assert.deepEqual([kind.latency.count, kind.latency.max], [7, LONGEST]);
  const { buckets } = kind;
  assert.deepEqual(buckets[0], { from: 0, to: 1, count: 3 });
  assert.deepEqual(buckets[1], { from: 1, to: 2, count: 1 });
  assert.equal(buckets.at(-1)?.count, 2);
});

test('commands are counted by what they do, whatever the length of their CDB', () => {
  const kinds = {
    0: ['08', '28', 'a8', '88', '7f000000000000180009'],
    1: ['0a', '2a', 'aa', '8a', '2e', '8e', '41', '93', '89', '7f00000000000018000b', '7f00000000000018000d'],
    2: ['35', '91'],
    3: ['00', '12', '42', 'a0', '7f000000000000180003'],
  };
  for (const [kind, cdbs] of Object.entries(kinds)) {
    for (const text of cdbs) {
      const cdb = Buffer.alloc(16);
      cdb.write(text, 'hex');
      assert.equal(commandKind(new DataView(cdb.buffer, cdb.byteOffset, 16)), Number(kind), text);
    }
  }
});

/** A rig, and what its session has counted: `[commands, failed, bytes]` of each kind. */
function counted(rig: InitiatorRig): readonly (readonly number[])[] {
  return rig.session.counters.kinds.map(({ commands, failed, bytes }) => [commands, failed, bytes]);
}

test('each command is counted once, when it settles, with its bytes and its time', () => {
  const rig = InitiatorRig.loggedIn();
  const unit = new UnitCounters(rig.session.counters);
  const read = rig.submit({ cdb: Uint8Array.of(0x28), dataIn: new Uint8Array(512) });
  read.task.counters = unit;
  const write = rig.submit({ cdb: Uint8Array.of(0x2a), dataOut: new Uint8Array(1024) });
  const other = rig.submit();
  rig.take();
  assert.deepEqual(counted(rig)[0], [0, 0, 0]);
  rig.now += 7;
  rig.give(rig.voice.dataIn(read.tag, new Uint8Array(512)), rig.voice.scsiResponse(read.tag, { expDataSN: 1 }));
  rig.now += 3;
  rig.give(rig.voice.scsiResponse(write.tag));
  rig.give(rig.voice.scsiResponse(other.tag, { status: 2, sense: senseData(5, 0x20, 0) }));
  assert.deepEqual(counted(rig), [
    [1, 0, 512],
    [1, 0, 1024],
    [0, 0, 0],
    [1, 1, 0],
  ]);
  const [reads, writes, , others] = rig.session.counters.kinds.map(({ latency }) => [latency.count, latency.max]);
  assert.deepEqual(
    [reads, writes, others],
    [
      [1, 7000],
      [1, 10_000],
      [1, 10_000],
    ],
  );
  assert.deepEqual(
    unit.kinds.map(({ commands }) => commands),
    [1, 0, 0, 0],
    'its own, and no others',
  );
  assert.equal(unit.kinds[0]?.latency.max, 7000);
});

test('timeouts, aborts and what a lost connection took are told apart, and have no latency', () => {
  const rig = InitiatorRig.loggedIn();
  const late = rig.submit({ timeout: 1000 });
  const aborted = rig.submit();
  rig.session.taskManagement(
    { functionCode: 1, lunHigh: 0, lunLow: 0, referencedTaskTag: aborted.tag, refCmdSN: aborted.task.cmdSN },
    1_000_000,
    () => undefined,
  );
  const [, , function1] = rig.take();
  rig.give(rig.voice.taskManagementResponse(function1?.tag ?? 0));
  rig.advance(800);
  const [abort] = rig.take();
  rig.give(rig.voice.taskManagementResponse(abort?.tag ?? 0));
  assert.deepEqual([late.error?.code, aborted.error?.code], ['ISCSI_TIMEOUT', 'ISCSI_ABORTED']);
  rig.submit();
  rig.connection.ended();
  const { timeouts, aborted: ended, lost, kinds } = rig.session.counters;
  assert.deepEqual([timeouts, ended, lost], [1, 1, 1]);
  assert.deepEqual([kinds[3]?.commands, kinds[3]?.failed, kinds[3]?.latency.count], [3, 3, 0]);
});

test('digest errors, Rejects and events are counted where they come', () => {
  const damaged = InitiatorRig.loggedIn({ policy: { dataDigest: ['CRC32C'] }, answers: { DataDigest: 'CRC32C' } });
  const read = damaged.submit({ cdb: Uint8Array.of(0x28), dataIn: new Uint8Array(512) });
  damaged.take();
  const pdu = damaged.voice.dataIn(read.tag, new Uint8Array(512), { flags: 0 });
  pdu[100] = 0xff;
  damaged.give(pdu);
  assert.equal(damaged.session.counters.digestErrors, 1);
  damaged.take();
  damaged.connection.ended();
  assert.equal(damaged.session.counters.digestErrors, 1, 'that the connection ended is no digest error');

  const rig = InitiatorRig.loggedIn();
  rig.give(rig.voice.asyncMessage(0, [0, 0, 0], senseSegment(senseData(6, 0x2a, 9))));
  rig.give(rig.voice.reject(0x09, new Uint8Array(48).fill(0xff, 16, 20)));
  assert.deepEqual([rig.session.counters.asyncEvents, rig.session.counters.rejects], [1, 1]);
});

test('one look at the clock serves all that one read settles, and the next read looks again', () => {
  let looks = 0;
  const rig = InitiatorRig.loggedIn();
  const { host } = rig.session;
  const now = host.now.bind(host);
  host.now = () => {
    looks++;
    return now();
  };
  const many = Array.from({ length: 20 }, () => rig.submit());
  rig.take();
  looks = 0;
  rig.give(...many.slice(0, 10).map(({ tag }) => rig.voice.scsiResponse(tag)));
  const first = looks;
  rig.give(...many.slice(10).map(({ tag }) => rig.voice.scsiResponse(tag)));
  assert.ok(first <= 3, `${first} looks for ten commands`);
  assert.equal(looks, 2 * first);
});

test('retries of a logical unit are the session’s too', () => {
  const counters = new SessionCounters();
  new UnitCounters(counters).retried();
  const unit = new UnitCounters(counters);
  unit.retried();
  assert.deepEqual([counters.retries, unit.retries], [2, 1]);
});
