import type { TargetOptions } from './options.ts';
import { Target } from './target.ts';

/**
 * Makes an iSCSI target that serves RAM, files, or stores of your own. Nothing is opened before `listen()`.
 *
 * There is no access control: whoever reaches the address can read and write. It listens on the loopback interface
 * unless told otherwise.
 *
 * @throws {IscsiError} `ISCSI_USAGE` when there is nothing to serve, or an option is not known or out of its range.
 * @throws {RangeError} When a name is no iSCSI name.
 * @example
 * await using target = await createTarget({ luns: [{ memory: '64M' }] }).listen({ port: 0 });
 * await using lun = await connect(target.url());
 * lun.size; // 67108864
 */
export function createTarget(options: TargetOptions): Target {
  return new Target(options);
}
