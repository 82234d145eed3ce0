/** Watches whether a `BusyPoll` keeps the event loop going: the test runner has immediates of its own. */
import type { TestContext } from 'node:test';

/** Tells whether a poll is pending, from now to the end of the test. It is known by the name of its callback. */
export function watchPolls(t: TestContext): () => boolean {
  const { setImmediate, clearImmediate } = globalThis;
  const pending = new Set<NodeJS.Immediate>();
  const set = (callback: (...args: unknown[]) => void, ...args: unknown[]): NodeJS.Immediate => {
    if (callback.name !== '#poll') return setImmediate(callback, ...args);
    const immediate = setImmediate(() => {
      pending.delete(immediate);
      callback();
    });
    pending.add(immediate);
    return immediate;
  };
  const clear = (immediate: NodeJS.Immediate | undefined): void => {
    if (immediate !== undefined) pending.delete(immediate);
    clearImmediate(immediate);
  };
  Object.assign(globalThis, { setImmediate: set, clearImmediate: clear });
  t.after(() => void Object.assign(globalThis, { setImmediate, clearImmediate }));
  return () => pending.size > 0;
}
