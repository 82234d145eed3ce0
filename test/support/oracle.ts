/**
 * tshark as a witness that we did not write: reads a capture and says, in words, what does not add up.
 *
 * Its iSCSI dissector hardly complains by itself: a bad opcode is shown as plain TCP, a wrong length puts everything
 * after it out of step, a wrong digest is only a remark. So the sums are checked. Per TCP stream and direction:
 *
 *     sum(48 + 4 * TotalAHSLength + pad4(DataSegmentLength) + 4 * digests seen)  ==  sum(tcp.len)
 *     digests seen  ==  PDUs that must carry them after the login's negotiation,   and tshark calls each one good
 *
 * It sees neither the data digests of Reject and Asynchronous Message, nor the header of a PDU in a Reject, nor a
 * missing final NUL that padding stands in for; nor F bit and sequence rules, unknown tags, two responses for one task,
 * numbering, window violations, bytes of the padding.
 */

import { type Said, settledOnCrc32c } from './repacket.ts';
import { type Fields, readSoundFields, type SoundCapture, type Traffic, tshark, withSoundPackets } from './tshark.ts';

export { readFields } from './tshark.ts';

/**
 * What the test knows about the capture. Each entry that is given is checked; without it the capture speaks for itself.
 */
export interface OracleExpectation {
  /** How many TCP connections with payload there are. */
  readonly streams?: number;
  /** How many PDUs there are, both directions together. */
  readonly pdus?: number;
  /** Opcodes that must occur, each at least once. */
  readonly opcodes?: readonly number[];
  /** Whether every login must have settled on a header digest (true) or on none (false). */
  readonly headerDigest?: boolean;
  /** The same for the data digest. */
  readonly dataDigest?: boolean;
}

/** One direction of one connection. */
export interface OracleDirection {
  /** Payload bytes that TCP carried, without repetitions. */
  bytes: number;
  /** Bytes that the PDUs seen by tshark add up to. */
  pduBytes: number;
  pdus: number;
  headerDigests: number;
  dataDigests: number;
  /** PDUs that must carry a header digest once one is agreed: all but login. */
  withHeaderDigest: number;
  /** PDUs that must carry a data digest once one is agreed: all but login that have a data segment. */
  withDataDigest: number;
  /**
   * Reject and Asynchronous Message with a data segment: tshark does not show their data digest, so it is taken as
   * there.
   */
  withUnshownDataDigest: number;
  /** How many PDUs of each opcode. */
  readonly opcodes: Map<number, number>;
}

/** One TCP connection. */
export interface OracleStream {
  /** tshark's number for it (`tcp.stream`). */
  readonly stream: number;
  /** What the login settled on, as read from its text. */
  headerDigest: boolean;
  dataDigest: boolean;
  readonly initiator: OracleDirection;
  readonly target: OracleDirection;
}

/** What was found. The capture is sound when `problems` is empty. */
export interface OracleReport {
  readonly problems: readonly string[];
  readonly streams: readonly OracleStream[];
  readonly pdus: number;
}

const BHS_LENGTH = 48;
const LOGIN_REQUEST = 0x03;
const TASK_MANAGEMENT_RESPONSE = 0x22;
const ASYNC_MESSAGE = 0x32;
const REJECT = 0x3f;
const LOGIN_RESPONSE = 0x23;
/** Opcodes from here on are the target's (RFC 7143 §11.2.1.2). */
const FIRST_TARGET_OPCODE = 0x20;

const FIELDS = [
  'frame.number',
  'tcp.stream',
  'tcp.srcport',
  'tcp.len',
  'iscsi.opcode',
  'iscsi.datasegmentlength',
  'iscsi.totalahslength',
  'iscsi.headerdigest32',
  'iscsi.datadigest32',
  'iscsi.keyvalue',
  'iscsi.login.C',
  'iscsi.text.C',
  '_ws.malformed',
] as const;

type Row = Fields<(typeof FIELDS)[number]>;

interface Found extends OracleStream {
  /** What each side said about keys during the login, in the order of the capture. */
  readonly said: Said[];
}

/**
 * Checks a capture, or a recording, of iSCSI connections to `port`, however long. Needs tshark: see `requirePeer()`.
 * Frame numbers in the problems are the capture's.
 * @throws {Error} When tshark cannot be run or cannot read the file.
 */
export function checkCapture(
  traffic: Traffic,
  port: number,
  options: { readonly expect?: OracleExpectation } = {},
): Promise<OracleReport> {
  return withSoundPackets(traffic, port, (capture) => check(capture, port, options.expect ?? {}));
}

async function check(capture: SoundCapture, port: number, expect: OracleExpectation): Promise<OracleReport> {
  const problems: string[] = [];
  for (const stream of capture.missing) problems.push(`Stream ${stream}: segments are missing from the capture itself`);
  const streams = await collect(capture, port, problems);
  for (const stream of streams) problems.push(...checkStream(stream));
  if (streams.some((stream) => digestsSeen(stream) > 0)) problems.push(...(await badDigests(capture, port)));
  const pdus = streams.reduce((sum, { initiator, target }) => sum + initiator.pdus + target.pdus, 0);
  if (pdus === 0) problems.push(`No iSCSI PDU was found at port ${port}`);
  problems.push(...checkExpectation(streams, pdus, expect));
  return { problems, streams, pdus };
}

async function collect(capture: SoundCapture, port: number, problems: string[]): Promise<Found[]> {
  const streams = new Map<number, Found>();
  await readSoundFields(capture, port, FIELDS, (row) => {
    const length = number(row['tcp.len']);
    if (length === 0) return;
    const id = number(row['tcp.stream']);
    const stream = streams.get(id) ?? newStream(id);
    streams.set(id, stream);
    const byTarget = number(row['tcp.srcport']) === port;
    const direction = byTarget ? stream.target : stream.initiator;
    direction.bytes += length;
    takePdus(row, stream, byTarget, problems);
  });
  for (const stream of streams.values()) {
    stream.headerDigest = settledOnCrc32c(stream.said, 'HeaderDigest');
    stream.dataDigest = settledOnCrc32c(stream.said, 'DataDigest');
  }
  return [...streams.values()];
}

function takePdus(row: Row, stream: Found, byTarget: boolean, problems: string[]): void {
  const where = `Frame ${row['frame.number'][0]}`;
  const direction = byTarget ? stream.target : stream.initiator;
  const shown = row['iscsi.opcode'].map(Number);
  // The header that a Reject carries is shown as a PDU too: one without its data and with the data digest for its
  // header digest.
  const opcodes = shown[0] === REJECT ? [REJECT] : shown;
  const lengths = perPdu(shown, row['iscsi.datasegmentlength']);
  const ahsLengths = perPdu(shown, row['iscsi.totalahslength']);
  const headerDigests = Math.min(row['iscsi.headerdigest32'].length, opcodes.length);
  const dataDigests = row['iscsi.datadigest32'].length;
  if (isMalformed(row, opcodes)) problems.push(`${where}: tshark calls the PDU malformed`);
  if (lengths.length !== shown.length) {
    problems.push(`${where}: tshark shows ${shown.length} opcodes, ${lengths.length} lengths`);
  }

  direction.pdus += opcodes.length;
  direction.headerDigests += headerDigests;
  direction.dataDigests += dataDigests;
  direction.pduBytes += 4 * (headerDigests + dataDigests);
  for (const [index, opcode] of opcodes.entries()) {
    const length = lengths[index] ?? 0;
    direction.opcodes.set(opcode, (direction.opcodes.get(opcode) ?? 0) + 1);
    direction.pduBytes += BHS_LENGTH + 4 * (ahsLengths[index] ?? 0) + pad4(length);
    if (opcode >= FIRST_TARGET_OPCODE !== byTarget) {
      problems.push(`${where}: the ${side(byTarget)} sent opcode ${hexByte(opcode)}, which is the other side's`);
    }
    if (opcode === LOGIN_REQUEST || opcode === LOGIN_RESPONSE) continue;
    direction.withHeaderDigest += 1;
    if (length === 0) continue;
    if (opcode === REJECT || opcode === ASYNC_MESSAGE) direction.withUnshownDataDigest += 1;
    else direction.withDataDigest += 1;
  }
  if (opcodes.includes(LOGIN_REQUEST) || opcodes.includes(LOGIN_RESPONSE)) noteKeys(row, stream, byTarget);
}

/**
 * Whether a PDU that tshark calls malformed really is. It says so, too, of a page that the allocation length cuts
 * short, of text that goes on in the next PDU, and of the header that a Reject carries.
 */
function isMalformed(row: Row, opcodes: readonly number[]): boolean {
  const continues = [...row['iscsi.login.C'], ...row['iscsi.text.C']].some((bit) => bit === '1' || bit === 'True');
  const ofIscsi = row['_ws.malformed'].some((layer) => layer.includes('iSCSI')); // the SCSI layer's are often false
  return ofIscsi && !continues && opcodes[0] !== REJECT;
}

/**
 * Gives each PDU its length. tshark shows none for a Task Management Function Response, whose length must be 0.
 */
function perPdu(opcodes: readonly number[], cells: readonly string[]): number[] {
  const lengths = cells.map(Number);
  for (const [index, opcode] of opcodes.entries()) if (opcode === TASK_MANAGEMENT_RESPONSE) lengths.splice(index, 0, 0);
  return lengths;
}

function noteKeys(row: Row, stream: Found, byTarget: boolean): void {
  for (const pair of row['iscsi.keyvalue']) {
    const at = pair.indexOf('=');
    stream.said.push({ key: pair.slice(0, at), value: pair.slice(at + 1), byTarget });
  }
}

function checkStream(stream: Found): string[] {
  const problems: string[] = [];
  for (const byTarget of [false, true]) {
    const direction = byTarget ? stream.target : stream.initiator;
    const who = `Stream ${stream.stream}, from the ${side(byTarget)}`;
    if (stream.dataDigest) direction.pduBytes += 4 * direction.withUnshownDataDigest;
    const { bytes, pduBytes, pdus } = direction;
    if (bytes !== pduBytes) {
      problems.push(`${who}: ${pdus} PDUs add up to ${pduBytes} bytes, TCP carried ${bytes}`);
    }
    const headerDigests = stream.headerDigest ? direction.withHeaderDigest : 0;
    const dataDigests = stream.dataDigest ? direction.withDataDigest : 0;
    if (direction.headerDigests !== headerDigests) {
      problems.push(`${who}: ${direction.headerDigests} header digests seen, ${headerDigests} expected`);
    }
    if (direction.dataDigests !== dataDigests) {
      problems.push(`${who}: ${direction.dataDigests} data digests seen, ${dataDigests} expected`);
    }
  }
  return problems;
}

/** tshark judges each digest in the text of its packet details only. */
async function badDigests({ file, frames }: SoundCapture, port: number): Promise<string[]> {
  const filter = 'iscsi.headerdigest32 || iscsi.datadigest32';
  const problems: string[] = [];
  let frame: number | undefined;
  await tshark(file, port, ['-O', 'iscsi', '-Y', `tcp.port==${port} && (${filter})`], (line) => {
    const begin = /^Frame (\d+):/.exec(line)?.[1];
    if (begin !== undefined) frame = frames[Number(begin)];
    const digest = /^ {4}(Header|Data)Digest: (0x[0-9a-f]+) \((.*)\)/.exec(line);
    if (digest !== null && digest[3] !== 'Good CRC32') {
      problems.push(`Frame ${frame}: ${digest[1]?.toLowerCase()} digest ${digest[2]}: ${digest[3]}`);
    }
  });
  return problems;
}

function checkExpectation(streams: readonly OracleStream[], pdus: number, expect: OracleExpectation): string[] {
  const problems: string[] = [];
  if (expect.streams !== undefined && expect.streams !== streams.length) {
    problems.push(`${streams.length} connections found, ${expect.streams} expected`);
  }
  if (expect.pdus !== undefined && expect.pdus !== pdus) problems.push(`${pdus} PDUs found, ${expect.pdus} expected`);
  for (const opcode of expect.opcodes ?? []) {
    const seen = streams.some(({ initiator, target }) => initiator.opcodes.has(opcode) || target.opcodes.has(opcode));
    if (!seen) problems.push(`No PDU with opcode ${hexByte(opcode)} found`);
  }
  for (const key of ['headerDigest', 'dataDigest'] as const) {
    for (const stream of streams) {
      if (expect[key] === undefined || expect[key] === stream[key]) continue;
      problems.push(
        `Stream ${stream.stream}: ${key} is ${stream[key] ? 'on' : 'off'}, expected ${expect[key] ? 'on' : 'off'}`,
      );
    }
  }
  return problems;
}

function newStream(stream: number): Found {
  return {
    stream,
    headerDigest: false,
    dataDigest: false,
    initiator: newDirection(),
    target: newDirection(),
    said: [],
  };
}

function newDirection(): OracleDirection {
  return {
    bytes: 0,
    pduBytes: 0,
    pdus: 0,
    headerDigests: 0,
    dataDigests: 0,
    withHeaderDigest: 0,
    withDataDigest: 0,
    withUnshownDataDigest: 0,
    opcodes: new Map(),
  };
}

function digestsSeen({ initiator, target }: OracleStream): number {
  return initiator.headerDigests + initiator.dataDigests + target.headerDigests + target.dataDigests;
}

function number(cells: readonly string[]): number {
  return Number(cells[0] ?? 0);
}

function side(byTarget: boolean): string {
  return byTarget ? 'target' : 'initiator';
}

function hexByte(value: number): string {
  return `0x${value.toString(16).padStart(2, '0')}`;
}

function pad4(length: number): number {
  return (length + 3) & ~3;
}
