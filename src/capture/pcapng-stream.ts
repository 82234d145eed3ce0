import { pcapngHeader, pcapngPacket } from './pcapng-write.ts';
import type { ConnectionSink, Direction, TcpEnds } from './sink.ts';
import { TcpPackets } from './tcp-packets.ts';

/** What the file names as the program that wrote it. */
const APPLICATION = 'tsiscsi';

/**
 * A pcapng file that is being written, block by block; several connections share one.
 *
 * @example
 * const parts: Uint8Array[] = [];
 * const file = new PcapngStream((bytes) => parts.push(bytes));
 * const ends = { local: { address: '::1', port: 40000 }, remote: { address: '::1', port: 3260 }, client: true };
 * file.connection().opened(Date.now(), ends);
 * file.packets; // 3
 */
export class PcapngStream {
  readonly #write: (bytes: Uint8Array) => void;
  #packets = 0;

  /** @param write Takes the next bytes of the file over. */
  constructor(write: (bytes: Uint8Array) => void) {
    this.#write = write;
    write(pcapngHeader(APPLICATION));
  }

  /** How many packets there are so far. */
  get packets(): number {
    return this.#packets;
  }

  /** Where a further connection is written. */
  connection(): PcapngConnection {
    return new PcapngConnection((bytes) => {
      this.#packets++;
      this.#write(bytes);
    });
  }
}

/** One connection of a {@link PcapngStream}. */
export class PcapngConnection implements ConnectionSink {
  readonly #write: (block: Uint8Array) => void;
  #packets: TcpPackets | undefined;

  /** @param write Takes one block over. */
  constructor(write: (block: Uint8Array) => void) {
    this.#write = write;
  }

  /** {@link ConnectionSink} */
  opened(time: number, ends: TcpEnds): void {
    this.#packets = new TcpPackets(ends, (packet) => this.#write(pcapngPacket(packet)));
    this.#packets.open(time);
  }

  /** Says something about the next packet. */
  remark(text: string): void {
    if (this.#packets !== undefined) this.#packets.comment = text;
  }

  /** {@link ConnectionSink} */
  login(direction: Direction, time: number, pdu: Uint8Array): void {
    this.#packets?.data(direction, time, pdu, 0, pdu.length, 0);
  }

  /** {@link ConnectionSink} */
  agreed(): void {
    // Readers hear the login themselves.
  }

  /** {@link ConnectionSink} */
  add(direction: Direction, time: number, bytes: Uint8Array, from: number, to: number, skipped: number): void {
    this.#packets?.data(direction, time, bytes, from, to, skipped);
  }

  /** {@link ConnectionSink} */
  closed(time: number, failed: boolean): void {
    this.#packets?.close(time, failed);
  }
}
