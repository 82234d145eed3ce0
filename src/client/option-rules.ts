import { RECORD_LIMITS } from '../capture/recorder.ts';
import { CHAP_ALGORITHM_NAMES } from '../login/chap-algorithms.ts';
import { CaptureFile } from '../node/capture-file.ts';
import {
  BOOLEAN,
  FUNCTION,
  MILLISECONDS,
  OBJECT,
  type OptionRule,
  type OptionRules,
  oneOf,
  SIGNAL,
  TEXT,
} from '../unit/option-rules.ts';
import { COMMAND_OPTIONS } from '../unit/options.ts';
import { LOG_LEVELS } from './log.ts';
import type { ConnectOptions, OpenOptions } from './options.ts';
import { RECONNECT } from './reconnect-options.ts';

/** A number whose range is looked at where it is used. */
const NUMBER: OptionRule = { allowed: 'a number', is: (value) => typeof value === 'number' && !Number.isNaN(value) };
const NOT_NEGATIVE: OptionRule = {
  allowed: 'a number from 0 on',
  is: (value) => typeof value === 'number' && value >= 0,
};
const RECORD_LENGTH: OptionRule = {
  allowed: `0, or a number from ${RECORD_LIMITS.least} to ${RECORD_LIMITS.most}`,
  is: (value) =>
    value === 0 || (typeof value === 'number' && value >= RECORD_LIMITS.least && value <= RECORD_LIMITS.most),
};
/** `CRC32C`, as it is called on the wire, must not pass for something else. */
const DIGESTS = oneOf('none', 'crc32c', 'none,crc32c', 'crc32c,none');

const MOST_PORTALS = 16;
const PORTALS: OptionRule = {
  allowed: `a list of { host, port }, ${MOST_PORTALS} at most`,
  is: (value) => Array.isArray(value) && value.length <= MOST_PORTALS && value.every(isPortal),
};

function isPortal(value: unknown): boolean {
  const { host, port } = (value ?? {}) as { readonly host?: unknown; readonly port?: unknown };
  return typeof host === 'string' && host !== '' && Number.isInteger(port) && Number(port) > 0 && Number(port) < 65_536;
}

/** What `connect`, `openSession` and `discover` take. */
export const CONNECT_RULES: OptionRules<ConnectOptions> = {
  initiatorName: TEXT,
  initiatorAlias: TEXT,
  isid: { allowed: 'a Uint8Array of 6 bytes', is: (value) => value instanceof Uint8Array && value.length === 6 },
  chap: {
    allowed: 'an object or a function',
    is: (value) => OBJECT.is(value) || FUNCTION.is(value),
    isSecret: true,
  },
  chapAlgorithms: {
    allowed: `a list of ${CHAP_ALGORITHM_NAMES.join(', ')}`,
    is: (value) => Array.isArray(value) && value.length > 0 && value.every((one) => CHAP_ALGORITHM_NAMES.includes(one)),
  },
  allowShortSecrets: BOOLEAN,
  portals: PORTALS,
  signal: SIGNAL,
  timeout: MILLISECONDS,
  connectTimeout: MILLISECONDS,
  headerDigest: DIGESTS,
  dataDigest: DIGESTS,
  immediateData: BOOLEAN,
  initialR2T: BOOLEAN,
  maxRecvDataSegmentLength: NUMBER,
  maxBurstLength: NUMBER,
  firstBurstLength: NUMBER,
  keepaliveInterval: NOT_NEGATIVE,
  busyPoll: NOT_NEGATIVE,
  onEvent: FUNCTION,
  recordLength: RECORD_LENGTH,
  captureOnError: TEXT,
  capture: { allowed: 'a CaptureFile', is: (value) => value instanceof CaptureFile },
  reconnect: RECONNECT,
  log: FUNCTION,
  logLevel: oneOf(...LOG_LEVELS),
  probe: BOOLEAN,
  env: OBJECT,
};

/** What `session.logicalUnit` takes. */
export const OPEN_RULES: OptionRules<OpenOptions> = { probe: BOOLEAN, ...COMMAND_OPTIONS };
