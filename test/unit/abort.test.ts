import assert from 'node:assert/strict';
import { test } from 'node:test';
import { whenAborted } from '../../src/unit/abort.ts';

/** A signal that counts who listens. */
class CountedSignal {
  aborted = false;
  readonly listeners = new Set<() => void>();

  addEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.add(listener);
  }

  removeEventListener(_type: 'abort', listener: () => void): void {
    this.listeners.delete(listener);
  }

  abort(): void {
    this.aborted = true;
    for (const listener of this.listeners) listener();
    this.listeners.clear(); // as with `once`
  }
}

test('whenAborted() has one listener at a signal, however many wait for it, and none when nobody does', () => {
  const signal = new CountedSignal();
  const stops = Array.from({ length: 100 }, () => whenAborted(signal, () => undefined));
  assert.equal(signal.listeners.size, 1);
  for (const stop of stops) stop();
  assert.equal(signal.listeners.size, 0);
  whenAborted(signal, () => undefined);
  for (const stop of stops) stop(); // a second time: of no effect
  assert.equal(signal.listeners.size, 1);
});

test('whenAborted() calls everyone who still waits, once, also when one of them stops another', () => {
  const signal = new CountedSignal();
  const called: string[] = [];
  const stopA = whenAborted(signal, () => called.push('a'));
  whenAborted(signal, () => {
    called.push('b');
    stopC();
  });
  const stopC = whenAborted(signal, () => called.push('c'));
  whenAborted(signal, () => called.push('d'));
  stopA();
  signal.abort();
  signal.abort();
  assert.deepEqual(called, ['b', 'd']);
});

test('whenAborted() without a signal does nothing', () => {
  whenAborted(undefined, () => assert.fail('nobody aborts'))();
});

test('a hundred commands may share one AbortSignal without a warning', async (t) => {
  const warnings: Error[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  const controller = new AbortController();
  let calls = 0;
  for (let command = 0; command < 100; command++) whenAborted(controller.signal, () => calls++);
  controller.abort();
  await new Promise(setImmediate);
  assert.deepEqual([calls, warnings], [100, []]);
});
