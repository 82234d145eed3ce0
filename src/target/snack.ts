import { initiatorTaskTag } from '../pdu/bhs.ts';
import { checkSnack } from '../pdu/snack.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import { collect, fail } from './data-out.ts';
import { DATA_FAILURES } from './sense.ts';
import type { TargetConnection } from './target-connection.ts';
import type { TargetSession } from './target-session.ts';
import { PHASE } from './target-task.ts';

/** A SNACK Request has begun. */
export function beginSnack(_c: TargetConnection, _s: TargetSession, view: DataView, at: number): void {
  checkSnack(view, at);
}

/**
 * Nothing is kept for sending again at ErrorRecoveryLevel 0, so every SNACK is rejected. A task that is still waiting for data ends with that as
 * its reason (RFC 7143 §7.8); one that the device server has goes on, since its own status is yet to come.
 */
export function endSnack(c: TargetConnection, s: TargetSession, view: DataView, at: number): void {
  c.reject(REJECT_REASONS.SNACK_REJECT, view, at);
  const task = s.tasks.get(initiatorTaskTag(view, at));
  if (task?.phase !== PHASE.COLLECTING) return;
  fail(task, DATA_FAILURES.SNACK_REJECTED);
  collect(task);
}
