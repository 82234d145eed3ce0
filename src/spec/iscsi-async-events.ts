/** Events of an Asynchronous Message (RFC 7143 §11.9.1). */

import { byCode, type CodeText } from './iscsi-text.ts';

/** The AsyncEvent field. From 248 to 255 the vendor decides. */
export const ASYNC_EVENTS = {
  SCSI_EVENT: 0,
  LOGOUT_REQUEST: 1,
  CONNECTION_DROP: 2,
  SESSION_DROP: 3,
  NEGOTIATION_REQUEST: 4,
  TASK_TERMINATION: 5,
} as const;

/** The first AsyncEvent that is the vendor's. */
export const FIRST_VENDOR_ASYNC_EVENT = 248;

const TEXT = {
  SCSI_EVENT: { name: 'SCSI Async Event', text: 'sense data reports a SCSI event of the logical unit' },
  LOGOUT_REQUEST: { name: 'Logout Request', text: 'the target asks for a logout within Parameter3 seconds' },
  CONNECTION_DROP: {
    name: 'Connection Drop Notification',
    text: 'the target drops connection Parameter1; wait Parameter2 seconds, reassign within Parameter3 seconds',
  },
  SESSION_DROP: {
    name: 'Session Drop Notification',
    text: 'the target drops all connections; wait Parameter2 seconds, reassign within Parameter3 seconds',
  },
  NEGOTIATION_REQUEST: {
    name: 'Negotiation Request',
    text: 'the target asks for a Text Request within Parameter3 seconds',
  },
  TASK_TERMINATION: { name: 'Task Termination', text: 'all tasks of the logical unit are being terminated' },
} as const satisfies Record<keyof typeof ASYNC_EVENTS, CodeText>;

const find = byCode(ASYNC_EVENTS, TEXT);

/** Words for an asynchronous event. */
export function asyncEventText(event: number): CodeText {
  const known = find(event);
  if (known !== undefined) return known;
  return event >= FIRST_VENDOR_ASYNC_EVENT
    ? { name: `Vendor event ${event}`, text: "the event is the vendor's" }
    : { name: `Event ${event}`, text: 'the event is unassigned' };
}
