/** `iscsi-ls -s` at a portal of very many targets, none of which lets it in. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import * as v8 from 'node:v8';
import { ls } from '../../src/cli/ls.ts';
import type { Host } from '../../src/cli/tool.ts';
import { LoginError } from '../../src/errors.ts';
import { RawTarget, type RawTargetOptions } from '../support/raw-target.ts';
import { pairsOf } from '../support/speaker/data.ts';

/** Since Node 20.13. */
const countable = 'queryObjects' in v8;
const COUNT = 300;
const AUTHORIZATION_FAILURE = 0x0202;

/** A portal that lists targets and refuses the login to each; `onRefused` is told how many it has refused. */
function refusing(onRefused: (count: number) => void): RawTargetOptions {
  const names = Array.from({ length: COUNT }, (_, number) => `TargetName=iqn.2003-01.org.example:t${number}\0`);
  let refused = 0;
  return {
    onPdu(pdu, connection) {
      if (pdu.opcode === 0x04) connection.send(connection.voice.textResponse(pdu.tag, Buffer.from(names.join(''))));
      if (pdu.opcode !== 0x03) return pdu.opcode === 0x04;
      if (pairsOf(pdu.data).some(([key, value]) => key === 'SessionType' && value === 'Discovery')) return false;
      connection.send(connection.voice.loginResponse(pdu, Buffer.alloc(0), { status: AUTHORIZATION_FAILURE }));
      onRefused(++refused);
      return true;
    },
  };
}

/** What `iscsi-ls` writes, run in this process. */
async function run(args: readonly string[]): Promise<{ readonly code: number; stdout: string; stderr: string }> {
  const written = { stdout: '', stderr: '' };
  const into = (name: keyof typeof written): Writable =>
    new Writable({
      write(chunk, _encoding, done) {
        written[name] += String(chunk);
        done();
      },
    });
  const host: Partial<Host> = { env: {}, signal: new AbortController().signal };
  const code = await ls.run(args, { ...host, stdout: into('stdout'), stderr: into('stderr') } as Host);
  return { code, ...written };
}

for (const format of ['text', 'json'] as const) {
  test(`each error is told and forgotten: ${format}`, { skip: !countable && 'needs Node.js 20.13' }, async (t) => {
    let alive = 0;
    const target = await RawTarget.listen(
      t,
      refusing((count) => {
        if (count === COUNT - 1) alive = v8.queryObjects(LoginError, { format: 'count' });
      }),
    );
    const json = format === 'json' ? ['--json'] : [];
    const { code, stdout, stderr } = await run(['-s', ...json, `iscsi://127.0.0.1:${target.port}`]);
    assert.equal(code, 6);
    const shown = json.length > 0 ? JSON.parse(stdout).targets : stdout.trimEnd().split('\n');
    assert.deepEqual([shown.length, stderr.trimEnd().split('\n').length], [COUNT, COUNT]);
    assert.ok(alive > 0 && alive < 40, `${alive} of ${COUNT} errors are kept`);
  });
}
