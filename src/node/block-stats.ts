import { constants } from 'node:fs';

/** Bytes of the unit in which `blocks` counts, whatever the device's own are: as `stat(2)` has it. */
const STAT_BLOCK = 512;

/**
 * What `stat()` of a file handle gives: the members of `Stats` of `node:fs`. A device knows neither owner nor times:
 * these are 0.
 */
export class BlockStats {
  /** 0. */
  readonly dev = 0;
  /** 0. */
  readonly ino = 0;
  /** That of a block device which its owner may read and write. */
  readonly mode = constants.S_IFBLK | 0o600;
  /** 1. */
  readonly nlink = 1;
  /** 0. */
  readonly uid = 0;
  /** 0. */
  readonly gid = 0;
  /** 0. */
  readonly rdev = 0;
  /** Bytes of the device. (The system's own `stat` tells 0 of block devices.) */
  readonly size: number;
  /** Bytes of one logical block: what transfers are a multiple of when they are to be fast. */
  readonly blksize: number;
  /** How many times 512 bytes the device has. */
  readonly blocks: number;
  /** 0. */
  readonly atimeMs = 0;
  /** 0. */
  readonly mtimeMs = 0;
  /** 0. */
  readonly ctimeMs = 0;
  /** 0. */
  readonly birthtimeMs = 0;
  /** The beginning of 1970. */
  readonly atime = new Date(0);
  /** The beginning of 1970. */
  readonly mtime = new Date(0);
  /** The beginning of 1970. */
  readonly ctime = new Date(0);
  /** The beginning of 1970. */
  readonly birthtime = new Date(0);

  /** @internal */
  static of(device: { readonly size: number; readonly blockSize: number }): BlockStats {
    return new BlockStats(device.size, device.blockSize);
  }

  private constructor(size: number, blksize: number) {
    this.size = size;
    this.blksize = blksize;
    this.blocks = Math.floor(size / STAT_BLOCK);
  }

  /** True. */
  isBlockDevice(): boolean {
    return true;
  }

  /** False. */
  isCharacterDevice(): boolean {
    return false;
  }

  /** False. */
  isDirectory(): boolean {
    return false;
  }

  /** False. */
  isFIFO(): boolean {
    return false;
  }

  /** False. */
  isFile(): boolean {
    return false;
  }

  /** False. */
  isSocket(): boolean {
    return false;
  }

  /** False. */
  isSymbolicLink(): boolean {
    return false;
  }
}
