import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PATIENCE } from './loop-time.ts';
import { type Cleanup, runProcess, startProcess } from './process.ts';

/** Node itself is the one program that is certainly there. */
const node = (script: string): [string, string[]] => [process.execPath, ['-e', script]];

test('waitFor() gives the match as soon as it is printed, on the stream that was asked for', async (t) => {
  const running = startProcess(
    t,
    ...node('console.error("port 1"); console.log("port 23"); setInterval(() => {}, 1000)'),
  );
  assert.equal((await running.waitFor('stdout', /port (\d+)/))[1], '23');
  assert.equal((await running.waitFor('stderr', /port (\d+)/))[1], '1');
});

test('waitFor() rejects with the output when the process ends before', async (t) => {
  const running = startProcess(t, ...node('console.error("no such device"); process.exit(3)'));
  await assert.rejects(running.waitFor('stdout', /ready/), /ended before[\s\S]*no such device/);
  assert.deepEqual(await running.exited, { code: 3, signal: null });
});

test('waitFor() rejects when its time is over', async (t) => {
  const running = startProcess(t, ...node('setInterval(() => {}, 1000)'));
  await assert.rejects(running.waitFor('stdout', /ready/, 50), /did not print .* within 50 ms/);
});

test('stop() ends a process that ignores SIGTERM', async (t) => {
  const running = startProcess(
    t,
    ...node('process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1000)'),
  );
  await running.waitFor('stdout', /up/);
  assert.deepEqual(await running.stop('SIGTERM', 100), { code: null, signal: 'SIGKILL' });
});

test('a process is gone when its test is over', async () => {
  const hooks: (() => Promise<void>)[] = [];
  const t: Cleanup = { after: (hook) => void hooks.push(hook) };
  const running = startProcess(t, ...node('setInterval(() => {}, 1000)'));
  const { pid } = running;
  assert.ok(pid !== undefined);
  for (const hook of hooks) await hook();
  assert.throws(() => process.kill(pid, 0), { code: 'ESRCH' });
});

test('runProcess() kills what takes too long and says so', async () => {
  const { code, signal, timedOut } = await runProcess(...node('setInterval(() => {}, 1000)'), { timeout: 100 });
  assert.deepEqual({ code, signal, timedOut }, { code: null, signal: 'SIGKILL', timedOut: true });
});

test('onLine takes standard output line by line instead of collecting it, also a last line that is not ended', async () => {
  const lines: string[] = [];
  const script = 'process.stdout.write("a\\nb\\n\\n" + "c".repeat(300_000))';
  const { code, stdout } = await runProcess(...node(script), { timeout: PATIENCE, onLine: (line) => lines.push(line) });
  assert.deepEqual([code, stdout, lines.slice(0, 3), lines[3]?.length], [0, '', ['a', 'b', ''], 300_000]);
});

test('runProcess() tells of a program that does not exist', async () => {
  const { code, stderr } = await runProcess('no-such-program-here', [], { timeout: 1000 });
  assert.equal(code, null);
  assert.match(stderr, /ENOENT/);
});
