import type { IscsiError } from '../errors.ts';
import type { TextAssembler } from '../pdu/text.ts';
import { RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import type { InitiatorConnection } from './connection.ts';

/** A request other than a SCSI command. */
export type ExchangeKind = 'nop' | 'text' | 'taskManagement' | 'logout';

/**
 * Where an exchange is on its way. `abandoned`: its caller was told that it is over, but its answer is still to come,
 * and is then dropped.
 */
export type ExchangePhase = 'queued' | 'sent' | 'abandoned' | 'settled';

/** What a request other than a SCSI command gets back. */
export interface ExchangeAnswer {
  /** The Response field of a Task Management Function or Logout Response. */
  readonly response?: number;
  /** The echoed ping data, or the joined text. Owned by the receiver. */
  readonly data?: Uint8Array;
}

/** What comes of an exchange. */
export type SettleExchange = (error: IscsiError | undefined, answer: ExchangeAnswer) => void;

/** What an exchange is about. */
export interface ExchangeRequest {
  readonly kind: ExchangeKind;
  /** Milliseconds of the monotonic clock until which it must be answered. */
  readonly deadline: number;
  /** Writes the request, when it is its turn. */
  readonly send: (connection: InitiatorConnection, exchange: Exchange) => void;
  /**
   * Asked when it is its turn. False: it is forgotten without being sent, and nobody is told. Default: it is wanted.
   */
  readonly isWanted?: () => boolean;
  /** Called with the answer, before `settle`; also when the caller has given up and is told nothing more. */
  readonly answered?: (answer: ExchangeAnswer) => void;
  /** Called exactly once, unless it was not wanted any more. */
  readonly settle: SettleExchange;
}

/**
 * A NOP, text, task management or logout request that waits for its turn or its answer. All are sent as immediate
 * requests.
 */
export class Exchange {
  readonly kind: ExchangeKind;
  readonly send: ExchangeRequest['send'];
  readonly answered: (answer: ExchangeAnswer) => void;
  readonly settle: SettleExchange;
  readonly isWanted: () => boolean;
  initiatorTaskTag = RESERVED_TAG;
  phase: ExchangePhase = 'queued';
  /** While `queued`: its place, kept by the queue. */
  queuedAt = 0;
  deadline: number;
  /** The connection that carries it: its answer comes there (RFC 7143 §4.2.5.1). */
  connection: InitiatorConnection | undefined = undefined;
  /** Text collected so far over several Text Responses. */
  collected: TextAssembler | undefined = undefined;

  constructor(request: ExchangeRequest) {
    this.kind = request.kind;
    this.send = request.send;
    this.answered = request.answered ?? nothing;
    this.settle = request.settle;
    this.isWanted = request.isWanted ?? wanted;
    this.deadline = request.deadline;
  }
}

function wanted(): boolean {
  return true;
}

function nothing(): void {
  // Only its caller wants to know.
}
