import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { createTarget } from '../../src/server/create-target.ts';
import { DEFAULT_TARGET_NAME, policyOf } from '../../src/server/options.ts';

function isUsage(error: unknown): boolean {
  return error instanceof IscsiError && error.code === 'ISCSI_USAGE';
}

test('createTarget() says at once what is wrong with its options', () => {
  assert.throws(() => createTarget({}), isUsage);
  assert.throws(() => createTarget({ luns: [{ memory: '1M' }], parameters: { maxBurstLength: 100 } }), isUsage);
  assert.throws(
    () => createTarget({ luns: [{ memory: '1M' }], parameters: { firstBurstLength: 2048, maxBurstLength: 1024 } }),
    isUsage,
  );
  for (const limits of [{ commands: 0 }, { unsentBytes: -1 }, { loginTime: Number.NaN }]) {
    assert.throws(() => createTarget({ luns: [], limits }), isUsage);
  }
  assert.throws(() => createTarget({ name: 'not an iSCSI name', luns: [{ memory: '1M' }] }));
});

test('createTarget() refuses to share what no other target makes, and a busyPoll that is no time', () => {
  const name = 'iqn.2003-01.org.example:one';
  const shared = (target: string, lun: number) => [{ sameAs: { target, lun } }];
  for (const luns of [
    shared('iqn.2003-01.org.example:none', 0),
    shared(name, 1),
    shared('iqn.2003-01.org.example:two', 0), // itself
    shared('iqn.2003-01.org.example:three', 0), // which shares it, too
  ]) {
    const targets = [
      { name: 'iqn.2003-01.org.example:two', luns },
      { name: 'iqn.2003-01.org.example:three', luns: shared(name, 0) },
    ];
    assert.throws(() => createTarget({ name, luns: [{ memory: '1M' }], targets }), isUsage, JSON.stringify(luns));
  }
  for (const busyPoll of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    assert.throws(() => createTarget({ luns: [], busyPoll }), isUsage);
  }
});

test('createTarget() refuses portals that nobody can reach, and a budget that is none', () => {
  const luns = [{ memory: '1M' }];
  for (const portal of [
    { host: '' },
    { host: '0.0.0.0' },
    { host: '::', port: 3260 },
    { host: '[2001:db8::1]' },
    { host: 'a b' },
    { host: 'a:3260' },
    { host: 'a,1' },
    { host: 'a\0TargetName=b' },
    { host: 'a'.repeat(256) },
    { host: 'storage.example', port: 0 },
    { host: 'storage.example', port: 65_536 },
    { host: 'storage.example', port: 1.5 },
  ]) {
    assert.throws(() => createTarget({ luns, portals: [portal] }), isUsage, JSON.stringify(portal));
  }
  assert.throws(() => createTarget({ luns, portals: [] }), isUsage);
  for (const bufferMemory of [0, '31M']) assert.throws(() => createTarget({ luns, bufferMemory }));
  createTarget({ luns, portals: [{ host: '2001:db8::1' }, { host: 'storage.example', port: 1 }], bufferMemory: '32M' });
});

test('createTarget() has a name of its own where none is given, and folds the given one', () => {
  assert.deepEqual(createTarget({ luns: [] }).names, [DEFAULT_TARGET_NAME]);
  assert.deepEqual(createTarget({ name: 'IQN.2003-01.org.example:Disk', luns: [] }).names, [
    'iqn.2003-01.org.example:disk',
  ]);
});

test('policyOf() makes FirstBurstLength fit a smaller MaxBurstLength', () => {
  assert.equal(policyOf({ maxBurstLength: 65_536 }).firstBurstLength, 65_536);
  assert.deepEqual(policyOf({ headerDigest: 'crc32c' }).headerDigest, ['CRC32C']);
});
