import type { IscsiError } from '../errors.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';

/** What a request other than a SCSI command gets back. */
export interface ExchangeAnswer {
  /** The Response field of a Task Management Function or Logout Response. */
  readonly response?: number;
  /** The echoed ping data, or the joined text. Owned by the receiver. */
  readonly data?: Uint8Array;
}

/** A NOP, text, task management or logout request that waits for its answer. All are sent as immediate requests. */
export class Exchange {
  readonly kind: 'nop' | 'text' | 'taskManagement' | 'logout';
  initiatorTaskTag = RESERVED_TAG;
  deadline = Number.POSITIVE_INFINITY;
  /** Text collected so far over several Text Responses. */
  collected: Uint8Array[] = [];
  collectedLength = 0;
  /** Called exactly once. */
  readonly settle: (error: IscsiError | undefined, answer: ExchangeAnswer) => void;

  constructor(kind: Exchange['kind'], settle: Exchange['settle']) {
    this.kind = kind;
    this.settle = settle;
  }
}
