import assert from 'node:assert/strict';
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPrivateFile } from '../../src/node/private-file.ts';
import { temporaryDirectory } from '../support/temporary.ts';

test('a file that only its owner can use is read', async (t) => {
  const path = join(await temporaryDirectory(t), 'chap');
  await writeFile(path, 'user = älice\n'.repeat(20_000), { mode: 0o600 });
  assert.equal(await readPrivateFile(path), 'user = älice\n'.repeat(20_000));
  await chmod(path, 0o400);
  assert.equal((await readPrivateFile(path)).length, 13 * 20_000);
});

for (const mode of [0o640, 0o604, 0o620, 0o602, 0o660, 0o666, 0o644, 0o610, 0o700 | 0o001]) {
  test(`a file of mode ${mode.toString(8)} is refused`, async (t) => {
    const path = join(await temporaryDirectory(t), 'chap');
    await writeFile(path, 'secret-12345');
    await chmod(path, mode);
    await assert.rejects(readPrivateFile(path), (error: Error & { code?: string; hint?: string }) => {
      assert.equal(error.code, 'ISCSI_CHAP_FILE');
      assert.match(error.message, new RegExp(`mode ${mode.toString(8)}`));
      assert.match(error.hint ?? '', /chmod 600/);
      return true;
    });
  });
}

test('what counts is the file, not the link that leads to it', async (t) => {
  const directory = await temporaryDirectory(t);
  await writeFile(join(directory, 'open'), 'secret', { mode: 0o644 });
  await writeFile(join(directory, 'private'), 'secret', { mode: 0o600 });
  await symlink(join(directory, 'open'), join(directory, 'a'));
  await symlink(join(directory, 'private'), join(directory, 'b'));
  await assert.rejects(readPrivateFile(join(directory, 'a')), { code: 'ISCSI_CHAP_FILE' });
  assert.equal(await readPrivateFile(join(directory, 'b')), 'secret');
});

test('a file that belongs to somebody else is refused', async (t) => {
  if (process.geteuid === undefined) {
    t.skip('needs the users of a UNIX');
    return;
  }
  const path = join(await temporaryDirectory(t), 'chap');
  await writeFile(path, 'secret', { mode: 0o600 });
  const { geteuid } = process;
  process.geteuid = () => geteuid() + 4711;
  t.after(() => {
    process.geteuid = geteuid;
  });
  await assert.rejects(readPrivateFile(path), { code: 'ISCSI_CHAP_FILE', message: /belongs to somebody else/ });
});

test('what is missing, is a directory, or has no end is refused', async (t) => {
  const directory = await temporaryDirectory(t);
  const folder = join(directory, 'folder');
  await mkdir(folder, { mode: 0o700 });
  await writeFile(join(directory, 'long'), Buffer.alloc(4 * 2 ** 20 + 1), { mode: 0o600 });
  for (const path of [join(directory, 'none'), folder, join(directory, 'long')]) {
    await assert.rejects(readPrivateFile(path), { code: 'ISCSI_CHAP_FILE' }, path);
  }
});
