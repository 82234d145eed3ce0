import type { IscsiError } from '../errors.ts';
import { BUCKETS, type Bucket, bucketOf, filledBuckets, wholeMicroseconds } from './latency-histogram.ts';

/** What commands are counted apart by. */
export const COMMAND_KINDS = ['read', 'write', 'flush', 'other'] as const;

/** A kind of commands. */
export type CommandKind = (typeof COMMAND_KINDS)[number];

const READ = 0;
const WRITE = 1;
const FLUSH = 2;
const OTHER = 3;

/** READ (6, 10, 12, 16); WRITE (6, 10, 12, 16) and what else writes data that is sent; SYNCHRONIZE CACHE (10, 16). */
const OPERATIONS: readonly (readonly [kind: number, codes: readonly number[]])[] = [
  [READ, [0x08, 0x28, 0xa8, 0x88]],
  [WRITE, [0x0a, 0x2a, 0xaa, 0x8a, 0x2e, 0xae, 0x8e, 0x41, 0x93, 0x89, 0x9c]],
  [FLUSH, [0x35, 0x91]],
];
const KIND_OF_CODE = new Uint8Array(256).fill(OTHER);
for (const [kind, codes] of OPERATIONS) for (const code of codes) KIND_OF_CODE[code] = kind;
/** VARIABLE LENGTH CDB: its service action says what it is. */
const VARIABLE_LENGTH = 0x7f;
const SERVICE_ACTIONS: ReadonlyMap<number, number> = new Map([
  [0x09, READ],
  [0x0b, WRITE],
  [0x0c, WRITE],
  [0x0d, WRITE],
]);

/** What kind of command a CDB asks for. Hot path. */
export function commandKind(cdb: DataView): number {
  const code = cdb.getUint8(0);
  if (code === VARIABLE_LENGTH) return SERVICE_ACTIONS.get(cdb.getUint16(8)) ?? OTHER;
  return KIND_OF_CODE[code] ?? OTHER;
}

/** What is counted of a command. */
export interface CountedTask {
  readonly cdb: DataView;
  /** Bytes read. */
  readonly received: number;
  /** Bytes of data sent. */
  readonly sent: number;
  /** Milliseconds; 0 when it never was. */
  readonly submittedAt: number;
  /** The counters of its logical unit. */
  readonly counters: UnitCounters | undefined;
}

// Where each count stands in a KindCounters; behind them, the buckets.
const FAILED = 0;
const BYTES = 1;
/** Commands without a status, and so without a latency: all others are in a bucket. */
const UNTIMED = 2;
const SUM = 3;
const MAX = 4;
const FIRST_BUCKET = 5;
const NOTHING = new Float64Array(0);

/**
 * Counts of the commands of one kind: all in one array of doubles, which count beyond 2^32 and cost no allocation. It
 * is made with the first command.
 */
export class KindCounters {
  #values = NOTHING;

  /** All that have settled. */
  get commands(): number {
    return this.#timed + (this.#values[UNTIMED] ?? 0);
  }

  /** Those among them whose status was not GOOD, or that got none. */
  get failed(): number {
    return this.#values[FAILED] ?? 0;
  }

  /** Bytes of data that went either way. */
  get bytes(): number {
    return this.#values[BYTES] ?? 0;
  }

  /** Of those that got a status, from being submitted to it: how many, their sum, the longest; in microseconds. */
  get latency(): { readonly count: number; readonly sum: number; readonly max: number } {
    return { count: this.#timed, sum: this.#values[SUM] ?? 0, max: this.#values[MAX] ?? 0 };
  }

  /** How often which latency. */
  get buckets(): readonly Bucket[] {
    return filledBuckets(this.#values.subarray(FIRST_BUCKET));
  }

  /**
   * Counts a command that has settled. Hot path.
   * @param microseconds Whole ones; below 0 for a command without a status.
   * @param bucket That of `microseconds`.
   */
  add(good: boolean, bytes: number, microseconds: number, bucket: number): void {
    if (this.#values === NOTHING) this.#values = new Float64Array(FIRST_BUCKET + BUCKETS);
    const values = this.#values;
    values[BYTES] = (values[BYTES] ?? 0) + bytes;
    if (!good) values[FAILED] = (values[FAILED] ?? 0) + 1;
    if (microseconds < 0) {
      values[UNTIMED] = (values[UNTIMED] ?? 0) + 1;
      return;
    }
    const at = FIRST_BUCKET + bucket;
    values[at] = (values[at] ?? 0) + 1;
    values[SUM] = (values[SUM] ?? 0) + microseconds;
    if (microseconds > (values[MAX] ?? 0)) values[MAX] = microseconds;
  }

  get #timed(): number {
    return this.#values.subarray(FIRST_BUCKET).reduce((sum, count) => sum + count, 0);
  }
}

function newKinds(): readonly KindCounters[] {
  return COMMAND_KINDS.map(() => new KindCounters());
}

/** Counts of one logical unit, as one session sees it. */
export class UnitCounters {
  readonly session: SessionCounters;
  /** In the order of {@link COMMAND_KINDS}. */
  readonly kinds = newKinds();
  retries = 0;

  constructor(session: SessionCounters) {
    this.session = session;
  }

  /** A command is sent again. */
  retried(): void {
    this.retries++;
    this.session.retries++;
  }
}

/** Counts of one session, over all its connections and all the times that it was lost and came back. */
export class SessionCounters {
  /** In the order of {@link COMMAND_KINDS}. */
  readonly kinds = newKinds();
  /** Commands that were sent again. */
  retries = 0;
  /** How often the session was lost and came back. */
  reconnects = 0;
  /** Commands that were not answered in time. */
  timeouts = 0;
  /** Commands that a signal, or a task management function, ended. */
  aborted = 0;
  /** Commands whose answer a lost connection took with it. */
  lost = 0;
  /** PDUs whose header or data digest was wrong. */
  digestErrors = 0;
  /** Reject PDUs. */
  rejects = 0;
  /** Asynchronous Messages. */
  asyncEvents = 0;

  /**
   * A command has settled. Hot path: nothing is allocated but the memory of a kind, once.
   * @param good Whether its status says that it was carried out.
   * @param now Milliseconds; only looked at when there is a status.
   */
  ended(task: CountedTask, error: IscsiError | undefined, good: boolean, now: number): void {
    const kind = commandKind(task.cdb);
    const bytes = task.received + task.sent;
    const timed = error === undefined && task.submittedAt > 0;
    const latency = timed ? wholeMicroseconds(now - task.submittedAt) : -1;
    const bucket = timed ? bucketOf(latency) : 0;
    this.kinds[kind]?.add(good, bytes, latency, bucket);
    task.counters?.kinds[kind]?.add(good, bytes, latency, bucket);
    if (error !== undefined) this.#countError(error);
  }

  #countError({ code }: IscsiError): void {
    if (code === 'ISCSI_TIMEOUT') this.timeouts++;
    else if (code === 'ISCSI_ABORTED') this.aborted++;
    else if (code === 'ISCSI_CONNECTION_LOST') this.lost++;
  }
}
