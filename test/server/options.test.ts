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

test('createTarget() refuses by name what it does not know, and values of the wrong kind, with what is allowed', () => {
  const luns = [{ memory: '1M' }];
  for (const [options, message] of [
    [undefined, /^Cannot use undefined as options of createTarget: an object allowed$/],
    [null, /^Cannot use null as options of createTarget/],
    [{ luns, lun: 0 }, /^Cannot use option "lun" of createTarget: name, alias, luns, targets, /],
    [{ luns: { memory: '1M' } }, /^Cannot use a luns of an object \(Object\): an array allowed$/],
    [{ name: 5, luns }, /^Cannot use a name of 5: a string allowed$/],
    [
      { luns, bufferMemory: true },
      /^Cannot use a bufferMemory of true: a number of bytes, or a text such as 64M, allowed$/,
    ],
    [{ luns: [null] }, /^Cannot make a logical unit of null: an object allowed$/],
    [
      { luns: [{ size: '1M' }] },
      /^Cannot make a logical unit of an object with size: one of memory, file, store, sameAs allowed$/,
    ],
    [{ luns: [{ memory: '1M', file: 'disk.img' }] }, /^Cannot make a logical unit of memory and file: one of /],
    [
      { luns: [{ memory: '1M', blockLength: 4096 }] },
      /^Cannot use option "blockLength" of a logical unit of memory: memory, lun, blockSize, readOnly, /,
    ],
    [{ luns: [{ memory: '1M', blockSize: '4096' }] }, /^Cannot use a blockSize of "4096": a number allowed$/],
    [{ luns: [{ memory: '1M', readOnly: 'no' }] }, /^Cannot use a readOnly of "no": true or false allowed$/],
    [{ luns: [{ memory: true }] }, /^Cannot use a memory of true: a number of bytes, /],
    [{ luns: [{ memory: '1M', writeCache: false }] }, /^Cannot use option "writeCache" of a logical unit of memory/],
    [{ luns: [{ file: 'disk.img', writecache: false }] }, /"writecache" of a logical unit of file: .*writeCache/],
    [
      { luns: [{ store: { blockLength: 512, blocks: 8 } }] },
      /^Cannot use a store of .*: a BlockStore: blockSize, blocks, read, /,
    ],
    [{ luns: [{ blockSize: 4096, store: {} }] }, /^Cannot use option "blockSize" of a logical unit of store/],
    [{ luns: [{ sameAs: { target: 'x', number: 0 } }] }, /^Cannot use option "number" of sameAs: target, lun allowed$/],
    [
      { targets: [{ name: 'iqn.2003-01.org.example:a' }] },
      /^Cannot make a target of an object .*: name and luns needed$/,
    ],
    [{ targets: [{ luns }] }, /name and luns needed$/],
    [{ luns, targets: [{ name: 'iqn.2003-01.org.example:a', luns: [{ memory: '1M', ro: true }] }] }, /option "ro"/],
    [
      { luns, parameters: { headerDigest: 'CRC32C' } },
      /^Cannot use a headerDigest of "CRC32C": none, crc32c, any allowed$/,
    ],
    [{ luns, parameters: { headerdigest: 'none' } }, /^Cannot use option "headerdigest" of parameters: headerDigest, /],
    [{ luns, parameters: { initialR2T: 'Yes' } }, /^Cannot use a initialR2T of "Yes": true or false allowed$/],
    [{ luns, limits: { sessions: 5 } }, /^Cannot use option "sessions" of limits: commands, .*connections/],
    [{ luns, limits: { connections: '5' } }, /^Cannot use a connections of "5": a number allowed$/],
    [{ luns, portals: ['storage.example'] }, /^Cannot use "storage.example" as options of a portal/],
    [{ luns, busyPoll: '5' }, /^Cannot use a busyPoll of "5": a number allowed$/],
  ] as const) {
    assert.throws(() => createTarget(options as object), { code: 'ISCSI_USAGE', message }, JSON.stringify(options));
  }
  createTarget({ luns: [{ memory: 1_048_576, blockSize: 4096 }], limits: { connections: 5 }, parameters: {} });
});

test('listen() refuses what it does not know', async () => {
  const target = createTarget({ luns: [{ memory: '1M' }] });
  for (const [options, message] of [
    [null, /^Cannot use null as options of listen/],
    [{ prot: 0 }, /^Cannot use option "prot" of listen: host, port, signal allowed$/],
    [{ port: '0' }, /^Cannot use a port of "0": 0 to 65535 allowed$/],
    [{ port: 65_536 }, /^Cannot use a port of 65536/],
    [{ host: 5 }, /^Cannot use a host of 5: a string allowed$/],
    [{ signal: 5 }, /^Cannot use a signal of 5: an AbortSignal allowed$/],
  ] as const) {
    await assert.rejects(target.listen(options as object), { code: 'ISCSI_USAGE', message });
  }
  assert.deepEqual(target.portals, []);
  await target.close();
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
