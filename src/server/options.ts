import { isIPv6 } from 'node:net';
import type { BlockStore } from '../device/store.ts';
import { IscsiError } from '../errors.ts';
import type { ChapAlgorithm } from '../login/chap-algorithms.ts';
import type { ChapOptions } from '../login/chap-options.ts';
import { checkOwnName } from '../login/iscsi-name.ts';
import { checkPolicy, type OperationalPolicy, TARGET_POLICY } from '../login/policy.ts';
import { DEFAULT_PORT, formatTargetAddress, parseTargetAddress } from '../login/send-targets.ts';
import type { CaptureFile } from '../node/capture-file.ts';
import type { TargetLimits } from '../target/limits.ts';
import { MemoryBudget, memoryBudgetOf } from '../target/memory-budget.ts';
import type { AccessOptions } from './access-options.ts';
import { sizeInBytes } from './size.ts';

/** What all logical units can say about themselves. */
export interface LunOptions {
  /** The logical unit number, 0..16383. Default: the next free one, from 0 on. */
  readonly lun?: number;
  /** Logical block length in bytes: a power of two from 512 to 65536. Default 512. */
  readonly blockSize?: number;
  /** Whether writes are refused. Default false. */
  readonly readOnly?: boolean;
  /**
   * Unit serial number. Default: derived from target name, number and file, so that it stays the same across restarts.
   */
  readonly serial?: string;
  /** T10 vendor identification, at most 8 characters. */
  readonly vendor?: string;
  /** Product identification, at most 16 characters. */
  readonly product?: string;
  /** Product revision level, at most 4 characters. */
  readonly revision?: string;
}

/** A logical unit in RAM; its data is gone when the target is closed. */
export interface MemoryLun extends LunOptions {
  /** Size in bytes, or as text: `64M`, `1GiB`. */
  readonly memory: number | string;
}

/** A logical unit in a file or on a block device. */
export interface FileLun extends LunOptions {
  /** Path of the file or block device. */
  readonly file: string;
  /**
   * Size in bytes, or as text. A missing file is made with it; an existing one must have it. Default: as the file is.
   */
  readonly size?: number | string;
  /** False: do not make the file when it is missing, even with a size. Default true. */
  readonly create?: boolean;
  /** Whether writes may be answered before they are on stable storage. Default true. */
  readonly writeCache?: boolean;
}

/**
 * A logical unit over a store of your own. It is closed with the target. Its block length and protection are the
 * store's.
 */
export interface StoreLun extends Omit<LunOptions, 'blockSize' | 'readOnly'> {
  /** Where its blocks are. */
  readonly store: BlockStore;
}

/**
 * A logical unit that another target has, too: one disk, reached through both. Its commands have one order, and a reset
 * through one target is felt through the other.
 */
export interface SharedLun {
  /** The logical unit number here, 0..16383. Default: the next free one, from 0 on. */
  readonly lun?: number;
  /** The target that the logical unit is defined in, and its number there. */
  readonly sameAs: { readonly target: string; readonly lun: number };
}

/** A logical unit that is made by its definition. */
export type OwnLun = MemoryLun | FileLun | StoreLun;

/** One logical unit of a target. */
export type LunDefinition = OwnLun | SharedLun;

/** One of several targets at the same portals. */
export interface TargetSpec extends AccessOptions {
  /** The iSCSI name. */
  readonly name: string;
  /** Free text that initiators may show. */
  readonly alias?: string;
  /** Its logical units. At least one is needed for initiators to find something. */
  readonly luns: readonly LunDefinition[];
}

/** Whether a digest is used: never, always, or as the initiator wishes. */
export type DigestChoice = 'none' | 'crc32c' | 'any';

/** What the target negotiates (RFC 7143 §13). Lengths in bytes, times in seconds. */
export interface TargetParameters {
  /** Default `any`. */
  readonly headerDigest?: DigestChoice;
  /** Default `any`. */
  readonly dataDigest?: DigestChoice;
  /** True: nothing but immediate data comes without an R2T. Default false. */
  readonly initialR2T?: boolean;
  /** Whether data may come with the command. Default true. */
  readonly immediateData?: boolean;
  /** The longest data segment that the target takes. Default 262144. */
  readonly maxRecvDataSegmentLength?: number;
  /** Default 16776192. */
  readonly maxBurstLength?: number;
  /** Default 262144. */
  readonly firstBurstLength?: number;
  /** Default 16. */
  readonly maxOutstandingR2T?: number;
  /** How long an initiator should wait before it comes back after a lost connection. Default 0. */
  readonly defaultTime2Wait?: number;
  /** The most that tasks of a lost connection may be kept; at recovery level 0 none are. Default 20. */
  readonly defaultTime2Retain?: number;
}

/** An address that discovery tells. */
export interface AnnouncedPortal {
  /** DNS name, IPv4 or IPv6 address (without brackets) by which initiators reach the target. */
  readonly host: string;
  /** 1..65535. Default: the port of the first portal. */
  readonly port?: number;
}

/**
 * What a target is made of: logical units of one target, or several targets, or both. `chap` holds for all targets that
 * have none of their own; `initiators` is of the target of `luns`.
 */
export interface TargetOptions extends AccessOptions {
  /** The iSCSI name of the target of `luns`. Default {@link DEFAULT_TARGET_NAME}. */
  readonly name?: string;
  /** Free text that initiators may show, of the target of `luns`. */
  readonly alias?: string;
  /** The logical units of one target. */
  readonly luns?: readonly LunDefinition[];
  /** Further targets, at the same portals. */
  readonly targets?: readonly TargetSpec[];
  /**
   * What an initiator has to prove before discovery (SendTargets) tells it something; it is told of the targets that it
   * may use, and of no others. Default: what it has to prove to any of them. False: nothing.
   */
  readonly discoveryChap?: ChapOptions | false;
  /** The hashes for CHAP that are taken; the initiator's preference counts. Default: all that the platform has. */
  readonly chapAlgorithms?: readonly ChapAlgorithm[];
  /** True: secrets of less than 12 bytes are allowed; a warning is given. Default false. */
  readonly allowShortSecrets?: boolean;
  /** What its initiators may take. Default {@link DEFAULT_LIMITS}. */
  readonly limits?: Partial<TargetLimits>;
  /**
   * Bytes of memory, or text such as `512M`, for data on its way between all initiators and the stores; at least 32
   * MiB. It is shared fairly: one initiator gets no more than a quarter, and none can keep another from its part.
   * Default: 256 MiB, for all targets of the process that have none of their own.
   */
  readonly bufferMemory?: number | string;
  /**
   * The addresses that discovery (SendTargets) tells instead of those at which it listens: for a target in a container
   * or behind address translation. Without a port: the one of the first portal. Default: the address that the initiator
   * has reached, and the other portals.
   */
  readonly portals?: readonly AnnouncedPortal[];
  /** What it negotiates. */
  readonly parameters?: TargetParameters;
  /**
   * Microseconds for which the event loop is kept awake after an answer, as long as the next request does come that
   * fast; 0 for never. Default 100; 0 where there is only one processor.
   */
  readonly busyPoll?: number;
  /** A file to which all that goes over its connections is written, as pcapng. */
  readonly capture?: CaptureFile;
}

/** The name of a target that was given none. */
export const DEFAULT_TARGET_NAME = 'iqn.2026-11.dev.tsiscsi:target';

/**
 * The largest burst that is a multiple of every block length up to 1024: a transfer of 16 MiB and less needs one R2T or
 * two.
 */
const MAX_BURST_LENGTH = 16_776_192;

const LARGEST_PORT = 65_535;

const DIGESTS = { none: ['None'], crc32c: ['CRC32C'], any: ['CRC32C', 'None'] } as const;

/**
 * All targets of the options, with prepared names.
 * @throws {IscsiError} `ISCSI_USAGE` when there is none, or a name cannot be one. @throws {RangeError} See
 *   `checkOwnName`.
 */
export function targetsOf(options: TargetOptions): readonly TargetSpec[] {
  const { name = DEFAULT_TARGET_NAME, alias, luns, targets = [], chap, initiators } = options;
  const own = luns === undefined ? [] : [{ name, luns, ...given({ alias, initiators }) }];
  const common = given({ chap });
  const all = [...own, ...targets].map((target) => ({ ...common, ...target, name: checkOwnName(target.name) }));
  if (all.length > 0) return all;
  throw new IscsiError('ISCSI_USAGE', 'Cannot make a target without logical units: give luns or targets');
}

/** The entries that are there. */
function given<T extends object>(values: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/**
 * Microseconds of polling; undefined for the default.
 * @throws {IscsiError} `ISCSI_USAGE` when it is no number of microseconds.
 */
export function busyPollOf({ busyPoll }: TargetOptions): number | undefined {
  if (busyPoll === undefined || (Number.isFinite(busyPoll) && busyPoll >= 0)) return busyPoll;
  throw new IscsiError('ISCSI_USAGE', `Cannot use ${busyPoll} as busyPoll: a number of microseconds from 0 on allowed`);
}

/** The budget of all targets that have none of their own. */
const COMMON_BUDGET = new MemoryBudget();

/** @throws {IscsiError} `ISCSI_USAGE` when it is too small. @throws {RangeError} When it is no size. */
export function budgetOf({ bufferMemory }: TargetOptions): MemoryBudget {
  return bufferMemory === undefined ? COMMON_BUDGET : memoryBudgetOf(sizeInBytes(bufferMemory));
}

/** @throws {IscsiError} `ISCSI_USAGE` when one is no address that can be told, or none is given. */
export function announcedOf({ portals }: TargetOptions): readonly AnnouncedPortal[] | undefined {
  if (portals?.length === 0) throw new IscsiError('ISCSI_USAGE', 'Cannot tell no portals: at least one needed');
  for (const { host, port = DEFAULT_PORT } of portals ?? []) {
    if (canBeTold(host, port)) continue;
    throw new IscsiError(
      'ISCSI_USAGE',
      `Cannot tell ${host}:${port} as a portal: a DNS name or address that initiators can reach, and a port from 1 to 65535 allowed`,
    );
  }
  return portals;
}

/** Whether an initiator that reads it gets what was meant. */
function canBeTold(host: string, port: number): boolean {
  if (
    isWildcard(host) ||
    (host.includes(':') && !isIPv6(host)) ||
    !Number.isInteger(port) ||
    port < 1 ||
    port > LARGEST_PORT
  )
    return false;
  try {
    const read = parseTargetAddress(formatTargetAddress({ host, port, portalGroupTag: undefined }));
    return read.host === host && read.port === port;
  } catch {
    return false;
  }
}

/** Whether a listener at this address takes what comes in on all of them. */
export function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::';
}

/** What the parameters mean for the negotiation. @throws {IscsiError} `ISCSI_USAGE` when one is out of its range. */
export function policyOf(parameters: TargetParameters = {}): OperationalPolicy {
  const { headerDigest = 'any', dataDigest = 'any', ...rest } = parameters;
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  const policy: OperationalPolicy = {
    ...TARGET_POLICY,
    maxBurstLength: MAX_BURST_LENGTH,
    ...given,
    headerDigest: DIGESTS[headerDigest],
    dataDigest: DIGESTS[dataDigest],
  };
  const fitting = { ...policy, firstBurstLength: fittingFirstBurst(policy, parameters) };
  checkPolicy(fitting);
  return fitting;
}

/** A smaller MaxBurstLength alone must not need a FirstBurstLength beside it. */
function fittingFirstBurst(policy: OperationalPolicy, { firstBurstLength }: TargetParameters): number {
  return firstBurstLength ?? Math.min(policy.firstBurstLength, policy.maxBurstLength);
}
