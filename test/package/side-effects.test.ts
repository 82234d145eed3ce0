import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { REPOSITORY } from '../support/repository.ts';
import { succeed } from './support/installed.ts';

/**
 * Tells which of what a module could leave behind in its process is not as it was; what ends by itself in a few turns
 * is left to do so.
 */
const COMPARISON = `
  const state = () => ({
    globals: Reflect.ownKeys(globalThis).map(String),
    builtins: [Object, Array, Map, Promise, Uint8Array, ArrayBuffer, Buffer, DataView, Error, String].flatMap((one) =>
      [one, one.prototype].map((of) => Reflect.ownKeys(of).map(String))),
    listeners: process.eventNames().map((name) => [String(name), process.listenerCount(name)]),
    active: process.getActiveResourcesInfo(),
    environment: { ...process.env },
  });
  const before = state();
  const changes = () => {
    const now = state();
    return Object.keys(now).filter((key) => JSON.stringify(now[key]) !== JSON.stringify(before[key]));
  };
  const told = async () => {
    for (let turns = 0; turns < 1000 && changes().length > 0; turns++) await new Promise(setImmediate);
    console.log(changes().join() || 'nothing');
  };
`;

test('package.json says that modules have no side effects, and loading them has none', async () => {
  const { sideEffects, exports } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  assert.equal(sideEffects, false);
  const modules = Object.values<{ default?: string }>(exports).flatMap((entry) => entry.default ?? []);
  assert.equal(modules.length, 4);
  const urls = modules.map((path) => pathToFileURL(join(REPOSITORY, path)).href);
  assert.equal(await changedBy(urls.map((url) => `await import('${url}');`).join(' ')), 'nothing\n');
});

test('a listener, a global and a method that a module leaves behind are found', async () => {
  assert.equal(await changedBy("process.on('exit', () => {});"), 'listeners\n');
  assert.equal(await changedBy('globalThis.left = 1;'), 'globals\n');
  assert.equal(await changedBy('Array.prototype.last = 1;'), 'builtins\n');
});

test('no module is imported for its effect alone', () => {
  const names = readdirSync(join(REPOSITORY, 'src'), { recursive: true }).map((name) =>
    join(REPOSITORY, 'src', String(name)),
  );
  const sources = names.filter((name) => name.endsWith('.ts'));
  assert.deepEqual(
    sources.filter((name) => /^import '/m.test(readFileSync(name, 'utf8'))),
    [],
  );
});

function changedBy(code: string): Promise<string> {
  return succeed(process.execPath, ['--input-type=module', '-e', `${COMPARISON} ${code} await told();`], REPOSITORY);
}
