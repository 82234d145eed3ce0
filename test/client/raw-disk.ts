import { senseData } from '../support/speaker/data.ts';
/**
 * A disk for {@link RawTarget}, in a few commands, with what tests make it do wrong. Written from SPC and SBC, not from
 * `src/`.
 */

/** How a command ended. */
export interface RawResult {
  readonly status: number;
  readonly dataIn?: Uint8Array;
  readonly sense?: Uint8Array;
}

const CHECK_CONDITION = 2;

/** One command that reached the disk. */
export interface RawLogEntry {
  readonly operation: number;
  readonly address: number;
  readonly blocks: number;
}

export class RawDisk {
  content: Uint8Array;
  blockSize: number;
  serial = 'RAW-0001';
  /** The last bytes of the NAA name. */
  name = 1;
  /** MAXIMUM TRANSFER LENGTH of the Block Limits page, in blocks; 0 for no limit. */
  maximumTransfer = 0;
  /** Whether UNMAP is known. */
  thin = false;
  /** Answers for the next commands, before anything else is done: a status, or a sense key with its codes. */
  readonly refusals: (number | readonly [number, number, number])[] = [];
  /** READs, WRITEs and UNMAPs that were carried out. */
  readonly log: RawLogEntry[] = [];
  flushes = 0;

  constructor(blocks = 256, blockSize = 512) {
    this.blockSize = blockSize;
    this.content = new Uint8Array(blocks * blockSize);
  }

  get blocks(): number {
    return this.content.length / this.blockSize;
  }

  execute(cdb: Uint8Array, dataOut: Uint8Array, lun: number): RawResult {
    const operation = cdb[0] ?? 0;
    if (lun !== 0 && operation === 0x12)
      return { status: 0, dataIn: Uint8Array.of(0x7f, 0, 6, 2, 31, ...new Uint8Array(31)) };
    if (operation === 0xa0) return { status: 0, dataIn: Uint8Array.of(0, 0, 0, 8, 0, 0, 0, 0, ...new Uint8Array(8)) };
    if (lun !== 0) return refused(5, 0x25, 0);
    if (operation === 0x12) return this.#inquiry(cdb);
    const refusal = this.refusals.shift();
    if (typeof refusal === 'number') return { status: refusal };
    if (refusal !== undefined) return refused(...refusal);
    const view = new DataView(cdb.buffer, cdb.byteOffset, cdb.byteLength);
    switch (operation) {
      case 0x00: // TEST UNIT READY
        return { status: 0 };
      case 0x35: // SYNCHRONIZE CACHE
      case 0x91:
        this.flushes++;
        return { status: 0 };
      case 0x9e: // READ CAPACITY (16)
        return { status: 0, dataIn: this.#capacity() };
      case 0x28:
        return this.#read(operation, view.getUint32(2), view.getUint16(7));
      case 0x88:
        return this.#read(operation, Number(view.getBigUint64(2)), view.getUint32(10));
      case 0x2a:
        return this.#write(operation, view.getUint32(2), dataOut);
      case 0x8a:
        return this.#write(operation, Number(view.getBigUint64(2)), dataOut);
      case 0x42:
        return this.#unmap(dataOut);
      default:
        return refused(5, 0x20, 0);
    }
  }

  #inquiry(cdb: Uint8Array): RawResult {
    const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];
    if (((cdb[1] ?? 0) & 1) === 0) {
      const strings = ascii('EXAMPLE RAW DISK        0001');
      return { status: 0, dataIn: Uint8Array.of(0, 0, 6, 2, 31, 0, 0, 2, ...strings) };
    }
    const page = cdb[2] ?? 0;
    const body = new Map<number, number[]>([
      [0x00, [0x00, 0x80, 0x83, 0xb0, 0xb2]],
      [0x80, ascii(this.serial)],
      [0x83, [0x01, 0x03, 0x00, 0x08, 0x60, 0, 0, 0, 0, 0, 0, this.name]],
      [0xb0, this.#blockLimits()],
      [0xb2, [0, this.thin ? 0x80 : 0, this.thin ? 2 : 0, 0]],
    ]).get(page);
    if (body === undefined) return refused(5, 0x24, 0);
    return { status: 0, dataIn: Uint8Array.of(0, page, 0, body.length, ...body) };
  }

  #blockLimits(): number[] {
    const page = new DataView(new ArrayBuffer(60));
    page.setUint32(4, this.maximumTransfer);
    page.setUint32(16, this.thin ? 0xffff_ffff : 0); // MAXIMUM UNMAP LBA COUNT
    page.setUint32(20, this.thin ? 1 : 0);
    return [...new Uint8Array(page.buffer)];
  }

  #capacity(): Uint8Array {
    const data = new DataView(new ArrayBuffer(32));
    data.setBigUint64(0, BigInt(this.blocks - 1));
    data.setUint32(8, this.blockSize);
    return new Uint8Array(data.buffer);
  }

  #read(operation: number, address: number, blocks: number): RawResult {
    if (address + blocks > this.blocks) return refused(5, 0x21, 0);
    this.log.push({ operation, address, blocks });
    return { status: 0, dataIn: this.content.slice(address * this.blockSize, (address + blocks) * this.blockSize) };
  }

  #write(operation: number, address: number, data: Uint8Array): RawResult {
    const blocks = data.length / this.blockSize;
    if (address + blocks > this.blocks) return refused(5, 0x21, 0);
    this.log.push({ operation, address, blocks });
    this.content.set(data, address * this.blockSize);
    return { status: 0 };
  }

  #unmap(list: Uint8Array): RawResult {
    const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
    const [address, blocks] = [Number(view.getBigUint64(8)), view.getUint32(16)];
    this.log.push({ operation: 0x42, address, blocks });
    this.content.fill(0, address * this.blockSize, (address + blocks) * this.blockSize);
    return { status: 0 };
  }
}

function refused(key: number, asc: number, ascq: number): RawResult {
  return { status: CHECK_CONDITION, sense: senseData(key, asc, ascq) };
}
