import { initiatorTaskTag } from '../pdu/bhs.ts';
import { checkSnack } from '../pdu/snack.ts';
import { REJECT_REASONS } from '../spec/iscsi-reject-reasons.ts';
import type { DataCollector } from './data-collector.ts';
import { sendReject } from './reject.ts';
import { FullFeatureHandler } from './request-handler.ts';
import type { Sender } from './sender.ts';
import { DATA_FAILURES } from './sense.ts';
import type { TargetSession } from './target-session.ts';
import { PHASE } from './task-state.ts';

/**
 * SNACK Request. Nothing is kept for sending again at ErrorRecoveryLevel 0, so every SNACK is rejected. A task that is
 * still waiting for data ends with that as its reason (RFC 7143 §7.8); one that the device server has goes on, since
 * its own status is yet to come.
 */
export class SnackHandler extends FullFeatureHandler {
  readonly #session: TargetSession;
  readonly #collector: DataCollector;

  constructor(sender: Sender, session: TargetSession, collector: DataCollector) {
    super(sender);
    this.#session = session;
    this.#collector = collector;
  }

  override begin(view: DataView, at: number): void {
    checkSnack(view, at);
  }

  end(view: DataView, at: number): void {
    sendReject(this.sender, REJECT_REASONS.SNACK_REJECT, view, at);
    const task = this.#session.tasks.get(initiatorTaskTag(view, at));
    if (task?.phase !== PHASE.COLLECTING) return;
    task.noteFailure(DATA_FAILURES.SNACK_REJECTED);
    this.#collector.collect(task);
  }
}
