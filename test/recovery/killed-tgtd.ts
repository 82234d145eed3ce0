/** tgtd under the mixed load, killed by SIGKILL and started again: what was acknowledged must be there. */
import assert from 'node:assert/strict';
import { connect } from '../../src/index.ts';
import { Random } from '../simulated/random.ts';
import { until } from '../support/loop-time.ts';
import type { Cleanup } from '../support/process.ts';
import { startTgtd } from '../support/tgtd.ts';
import { MixedLoad } from './load.ts';

const NAME = 'iqn.2003-01.org.example:disk';
/** Operations between two kills. */
const ROUND = 200;

/** Runs one seed. @throws {Error} When something was lost, torn or left behind. */
export async function killedTgtd(
  t: Cleanup,
  seed: number,
  kills: number,
): Promise<{ readonly losses: number; readonly failures: ReadonlyMap<string, number> }> {
  const params = { DefaultTime2Wait: 0 } as const;
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 4 }], params }] });
  const lun = await connect(tgtd.url(NAME, 1), { reconnect: { firstDelay: 20, maxDelay: 200 }, env: {} });
  let losses = 0;
  lun.on('lost', () => losses++);
  const load = new MixedLoad(lun, new Random(seed), 16);
  const more = new Random(seed);
  for (let round = 0; round < kills; round++) {
    const work = load.run(ROUND * (round + 1), 8);
    const moment = ROUND * round + 20 + more.below(120);
    await until(() => load.figures.operations > moment);
    await tgtd.stop();
    await tgtd.start();
    await work;
  }
  await load.verifyAll();
  assert.ok(losses >= kills, `${losses} losses`);
  assert.deepEqual(lun.session.commandsUnderWay(), []);
  await lun.close();
  await tgtd.stop();
  return { losses, failures: load.figures.failures };
}
