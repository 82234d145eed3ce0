import { IscsiError } from '../errors.ts';
import type { InitiatorTask } from '../initiator/initiator-task.ts';
import type { InitiatorSession } from '../initiator/session.ts';
import type { HeldCommands } from '../recovery/held-commands.ts';
import type { Lun } from '../scsi/lun.ts';

/** What names a command for a task management function (RFC 7143 §11.5.5, §11.5.6). */
export interface TaskName {
  /** Its Initiator Task Tag. */
  readonly initiatorTaskTag: number;
  /** Undefined while the command waits, for the command window or for a lost session: the target does not know it. */
  readonly cmdSN: number | undefined;
  /** The logical unit that it was sent to. */
  readonly lun: Lun;
}

/** A command that has no status yet. */
export interface CommandUnderWay extends TaskName {
  /** The CDB, at least 16 bytes, zero-padded; a copy. */
  readonly cdb: Uint8Array;
  /**
   * The very buffer that the caller of the command gave, or the part of it that is moved; empty for none. It is still
   * in use.
   */
  readonly dataIn: Uint8Array;
  /** As `dataIn`. */
  readonly dataOut: Uint8Array;
}

/**
 * A snapshot of the commands of a session, in no order, with those that wait for it to come back. Costs nothing but
 * when it is asked for.
 */
export function commandsUnderWay(core: InitiatorSession, waiting?: HeldCommands): CommandUnderWay[] {
  const commands: CommandUnderWay[] = [];
  waiting?.tasks.forEach((task) => void commands.push(described(task, undefined)));
  core.tasks.forEach((entry) => {
    if (entry.kind !== 'scsi') return;
    const command = described(entry, entry.phase === 'queued' ? undefined : entry.cmdSN);
    carriers.set(command, core);
    commands.push(command);
  });
  return commands;
}

/** By which login's session each name was given. */
const carriers = new WeakMap<TaskName, InitiatorSession>();

/**
 * Tags begin anew with each login, and are used again: a name that has outlived its command must not end the command
 * that has its tag now. One whose tag nobody has is left to the target, which knows no such task; and what the caller
 * made up himself is his.
 *
 * @throws {IscsiError} `ISCSI_USAGE` for a name that is of another login, or of a command before.
 */
export function requireCurrent(core: InitiatorSession, name: TaskName): void {
  const carrier = carriers.get(name);
  if (carrier === undefined) return;
  let current = carrier === core;
  core.tasks.forEach((entry) => {
    if (entry.initiatorTaskTag !== name.initiatorTaskTag) return;
    current &&= entry.kind === 'scsi' && entry.phase !== 'queued' && entry.cmdSN === name.cmdSN;
  });
  if (current) return;
  throw new IscsiError(
    'ISCSI_USAGE',
    'Cannot name a task to the target by an old name: its tag may be of another one',
    {
      hint: 'ask session.commandsUnderWay() again: after a lost session above all',
    },
  );
}

function described(task: InitiatorTask, cmdSN: number | undefined): CommandUnderWay {
  return {
    initiatorTaskTag: task.initiatorTaskTag,
    cmdSN,
    lun: { high: task.lunHigh, low: task.lunLow },
    cdb: task.longCdb?.slice() ?? new Uint8Array(task.cdb.buffer.slice(0)),
    dataIn: task.dataIn,
    dataOut: task.dataOut,
  };
}
