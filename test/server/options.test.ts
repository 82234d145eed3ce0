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
