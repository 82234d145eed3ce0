/** CHAP with libiscsi's tools and QEMU's iSCSI driver, as initiators that we did not write. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createTarget, type Target, type TargetOptions } from '../../src/server/index.ts';
import { iscsiInq, iscsiLs, qemuImg, qemuIo } from '../support/libiscsi-tools.ts';
import { requirePeer } from '../support/peers.ts';
import { startRelay } from '../support/relay.ts';
import { relayProblems } from '../support/watch.ts';
import { NAME } from './our-target.ts';

const SECRET = 'secret-of-alice-1';
const OWN = { user: 'disk', password: 'secret-of-disk-22' };
const CHAP = { user: 'alice', password: SECRET, target: OWN };
const ENVIRONMENT = { LIBISCSI_CHAP_USERNAME: 'alice', LIBISCSI_CHAP_PASSWORD: SECRET };
const BOTH = {
  ...ENVIRONMENT,
  LIBISCSI_CHAP_TARGET_USERNAME: OWN.user,
  LIBISCSI_CHAP_TARGET_PASSWORD: OWN.password,
};

async function serve(t: TestContext, options: Partial<TargetOptions> = {}): Promise<Target> {
  const target = createTarget({ name: NAME, luns: [{ memory: '4M' }, { memory: '8M' }], chap: CHAP, ...options });
  await target.listen({ port: 0 });
  t.after(() => target.close());
  return target;
}

function withUser(url: string, password: string, query = ''): string {
  return `${url.replace('iscsi://', `iscsi://alice%${password}@`)}${query}`;
}

test('iscsi-inq gets in with the password, from the URL and from the environment, and not without', async (t) => {
  if (!requirePeer(t, 'iscsi-inq', 'libiscsi-bin')) return;
  const target = await serve(t);
  assert.equal((await iscsiInq([withUser(target.url(), SECRET)])).code, 0);
  assert.equal((await iscsiInq([target.url()], { env: ENVIRONMENT })).code, 0);
  for (const url of [target.url(), withUser(target.url(), 'wrong-wrong-wrong')]) {
    const { code, stderr } = await iscsiInq([url]);
    assert.notEqual(code, 0);
    assert.match(stderr, /Authentication failure\(513\)/); // 0201
  }
  assert.deepEqual(target.sessions, []);
});

test('iscsi-inq checks what we prove: mutual CHAP', async (t) => {
  if (!requirePeer(t, 'iscsi-inq', 'libiscsi-bin')) return;
  const target = await serve(t);
  assert.equal((await iscsiInq([target.url()], { env: BOTH })).code, 0);
  const wrong = await iscsiInq([target.url()], {
    env: { ...BOTH, LIBISCSI_CHAP_TARGET_PASSWORD: 'wrong-wrong-wrong' },
  });
  assert.notEqual(wrong.code, 0);
  assert.match(wrong.stderr, /Invalid CHAP_R response from the target/);
  const name = await iscsiInq([target.url()], { env: { ...BOTH, LIBISCSI_CHAP_TARGET_USERNAME: 'tape' } });
  assert.match(name.stderr, /Wrong CHAP targetname received: disk/);
});

test('an initiator that has MD5 only, as libiscsi 1.19, is refused with 0201 where that is not taken', async (t) => {
  if (!requirePeer(t, 'iscsi-inq', 'libiscsi-bin')) return;
  const target = await serve(t, { chapAlgorithms: ['sha-256', 'md5'] });
  assert.equal((await iscsiInq([target.url()], { env: BOTH })).code, 0);
  const strict = await serve(t, { chapAlgorithms: ['sha-256'] });
  const { code, stderr } = await iscsiInq([strict.url()], { env: BOTH });
  assert.notEqual(code, 0);
  assert.match(stderr, /Authentication failure\(513\)/);
});

test('iscsi-ls finds what it may use, and nothing without password; its LUNs are those that it may see', async (t) => {
  if (!requirePeer(t, 'iscsi-ls', 'libiscsi-bin')) return;
  const initiator = 'iqn.2003-01.org.example:host';
  const hidden = { name: 'iqn.2003-01.org.example:hidden', luns: [{ memory: '1M' }], initiators: [] };
  const target = await serve(t, { initiators: [{ name: initiator, luns: [1] }], targets: [hidden] });
  const portal = `iscsi://127.0.0.1:${target.port}`;
  const listed = await iscsiLs(['-i', initiator, '-s', portal], { env: ENVIRONMENT });
  assert.equal(listed.code, 0, listed.stderr);
  assert.deepEqual(listed.stdout.match(/^(?:Target:\S+|Lun:\d+)/gm), [`Target:${NAME}`, 'Lun:1']);
  for (const [env, name] of [
    [{}, initiator],
    [ENVIRONMENT, 'iqn.2003-01.org.example:stranger'],
  ] as const) {
    const refused = await iscsiLs(['-i', name, portal], { env });
    assert.notEqual(refused.code, 0);
    assert.equal(refused.stdout, '');
  }
});

test('QEMU reads and writes with CHAP, one-way and mutual', async (t) => {
  if (!requirePeer(t, 'qemu-img', 'qemu-utils') || !requirePeer(t, 'qemu-io', 'qemu-utils')) return;
  const target = await serve(t);
  const url = withUser(target.url(1), SECRET);
  const info = await qemuImg(['info', '-f', 'raw', url]);
  assert.equal(info.code, 0, info.stderr);
  assert.match(info.stdout, /virtual size: 8 MiB/);
  const written = await qemuIo(['-f', 'raw', '-c', 'write -P 0x5a 64k 64k', '-c', 'read -P 0x5a 64k 64k', url]);
  assert.equal(written.code, 0, written.stdout + written.stderr);
  const mutual = await qemuIo(['-f', 'raw', '-c', 'read -P 0x5a 64k 64k', target.url(1)], { env: BOTH });
  assert.equal(mutual.code, 0, mutual.stdout + mutual.stderr);
  const refused = await qemuImg(['info', '-f', 'raw', target.url(1)]);
  assert.notEqual(refused.code, 0);
});

test('tshark finds nothing wrong in a mutual login of libiscsi to our target, and no secret in it', async (t) => {
  if (!requirePeer(t, 'iscsi-inq', 'libiscsi-bin') || !requirePeer(t, 'tshark', 'tshark')) return;
  const target = await serve(t);
  const relay = await startRelay(t, { to: target.port });
  const { code, stderr } = await iscsiInq([`iscsi://127.0.0.1:${relay.port}/${NAME}/0`], { env: BOTH });
  assert.equal(code, 0, stderr);
  assert.deepEqual(await relayProblems(relay, target.port), []);
  for (const { toTarget, toInitiator } of relay.connections) {
    const all = Buffer.concat([toTarget.bytes(), toInitiator.bytes()]).toString('latin1');
    assert.match(all, /CHAP_C=/);
    assert.doesNotMatch(all, /secret-of/);
  }
});
