import type { TargetOptions } from './options.ts';
import { Target } from './target.ts';

/**
 * Makes an iSCSI target that serves RAM, files, or stores of your own. Nothing is opened before `listen()`.
 *
 * Without `chap` and `initiators` there is no access control: whoever reaches the address can read and write. It
 * listens on the loopback interface unless told otherwise.
 *
 * @throws {IscsiError} `ISCSI_USAGE` when there is nothing to serve, or an option is not known or out of its range;
 *   `ISCSI_CHAP_SHORT_SECRET` and `ISCSI_CHAP_SAME_SECRET` for secrets that prove nothing.
 * @throws {RangeError} When a name is no iSCSI name.
 * @example
 * await using target = await createTarget({ luns: [{ memory: '64M' }] }).listen({ port: 0 });
 * await using lun = await connect(target.url());
 * lun.size; // 67108864
 *
 * @example
 * const chap = { user: 'backup', password: generateChapSecret() };
 * const initiators = [{ name: 'iqn.2026-11.dev.tsiscsi:initiator', chap, luns: [1] }];
 * const disks = [{ memory: '1M' }, { memory: '2M' }];
 * await using target = await createTarget({ luns: disks, initiators }).listen({ port: 0 });
 * await using lun = await connect(target.url(1), { chap });
 * [lun.size, target.sessions[0]?.user]; // [2097152, 'backup']
 */
export function createTarget(options: TargetOptions): Target {
  return new Target(options);
}
