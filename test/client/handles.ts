import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** How many sockets, timers and look-ups this process has; the test runner has some of its own. */
function handles(): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of process.getActiveResourcesInfo()) {
    if (/TCPSocket|TCPConnect|Timeout|GetAddrInfo/.test(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/**
 * Runs `work` and asserts that it leaves no socket and no timer behind. The peer's end of a connection, which is in
 * this process too, has a moment to notice.
 */
export async function assertNoHandlesLeft(work: () => Promise<void>): Promise<void> {
  const before = handles();
  await work();
  let more = ['nothing counted yet'];
  for (let waited = 0; waited < 2000 && more.length > 0; waited++) {
    if (waited > 0) await sleep(5); // its own timer is over when it returns
    more = [...handles()].filter(([name, count]) => count > (before.get(name) ?? 0)).map(([name]) => name);
  }
  assert.deepEqual(more, []);
}
