import { spawn } from 'node:child_process';
import type { Provisioning } from '../device/store.ts';

/** A range of a file that is known to hold nothing. */
interface Hole {
  from: number;
  to: number;
}

/** More holes than these are not remembered: what is forgotten counts as allocated. */
const MOST_HOLES = 4096;

/**
 * Which ranges of a file are known to hold nothing. Node.js cannot ask the file system for its holes (SEEK_HOLE), so
 * this is what is known since the file was opened; all else counts as allocated, and nothing that may hold data is ever
 * called a hole.
 */
export class FileHoles {
  /** Ascending, neither overlapping nor touching. */
  readonly #holes: Hole[] = [];

  /** `[from, to)` holds nothing from now on. */
  add(from: number, to: number): void {
    if (from >= to) return;
    const first = this.#firstEndingAt(from);
    let next = first;
    for (let hole = this.#holes[next]; hole !== undefined && hole.from <= to; hole = this.#holes[++next]) {
      from = Math.min(from, hole.from);
      to = Math.max(to, hole.to);
    }
    if (next === first && this.#holes.length >= MOST_HOLES) return;
    this.#holes.splice(first, next - first, { from, to });
  }

  /** `[from, to)` may hold something from now on. Call it before that is written. Hot, for file stores. */
  fill(from: number, to: number): void {
    const first = this.#firstEndingAt(from + 1);
    const hole = this.#holes[first];
    if (hole === undefined || hole.from >= to) return;
    let next = first;
    let last = hole;
    for (let one = this.#holes[next]; one !== undefined && one.from < to; one = this.#holes[++next]) last = one;
    const rest: Hole[] = [];
    const [before, after] = [from - hole.from, last.to - to];
    const full = before > 0 && after > 0 && this.#holes.length >= MOST_HOLES; // then the smaller part is forgotten
    if (before > 0 && !(full && before < after)) rest.push({ from: hole.from, to: from });
    if (after > 0 && !(full && before >= after)) rest.push({ from: to, to: last.to });
    this.#holes.splice(first, next - first, ...rest);
  }

  /** Whether all of `[from, to)` is known to hold nothing. */
  covers(from: number, to: number): boolean {
    const hole = this.#holes[this.#firstEndingAt(from + 1)];
    return hole !== undefined && hole.from <= from && to <= hole.to;
  }

  /** What is known of the block at `position`, and for how many of the next `length` bytes it holds. */
  at(position: number, length: number): Provisioning {
    const hole = this.#holes[this.#firstEndingAt(position + 1)];
    const end = position + length;
    if (hole === undefined) return { allocated: true, length };
    if (hole.from > position) return { allocated: true, length: Math.min(hole.from, end) - position };
    return { allocated: false, length: Math.min(hole.to, end) - position };
  }

  /** Index of the first hole that ends at `position` or later. */
  #firstEndingAt(position: number): number {
    let low = 0;
    let high = this.#holes.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#holes[middle]?.to ?? 0) < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** How long one run of the helper may take, in milliseconds. */
const PATIENCE = 30_000;
/** One helper at a time, whatever the number of files: to start one takes a millisecond in which nothing else runs. */
let lastRun: Promise<unknown> = Promise.resolve();

/**
 * Gives the room of `length` bytes from `offset` back to the file system; they read as zeros then, and the size of the
 * file stays. Node.js has no fallocate(2): `fallocate` of util-linux does it, on the very file that is open as `fd`.
 *
 * @returns False when it was not done: there is no such program, or the file system cannot. Then nothing has changed,
 *   or some of the range reads as zeros already.
 */
export function punchHole(fd: number, offset: number, length: number): Promise<boolean> {
  // One that cannot be started spoils no later one.
  const run = lastRun.then(() => runHelper(fd, offset, length)).catch(() => false);
  lastRun = run;
  return run;
}

function runHelper(fd: number, offset: number, length: number): Promise<boolean> {
  if (process.platform !== 'linux') return Promise.resolve(false);
  return new Promise((resolve) => {
    const options = ['--punch-hole', '--offset', String(offset), '--length', String(length)];
    const helper = spawn('fallocate', [...options, '/proc/self/fd/3'], {
      stdio: ['ignore', 'ignore', 'ignore', fd],
      timeout: PATIENCE,
      killSignal: 'SIGKILL',
    });
    helper.once('error', () => resolve(false));
    helper.once('exit', (code) => resolve(code === 0));
  });
}
