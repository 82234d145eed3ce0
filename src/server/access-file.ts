import { IscsiError } from '../errors.ts';
import { parseChapFile } from '../login/chap-file.ts';
import { readPrivateFile } from '../node/private-file.ts';
import type { InitiatorDefinition } from './access-options.ts';
import type { TargetOptions } from './options.ts';

/**
 * Who may use a target, from a file that nobody but its owner can read (mode 600), for `createTarget()`. It begins with
 * what every initiator has to prove, or has a section for each initiator that may log in, or both; docs/tools.md shows
 * one. A file that would let everybody in is refused.
 *
 * @throws {IscsiError} `ISCSI_CHAP_FILE` when it cannot be read or understood, or others can read it. What stands in it
 *   is not in the message.
 * @example
 * const error: unknown = await readAccessFile('/nowhere/chap').catch((reason: unknown) => reason);
 * error instanceof IscsiError && error.code; // 'ISCSI_CHAP_FILE'
 */
export async function readAccessFile(
  path: string,
): Promise<Pick<TargetOptions, 'chap' | 'initiators' | 'discoveryChap'>> {
  const { common, discovery, initiators } = parseChapFile(await readPrivateFile(path), path);
  if (common === undefined && initiators.length === 0)
    throw new IscsiError('ISCSI_CHAP_FILE', `Cannot take credentials from ${path}: it says of nobody who may log in`, {
      hint: 'give it the lines user = ... and password = ..., or a section for each initiator',
    });
  const listed = initiators.map(
    ({ name, chap, luns }): InitiatorDefinition => ({
      name,
      ...(chap === undefined ? {} : { chap }),
      ...(luns === undefined ? {} : { luns }),
    }),
  );
  return {
    ...(common === undefined ? {} : { chap: common }),
    ...(listed.length === 0 ? {} : { initiators: listed }),
    ...(discovery === undefined ? {} : { discoveryChap: discovery }),
  };
}
