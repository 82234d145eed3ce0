/**
 * The keys of login (RFC 7143 §12 and §13), one table for the initiator, the target, the docs and the tests. Lengths
 * are in bytes, times in seconds.
 */

/** Normal sessions carry SCSI; Discovery sessions only answer SendTargets (§13.21). */
export type SessionType = 'Normal' | 'Discovery';

/** The stage of a login, as CSG and NSG number it (§11.12.3); 2 is reserved. */
export const STAGE = { security: 0, operational: 1, fullFeature: 3 } as const;

/** How the answer to a proposal comes about (§6.2.1, §6.2.2, §13), or that there is none. */
export type Rule =
  /** The first entry of the offered list that the answerer can use. */
  | 'firstCommon'
  /** Yes only if both want it: an offered No settles it. */
  | 'and'
  /** No only if both want it: an offered Yes settles it. */
  | 'or'
  /** The smaller number: the answer is at most the offer. */
  | 'min'
  /** The larger number: the answer is at least the offer. */
  | 'max'
  /** Declared by one side; not answered. */
  | 'declare'
  /** Part of the steps of an authentication method. */
  | 'method'
  /** Obsoleted by RFC 7143; answered `Reject`. */
  | 'obsolete';

/** What the standard says about one key. */
export interface Key {
  readonly rule: Rule;
  /** The value in force when nothing was agreed. */
  readonly initial?: string;
  /** Least and greatest number. */
  readonly range?: readonly [least: number, greatest: number];
  /** Leading login only, any login, login and full feature phase, full feature phase only. */
  readonly use: 'LO' | 'IO' | 'ALL' | 'FFPO';
  readonly scope: 'session' | 'connection';
  readonly sender: 'both' | 'initiator' | 'target';
  /** Where in a login it may stand. */
  readonly stage: 'security' | 'operational' | 'any';
  /** False when a Discovery session has no use for it. */
  readonly discovery: boolean;
  /** True when it may stand more than once in one negotiation. */
  readonly repeatable?: true;
  /**
   * True when `NotUnderstood` is taken for an answer: keys of later documents (§6.2), and TaskReporting, which targets
   * in wide use do not know although RFC 7143 obliges them to.
   */
  readonly mayBeUnknown?: true;
  /** True when a value that cannot be read counts as not said: it only informs. */
  readonly mayBeUnreadable?: true;
  /** Clause of RFC 7143, or of the document named. */
  readonly clause: string;
}

const LENGTH = [512, 16_777_215] as const;
const COUNT = [1, 65_535] as const;
const SECONDS = [0, 3600] as const;

const NEGOTIATED = { use: 'LO', scope: 'session', sender: 'both', stage: 'operational' } as const;
const NAME = { rule: 'declare', use: 'IO', scope: 'session', stage: 'any', discovery: true } as const;
const METHOD = {
  rule: 'method',
  use: 'IO',
  scope: 'connection',
  stage: 'security',
  sender: 'both',
  discovery: true,
} as const;
const DIGEST = {
  ...NEGOTIATED,
  rule: 'firstCommon',
  initial: 'None',
  use: 'IO',
  scope: 'connection',
  discovery: true,
} as const;
const MARKER = { ...NEGOTIATED, rule: 'obsolete', discovery: true, clause: '13.25' } as const;

/** Every key that has a meaning in a login, and SendTargets, which has none there. */
export const KEYS = {
  AuthMethod: { ...METHOD, rule: 'firstCommon', clause: '12.1' },
  CHAP_A: { ...METHOD, clause: '12.1.3' },
  CHAP_I: { ...METHOD, clause: '12.1.3' },
  CHAP_C: { ...METHOD, clause: '12.1.3' },
  CHAP_N: { ...METHOD, clause: '12.1.3' },
  CHAP_R: { ...METHOD, clause: '12.1.3' },

  InitiatorName: { ...NAME, sender: 'initiator', clause: '13.5' },
  InitiatorAlias: { ...NAME, use: 'ALL', sender: 'initiator', clause: '13.7' },
  TargetName: { ...NAME, sender: 'both', clause: '13.4' },
  TargetAlias: { ...NAME, use: 'ALL', sender: 'target', clause: '13.6' },
  TargetAddress: { ...NAME, use: 'ALL', sender: 'target', repeatable: true, clause: '13.8' },
  TargetPortalGroupTag: { ...NAME, sender: 'target', range: [0, 65_535], mayBeUnreadable: true, clause: '13.9' },
  SessionType: { ...NAME, use: 'LO', sender: 'initiator', initial: 'Normal', clause: '13.21' },
  SendTargets: { ...NAME, use: 'FFPO', sender: 'initiator', clause: '13.3' },

  HeaderDigest: { ...DIGEST, clause: '13.1' },
  DataDigest: { ...DIGEST, clause: '13.1' },
  InitialR2T: { ...NEGOTIATED, rule: 'or', initial: 'Yes', discovery: false, clause: '13.10' },
  ImmediateData: { ...NEGOTIATED, rule: 'and', initial: 'Yes', discovery: false, clause: '13.11' },
  MaxRecvDataSegmentLength: {
    ...NEGOTIATED,
    rule: 'declare',
    initial: '8192',
    range: LENGTH,
    use: 'ALL',
    scope: 'connection',
    discovery: true,
    clause: '13.12',
  },
  MaxBurstLength: { ...NEGOTIATED, rule: 'min', initial: '262144', range: LENGTH, discovery: false, clause: '13.13' },
  FirstBurstLength: { ...NEGOTIATED, rule: 'min', initial: '65536', range: LENGTH, discovery: false, clause: '13.14' },
  MaxConnections: { ...NEGOTIATED, rule: 'min', initial: '1', range: COUNT, discovery: false, clause: '13.2' },
  MaxOutstandingR2T: { ...NEGOTIATED, rule: 'min', initial: '1', range: COUNT, discovery: false, clause: '13.17' },
  DefaultTime2Wait: { ...NEGOTIATED, rule: 'max', initial: '2', range: SECONDS, discovery: true, clause: '13.15' },
  DefaultTime2Retain: { ...NEGOTIATED, rule: 'min', initial: '20', range: SECONDS, discovery: true, clause: '13.16' },
  DataPDUInOrder: { ...NEGOTIATED, rule: 'or', initial: 'Yes', discovery: false, clause: '13.18' },
  DataSequenceInOrder: { ...NEGOTIATED, rule: 'or', initial: 'Yes', discovery: false, clause: '13.19' },
  ErrorRecoveryLevel: { ...NEGOTIATED, rule: 'min', initial: '0', range: [0, 2], discovery: true, clause: '13.20' },
  TaskReporting: {
    ...NEGOTIATED,
    rule: 'firstCommon',
    initial: 'RFC3720',
    discovery: false,
    mayBeUnknown: true,
    clause: '13.23',
  },
  iSCSIProtocolLevel: {
    ...NEGOTIATED,
    rule: 'min',
    initial: '1',
    range: [0, 31],
    discovery: false,
    mayBeUnknown: true,
    clause: 'RFC 7144 7.1.1',
  },
  'X#NodeArchitecture': {
    ...NEGOTIATED,
    rule: 'declare',
    initial: 'None',
    discovery: true,
    mayBeUnknown: true,
    clause: '13.26',
  },

  IFMarker: MARKER,
  OFMarker: MARKER,
  IFMarkInt: MARKER,
  OFMarkInt: MARKER,
} as const satisfies Record<string, Key>;

/** The name of a key in the table. */
export type KeyName = keyof typeof KEYS;

const BY_NAME: ReadonlyMap<string, Key> = new Map(Object.entries(KEYS));

/** The row of `name`, or undefined for a private or unknown key. Names are case sensitive (§6.1). */
export function findKey(name: string): Key | undefined {
  return BY_NAME.get(name);
}
