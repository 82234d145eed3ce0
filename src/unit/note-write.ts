import { blocksOf, effectOf, isStable } from '../scsi/command-effect.ts';
import type { ScsiPort } from '../scsi/port.ts';
import type { ScsiTask } from '../scsi/scsi-task.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';

/** A command is about to be submitted: if it writes, and its port keeps a log, it is noted there. */
export function noteWrite({ writes }: ScsiPort, task: ScsiTask): void {
  if (writes === undefined) return;
  const effect = effectOf(task.cdb);
  if (effect === 'none' || effect === 'state') return;
  const { from, to } = blocksOf(task.cdb);
  task.writeOrder = writes.note(from, to);
}

/** A command has ended: a write that was acknowledged waits for the next flush, unless it is stable already. */
export function noteOutcome({ writes }: ScsiPort, task: ScsiTask): void {
  if (writes === undefined || task.writeOrder === 0 || task.status !== SCSI_STATUS.GOOD) return;
  if (!isStable(task.cdb)) writes.acknowledged++;
}
