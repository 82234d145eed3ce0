import { IscsiError } from '../errors.ts';
import { parseChapFile } from '../login/chap-file.ts';
import type { ChapOptions } from '../login/chap-options.ts';
import { readPrivateFile } from '../node/private-file.ts';

/**
 * The name and password of an initiator, and of its target where they are there, from a file that nobody but its owner
 * can read (mode 600): lines `user = ...`, `password = ...`, `target_user = ...`, `target_password = ...`. Sections,
 * which such a file has for a target, are passed over.
 *
 * @throws {IscsiError} `ISCSI_CHAP_FILE` when it cannot be read or understood, others can read it, or it has no user.
 *   What stands in it is not in the message.
 * @example
 * const error: unknown = await readChapFile('/nowhere/chap').catch((reason: unknown) => reason);
 * error instanceof IscsiError && error.code; // 'ISCSI_CHAP_FILE'
 */
export async function readChapFile(path: string): Promise<ChapOptions> {
  const { common } = parseChapFile(await readPrivateFile(path), path);
  if (common !== undefined) return common;
  throw new IscsiError('ISCSI_CHAP_FILE', `Cannot take credentials from ${path}: it has no user before its sections`, {
    hint: 'begin the file with the lines user = ... and password = ...',
  });
}
