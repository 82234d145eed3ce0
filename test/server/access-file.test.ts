import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { readChapFile } from '../../src/client/chap-file.ts';
import { connect } from '../../src/client/connect.ts';
import { discover } from '../../src/client/discover.ts';
import { createTarget, readAccessFile } from '../../src/server/index.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const HOST = 'iqn.2003-01.org.example:host';
const COMMON = { user: 'alice', password: 'secret-of-alice-1' };

async function privateFile(t: TestContext, text: string): Promise<string> {
  const path = join(await temporaryDirectory(t), 'chap');
  await writeFile(path, text, { mode: 0o600 });
  return path;
}

test('one file serves both sides: readAccessFile() for the target, readChapFile() for the initiator', async (t) => {
  const text = `user=alice\npassword=secret-of-alice-1\n[${HOST}]\nluns = 1\n[discovery]\nauth = none\n`;
  const path = await privateFile(t, text);
  const [access, chap] = [await readAccessFile(path), await readChapFile(path)];
  assert.deepEqual(access, { chap: COMMON, initiators: [{ name: HOST, luns: [1] }], discoveryChap: false });
  assert.deepEqual(chap, COMMON);
  const luns = [{ memory: '1M' }, { memory: '2M' }];
  await using target = await createTarget({ luns, ...access }).listen({ port: 0 });
  await using lun = await connect(target.url(1), { initiatorName: HOST, chap: () => readChapFile(path) });
  assert.equal(lun.size, 2_097_152);
  const found = discover(`iscsi://127.0.0.1:${target.port}`, { initiatorName: HOST });
  assert.equal((await found.next()).value?.name, target.names[0]);
});

test('what a file leaves out is left out', async (t) => {
  assert.deepEqual(await readAccessFile(await privateFile(t, 'user=alice\npassword=secret-of-alice-1')), {
    chap: COMMON,
  });
  const path = await privateFile(t, `[${HOST}]\nuser=alice\npassword=secret-of-alice-1`);
  assert.deepEqual(await readAccessFile(path), { initiators: [{ name: HOST, chap: COMMON }] });
  await assert.rejects(readChapFile(path), { code: 'ISCSI_CHAP_FILE', message: /no user before its sections/ });
});

test('a file that would let everybody in is refused', async (t) => {
  for (const text of ['', '# user=alice\n', '[discovery]\nuser=finder\npassword=secret-of-finder']) {
    await assert.rejects(readAccessFile(await privateFile(t, text)), { code: 'ISCSI_CHAP_FILE', message: /nobody/ });
  }
});
