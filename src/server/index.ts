/** The embedded target: an iSCSI target in this process. */
export type { DataLender } from '../bytes/data-source.ts';
export type { BlockStore, Provisioning } from '../device/store.ts';
export type { ChapAlgorithm } from '../login/chap-algorithms.ts';
export type { ChapLogin, ChapOptions } from '../login/chap-options.ts';
export { CaptureFile, type CaptureFileOptions } from '../node/capture-file.ts';
export { generateChapSecret } from '../node/chap-secret.ts';
export { DEFAULT_LIMITS, type TargetLimits } from '../target/limits.ts';
export type { PortalAddress } from '../target/portal-address.ts';
export { readAccessFile } from './access-file.ts';
export type { AccessOptions, InitiatorDefinition } from './access-options.ts';
export { createTarget } from './create-target.ts';
export {
  type AnnouncedPortal,
  DEFAULT_TARGET_NAME,
  type DigestChoice,
  type FileLun,
  type LunDefinition,
  type LunOptions,
  type MemoryLun,
  type OwnLun,
  type SharedLun,
  type StoreLun,
  type TargetOptions,
  type TargetParameters,
  type TargetSpec,
} from './options.ts';
export type { ListenOptions, SessionInfo, Target } from './target.ts';
