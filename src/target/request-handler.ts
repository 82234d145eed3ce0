import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import { sendReject } from './reject.ts';
import type { Sender } from './sender.ts';

/**
 * Takes one kind of PDU on one connection, and keeps what there is to keep between its steps. For each PDU `begin` is
 * called, then `take` for each piece of its data, then one of `end` and `discard`. What `begin` and `end` throw ends
 * the connection.
 */
export interface RequestHandler {
  /** The header is at `at`, AHS behind it; of the data nothing yet. */
  begin(view: DataView, at: number): void;
  /** A piece of the data segment: `bytes[from, to)`, gone when the call returns. */
  take(bytes: Uint8Array, from: number, to: number): void;
  /** The PDU is complete and right; its header is at `at` again. */
  end(view: DataView, at: number): void;
  /** The PDU is complete, but its data digest was wrong. */
  discard(view: DataView, at: number): void;
  /** The connection takes nothing more: gives back what a PDU under way has taken. */
  close(): void;
}

/** The handlers of a connection by opcode, 0 to 63. Every opcode has one. */
export type HandlerTable = readonly RequestHandler[];

/** How many opcodes there are (RFC 7143 §11.2.1.2). */
export const OPCODE_COUNT = 64;

/**
 * What most handlers in full feature phase have in common: no interest in data, and a Reject when it is damaged (RFC
 * 7143 §7.8).
 */
export abstract class FullFeatureHandler implements RequestHandler {
  protected readonly sender: Sender;

  constructor(sender: Sender) {
    this.sender = sender;
  }

  begin(_view: DataView, _at: number): void {
    // Nothing to be checked or noted.
  }

  take(_bytes: Uint8Array, _from: number, _to: number): void {
    // The data is dropped.
  }

  abstract end(view: DataView, at: number): void;

  discard(view: DataView, at: number): void {
    sendReject(this.sender, REJECT_REASONS.DATA_DIGEST_ERROR, view, at);
  }

  close(): void {
    // Nothing was taken.
  }
}
