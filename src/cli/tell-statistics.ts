import type { IscsiLogicalUnit } from '../client/session.ts';
import type { KindStatistics } from '../client/statistics.ts';
import { formatSize } from './size.ts';

/** The option of tools that move data. */
export const STATISTICS_OPTIONS = {
  statistics: { kind: 'flag', help: 'Say on stderr how many commands each logical unit had, and how long they took' },
} as const;

const KINDS = ['read', 'write', 'flush'] as const;

/** Says what was asked of a logical unit when its session has ended, however that comes about. */
export function tellStatistics(lun: IscsiLogicalUnit, note: (text: string) => void): void {
  const name = `LUN ${lun.lunText} of ${lun.session.targetName}`;
  void lun.session.closed.then(() => {
    const { commands, retries } = lun.statistics();
    for (const kind of KINDS) if (commands[kind].commands > 0) note(`${name}: ${describe(kind, commands[kind])}`);
    if (retries > 0) note(`${name}: ${counted(retries, 'command')} sent again`);
  });
}

function describe(kind: string, { commands, failed, bytes, latency }: KindStatistics): string {
  const words = [counted(commands, `${kind} command`)];
  if (bytes > 0) words.push(formatSize(bytes));
  if (failed > 0) words.push(`${failed} failed`);
  if (latency.count > 0) {
    const { p50, p99, max } = latency;
    words.push(`half of them within ${inTime(p50)}, 99% within ${inTime(p99)}, the longest ${inTime(max)}`);
  }
  return words.join(', ');
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Microseconds as people read them. */
function inTime(microseconds: number): string {
  if (microseconds < 1000) return `${microseconds} µs`;
  return microseconds < 1_000_000
    ? `${(microseconds / 1000).toPrecision(3)} ms`
    : `${(microseconds / 1_000_000).toPrecision(3)} s`;
}
