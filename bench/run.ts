/**
 * `npm run bench`: codec and receiver in nanoseconds per PDU, then our initiator and libiscsi's against our target and
 * tgtd, side by side. `npm run bench -- micro` and `npm run bench -- end-to-end` do one half;
 * `--seconds N --repetitions N` change how long.
 */
import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { longRunOptions } from '../test/support/long-run.ts';
import { compare } from './end-to-end/compare.ts';
import type { Timing } from './measure.ts';
import { wireTimings } from './pdu/wire.ts';

const DOES = `Measures codec and receiver in nanoseconds per PDU (micro), then our initiator and libiscsi's against our target and
tgtd, side by side (end-to-end, which needs the Debian packages tgt and libiscsi-bin). One word: that half alone.`;
const { numbers, word: half } = longRunOptions('bench', DOES, { seconds: 2, repetitions: 7 }, ['micro', 'end-to-end']);
const hooks: (() => Promise<void>)[] = [];

const cpu = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown CPU'}`;
console.log(`Node ${process.version}, ${cpu}, TCP congestion control: ${congestionControl()}`);
if (half !== 'end-to-end') micro('Codec, outbox, receiver: nanoseconds per PDU', wireTimings());
if (half !== 'micro') {
  try {
    await compare({ after: (hook) => hooks.push(hook) }, numbers);
  } finally {
    for (const hook of hooks.reverse()) await hook();
  }
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
