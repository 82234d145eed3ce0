/** What one side wants of the operational keys, and how that stands on the wire. */
import { IscsiError } from '../errors.ts';
import { findKey, type KeyName } from './keys.ts';
import { formatBoolean, formatList } from './values.ts';

/** A digest that can be negotiated (RFC 7143 §13.1). */
export type Digest = 'None' | 'CRC32C';

/** How a target reports the end of aborted tasks (RFC 7143 §13.23). */
export type TaskReporting = 'RFC3720' | 'ResponseFence' | 'FastAbort';

/**
 * What one side wants. An initiator offers it; a target answers within it. Lengths are in bytes, times in seconds;
 * ranges are those of {@link KEYS}.
 */
export interface OperationalPolicy {
  /** What may be used, best first. Without `None` the digest is required. */
  readonly headerDigest: readonly Digest[];
  /** As `headerDigest`, for data. */
  readonly dataDigest: readonly Digest[];
  /** True: a required digest that the other side turns down is done without, instead of ending the login. */
  readonly digestsOptional: boolean;
  readonly initialR2T: boolean;
  readonly immediateData: boolean;
  /** The largest data segment that this side receives. */
  readonly maxRecvDataSegmentLength: number;
  readonly maxBurstLength: number;
  readonly firstBurstLength: number;
  readonly maxOutstandingR2T: number;
  readonly defaultTime2Wait: number;
  readonly defaultTime2Retain: number;
  readonly maxConnections: number;
  readonly errorRecoveryLevel: number;
  readonly dataPDUInOrder: boolean;
  readonly dataSequenceInOrder: boolean;
  /**
   * What may be used, best first. An initiator that lists `RFC3720` only does not offer the key: many targets do not
   * know it.
   */
  readonly taskReporting: readonly TaskReporting[];
  /** 1: RFC 7143, 2: RFC 7144. An initiator offers it from 2 on. */
  readonly protocolLevel: number;
}

/** What an initiator wants unless told otherwise. */
export const INITIATOR_POLICY: OperationalPolicy = {
  headerDigest: ['None', 'CRC32C'],
  dataDigest: ['None', 'CRC32C'],
  digestsOptional: false,
  initialR2T: false,
  immediateData: true,
  maxRecvDataSegmentLength: 1_048_576,
  maxBurstLength: 1_048_576,
  firstBurstLength: 262_144,
  maxOutstandingR2T: 16,
  defaultTime2Wait: 0,
  defaultTime2Retain: 0,
  maxConnections: 1,
  errorRecoveryLevel: 0,
  dataPDUInOrder: true,
  dataSequenceInOrder: true,
  taskReporting: ['RFC3720'],
  protocolLevel: 1,
};

/** What a target allows unless told otherwise. */
export const TARGET_POLICY: OperationalPolicy = {
  ...INITIATOR_POLICY,
  maxRecvDataSegmentLength: 262_144,
  defaultTime2Retain: 20,
};

/**
 * Refuses a policy that the standard does not allow.
 * @throws {IscsiError} `ISCSI_USAGE`: a number out of its range, an empty or unknown list, bursts that contradict each
 *   other.
 */
export function checkPolicy(policy: OperationalPolicy): void {
  for (const [name, value] of wantedValues(policy)) {
    const range = findKey(name)?.range;
    if (range === undefined) continue;
    const number = Number(value);
    if (!Number.isInteger(number) || number < range[0] || number > range[1]) {
      throw usage(`${name} ${value}: ${range[0]}..${range[1]} allowed`);
    }
  }
  checkList('HeaderDigest', policy.headerDigest, ['None', 'CRC32C']);
  checkList('DataDigest', policy.dataDigest, ['None', 'CRC32C']);
  checkList('TaskReporting', policy.taskReporting, ['RFC3720', 'ResponseFence', 'FastAbort']);
  if (policy.firstBurstLength > policy.maxBurstLength) {
    throw usage(`FirstBurstLength ${policy.firstBurstLength}: at most MaxBurstLength ${policy.maxBurstLength} allowed`);
  }
}

/** The policy as key and value, in the order in which an initiator offers them. */
export function wantedValues(policy: OperationalPolicy): ReadonlyMap<KeyName, string> {
  return new Map<KeyName, string>([
    ['HeaderDigest', formatList(policy.headerDigest)],
    ['DataDigest', formatList(policy.dataDigest)],
    ['InitialR2T', formatBoolean(policy.initialR2T)],
    ['ImmediateData', formatBoolean(policy.immediateData)],
    ['MaxRecvDataSegmentLength', `${policy.maxRecvDataSegmentLength}`],
    ['MaxBurstLength', `${policy.maxBurstLength}`],
    ['FirstBurstLength', `${policy.firstBurstLength}`],
    ['MaxOutstandingR2T', `${policy.maxOutstandingR2T}`],
    ['DefaultTime2Wait', `${policy.defaultTime2Wait}`],
    ['DefaultTime2Retain', `${policy.defaultTime2Retain}`],
    ['MaxConnections', `${policy.maxConnections}`],
    ['ErrorRecoveryLevel', `${policy.errorRecoveryLevel}`],
    ['DataPDUInOrder', formatBoolean(policy.dataPDUInOrder)],
    ['DataSequenceInOrder', formatBoolean(policy.dataSequenceInOrder)],
    ['TaskReporting', formatList(policy.taskReporting)],
    ['iSCSIProtocolLevel', `${policy.protocolLevel}`],
  ]);
}

function checkList(name: KeyName, list: readonly string[], known: readonly string[]): void {
  if (list.length > 0 && list.every((item) => known.includes(item))) return;
  throw usage(`${name} "${formatList(list)}": one or more of ${known.join(', ')} allowed`);
}

function usage(what: string): IscsiError {
  return new IscsiError('ISCSI_USAGE', `Cannot negotiate ${what}`);
}
