/** One port for each LUN of a session, for as long as somebody holds it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { SessionPorts } from '../../src/client/session-ports.ts';
import { InitiatorSession } from '../../src/initiator/session.ts';
import { SessionPort } from '../../src/initiator/session-port.ts';
import { CLOCK } from '../../src/node/clock.ts';
import { encodeLun, type Lun } from '../../src/scsi/lun.ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

const CORE = new InitiatorSession({ now: () => 0, wake: ignore, loggedIn: ignore, closed: ignore, event: ignore }, 1);

/** Ports that note how many were made. */
function counted() {
  let made = 0;
  const ports = new SessionPorts((lun: Lun) => {
    made++;
    return new SessionPort(CORE, { lun, targetName: '', timeout: 1000, clock: CLOCK });
  });
  return { of: (lun: number) => ports.of(encodeLun(lun)), made: () => made };
}

test('a LUN has one port, whatever was asked for in between', () => {
  const { of, made } = counted();
  const [zero, one] = [of(0), of(1)];
  assert.notEqual(zero, one);
  assert.equal(of(0), zero);
  assert.equal(of(1), one);
  assert.deepEqual([zero.unitName, one.unitName, made()], ['LUN 0', 'LUN 1', 2]);
});

test('a port that nobody holds is forgotten, one that is held stays the same', async () => {
  const { of, made } = counted();
  const held = of(7);
  for (let lun = 100; lun < 1100; lun++) of(lun);
  const before = made();
  const started = performance.now();
  let forgotten = 0;
  while (forgotten === 0) {
    assert.ok(performance.now() - started < 60_000, 'nothing is forgotten');
    await new Promise((resolve) => setImmediate(resolve)); // a weak reference that was looked at holds until then
    collectGarbage();
    const had = made();
    for (let lun = 100; lun < 1100; lun++) of(lun);
    forgotten = made() - had;
  }
  assert.ok(made() > before);
  assert.equal(of(7), held);
});

function ignore(): void {
  // The session stays where it is.
}
