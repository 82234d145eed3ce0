import type { InitiatorTask } from '../initiator/initiator-task.ts';
import { blocksOf, effectOf } from '../scsi/command-effect.ts';
import type { OnLoss } from '../scsi/scsi-task.ts';
import type { WriteLog } from '../scsi/write-log.ts';

/** How often one command is sent anew before it may be what the session is lost by. */
export const MOST_REPEATS = 10;

/** What is known of a command that lost its session. */
export interface LostCommand {
  readonly task: InitiatorTask;
  /** Whether the target may have seen it. */
  readonly sent: boolean;
  /** What was written over its port. */
  readonly writes: WriteLog;
}

/**
 * Whether a command that lost its session is kept, to be sent when the session is back; else it fails. The table of it
 * is in docs/recovery.md.
 *
 * @param usual What the session does where the command says nothing.
 * @param unsent Places in the log of the writes that were never sent.
 */
export function isKept({ task, sent, writes }: LostCommand, usual: OnLoss, unsent: ReadonlySet<number>): boolean {
  const wish = task.onLoss ?? usual;
  if (wish === 'fail') return false;
  if (!sent) return true;
  return wish === 'retry' && task.repeats < MOST_REPEATS && isRepeatable(task, writes, unsent);
}

/**
 * Whether carrying it out twice is as good as once. A write is, for as long as nothing else was written to its blocks
 * since it was first sent: otherwise the repetition could undo what came later.
 */
function isRepeatable(task: InitiatorTask, writes: WriteLog, unsent: ReadonlySet<number>): boolean {
  if (!task.repeatable) return false;
  if (effectOf(task.cdb) === 'none') return true;
  if (task.writeOrder === 0) return false;
  const { from, to } = blocksOf(task.cdb);
  return !writes.writtenSince(task.writeOrder, from, to, unsent);
}
