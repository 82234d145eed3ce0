/** The destinations of `iscsi-dd`. A copy that fails leaves nothing that looks like a whole one. */
import type { Stats } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import type { Destination } from './copy-engine.ts';
import type { ClosableDevice } from './copy-source.ts';
import { EXIT, ToolError, usageError } from './exit.ts';
import { folderHint, saying, systemError } from './file-error.ts';
import { fileIdentity } from './same-place.ts';
import { formatSize } from './size.ts';

/** A destination that must be finished or abandoned. */
export interface OpenDestination extends Destination {
  /** Bytes from position 0 to the end, undefined where there is no end. */
  readonly capacity: number | undefined;
  /** Everything is written: makes it safe on its medium, and a file visible under its name. Closes. */
  finish(): Promise<void>;
  /** The copy failed: keeps what is good, closes, and says in a few words what is left where. Never rejects. */
  abandon(contiguous: number): Promise<string | undefined>;
}

/** A logical unit as destination, written from byte `seek` on. */
export function lunDestination(lun: ClosableDevice, seek: number): OpenDestination {
  let touched = false;
  return {
    sequential: false,
    blockSize: lun.blockSize,
    capacity: lun.size,
    async write(buffer, position, signal) {
      if (position + buffer.length > lun.size) {
        throw new ToolError(`The source is longer than the ${formatSize(lun.size)} of the logical unit`, {
          code: 'DOES_NOT_FIT',
          exitCode: EXIT.FAILED,
          hint: 'use --count to copy only as much as fits',
        });
      }
      touched = true;
      await lun.write(buffer, { position, signal });
    },
    async finish() {
      await lun.flush();
      await lun.close();
    },
    async abandon(contiguous) {
      await lun.close().catch(() => undefined);
      return touched ? overwritten('the logical unit', seek, contiguous) : undefined;
    },
  };
}

/**
 * A file as destination. It is written as `<name>.partial`, and gets its name when it is complete and on the medium; a
 * file of that name stays untouched until then. An existing file with `seek` above 0, and a device, are written in
 * place.
 *
 * @param source Identity of the file that is the source: it may have the name under which the copy is to be written.
 */
export async function fileDestination(
  path: string,
  seek: number,
  source: string | undefined,
): Promise<OpenDestination> {
  const existing = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw systemError(`Cannot open ${path}`, error);
  });
  if (existing?.isDirectory()) {
    throw new ToolError(`Cannot write to ${path}: it is a directory`, {
      code: 'EISDIR',
      exitCode: EXIT.FAILED,
      hint: 'name a file in it',
    });
  }
  if (existing && !existing.isFile() && !existing.isBlockDevice()) {
    const file = await saying(`Cannot open ${path}`, open(path, 'w'));
    return streamDestination(file.createWriteStream(), path, { end: true });
  }
  const inPlace = existing !== undefined && (seek > 0 || !existing.isFile());
  if (inPlace) return inPlaceDestination(path, seek);
  // Through a symbolic link the file behind it is replaced, not the link.
  const final = existing ? await realpath(path) : path;
  if (source !== undefined && source === fileIdentity(partialOf(final))) {
    throw usageError(
      `${partialOf(final)} is the source, and the name under which ${path} is written until it is complete`,
      'give one of both another name',
    );
  }
  return replacingDestination(final, seek, existing);
}

/** The name of a file that is not complete yet. */
function partialOf(path: string): string {
  return `${path}.partial`;
}

/** What a failed copy has left of something that was written in place; `contiguous` bytes from `seek` on are new. */
function overwritten(title: string, seek: number, contiguous: number): string {
  if (contiguous === 0) return `${title} may be partly overwritten`;
  return `${title} is partly overwritten (${formatSize(contiguous)} from ${seek === 0 ? 'the start' : `byte ${seek}`} on)`;
}

async function inPlaceDestination(path: string, seek: number): Promise<OpenDestination> {
  const file = await saying(`Cannot open ${path}`, open(path, 'r+'));
  const doing = `Cannot write to ${path}`;
  let touched = false;
  return {
    ...RANDOM_ACCESS,
    write(buffer, position) {
      touched = true;
      return saying(doing, writeFully(file, buffer, position));
    },
    async finish() {
      await saying(doing, file.sync());
      await file.close();
    },
    async abandon(contiguous) {
      await file.close().catch(() => undefined);
      return touched ? overwritten(path, seek, contiguous) : undefined;
    },
  };
}

async function replacingDestination(
  final: string,
  seek: number,
  existing: Stats | undefined,
): Promise<OpenDestination> {
  const partial = partialOf(final);
  const file = await saying(`Cannot open ${partial}`, open(partial, 'w', existing?.mode), () => folderHint(partial));
  const doing = `Cannot write to ${partial}`;
  return {
    ...RANDOM_ACCESS,
    write: (buffer, position) => saying(doing, writeFully(file, buffer, position)),
    async finish() {
      await saying(doing, file.sync());
      await file.close();
      await saying(`Cannot rename ${partial} to ${final}`, rename(partial, final));
      await syncDirectory(dirname(resolve(final)));
    },
    async abandon(contiguous) {
      try {
        if (contiguous === 0) {
          await rm(partial); // there is nothing in it
          return undefined;
        }
        // Behind the first gap nothing can be trusted.
        await file.truncate(seek + contiguous);
        await file.sync();
        return `the first ${formatSize(contiguous)} are kept in ${partial}`;
      } catch {
        return `what was written is kept in ${partial}, with gaps`;
      } finally {
        await file.close().catch(() => undefined);
      }
    },
  };
}

const RANDOM_ACCESS = { sequential: false, blockSize: 1, capacity: undefined } as const;

async function writeFully(file: FileHandle, buffer: Uint8Array, position: number): Promise<void> {
  let at = 0;
  while (at < buffer.length) {
    const { bytesWritten } = await file.write(buffer, at, buffer.length - at, position + at);
    at += bytesWritten;
  }
}

/**
 * Makes the new name survive a power loss. File systems that cannot do so say that they cannot, which is no reason to
 * fail.
 */
async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r').catch(() => undefined);
  await directory?.sync().catch(() => undefined);
  await directory?.close();
}

/** A stream, such as standard output, as destination; `end` says whether it ends with the copy. */
export function streamDestination(
  stream: Writable,
  title: string,
  { end = false }: { readonly end?: boolean } = {},
): OpenDestination {
  const doing = `Cannot write to ${title}`;
  let failure: unknown;
  stream.on('error', (error) => {
    failure ??= error;
  });
  const write = (buffer: Uint8Array): Promise<void> =>
    new Promise((done, fail) => {
      if (failure !== undefined) fail(failure);
      else stream.write(buffer, (error) => (error ? fail(error) : done()));
    });
  return {
    sequential: true,
    blockSize: 1,
    capacity: undefined,
    write: (buffer) => saying(doing, write(buffer)),
    async finish() {
      if (end) await saying(doing, new Promise<void>((done) => stream.end(done)));
      if (failure !== undefined) throw systemError(doing, failure);
    },
    async abandon(contiguous) {
      if (end) stream.destroy();
      return contiguous === 0 ? undefined : `${formatSize(contiguous)} were written to ${title}`;
    },
  };
}
