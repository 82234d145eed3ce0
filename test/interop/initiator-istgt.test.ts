/** Our initiator against istgt, a second target that we did not write: login, CHAP, digests, read, write. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import { discover } from '../../src/client/discover.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import { type Istgt, type IstgtOptions, startIstgt } from '../support/istgt.ts';
import { Pattern } from '../support/pattern.ts';
import { requirePeer } from '../support/peers.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const CHAP = { user: 'alice', password: 'secret-alice-01', target: { user: 'disk', password: 'secret-disk-002' } };
const ONE_WAY = { user: CHAP.user, password: CHAP.password };
const FINDER = { user: 'finder', password: 'secret-finder-1', target: { user: 'portal', password: 'secret-portal-2' } };

async function start(t: TestContext, options: Partial<IstgtOptions> = {}): Promise<Istgt | undefined> {
  if (!requirePeer(t, 'istgt', 'istgt')) return undefined;
  return startIstgt(t, { name: NAME, sizeMiB: 4, ...options });
}

async function names(portal: string, options: ConnectOptions = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of discover(`iscsi://${portal}`, options)) found.push(name);
  return found;
}

test('discovery, capacity, and reads and writes of every size', async (t) => {
  const istgt = await start(t);
  if (istgt === undefined) return;
  assert.deepEqual(await names(istgt.portal), [NAME]);
  await using lun = await connect(istgt.url);
  assert.deepEqual([lun.size, lun.blockSize], [4 * 2 ** 20, 512]);
  const pattern = new Pattern(7);
  for (const [position, length] of [
    [0, 512],
    [4096, 8192],
    [1000, 777],
    [65_536, 1_048_576],
  ] as const) {
    const written = pattern.bytes(0, length);
    await lun.write(written, { position });
    await lun.flush();
    const into = Buffer.alloc(length);
    await lun.read(into, { position });
    assert.ok(into.equals(written), `${length} bytes at ${position}`);
  }
});

for (const [headerDigest, dataDigest] of [
  ['crc32c', 'none'],
  ['none', 'crc32c'],
  ['crc32c', 'crc32c'],
] as const) {
  test(`digests: header ${headerDigest}, data ${dataDigest}`, async (t) => {
    const istgt = await start(t);
    if (istgt === undefined) return;
    await using lun = await connect(istgt.url, { headerDigest, dataDigest });
    const written = new Pattern(8).bytes(0, 300_000);
    await lun.write(written, { position: 512 });
    const into = Buffer.alloc(written.length);
    await lun.read(into, { position: 512 });
    assert.ok(into.equals(written));
    const { parameters } = lun.session;
    assert.deepEqual(
      [parameters.headerDigest, parameters.dataDigest],
      [headerDigest === 'crc32c', dataDigest === 'crc32c'],
    );
  });
}

for (const [way, chap] of [
  ['one-way', ONE_WAY],
  ['mutual', CHAP],
] as const) {
  test(`${way} CHAP in a normal session`, async (t) => {
    const istgt = await start(t, { chap });
    if (istgt === undefined) return;
    await using lun = await connect(istgt.url, { chap });
    assert.equal(lun.size, 4 * 2 ** 20);
    await assert.rejects(connect(istgt.url), { code: 'ISCSI_AUTHENTICATION' });
    const strict = connect(istgt.url, { chap, chapAlgorithms: ['sha-256', 'sha1'] });
    await assert.rejects(strict, { code: 'ISCSI_CHAP_ALGORITHM' });
    const wrong = { ...chap, password: 'not-the-secret' };
    await assert.rejects(connect(istgt.url, { chap: wrong }), { code: 'ISCSI_AUTHENTICATION' });
  });
}

test('a target that proves itself wrongly, or has to and is not asked to, is not used', async (t) => {
  const istgt = await start(t, { chap: CHAP });
  if (istgt === undefined) return;
  const impostor = { ...CHAP, target: { ...CHAP.target, password: 'not-the-secret' } };
  await assert.rejects(connect(istgt.url, { chap: impostor }), { code: 'ISCSI_CHAP_TARGET' });
  await assert.rejects(connect(istgt.url, { chap: ONE_WAY }), { code: 'ISCSI_AUTHENTICATION' });
});

for (const [way, discoveryChap] of [
  ['one-way', { ...FINDER, target: undefined }],
  ['mutual', FINDER],
] as const) {
  test(`${way} CHAP in discovery`, async (t) => {
    const { target, ...login } = discoveryChap;
    const chap = target === undefined ? login : { ...login, target };
    const istgt = await start(t, { discoveryChap: chap });
    if (istgt === undefined) return;
    assert.deepEqual(await names(istgt.portal, { chap }), [NAME]);
    await assert.rejects(names(istgt.portal), { code: 'ISCSI_AUTHENTICATION' });
    await assert.rejects(names(istgt.portal, { chap: ONE_WAY }), { code: 'ISCSI_AUTHENTICATION' });
  });
}
