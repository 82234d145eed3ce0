import { IscsiError } from '../errors.ts';
import { COMMAND_KINDS, type CommandKind, type KindCounters, type SessionCounters } from '../initiator/counters.ts';
import { shown } from '../unit/option-rules.ts';

export type { CommandKind };

/** One bucket of a histogram: how often something took `from` microseconds or more, and less than `to`. */
export interface LatencyBucket {
  /** Microseconds. */
  readonly from: number;
  /** Microseconds. */
  readonly to: number;
  /** How often. */
  readonly count: number;
}

/**
 * How long commands took, from being submitted to their status, waiting for the command window included. All times in
 * microseconds. Only commands that got a status are in it. Percentiles are the upper ends of their buckets, which are
 * an eighth of their value wide at the most, and never more than `max`.
 */
export interface LatencyStatistics {
  /** How many commands. */
  readonly count: number;
  /** The average. */
  readonly mean: number;
  /** Half of them took no longer. */
  readonly p50: number;
  /** 90 of a hundred took no longer. */
  readonly p90: number;
  /** 99 of a hundred took no longer. */
  readonly p99: number;
  /** The longest. */
  readonly max: number;
  /** Those in which something is, the shortest time first. */
  readonly buckets: readonly LatencyBucket[];
}

/** What the commands of one kind did. */
export interface KindStatistics {
  /** Commands that have settled, whatever their end. */
  readonly commands: number;
  /** Those among them whose status was not GOOD, or that got none. */
  readonly failed: number;
  /** Bytes of data that went over the wire for them, either way. */
  readonly bytes: number;
  /** How long they took. */
  readonly latency: LatencyStatistics;
}

/** Commands by kind: READ, WRITE and the like, SYNCHRONIZE CACHE, and all others. */
export type CommandStatistics = Readonly<Record<CommandKind, KindStatistics>>;

/** What `lun.statistics()` tells: of this session's commands to the logical unit, whoever sent them. */
export interface UnitStatistics {
  /** By kind. */
  readonly commands: CommandStatistics;
  /** Commands that were sent again, because of BUSY, a unit attention, or a session that was lost and came back. */
  readonly retries: number;
}

/** What `session.statistics()` tells: a snapshot, which is JSON as it is. */
export interface SessionStatistics extends UnitStatistics {
  /** How often the session was lost and came back. */
  readonly reconnects: number;
  /** Commands that were not answered in time. */
  readonly timeouts: number;
  /** Commands that a signal, or a task management function, ended. */
  readonly aborted: number;
  /** Commands whose answer a lost connection took with it. */
  readonly lost: number;
  /** Header and data digests that were wrong. */
  readonly digestErrors: number;
  /** Reject PDUs of the target. */
  readonly rejects: number;
  /** Asynchronous Messages of the target. */
  readonly asyncEvents: number;
}

/** The counters as they stand now. */
export function sessionStatistics(counters: SessionCounters): SessionStatistics {
  const { reconnects, timeouts, aborted, lost, digestErrors, rejects, asyncEvents } = counters;
  return { ...unitStatistics(counters), reconnects, timeouts, aborted, lost, digestErrors, rejects, asyncEvents };
}

/** The counters of one logical unit as they stand now. */
export function unitStatistics(counters: {
  readonly kinds: readonly KindCounters[];
  readonly retries: number;
}): UnitStatistics {
  const kinds = COMMAND_KINDS.map((kind, at) => [kind, kindStatistics(counters.kinds[at])] as const);
  return { commands: Object.fromEntries(kinds) as CommandStatistics, retries: counters.retries };
}

/**
 * A percentile of latencies, in microseconds: so many of a hundred took no longer than that. 0 when there are none.
 * @param percent 0 to 100.
 * @throws {IscsiError} `ISCSI_USAGE` for any other number.
 * @example
 * const buckets = [{ from: 40, to: 44, count: 99 }, { from: 96, to: 104, count: 1 }];
 * latencyPercentile({ count: 100, max: 97, buckets }, 99); // 44
 */
export function latencyPercentile(
  latency: Pick<LatencyStatistics, 'count' | 'max' | 'buckets'>,
  percent: number,
): number {
  if (!(percent >= 0 && percent <= 100))
    throw new IscsiError('ISCSI_USAGE', `Cannot tell percentile ${shown(percent)}: 0 to 100 allowed`);
  let left = Math.max(1, Math.ceil((latency.count * percent) / 100));
  for (const { to, count } of latency.buckets) {
    left -= count;
    if (left <= 0) return Math.min(to, latency.max);
  }
  return latency.max;
}

function kindStatistics(counters: KindCounters | undefined): KindStatistics {
  const { commands = 0, failed = 0, bytes = 0 } = counters ?? {};
  return { commands, failed, bytes, latency: latencyStatistics(counters) };
}

function latencyStatistics(counters: KindCounters | undefined): LatencyStatistics {
  const { count = 0, sum = 0, max = 0 } = counters?.latency ?? {};
  const buckets = counters?.buckets ?? [];
  const percentile = (percent: number): number => latencyPercentile({ count, max, buckets }, percent);
  const mean = count === 0 ? 0 : sum / count;
  return { count, mean, p50: percentile(50), p90: percentile(90), p99: percentile(99), max, buckets };
}
