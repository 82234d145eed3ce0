import { connect } from '../../src/index.ts';
import { connectSync } from '../../src/sync/index.ts';
import type { Cleanup } from '../../test/support/process.ts';
import { fill, startOurs } from '../end-to-end/targets.ts';
import { median } from '../measure.ts';

/** How long and how often. */
export interface RateOptions {
  readonly seconds: number;
  readonly repetitions: number;
}

/** One way to read: the reads of one loop, one after the other. */
interface Way {
  readonly name: string;
  /** Reads for so many milliseconds. @returns Reads a second. */
  run(milliseconds: number): Promise<number> | number;
  readonly rates: number[];
}

/** What the synchronous face is to reach. */
const LEAST_SMALL = 8000;
const LEAST_OF_LARGE = 0.5;
const OPTIONS = { headerDigest: 'none', dataDigest: 'none' } as const;

/**
 * Loops of reads, one after the other, of the synchronous face and of the asynchronous one, alternating, against our
 * target in another process. Ratios are formed pair by pair.
 */
export async function rates(cleanup: Cleanup, { seconds, repetitions }: RateOptions): Promise<void> {
  const target = await startOurs(cleanup);
  await fill(target);
  await using lun = await connect(target.url, OPTIONS);
  using lunSync = connectSync(target.url, OPTIONS);
  for (const { name, length } of [
    { name: '4 KiB', length: 4096 },
    { name: '1 MiB', length: 2 ** 20 },
  ]) {
    const positions = places(lun.size, length);
    const plain = new Uint8Array(length);
    const shared = new Uint8Array(new SharedArrayBuffer(length));
    const loop = (buffer: Uint8Array) => (milliseconds: number) =>
      perSecond(milliseconds, () => lunSync.readSync(buffer, { position: positions() }));
    const ways: readonly Way[] = [
      {
        name: 'read',
        run: (time) => perSecondAsync(time, () => lun.read(plain, { position: positions() })),
        rates: [],
      },
      { name: 'readSync', run: loop(plain), rates: [] },
      { name: 'readSync, shared buffer', run: loop(shared), rates: [] },
    ];
    for (let repetition = 0; repetition < repetitions; repetition++) {
      for (const way of ways) way.rates.push(await way.run((seconds * 1000) / 4));
    }
    report(name, ways, length);
  }
}

function report(name: string, ways: readonly Way[], length: number): void {
  const [base] = ways;
  console.log(`\n${name} in a loop, one after the other`);
  console.table(
    Object.fromEntries(
      ways.map((way) => [
        way.name,
        {
          'reads/s': Math.round(median(way.rates)),
          'min..max': `${Math.round(Math.min(...way.rates))}..${Math.round(Math.max(...way.rates))}`,
          'of read': ratioOf(way, base).toFixed(2),
        },
      ]),
    ),
  );
  const [, sync] = ways;
  if (sync === undefined) return;
  const [reached, goal] = length === 4096 ? [median(sync.rates), LEAST_SMALL] : [ratioOf(sync, base), LEAST_OF_LARGE];
  console.log(`  goal ${goal} ${length === 4096 ? 'reads/s' : 'of read'}: ${reached >= goal ? 'met' : 'MISSED'}`);
}

function ratioOf(way: Way, base: Way | undefined): number {
  return median(way.rates.map((rate, at) => rate / (base?.rates[at] ?? Number.NaN)));
}

function places(size: number, length: number): () => number {
  let next = 0;
  return () => (next++ * length) % size;
}

function perSecond(milliseconds: number, work: () => unknown): number {
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < milliseconds) {
    work();
    done++;
  }
  return (done / (performance.now() - started)) * 1000;
}

async function perSecondAsync(milliseconds: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let done = 0;
  while (performance.now() - started < milliseconds) {
    await work();
    done++;
  }
  return (done / (performance.now() - started)) * 1000;
}
