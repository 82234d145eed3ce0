/**
 * What the login and its neighbours read from the other side or from the command line: each gives a value, or one of
 * the library's errors.
 */
import { parseUrl } from '../../src/client/url.ts';
import { IscsiError } from '../../src/errors.ts';
import { parseChapFile } from '../../src/login/chap-file.ts';
import type { TargetAuthentication } from '../../src/login/chap-target.ts';
import { onLoginResponse, startLogin } from '../../src/login/initiator.ts';
import type { InitiatorLoginConfig, LoginState } from '../../src/login/initiator-types.ts';
import { prepareReceivedName } from '../../src/login/iscsi-name.ts';
import { Secret } from '../../src/login/secret.ts';
import { parseSendTargets, parseTargetAddress } from '../../src/login/send-targets.ts';
import { onLoginRequest, startTargetLogin } from '../../src/login/target.ts';
import type { TargetLoginState } from '../../src/login/target-types.ts';
import { parseBinary, parseList, parseNumber, parseNumericalValue } from '../../src/login/values.ts';
import { NodeChapCrypto } from '../../src/node/chap-crypto.ts';
import { parseText, TextAssembler } from '../../src/pdu/text.ts';

/**
 * A reader of hostile bytes, and inputs to begin with. `parse` returns, or throws an {@link IscsiError}; anything else
 * is a defect.
 */
export interface Parser {
  readonly name: string;
  readonly parse: (bytes: Uint8Array) => void;
  readonly seeds: readonly Uint8Array[];
}

const INITIATOR = 'iqn.2004-10.org.example:host';
const TARGET = 'iqn.2003-01.org.example:disk';
const NAMES = `InitiatorName=${INITIATOR}\0TargetName=${TARGET}\0SessionType=Normal\0`;
const OFFERS =
  'HeaderDigest=CRC32C,None\0InitialR2T=No\0ImmediateData=Yes\0MaxRecvDataSegmentLength=262144\0MaxBurstLength=0x40000\0' +
  'FirstBurstLength=65536\0MaxOutstandingR2T=1\0DefaultTime2Wait=2\0ErrorRecoveryLevel=0\0TaskReporting=RFC3720\0X-a.b=c\0';
const ANSWERS =
  'TargetPortalGroupTag=1\0HeaderDigest=None\0DataDigest=None\0InitialR2T=Yes\0ImmediateData=Yes\0MaxRecvDataSegmentLength=8192\0' +
  'MaxBurstLength=262144\0FirstBurstLength=65536\0MaxOutstandingR2T=1\0DefaultTime2Wait=2\0DefaultTime2Retain=0\0MaxConnections=1\0' +
  'ErrorRecoveryLevel=0\0DataPDUInOrder=Yes\0DataSequenceInOrder=Yes\0';
const TARGETS = `TargetName=${TARGET}\0TargetAddress=[::1]:3260,1\0TargetAddress=10.0.0.1,2\0`;

/** The steps of CHAP, each with its flags. */
const CHAP_AT_INITIATOR = [
  [0x00, 'AuthMethod=CHAP\0TargetPortalGroupTag=1\0'],
  [0x00, 'CHAP_A=5\0CHAP_I=42\0CHAP_C=0x000102030405060708090a0b0c0d0e0f\0'],
  [0x81, 'CHAP_N=disk\0CHAP_R=0bAAECAwQFBgcICQoLDA0ODw==\0'],
] as const;
const CHAP_AT_TARGET = [
  [0x81, `${NAMES}AuthMethod=CHAP,None\0`],
  [0x01, 'CHAP_A=7,5\0'],
  [0x81, 'CHAP_N=alice\0CHAP_R=0x0fbee2a235349701655e644832d106bf\0CHAP_I=1\0CHAP_C=0bAAEC\0'],
] as const;

/** Each parser with its seeds. */
export const loginParsers: readonly Parser[] = [
  { name: 'text', parse: (bytes) => void parseText(bytes), seeds: seeds(NAMES, OFFERS, TARGETS) },
  { name: 'text in pieces', parse: parsePieces, seeds: seeds(NAMES, OFFERS) },
  {
    name: 'SendTargets',
    parse: (bytes) => void parseSendTargets(parseText(bytes)),
    seeds: seeds(TARGETS, `${TARGETS}${TARGETS}`),
  },
  {
    name: 'TargetAddress',
    parse: (bytes) => void parseTargetAddress(latin(bytes)),
    seeds: seeds('[::1%eth0]:3260,1', 'host:1,0x1'),
  },
  { name: 'values', parse: parseValues, seeds: seeds('0x1234', '0bAAEC', '16777215', 'None,CRC32C') },
  { name: 'iSCSI name', parse: parseName, seeds: seeds(INITIATOR, 'EUI.02004567A425678D', 'straße ＡＢＣ') },
  {
    name: 'URL',
    parse: (bytes) => void parseUrl(utf8(bytes), { env: {} }),
    seeds: seeds(`iscsi://u%p@[::1]:3260,1/${TARGET}/0?auth=md5`),
  },
  { name: 'login at the initiator', parse: (bytes) => playInitiator({}, bytes), seeds: scripts(ANSWERS, [0x87, 0x47]) },
  { name: 'login at the initiator, security', parse: playSecurity, seeds: scripts('AuthMethod=None\0', [0x81, 0x01]) },
  { name: 'CHAP at the initiator', parse: playChapInitiator, seeds: [script(...CHAP_AT_INITIATOR)] },
  { name: 'CHAP at the target', parse: playChapTarget, seeds: [script(...CHAP_AT_TARGET)] },
  {
    name: 'file of credentials',
    parse: (bytes) => void parseChapFile(utf8(bytes), 'a file'),
    seeds: seeds(`user = a\npassword = "b c"\n[${INITIATOR}]\nluns = 0, 1\n[discovery]\nauth = none\n`),
  },
  {
    name: 'login at the target',
    parse: (bytes) => playTarget(bytes),
    seeds: scripts(NAMES + OFFERS, [0x87, 0x47, 0x81]),
  },
];

function seeds(...texts: readonly string[]): Uint8Array[] {
  return texts.map((text) => new TextEncoder().encode(text));
}

/**
 * Inputs of the login machines: PDUs of a flags byte, a byte for the rest of the header, a length of two bytes, and the
 * text.
 */
function scripts(text: string, flags: readonly number[]): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  return flags.map((flag) => {
    const half = bytes.length >> 1;
    const parts = [pdu(flag, bytes.subarray(0, half)), pdu(0x87, bytes.subarray(half)), pdu(0x87, new Uint8Array(0))];
    return Uint8Array.from(flag === 0x47 ? parts.flat() : [...pdu(flag, bytes), ...pdu(0x87, new Uint8Array(0))]);
  });
}

function script(...steps: readonly (readonly [flags: number, text: string])[]): Uint8Array {
  return Uint8Array.from(steps.flatMap(([flags, text]) => pdu(flags, new TextEncoder().encode(text))));
}

function pdu(flags: number, text: Uint8Array): number[] {
  return [flags, 0, text.length >> 8, text.length & 0xff, ...text];
}

interface Pdu {
  readonly transit: boolean;
  readonly continues: boolean;
  readonly csg: number;
  readonly nsg: number;
  /** Status-Class in the high nibble, what else there is to vary in the low one. */
  readonly rest: number;
  readonly text: Uint8Array;
}

function* pdus(bytes: Uint8Array): Generator<Pdu> {
  for (let at = 0; at + 4 <= bytes.length; ) {
    const [flags = 0, rest = 0, high = 0, low = 0] = bytes.subarray(at, at + 4);
    const end = Math.min(bytes.length, at + 4 + ((high << 8) | low));
    yield {
      transit: (flags & 0x80) !== 0,
      continues: (flags & 0x40) !== 0,
      csg: (flags >> 2) & 3,
      nsg: flags & 3,
      rest,
      text: bytes.subarray(at + 4, end),
    };
    at = end;
  }
}

function playInitiator(config: Partial<InitiatorLoginConfig>, bytes: Uint8Array): void {
  let state: LoginState = startLogin({
    initiatorName: INITIATOR,
    sessionType: 'Normal',
    targetName: TARGET,
    ...config,
  }).state;
  for (const { rest, ...view } of pdus(bytes)) {
    if (state.name !== 'security' && state.name !== 'operational') break;
    const response = {
      ...view,
      statusClass: rest >> 6,
      statusDetail: rest & 0x0f,
      versionActive: (rest >> 5) & 1,
      tsih: rest ^ 7,
    };
    state = onLoginResponse(state, response).state;
  }
  if (state.name === 'failed' && !(state.error instanceof IscsiError))
    throw new TypeError('a login failed with a foreign error');
}

function playSecurity(bytes: Uint8Array): void {
  playInitiator({ securityStage: true }, bytes);
  playInitiator({ credentials: { user: 'u', secret: new Secret('s'), optional: true } }, bytes);
}

const ACCOUNT = {
  user: 'alice',
  secret: new Secret('0123456789abcdef'),
  target: { user: 'disk', secret: new Secret('fedcba9876543210') },
};

function playChapInitiator(bytes: Uint8Array): void {
  playInitiator({ credentials: ACCOUNT, chapCrypto: new NodeChapCrypto() }, bytes);
}

function playChapTarget(bytes: Uint8Array): void {
  playTarget(bytes, { crypto: new NodeChapCrypto(), accounts: [ACCOUNT] });
}

function playTarget(bytes: Uint8Array, authentication?: TargetAuthentication): void {
  let state: TargetLoginState = startTargetLogin({
    resolveTarget: () => ({ ok: true, portalGroupTag: 1, authentication }),
  });
  for (const { rest, ...view } of pdus(bytes)) {
    if (state.name === 'fullFeature' || state.name === 'rejected') break;
    const head = {
      initiatorTaskTag: 1,
      isid: '800000000001',
      tsih: rest & 1,
      cid: (rest >> 1) & 1,
      versionMax: 0,
      versionMin: (rest >> 2) & 1,
    };
    state = onLoginRequest(state, { ...view, ...head }).state;
  }
}

function parsePieces(bytes: Uint8Array): void {
  const assembler = new TextAssembler(4096);
  const cut = (bytes[0] ?? 0) % (bytes.length + 1);
  assembler.add(bytes, 0, cut);
  assembler.add(bytes, cut);
  assembler.take();
}

function parseValues(bytes: Uint8Array): void {
  const text = latin(bytes);
  parseBinary(text);
  parseList(text);
  parseNumber(text);
  parseNumericalValue(text);
}

function parseName(bytes: Uint8Array): void {
  const once = prepareReceivedName(utf8(bytes));
  if (prepareReceivedName(once) !== once) throw new TypeError('preparing a prepared name changes it');
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function utf8(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8');
}
