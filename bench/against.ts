/**
 * `npm run bench:against -- DIR`: this checkout against another one that is built, such as the commit before a change.
 * Each pair of runs is one of the other and one of this, so that a slow moment of the machine hits both; what counts is
 * the median of the pairs' ratios, and their spread. `--seconds N --repetitions N` change how long.
 */
import { existsSync } from 'node:fs';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { CELLS, type Cell, type Sample } from './end-to-end/cells.ts';
import { type Client, initiatorOf, LIBISCSI } from './end-to-end/clients.ts';
import { DIST } from './end-to-end/dist.ts';
import { fill, type RunningTarget, startOurs } from './end-to-end/targets.ts';
import { median } from './measure.ts';

/** One way of reading, by the one checkout and by the other. */
interface Pair {
  readonly name: string;
  readonly sides: readonly [Side, Side];
}

interface Side {
  readonly client: Client;
  readonly target: RunningTarget;
}

const USAGE = `usage: npm run bench:against -- DIR [--seconds N] [--repetitions N]

Measures this checkout against the one in DIR, which must be built (npm ci there): one run of the other, one of this, so
that a slow moment of the machine hits both. --seconds N of each run (2), --repetitions N of each pair (7).`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    seconds: { type: 'string', default: '2' },
    repetitions: { type: 'string', default: '7' },
  },
});
if (values.help) {
  console.log(USAGE);
  process.exit(0);
}
const [seconds, repetitions] = [Number(values.seconds), Number(values.repetitions)];
const other = resolve(positionals[0] ?? '.', 'dist');
// iscsi-perf: 0 is for ever
const numbersFit = [seconds, repetitions].every((number) => Number.isInteger(number) && number > 0);
if (positionals.length !== 1 || !numbersFit || !existsSync(join(other, 'bench'))) {
  console.error(USAGE);
  process.exit(2);
}

const hooks: (() => Promise<void>)[] = [];
try {
  console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}`);
  console.log('this / other: above 1 is faster, for IOPS; below 1 is cheaper, for processor time');
  await compare();
} finally {
  for (const hook of hooks.reverse()) await hook();
}

async function compare(): Promise<void> {
  const cleanup = { after: (hook: () => Promise<void>) => void hooks.push(hook) };
  const [targetBefore, targetNow] = [await startOurs(cleanup, other), await startOurs(cleanup)];
  for (const target of [targetBefore, targetNow]) await fill(target);
  const [before, now] = [initiatorOf('other', other), initiatorOf('this', DIST)];
  const pairs: readonly Pair[] = [
    pair('both', { client: before, target: targetBefore }, { client: now, target: targetNow }),
    pair('initiator', { client: before, target: targetNow }, { client: now, target: targetNow }),
    pair('target', { client: LIBISCSI, target: targetBefore }, { client: LIBISCSI, target: targetNow }),
  ];
  for (const cell of CELLS) {
    console.log(`\n${cell.name}`);
    const rows: Record<string, Record<string, string>> = {};
    for (const one of pairs) rows[one.name] = rowOf(await run(one, cell));
    console.table(rows);
  }
}

function pair(name: string, before: Side, now: Side): Pair {
  return { name, sides: [before, now] };
}

async function run({ sides }: Pair, cell: Cell): Promise<readonly (readonly [Sample, Sample])[]> {
  const samples: (readonly [Sample, Sample])[] = [];
  for (let repetition = 0; repetition < repetitions; repetition++) {
    const [before, now] = sides;
    samples.push([await runSide(before, cell), await runSide(now, cell)]);
  }
  return samples;
}

function runSide({ client, target }: Side, cell: Cell): Promise<Sample> {
  return client.run(target.url, cell, seconds, target.pid);
}

function rowOf(samples: readonly (readonly [Sample, Sample])[]): Record<string, string> {
  const ratio = (of: (sample: Sample) => number): string => {
    const ratios = samples.map(([before, now]) => of(now) / of(before));
    return `${median(ratios).toFixed(2)} (${Math.min(...ratios).toFixed(2)}..${Math.max(...ratios).toFixed(2)})`;
  };
  return {
    'IOPS now': median(samples.map(([, now]) => now.iops)).toFixed(0),
    IOPS: ratio(({ iops }) => iops),
    'client us/IO': ratio(({ clientCpu }) => clientCpu),
    'target us/IO': ratio(({ targetCpu }) => targetCpu),
  };
}
