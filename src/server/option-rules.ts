/** What callers may give to a target. Types hold TypeScript to it; a caller in JavaScript is told. */
import { IscsiError } from '../errors.ts';
import { CaptureFile } from '../node/capture-file.ts';
import { DEFAULT_LIMITS, type TargetLimits } from '../target/limits.ts';
import {
  BOOLEAN,
  checkOptions,
  OBJECT,
  type OptionRule,
  type OptionRules,
  oneOf,
  shown,
  TEXT,
} from '../unit/option-rules.ts';
import type { InitiatorDefinition } from './access-options.ts';
import type {
  AnnouncedPortal,
  FileLun,
  LunDefinition,
  LunOptions,
  MemoryLun,
  SharedLun,
  StoreLun,
  TargetOptions,
  TargetParameters,
  TargetSpec,
} from './options.ts';

/** A number whose range is looked at where it is used. */
const NUMBER: OptionRule = { allowed: 'a number', is: (value) => typeof value === 'number' };
const ARRAY: OptionRule = { allowed: 'an array', is: Array.isArray };
const SIZE: OptionRule = {
  allowed: 'a number of bytes, or a text such as 64M,',
  is: (value) => typeof value === 'number' || typeof value === 'string',
};
const STORE: OptionRule = {
  allowed: 'a BlockStore: blockSize, blocks, read, write, flush, discard, close',
  is(value) {
    if (!OBJECT.is(value)) return false;
    const store = value as Readonly<Record<string, unknown>>;
    const numbers = ['blockSize', 'blocks'].every((name) => typeof store[name] === 'number');
    return numbers && ['read', 'write', 'flush', 'discard', 'close'].every((name) => typeof store[name] === 'function');
  },
};
/** What is looked at elsewhere, and never shown: a secret may be in it. */
const CREDENTIALS: OptionRule = { allowed: 'an object with user and password', is: () => true };
const DIGEST = oneOf('none', 'crc32c', 'any');

const TARGET: OptionRules<TargetOptions> = {
  name: TEXT,
  alias: TEXT,
  luns: ARRAY,
  targets: ARRAY,
  limits: OBJECT,
  bufferMemory: SIZE,
  portals: ARRAY,
  parameters: OBJECT,
  busyPoll: NUMBER,
  capture: { allowed: 'a CaptureFile', is: (value) => value instanceof CaptureFile },
  chap: CREDENTIALS,
  initiators: ARRAY,
  discoveryChap: CREDENTIALS,
  chapAlgorithms: ARRAY,
  allowShortSecrets: BOOLEAN,
};

const SPEC: OptionRules<TargetSpec> = { name: TEXT, alias: TEXT, luns: ARRAY, chap: CREDENTIALS, initiators: ARRAY };

const INITIATOR: OptionRules<InitiatorDefinition> = { name: TEXT, chap: CREDENTIALS, luns: ARRAY };

const UNIT: OptionRules<LunOptions> = {
  lun: NUMBER,
  blockSize: NUMBER,
  readOnly: BOOLEAN,
  serial: TEXT,
  vendor: TEXT,
  product: TEXT,
  revision: TEXT,
};
const { blockSize: _blockSize, readOnly: _readOnly, ...OF_STORE } = UNIT;

/** The kinds of logical units, by what only they have. */
const KINDS = {
  memory: { memory: SIZE, ...UNIT } satisfies OptionRules<MemoryLun>,
  file: { file: TEXT, size: SIZE, create: BOOLEAN, writeCache: BOOLEAN, ...UNIT } satisfies OptionRules<FileLun>,
  store: { store: STORE, ...OF_STORE } satisfies OptionRules<StoreLun>,
  sameAs: { sameAs: OBJECT, lun: NUMBER } satisfies OptionRules<SharedLun>,
} as const;

const KIND_NAMES = Object.keys(KINDS) as (keyof typeof KINDS)[];

const ORIGIN: OptionRules<SharedLun['sameAs']> = { target: TEXT, lun: NUMBER };

const PARAMETERS: OptionRules<TargetParameters> = {
  headerDigest: DIGEST,
  dataDigest: DIGEST,
  initialR2T: BOOLEAN,
  immediateData: BOOLEAN,
  maxRecvDataSegmentLength: NUMBER,
  maxBurstLength: NUMBER,
  firstBurstLength: NUMBER,
  maxOutstandingR2T: NUMBER,
  defaultTime2Wait: NUMBER,
  defaultTime2Retain: NUMBER,
};

const LIMITS = Object.fromEntries(Object.keys(DEFAULT_LIMITS).map((name) => [name, NUMBER])) as OptionRules<
  Partial<TargetLimits>
>;

const PORTAL: OptionRules<AnnouncedPortal> = { host: TEXT, port: NUMBER };

/** @throws {IscsiError} `ISCSI_USAGE` when an option is not known, or is of a kind that it cannot be. */
export function checkTargetOptions(options: TargetOptions): void {
  checkOptions(options, TARGET, 'createTarget');
  const { luns = [], targets = [], portals = [], limits = {}, parameters = {}, initiators = [] } = options;
  for (const lun of luns) checkLun(lun);
  for (const initiator of initiators) checkInitiator(initiator);
  for (const target of targets) {
    checkOptions(target, SPEC, 'a target');
    if (target.luns === undefined || target.name === undefined)
      throw usage(`Cannot make a target of ${shown(target)}: name and luns needed`);
    for (const lun of target.luns) checkLun(lun);
    for (const initiator of target.initiators ?? []) checkInitiator(initiator);
  }
  for (const portal of portals) checkOptions(portal, PORTAL, 'a portal');
  checkOptions(limits, LIMITS, 'limits');
  checkOptions(parameters, PARAMETERS, 'parameters');
}

function checkInitiator(initiator: InitiatorDefinition): void {
  checkOptions(initiator, INITIATOR, 'an initiator');
  if (initiator.name === undefined) throw usage('Cannot allow an initiator without a name');
}

function checkLun(lun: LunDefinition): void {
  if (!OBJECT.is(lun)) throw usage(`Cannot make a logical unit of ${shown(lun)}: an object allowed`);
  const kinds = KIND_NAMES.filter((kind) => kind in lun);
  const [kind] = kinds;
  if (kind === undefined || kinds.length > 1) {
    const what = kinds.join(' and ') || `an object with ${Object.keys(lun).join(', ') || 'nothing'}`;
    throw usage(`Cannot make a logical unit of ${what}: one of ${KIND_NAMES.join(', ')} allowed`);
  }
  checkOptions<object>(lun, KINDS[kind], `a logical unit of ${kind}`);
  if ('sameAs' in lun) checkOptions(lun.sameAs, ORIGIN, 'sameAs');
}

function usage(message: string): IscsiError {
  return new IscsiError('ISCSI_USAGE', message);
}
