import type { Cleanup } from '../../test/support/process.ts';
import { median } from '../measure.ts';
import { CELLS, type Cell, type Sample } from './cells.ts';
import { type Client, LIBISCSI, OURS } from './clients.ts';
import { fill, type RunningTarget, startOurs, startTheirs } from './targets.ts';

/** How long and how often. */
export interface CompareOptions {
  readonly seconds: number;
  readonly repetitions: number;
}

/** All samples of one client against one target in one cell. */
interface Series {
  readonly client: Client;
  readonly target: RunningTarget;
  readonly samples: Sample[];
}

/** The goals of the project, on a two-core machine: ours over theirs, as IOPS. */
const CLIENT_GOALS: Readonly<Record<string, number>> = {
  '4 KiB random, QD 1': 1,
  '4 KiB random, QD 32': 1.5,
  '4 KiB random, QD 128': 2.5,
  '256 KiB sequential, QD 32': 1,
  '1 MiB sequential, QD 32': 1,
};
const TARGET_GOALS: Readonly<Record<string, number>> = { '4 KiB random, QD 32': 3 };

/**
 * Each client against each target, alternating, so that a slow moment of the machine hits all of them. Ratios are
 * formed pair by pair within one repetition; their median and their spread are what counts.
 */
export async function compare(cleanup: Cleanup, options: CompareOptions): Promise<void> {
  const targets = [await startOurs(cleanup), await startTheirs(cleanup)];
  for (const target of targets) await fill(target);
  for (const cell of CELLS) {
    const series = targets.flatMap((target) =>
      [OURS, LIBISCSI].map((client): Series => ({ client, target, samples: [] })),
    );
    for (let repetition = 0; repetition < options.repetitions; repetition++) {
      for (const { client, target, samples } of series) {
        samples.push(await client.run(target.url, cell, options.seconds, target.pid));
      }
    }
    report(cell, series);
  }
}

function report(cell: Cell, series: readonly Series[]): void {
  console.log(`\n${cell.name}`);
  const rows = Object.fromEntries(series.map((one) => [`${one.client.name} -> ${one.target.name}`, rowOf(cell, one)]));
  console.table(rows);
  const [oursOurs, theirsOurs, oursTgtd, theirsTgtd] = series;
  if (!oursOurs || !theirsOurs || !oursTgtd || !theirsTgtd) return;
  ratio('initiator: tsiscsi / libiscsi, against our target', oursOurs, theirsOurs, CLIENT_GOALS[cell.name]);
  ratio('initiator: tsiscsi / libiscsi, against tgtd', oursTgtd, theirsTgtd, undefined);
  ratio('target: ours / tgtd, under iscsi-perf', theirsOurs, theirsTgtd, TARGET_GOALS[cell.name]);
}

function rowOf(cell: Cell, { samples }: Series): Record<string, string> {
  const iops = samples.map((sample) => sample.iops);
  const mid = median(iops);
  return {
    IOPS: mid.toFixed(0),
    'min..max': `${Math.min(...iops).toFixed(0)}..${Math.max(...iops).toFixed(0)}`,
    'MB/s': ((mid * cell.blocks * 512) / 1e6).toFixed(0),
    'client us/IO': median(samples.map((sample) => sample.clientCpu)).toFixed(2),
    'target us/IO': median(samples.map((sample) => sample.targetCpu)).toFixed(2),
  };
}

function ratio(name: string, numerator: Series, denominator: Series, goal: number | undefined): void {
  const ratios = numerator.samples.map((sample, at) => sample.iops / (denominator.samples[at]?.iops ?? Number.NaN));
  const mid = median(ratios);
  const verdict = goal === undefined ? '' : `  goal ${goal.toFixed(1)}: ${mid >= goal ? 'met' : 'MISSED'}`;
  console.log(
    `  ${name}: ${mid.toFixed(2)} (${Math.min(...ratios).toFixed(2)}..${Math.max(...ratios).toFixed(2)})${verdict}`,
  );
}
