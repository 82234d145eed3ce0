import type { MessagePort } from 'node:worker_threads';
import type { CallName } from './calls.ts';
import type { MemoryMessage } from './memory.ts';

/** A call that the thread is asked for. */
export interface CallMessage {
  readonly call: CallName;
  readonly given: readonly unknown[];
}

/** What the caller sends besides what stands in the channel. */
export type Message = MemoryMessage | CallMessage;

/** What the thread is started with. */
export interface ThreadData {
  /** The memory of the channel. */
  readonly shared: SharedArrayBuffer;
  /** Read by both ends when there is something to be read. */
  readonly port: MessagePort;
}
