import type { SessionEvent } from '../initiator/session-host.ts';
import { parseSense, type Sense } from '../scsi/sense.ts';
import { asyncEventText } from '../spec/iscsi-async-events.ts';

/** What the target said unasked: an Asynchronous Message (RFC 7143 §11.9). */
export interface TargetEvent {
  /** AsyncEvent: one of `ASYNC_EVENTS`. */
  readonly asyncEvent: number;
  /** What happened, in words. */
  readonly text: string;
  /** AsyncVCode: details of a vendor-specific event. */
  readonly asyncVCode: number;
  /** Parameter1 to Parameter3, whose meaning depends on the event. */
  readonly parameters: readonly [number, number, number];
  /** Decoded sense data of a SCSI event, as `execute()` has it. */
  readonly sense: Sense | undefined;
}

/** The event as callers get it. */
export function targetEvent({ asyncEvent, asyncVCode, parameters, sense }: SessionEvent): TargetEvent {
  return {
    asyncEvent,
    text: asyncEventText(asyncEvent).text,
    asyncVCode,
    parameters,
    sense: sense === undefined ? undefined : parseSense(sense),
  };
}
