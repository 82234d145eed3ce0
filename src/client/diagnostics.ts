import { channel } from 'node:diagnostics_channel';
import type { IscsiError } from '../errors.ts';
import type { CommandKind } from '../initiator/counters.ts';
import type { Lun } from '../scsi/lun.ts';

/**
 * The names of the channels of `node:diagnostics_channel` on which sessions tell what they do. Messages are made only
 * while somebody has subscribed.
 *
 * @example
 * const { subscribe } = await import('node:diagnostics_channel');
 * const seen: unknown[] = [];
 * subscribe(DIAGNOSTICS_CHANNELS.sessionState, (message) => seen.push((message as SessionStateMessage).state));
 * await (await openSession('iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk')).close();
 * seen; // ['connecting', 'open', 'closed']
 */
export const DIAGNOSTICS_CHANNELS = {
  /** {@link SessionStateMessage} */
  sessionState: 'tsiscsi:session:state',
  /** {@link CommandStartMessage} */
  commandStart: 'tsiscsi:command:start',
  /** {@link CommandEndMessage} */
  commandEnd: 'tsiscsi:command:end',
  /** {@link PduMessage} */
  pduSent: 'tsiscsi:pdu:sent',
  /** {@link PduMessage} */
  pduReceived: 'tsiscsi:pdu:received',
} as const;

/**
 * What a session has come to. `connecting`: a portal is tried. `redirected`: the target sends the login elsewhere.
 * `failed`: it could not be had. `open`: logged in. `lost`: it ended because of `error`. `reconnecting`: an attempt to
 * get it back is about to be made. `reconnected`: it is back, and its logical units are known. `givenUp`: it does not
 * come back. `closed`: it ended as its owner wanted.
 */
export type SessionCondition =
  | 'connecting'
  | 'redirected'
  | 'failed'
  | 'open'
  | 'lost'
  | 'reconnecting'
  | 'reconnected'
  | 'givenUp'
  | 'closed';

/** A session has changed. */
export interface SessionStateMessage {
  /** Counts the sessions of this process, from 1. One that comes back after a loss keeps its number. */
  readonly sessionId: number;
  /** What it has come to. */
  readonly state: SessionCondition;
  /** Undefined in discovery. */
  readonly targetName: string | undefined;
  /** `host:port`. */
  readonly targetPortal: string;
  /** Why, for `failed`, `lost`, `reconnecting` and `givenUp`. */
  readonly error: IscsiError | undefined;
}

/** A command was submitted. */
export interface CommandStartMessage {
  /** That of its session: see {@link SessionStateMessage}. */
  readonly sessionId: number;
  /** With `sessionId`, the same at its end; used again afterwards. */
  readonly initiatorTaskTag: number;
  /** The logical unit that it goes to. */
  readonly lun: Lun;
  /** The CDB, at least 16 bytes, zero-padded; a copy. */
  readonly cdb: Uint8Array;
  /** What it is counted as. */
  readonly kind: CommandKind;
  /** Bytes to be read. */
  readonly dataInLength: number;
  /** Bytes to be written. */
  readonly dataOutLength: number;
}

/** A command has settled. */
export interface CommandEndMessage extends CommandStartMessage {
  /** The SCSI status; undefined when there is none, and `error` says why. */
  readonly status: number | undefined;
  /** Why there is no status. */
  readonly error: IscsiError | undefined;
  /** Bytes that were moved, either way. */
  readonly bytes: number;
  /** Microseconds from being submitted. */
  readonly duration: number;
}

/** A PDU was written, or has come whole: its header. Data is not in it. */
export interface PduMessage {
  /** That of its session: see {@link SessionStateMessage}. */
  readonly sessionId: number;
  /** Its opcode: see RFC 7143 §11.2.1.2. */
  readonly opcode: number;
  /** Its name, such as `SCSI Command`. */
  readonly name: string;
  /** The task that it belongs to; ffffffffh for none. */
  readonly initiatorTaskTag: number;
  /** Bytes of its data segment. */
  readonly dataSegmentLength: number;
  /** The 48 bytes of the Basic Header Segment; a copy. */
  readonly header: Uint8Array;
}

/** @internal The channels themselves. */
export const CHANNELS = {
  sessionState: channel(DIAGNOSTICS_CHANNELS.sessionState),
  commandStart: channel(DIAGNOSTICS_CHANNELS.commandStart),
  commandEnd: channel(DIAGNOSTICS_CHANNELS.commandEnd),
  pduSent: channel(DIAGNOSTICS_CHANNELS.pduSent),
  pduReceived: channel(DIAGNOSTICS_CHANNELS.pduReceived),
};
