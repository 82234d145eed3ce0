/**
 * Rewrites a capture with one PDU a packet, because tshark 4.0 loses step on sound traffic: when a packet ends with
 * less than 8 bytes of a PDU's header, and when the first data digest of a connection comes with a PDU of several
 * packets. All bytes stay, in their order; where they make no PDUs they are passed on as they are, for tshark to fail
 * on.
 *
 * Where digests were agreed, a NOP-Out with both is put in front of the first PDU after the login, so that tshark looks
 * for digests from there on instead of guessing from the first PDU. It is not part of what is judged.
 */

import { crc32c } from '../../src/bytes/crc32c.ts';
import { concat, hex, viewOf } from '../../src/bytes/hex.ts';
import { type PcapFile, PcapWriter } from './pcap.ts';
import type { Arrival } from './streams.ts';

/** What a side said about a key during the login. */
export interface Said {
  readonly key: string;
  readonly value: string;
  readonly byTarget: boolean;
}

/** How packets and streams of the rewritten capture relate to the original. */
export interface Repacketed {
  /**
   * Of each packet, by frame number (0 is not used): where its last byte is in the original. Undefined for packets that
   * were put in.
   */
  readonly frames: readonly (number | undefined)[];
  /** The original's `tcp.stream` of each stream. */
  readonly streams: readonly number[];
}

const BHS_LENGTH = 48;
const LOGIN_REQUEST = 0x03;
const LOGIN_RESPONSE = 0x23;

const PRIMER_HEADER = `
  40 80 00 00  00 00 00 04    // NOP-Out that wants no answer
  00 00 00 00  00 00 00 00
  ff ff ff ff  ff ff ff ff
  00 00 00 00  00 00 00 00
  00 00 00 00  00 00 00 00
  00 00 00 00  00 00 00 00`;

interface Connection {
  readonly writer: PcapWriter<PcapFile>;
  readonly said: Said[];
  /** What came and is not yet a whole PDU, from the initiator and from the target. */
  readonly pending: Record<'initiator' | 'target', Uint8Array[]>;
  inLogin: boolean;
}

/**
 * True when the login settled on CRC32C. An offer that nobody answered settles nothing; of two that differ, the later
 * is the answer.
 */
export function settledOnCrc32c(said: readonly Said[], key: string): boolean {
  const about = said.filter((entry) => entry.key === key);
  const answered = about.some(({ byTarget }) => byTarget) && about.some(({ byTarget }) => !byTarget);
  return answered && about.at(-1)?.value === 'CRC32C';
}

/** Rewrites what arrives on connections to a port. */
export class Repacketer {
  readonly #file: PcapFile;
  readonly #port: number;
  readonly #frames: (number | undefined)[] = [undefined];
  readonly #connections = new Map<number, Connection>();
  #lastFrame: number | undefined;

  /** @param file Where the rewritten capture goes; nobody else writes to it. */
  constructor(file: PcapFile, port: number) {
    this.#file = file;
    this.#port = port;
  }

  /** Takes the next bytes of the original and writes the PDUs that they complete. */
  take({ frame, stream, byTarget, bytes }: Arrival): void {
    this.#lastFrame = frame;
    const connection = this.#connections.get(stream) ?? newConnection(this.#file, this.#port, this.#connections.size);
    this.#connections.set(stream, connection);
    this.#written(undefined); // the handshake
    const side = byTarget ? 'target' : 'initiator';
    connection.pending[side].push(bytes);
    for (let pdu = takePdu(connection, side); pdu !== undefined; pdu = takePdu(connection, side)) {
      if (connection.inLogin && !isLogin(pdu)) {
        connection.inLogin = false;
        prime(connection);
        this.#written(undefined);
      }
      send(connection, byTarget, pdu);
      this.#written(frame);
      noteKeys(connection, byTarget, pdu);
    }
  }

  /** Writes what is left, which makes no PDU or not a whole one. */
  finish(): Repacketed {
    for (const connection of this.#connections.values()) {
      for (const side of ['initiator', 'target'] as const) {
        send(connection, side === 'target', concat(...connection.pending[side]));
        this.#written(this.#lastFrame);
      }
    }
    return { frames: this.#frames, streams: [...this.#connections.keys()] };
  }

  /** The packets that are new since the last call end in `frame` of the original. */
  #written(frame: number | undefined): void {
    while (this.#frames.length <= this.#file.packets) this.#frames.push(frame);
  }
}

function newConnection(file: PcapFile, port: number, index: number): Connection {
  const clientPort = ((port - 1024 + 1 + index) % 64_000) + 1024; // any but `port`
  return {
    writer: new PcapWriter({ clientPort, serverPort: port }, file),
    said: [],
    pending: { initiator: [], target: [] },
    inLogin: true,
  };
}

/** The next whole PDU of a side, if there is one: with its padding, and its digests if they were agreed. */
function takePdu({ pending, said }: Connection, side: 'initiator' | 'target'): Uint8Array | undefined {
  const available = pending[side].reduce((sum, { length }) => sum + length, 0);
  if (available < BHS_LENGTH) return undefined;
  if ((pending[side][0]?.length ?? 0) < BHS_LENGTH) pending[side] = [concat(...pending[side])];
  const header = pending[side][0] ?? new Uint8Array(BHS_LENGTH);
  const length = pduLength(header, said);
  if (available < length) return undefined;
  const all = pending[side].length === 1 ? header : concat(...pending[side]);
  pending[side] = all.length === length ? [] : [all.subarray(length)];
  return all.subarray(0, length);
}

function pduLength(header: Uint8Array, said: readonly Said[]): number {
  const words = viewOf(header);
  const data = words.getUint32(4) & 0xff_ffff;
  const headerDigest = !isLogin(header) && settledOnCrc32c(said, 'HeaderDigest') ? 4 : 0;
  const dataDigest = !isLogin(header) && data > 0 && settledOnCrc32c(said, 'DataDigest') ? 4 : 0;
  return BHS_LENGTH + 4 * words.getUint8(4) + headerDigest + ((data + 3) & ~3) + dataDigest;
}

function isLogin(header: Uint8Array): boolean {
  const opcode = (header[0] ?? 0) & 0x3f;
  return opcode === LOGIN_REQUEST || opcode === LOGIN_RESPONSE;
}

function noteKeys({ said }: Connection, byTarget: boolean, pdu: Uint8Array): void {
  if (!isLogin(pdu)) return;
  const length = viewOf(pdu).getUint32(4) & 0xff_ffff;
  for (const pair of new TextDecoder().decode(pdu.subarray(BHS_LENGTH, BHS_LENGTH + length)).split('\0')) {
    const at = pair.indexOf('=');
    if (at > 0) said.push({ key: pair.slice(0, at), value: pair.slice(at + 1), byTarget });
  }
}

function prime({ writer, said }: Connection): void {
  const header = hex(PRIMER_HEADER);
  const data = new Uint8Array(4);
  const headerDigest = settledOnCrc32c(said, 'HeaderDigest') ? digestOf(header) : new Uint8Array();
  const dataDigest = settledOnCrc32c(said, 'DataDigest') ? digestOf(data) : new Uint8Array();
  if (headerDigest.length + dataDigest.length === 0) return;
  writer.fromInitiator(concat(header, headerDigest, data, dataDigest));
}

function digestOf(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(4);
  viewOf(digest).setUint32(0, crc32c(bytes, 0, bytes.length), true);
  return digest;
}

function send({ writer }: Connection, byTarget: boolean, bytes: Uint8Array): void {
  if (byTarget) writer.fromTarget(bytes);
  else writer.fromInitiator(bytes);
}
