import { now } from '../node/clock.ts';
import { type ConnectOptions, DEFAULT_CONNECT_TIMEOUT } from './options.ts';

/** The moment until which connecting may take, and the signal that ends it earlier. */
export interface ConnectLimit {
  readonly deadline: number;
  readonly signal: AbortSignal | undefined;
  /** Milliseconds from its beginning to the deadline, for the message when they are over. Default: `connectTimeout`. */
  readonly allowed?: number;
}

/** When connecting that begins now has to be over. */
export function connectLimit(options: ConnectOptions): ConnectLimit {
  return { deadline: now() + (options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT), signal: options.signal };
}
