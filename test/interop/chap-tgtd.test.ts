/** CHAP with tgtd, as a target that we did not write. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import { discover } from '../../src/client/discover.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import type { ChapAlgorithm } from '../../src/login/chap-algorithms.ts';
import { requirePeer } from '../support/peers.ts';
import { startRelay } from '../support/relay.ts';
import { startTgtd, type Tgtd } from '../support/tgtd.ts';
import { relayProblems } from '../support/watch.ts';

const NAME = 'iqn.2003-01.org.example:secured';
const CHAP = {
  user: 'alice',
  password: 'secret-of-alice-1',
  target: { user: 'disk', password: 'secret-of-disk-22' },
};
const ONE_WAY = { user: CHAP.user, password: CHAP.password };

async function secured(t: TestContext): Promise<Tgtd | undefined> {
  if (!requirePeer(t, 'tgtd', 'tgt')) return undefined;
  return startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 1 }], chap: CHAP }] });
}

/** Writes a block and reads it back. */
async function roundTrip(url: string, options: ConnectOptions): Promise<void> {
  await using lun = await connect(url, options);
  const block = Buffer.alloc(512, 0x5a);
  await lun.write(block, { position: 1024 });
  const into = Buffer.alloc(512);
  await lun.read(into, { position: 1024 });
  assert.deepEqual(into, block);
}

for (const [way, chap] of [
  ['one-way', ONE_WAY],
  ['mutual', CHAP],
] as const) {
  test(`tgtd authenticates us with ${way} CHAP, whatever hashes are offered first`, async (t) => {
    const tgtd = await secured(t);
    if (tgtd === undefined) return;
    const lists: readonly (readonly ChapAlgorithm[] | undefined)[] = [
      undefined,
      ['md5'],
      ['sha1', 'md5'],
      ['sha-256', 'md5'],
    ];
    for (const chapAlgorithms of lists) {
      await roundTrip(tgtd.url(NAME, 1), { chap, ...(chapAlgorithms === undefined ? {} : { chapAlgorithms }) });
    }
  });
}

test('a wrong secret, of either side, is told apart, and none is shown', async (t) => {
  const tgtd = await secured(t);
  if (tgtd === undefined) return;
  const wrong = 'not-the-secret-at-all';
  for (const [chap, code] of [
    [{ ...ONE_WAY, password: wrong }, 'ISCSI_AUTHENTICATION'],
    [{ ...ONE_WAY, user: 'bob' }, 'ISCSI_AUTHENTICATION'],
    [{ ...CHAP, target: { ...CHAP.target, password: wrong } }, 'ISCSI_CHAP_TARGET'],
    [{ ...CHAP, target: { ...CHAP.target, user: 'tape' } }, 'ISCSI_CHAP_TARGET'],
  ] as const) {
    await assert.rejects(connect(tgtd.url(NAME, 1), { chap }), (error: Error & { code?: string }) => {
      assert.equal(error.code, code, error.message);
      assert.doesNotMatch(`${error.message} ${error.stack}`, /secret-of|not-the-secret/);
      return true;
    });
  }
});

test('a hash that tgtd does not have, alone, is an error of the hashes, and is not replaced by another', async (t) => {
  const tgtd = await secured(t);
  if (tgtd === undefined) return;
  await assert.rejects(connect(tgtd.url(NAME, 1), { chap: ONE_WAY, chapAlgorithms: ['sha1'] }), {
    code: 'ISCSI_CHAP_ALGORITHM',
  });
});

test('credentials do not keep us from a discovery that asks for none', async (t) => {
  const tgtd = await secured(t);
  if (tgtd === undefined) return;
  const names: string[] = [];
  for await (const { name } of discover(`iscsi://${tgtd.portal}`, { chap: CHAP })) names.push(name);
  assert.deepEqual(names, [NAME]);
});

for (const user of ['0x616c696365', '0bYWxpY2U=', 'iqn.2003-01.org.example:host']) {
  test(`tgtd takes ${user} for the name that it is`, async (t) => {
    if (!requirePeer(t, 'tgtd', 'tgt')) return;
    const chap = { ...CHAP, user, target: { ...CHAP.target, user: `${user}-too` } };
    const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 1 }], chap }] });
    await roundTrip(tgtd.url(NAME, 1), { chap });
  });
}

test('tshark finds nothing wrong in a mutual login, and no secret in it', async (t) => {
  const tgtd = await secured(t);
  if (tgtd === undefined || !requirePeer(t, 'tshark', 'tshark')) return;
  const relay = await startRelay(t, { to: tgtd.port });
  await roundTrip(`iscsi://127.0.0.1:${relay.port}/${NAME}/1`, { chap: CHAP });
  assert.deepEqual(await relayProblems(relay, tgtd.port), []);
  for (const { toTarget, toInitiator } of relay.connections) {
    const all = Buffer.concat([toTarget.bytes(), toInitiator.bytes()]).toString('latin1');
    assert.match(all, /CHAP_C=/);
    assert.doesNotMatch(all, /secret-of/);
  }
});
