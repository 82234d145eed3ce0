/** tgtd, killed and started again: what the session makes of it, and what stands behind the same URL afterwards. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { cdb, connect, IscsiError } from '../../src/index.ts';
import { assertNoHandlesLeft } from '../client/handles.ts';
import { killedTgtd } from '../recovery/killed-tgtd.ts';
import { seedOfRun } from '../support/pattern.ts';
import { requirePeer } from '../support/peers.ts';
import { startRelay } from '../support/relay.ts';
import { PduParser } from '../support/speaker/parser.ts';
import { startTgtd } from '../support/tgtd.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const FAST = { firstDelay: 20, maxDelay: 200 } as const;
const params = { DefaultTime2Wait: 0 } as const;

test('tgtd killed by SIGKILL and started again under load: nothing that was acknowledged is lost', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const seed = seedOfRun();
  t.diagnostic(`SEED=${seed}`);
  await assertNoHandlesLeft(async () => {
    const { losses, failures } = await killedTgtd(t, seed, 3);
    t.diagnostic(`${losses} losses, failures: ${[...failures].join(' ')}`);
  });
});

test('a disk of the same size behind the same URL of tgtd gets nothing that was meant for the other', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const luns = ['first', 'second'].map((serial) => ({ sizeMiB: 4, params: { scsi_sn: serial } }));
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns, params }] });
  const lun = await connect(tgtd.url(NAME, 1), { reconnect: FAST });
  t.after(() => lun.close());
  await lun.write(new Uint8Array(8192).fill(1), { position: 0 });
  const stranger = await readFile(tgtd.backingFile(NAME, 2));
  await tgtd.stop();
  const waiting = [0, 8192, 100_000].map((position) => lun.write(new Uint8Array(4096).fill(2), { position }));
  const changed = once(lun as never, 'identityChanged');
  await tgtd.start([2, 1]);
  for (const outcome of await Promise.allSettled(waiting)) {
    assert.equal(outcome.status === 'rejected' && outcome.reason.code, 'ISCSI_IDENTITY');
  }
  await changed;
  await assert.rejects(lun.write(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_IDENTITY' });
  await assert.rejects(lun.execute(cdb('TEST_UNIT_READY', {})), { code: 'ISCSI_IDENTITY' });
  assert.ok(stranger.equals(await readFile(tgtd.backingFile(NAME, 2))), 'the stranger was written to');
});

test('PERSISTENT RESERVE OUT is not sent again: what may have been carried out is told to its caller', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 1 }], params }] });
  const relay = await startRelay(t, {
    to: tgtd.port,
    faults: (number) => (number < 8 ? { toInitiator: { cutAfter: 2500 + 200 * number } } : {}),
  });
  const digests = { headerDigest: 'none', dataDigest: 'none' } as const;
  const lun = await connect(`iscsi://127.0.0.1:${relay.port}/${NAME}/1`, { reconnect: FAST, ...digests });
  t.after(() => lun.close());
  let unknown = 0;
  for (let key = 1; key <= 200; key++) {
    const dataOut = new Uint8Array(24);
    new DataView(dataOut.buffer).setUint32(12, key);
    const bytes = cdb('PERSISTENT_RESERVE_OUT', { serviceAction: REGISTER_AND_IGNORE, parameterListLength: 24 });
    await lun.execute(bytes, { dataOut }).catch((error: unknown) => {
      assert.ok(error instanceof IscsiError);
      assert.deepEqual([error.code, error.commandSent], ['ISCSI_CONNECTION_LOST', true]);
      unknown++;
    });
  }
  await lun.close();
  const keys = relay.connections.flatMap((connection) => keysSent(connection.toTarget.bytes()));
  t.diagnostic(`${relay.connections.length} connections, ${keys.length} sent, ${unknown} outcomes unknown`);
  assert.ok(relay.connections.length > 3 && unknown > 1);
  assert.deepEqual(
    keys,
    Array.from({ length: 200 }, (_, at) => at + 1),
    'each goes out once',
  );
});

const REGISTER_AND_IGNORE = 6;

/** The keys of all PERSISTENT RESERVE OUT commands in what an initiator sent. */
function keysSent(bytes: Uint8Array): number[] {
  const commands = [...new PduParser().push(bytes)].filter(({ opcode, header }) => opcode === 1 && header[32] === 0x5f);
  return commands.map(({ data }) => new DataView(data.buffer, data.byteOffset).getUint32(12));
}
