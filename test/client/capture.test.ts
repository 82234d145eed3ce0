import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CaptureDecoder } from '../../src/capture/capture-decoder.ts';
import { CaptureFile, connect, IscsiError, openSession } from '../../src/index.ts';
import { createTarget } from '../../src/server/index.ts';
import { freePort } from '../support/ports.ts';
import { RawTarget } from '../support/raw-target.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const LUNS = [{ memory: '1M' }];

async function linesOf(path: string): Promise<string[]> {
  const lines: string[] = [];
  const decoder = new CaptureDecoder((event) => lines.push(event.line));
  decoder.push(await readFile(path));
  decoder.end();
  return lines;
}

test('capture() writes the session so far, as often as it is asked, and after the end too', async (t) => {
  const directory = await temporaryDirectory(t);
  await using target = await createTarget({ luns: LUNS }).listen({ port: 0 });
  const lun = await connect(target.url(0));
  const first = join(directory, 'first');
  assert.equal((await lun.session.capture(first)).complete, true);
  await lun.write(new Uint8Array(512), { position: 1024 });
  await lun.close();
  const second = join(directory, 'second');
  await lun.session.capture(second);
  const [early, late] = [await linesOf(first), await linesOf(second)];
  assert.ok(early.some((line) => line.startsWith('SCSI Command: READ CAPACITY(16)')));
  assert.ok(!early.some((line) => line.includes('WRITE(10)')));
  assert.ok(late.some((line) => line.startsWith('SCSI Command: WRITE(10) logical block address 2')));
  assert.ok(late.some((line) => line.startsWith('Logout Response')));
  assert.equal((await stat(second)).mode & 0o777, 0o600, 'it is its owner alone who reads it');
});

test('capture() refuses by name when nothing is remembered, and says why a file cannot be written', async (t) => {
  await using target = await createTarget({ luns: LUNS }).listen({ port: 0 });
  await using silent = await connect(target.url(0), { recordLength: 0 });
  await assert.rejects(silent.session.capture('/nowhere'), { code: 'ISCSI_USAGE', message: /recordLength is 0/ });
  await using session = await openSession(target.url(0));
  const path = join(await temporaryDirectory(t), 'none', 'file');
  await assert.rejects(session.capture(path), { code: 'ENOENT' });
});

for (const [option, value] of [
  ['recordLength', 100],
  ['recordLength', -1],
  ['captureOnError', 7],
  ['capture', 'file'],
] as const) {
  test(`${option}: ${value} is refused by name`, async () => {
    const wrong = { [option]: value } as object;
    await assert.rejects(connect('iscsi://127.0.0.1:1/iqn.2003-01.org.example:none/0', wrong), {
      code: 'ISCSI_USAGE',
      message: new RegExp(option),
    });
  });
}

test('captureOnError writes what led to the loss before the error is told', async (t) => {
  const file = join(await temporaryDirectory(t), 'lost.pcapng');
  const target = await RawTarget.listen(t, {
    onCommand: ({ cdb }, { socket }) => {
      if (cdb[0] !== 0x28) return false;
      socket.destroy();
      return true;
    },
  });
  const lun = await connect(target.url(), { captureOnError: file });
  await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }), IscsiError);
  const lines = await linesOf(file);
  assert.ok(lines.some((line) => line.startsWith('SCSI Command: READ(10)')));
  assert.match(lines.at(-2) ?? '', /without a logout/);
  assert.match(lines.at(-1) ?? '', /^READ\(10\).* has no answer$/);
  await lun.close();
});

test('captureOnError writes a login that was refused', async (t) => {
  const file = join(await temporaryDirectory(t), 'refused.pcapng');
  await using target = await createTarget({ luns: LUNS }).listen({ port: 0 });
  const url = `iscsi://127.0.0.1:${target.port}/iqn.2003-01.org.example:none/0`;
  await assert.rejects(connect(url, { captureOnError: file }), { code: 'ISCSI_TARGET_NOT_FOUND' });
  assert.ok((await linesOf(file)).some((line) => line.startsWith('Login Response: Not found')));
});

test('an error is told as it is when its capture cannot be written', async (t) => {
  const warned = new Promise<Error>((resolve) => process.once('warning', resolve));
  const file = join(await temporaryDirectory(t), 'none', 'file');
  const url = `iscsi://127.0.0.1:${await freePort()}/iqn.2003-01.org.example:none/0`;
  await assert.rejects(connect(url, { captureOnError: file }), { code: 'ISCSI_REFUSED' });
  assert.match((await warned).message, /Cannot write the capture of a lost session: ENOENT/);
});

test('a CaptureFile has all of several sessions, and the ring of each beside it', async (t) => {
  const directory = await temporaryDirectory(t);
  const file = join(directory, 'all.pcapng');
  await using target = await createTarget({ luns: LUNS }).listen({ port: 0 });
  const capture = CaptureFile.open(file);
  for (let times = 0; times < 2; times++) {
    await using lun = await connect(target.url(0), { capture });
    await lun.read(new Uint8Array(4096), { position: 0 });
    assert.ok((await lun.session.capture(join(directory, 'ring'))).packets > 10);
  }
  capture.close();
  capture.close();
  assert.equal(capture.error, undefined);
  const lines = await linesOf(file);
  assert.equal(lines.filter((line) => line.startsWith('SCSI Command: READ(10)')).length, 2);
  assert.equal(lines.filter((line) => line === 'the initiator ends the connection').length, 2);
});

test('a session goes on when the disk of its capture is full', async (t) => {
  const full = '/dev/full';
  if (
    !(await stat(full).then(
      () => true,
      () => false,
    ))
  )
    return t.skip('needs /dev/full');
  await using target = await createTarget({ luns: LUNS }).listen({ port: 0 });
  const capture = CaptureFile.open(full);
  await using lun = await connect(target.url(0), { capture });
  await lun.read(new Uint8Array(4096), { position: 0 });
  await lun.read(new Uint8Array(4096), { position: 0 });
  assert.match(String(capture.error), /ENOSPC/);
  capture.close();
});
