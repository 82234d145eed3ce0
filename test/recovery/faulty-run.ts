/** One seeded run: a load, faults between initiator and target, and what must hold at its end. */
import assert from 'node:assert/strict';
import { createTarget, type Target } from '../../src/server/index.ts';
import { Random } from '../simulated/random.ts';
import type { Cleanup } from '../support/process.ts';
import { startRelay } from '../support/relay.ts';
import { type FaultName, faultPlan } from './fault-plan.ts';
import { aWhile, connectForLoad, MixedLoad, SLOT_BLOCKS } from './load.ts';
import { WatchedStore } from './watched-store.ts';

const SLOTS = 12;
const OPERATIONS = 70;
const WORKERS = 6;

/** What a run saw: that something happened at all has to be shown. */
export interface RunFigures {
  readonly operations: number;
  readonly losses: number;
  readonly reconnects: number;
  readonly repeatedBlocks: number;
  readonly failures: ReadonlyMap<string, number>;
  readonly faults: readonly FaultName[];
  readonly restarts: number;
}

/** A target whose disk outlives it. */
class Restartable {
  readonly store: WatchedStore;
  #target: Target | undefined;

  constructor(random: Random) {
    const slow = random.onceIn(3);
    this.store = new WatchedStore(SLOTS * SLOT_BLOCKS, slow ? () => random.below(12) : undefined);
  }

  get port(): number {
    return this.#target?.port ?? 1; // nobody listens there
  }

  async start(): Promise<void> {
    const target = await createTarget({ luns: [{ store: this.store, serial: 'watched' }] });
    this.#target = await target.listen({ port: 0 });
  }

  async stop(): Promise<void> {
    const target = this.#target;
    this.#target = undefined;
    await target?.close();
  }

  get url(): string {
    return this.#target?.url(0) ?? '';
  }
}

/** Runs one seed. @throws {Error} When something was lost, doubled, torn or left behind. */
export async function faultyRun(seed: number): Promise<RunFigures> {
  const hooks: (() => Promise<void>)[] = [];
  const t: Cleanup = { after: (hook) => void hooks.push(hook) };
  try {
    return await run(t, new Random(seed));
  } finally {
    for (const hook of hooks.reverse()) await hook();
  }
}

async function run(t: Cleanup, random: Random): Promise<RunFigures> {
  const plan = faultPlan(new Random(random.uint32()));
  const disk = new Restartable(new Random(random.uint32()));
  await disk.start();
  t.after(() => disk.stop());
  const relay = await startRelay(t, { to: () => disk.port, faults: plan.faults, record: false });
  const url = disk.url.replace(/:\d+\//, `:${relay.port}/`);
  const lun = await connectForLoad(url, plan.stalls, plan.digests);
  let [losses, reconnects] = [0, 0];
  lun.on('lost', () => losses++).on('reconnected', () => reconnects++);
  t.after(() => lun.close());

  const load = new MixedLoad(lun, random, SLOTS);
  const restarting = plan.restarts ? restart(disk, random) : Promise.resolve();
  await load.run(OPERATIONS, WORKERS);
  await restarting;
  await load.verifyAll();
  const { session } = lun;
  assert.equal(session.open, true, 'the session was given up');
  assert.deepEqual(session.commandsUnderWay(), [], 'commands are left');
  await lun.close();
  const end = await session.closed; // the last fault may come in the middle of the logout
  assert.ok(end === undefined || end.code === 'ISCSI_CONNECTION_LOST', `${end}`);
  assert.deepEqual(disk.store.wrong, []);
  const { operations, failures } = load.figures;
  const { repeated: repeatedBlocks } = disk.store;
  const restarts = plan.restarts ? 1 : 0;
  return { operations, losses, reconnects, repeatedBlocks, failures, faults: plan.used, restarts };
}

async function restart(disk: Restartable, random: Random): Promise<void> {
  await aWhile(random);
  await disk.stop();
  await aWhile(random);
  await disk.start();
}
