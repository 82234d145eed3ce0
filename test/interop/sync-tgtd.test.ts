/** The synchronous face against tgtd, which is stopped and killed on the way. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { connectSync, discoverSync } from '../../src/sync/index.ts';
import { seededRandom } from '../pdu/random.ts';
import { requirePeer } from '../support/peers.ts';
import { startTgtd } from '../support/tgtd.ts';

const NAME = 'iqn.2003-01.org.example:sync';
const TARGETS = [{ name: NAME, luns: [{ sizeMiB: 4 }] }];

test('what is written without promises is in the file of tgtd, and comes back', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startTgtd(t, { targets: TARGETS });
  assert.deepEqual(
    discoverSync(`iscsi://${tgtd.portal}`).map(({ name }) => name),
    [NAME],
  );
  using lun = connectSync(tgtd.url(NAME, 1));
  const random = seededRandom();
  const model = new Uint8Array(lun.size);
  for (let round = 0; round < 100; round++) {
    const length = random.below(random.below(8) === 0 ? 500_000 : 3000);
    const position = random.below(lun.size - length);
    const bytes = random.bytes(length);
    model.set(bytes, position);
    lun.writeSync(bytes, { position });
  }
  lun.flushSync();
  assert.ok((await readFile(tgtd.backingFile(NAME, 1))).equals(model), random.note);
  assert.ok(lun.readSync(Buffer.alloc(lun.size), { position: 0 }).buffer.equals(model), random.note);
});

test('a target that is silent costs a call its time and no more, and one that is killed is an error', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const tgtd = await startTgtd(t, { targets: TARGETS });
  const buffer = new Uint8Array(512);
  const failed = (call: () => unknown): IscsiError => {
    try {
      call();
    } catch (error) {
      if (error instanceof IscsiError) return error;
      throw error;
    }
    return assert.fail('it went well');
  };
  using lun = connectSync(tgtd.url(NAME, 1), { timeout: 4000 });
  tgtd.process.signal('SIGSTOP');
  const started = performance.now();
  assert.equal(failed(() => lun.readSync(buffer, { position: 0, timeout: 500 })).code, 'ISCSI_TIMEOUT');
  assert.ok(performance.now() - started < 20_000);
  tgtd.process.signal('SIGCONT');
  using other = connectSync(tgtd.url(NAME, 1), { timeout: 4000 });
  other.readSync(buffer, { position: 0 });
  await tgtd.stop();
  const lost = failed(() => other.readSync(buffer, { position: 0, timeout: 3000 }));
  assert.ok(['ISCSI_CONNECTION_LOST', 'ISCSI_CLOSED', 'ISCSI_TIMEOUT'].includes(lost.code), lost.code);
  assert.match(failed(() => connectSync(tgtd.url(NAME, 1))).code, /ISCSI_REFUSED|ISCSI_UNREACHABLE/);
});
