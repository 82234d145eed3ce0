/**
 * `npm run bench`: codec and receiver in nanoseconds per PDU, then our initiator and libiscsi's against our target and
 * tgtd, side by side, and the synchronous face beside the asynchronous one. `npm run bench -- micro`,
 * `npm run bench -- end-to-end` and `npm run bench -- sync` do one part; `--seconds N --repetitions N` change how long.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { longRunOptions } from '../test/support/long-run.ts';
import { compare } from './end-to-end/compare.ts';
import type { Timing } from './measure.ts';
import { wireTimings } from './pdu/wire.ts';
import { rates } from './sync/rates.ts';

const DOES = `Measures codec and receiver in nanoseconds per PDU (micro), then our initiator and libiscsi's against our target and
tgtd, side by side (end-to-end, which needs the Debian packages tgt and libiscsi-bin), then loops of reads of the
synchronous face and of the asynchronous one (sync). One word: that part alone.`;
const PARTS = ['micro', 'end-to-end', 'sync'] as const;
const { numbers, word: part } = longRunOptions('bench', DOES, { seconds: 2, repetitions: 7 }, PARTS);
const hooks: (() => Promise<void>)[] = [];

const cpu = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}`;
console.log(`Node ${process.version}, ${cpu}, TCP congestion control: ${congestionControl()}`);
if (part === undefined || part === 'micro') micro('Codec, outbox, receiver: nanoseconds per PDU', wireTimings());
try {
  const cleanup = { after: (hook: () => Promise<void>) => void hooks.push(hook) };
  if (part === undefined || part === 'end-to-end') await compare(cleanup, numbers);
  if (part === undefined || part === 'sync') await rates(cleanup, numbers);
} finally {
  for (const hook of hooks.reverse()) await hook();
}

/**
 * With `bbr` the kernel paces what is sent by timers, which costs a virtual machine a fifth to a third of its
 * throughput on the loopback.
 */
function congestionControl(): string {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

function micro(title: string, timings: readonly Timing[]): void {
  console.log(`\n${title}`);
  console.table(
    Object.fromEntries(
      timings.map(({ name, best, median, worst }) => [
        name,
        { best: round(best), median: round(median), worst: round(worst) },
      ]),
    ),
  );
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
