import { fstatSync } from 'node:fs';
import { type FileHandle, statfs } from 'node:fs/promises';
import type { Eventually } from '../device/eventually.ts';

/** What a watch needs of a file. */
type Sized = Pick<FileHandle, 'fd' | 'stat'>;

/**
 * Types of file systems (statfs(2)) that answer by way of another machine or another process, which may be away. Only
 * the others are asked in between, without a thread.
 */
const REMOTE: ReadonlySet<number> = new Set([
  0x6969, // NFS
  0x517b, // SMB
  0xff53_4d42, // CIFS
  0xfe53_4d42, // SMB2
  0x6573_5546, // FUSE
  0x0102_1997, // 9P
  0x00c3_6400, // Ceph
  0x5346_414f, // OpenAFS
  0x6b41_4653, // AFS
  0x0bd0_0bd0, // Lustre
  0x0116_1970, // GFS2
  0x7461_636f, // OCFS2
]);

/**
 * Watches that nobody takes away the end of a file which a store uses: a write behind such a cut makes the file long
 * again, and what was cut off then reads as zeros, with no error.
 */
export class FileSize {
  readonly #file: Sized;
  readonly #size: number;
  readonly #remote: boolean;

  /**
   * @param size Bytes that the file must go on having.
   * @param remote Whether asking may take long: then it is not waited for in between.
   */
  constructor(file: Sized, size: number, remote: boolean) {
    this.#file = file;
    this.#size = size;
    this.#remote = remote;
  }

  /** Watches over the file at `path`, which has `size` bytes; undefined for a block device, which nobody can cut. */
  static async of(file: FileHandle, path: string, size: number): Promise<FileSize | undefined> {
    if (!(await file.stat()).isFile()) return undefined;
    const type = await statfs(path).then(
      (found) => found.type >>> 0,
      () => undefined, // not known: then it may be anything
    );
    return new FileSize(file, size, type === undefined || REMOTE.has(type));
  }

  /**
   * Calls `cut` with the size that the file has now, when it is less than it must be. On a local file system, where it
   * takes 2 µs, it is done when the call returns.
   */
  check(cut: (size: number) => void): Eventually {
    if (this.#remote) return this.#file.stat().then(({ size }) => this.#judge(size, cut));
    this.#judge(fstatSync(this.#file.fd).size, cut);
  }

  #judge(size: number, cut: (size: number) => void): void {
    if (size < this.#size) cut(size);
  }
}
