import type { Crc32c } from '../bytes/crc32c.ts';
import type { LoginConfig } from './login-run.ts';

/** What is fixed for a connection before it starts. */
export interface ConnectionConfig {
  readonly login: LoginConfig;
  /** Connection ID, unique within the session (RFC 7143 §11.12.7). Default 0. */
  readonly cid?: number;
  /** Milliseconds for the whole login. */
  readonly loginTimeout: number;
  /** Milliseconds of silence after which the target is pinged; 0 for never. */
  readonly keepaliveInterval: number;
  /** Milliseconds that the answer to a ping may take. */
  readonly keepaliveTimeout: number;
  readonly payloadCrc32c?: Crc32c;
}
