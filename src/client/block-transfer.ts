import { IscsiError } from '../errors.ts';
import type { InitiatorTask } from '../initiator/initiator-task.ts';
import { now } from '../node/clock.ts';
import { writeReadCdb, writeWriteCdb } from '../scsi/fast.ts';
import type { Lun } from '../scsi/lun.ts';
import { parseSense } from '../scsi/sense.ts';
import { ScsiStatusError } from '../scsi/status-error.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import { aborted, onAbort } from './abort.ts';
import { obstacleOf, Retries } from './commands.ts';
import type { CommandOptions } from './options.ts';
import type { Session } from './session.ts';

/** How many commands one long transfer keeps under way. */
const QUEUE_DEPTH = 8;

/** The geometry and the identity check of a logical unit, as transfers need them. */
export interface TransferUnit {
  readonly session: Session;
  readonly lun: Lun;
  readonly blockSize: number;
  /** Blocks that one READ or WRITE may move. */
  readonly maxTransferBlocks: number;
  /** Set while it is in doubt which logical unit answers: nothing may be sent before it resolves. Rejects when it is another one. */
  readonly inDoubt: Promise<void> | undefined;
  /** Makes sure that it is still the same logical unit, or throws. */
  verifyIdentity(): Promise<void>;
}

/** Options of one transfer. */
export interface TransferOptions extends CommandOptions {
  /** Writes: the status comes only when the data is on stable storage (FUA). */
  readonly forceUnitAccess?: boolean;
}

/**
 * Moves whole blocks with one READ or WRITE. Hot path: one promise, one closure, the task; no timer.
 * @param onSettled Called once, when nothing of it is under way any more.
 * @returns `value`, once the command has ended well.
 */
export function moveBlocks<T>(
  unit: TransferUnit,
  write: boolean,
  buffer: Uint8Array,
  address: number,
  options: TransferOptions,
  value: T,
  onSettled?: () => void,
): Promise<T> {
  const { inDoubt } = unit;
  if (inDoubt !== undefined) {
    const moved = inDoubt.then(() => moveBlocks(unit, write, buffer, address, options, value));
    return onSettled === undefined ? moved : moved.finally(onSettled);
  }
  return new Promise((resolve, reject) => {
    const { signal } = options;
    if (signal?.aborted) {
      onSettled?.();
      reject(aborted(signal.reason));
      return;
    }
    const { core } = unit.session;
    const task = core.newTask();
    fill(task, unit, write, buffer, address, options);
    let stop: (() => void) | undefined;
    task.settle = (settled, error) => {
      stop?.();
      if (error === undefined && (settled.status !== SCSI_STATUS.GOOD || settled.residualCount !== 0)) {
        const again = afterRefusal(unit, write, buffer, address, options, value, task);
        resolve(onSettled === undefined ? again : again.finally(onSettled));
        return;
      }
      onSettled?.();
      if (error === undefined) resolve(value);
      else reject(error);
    };
    core.submit(task);
    if (signal !== undefined && task.phase !== 'idle') stop = onAbort(core, task, signal);
  });
}

/**
 * Moves whole blocks with as many commands as it takes, several at once. When one fails, no further ones are sent and the error is the first
 * that came; by then none is under way any more.
 */
export async function moveManyBlocks(
  unit: TransferUnit,
  write: boolean,
  buffer: Uint8Array,
  address: number,
  options: TransferOptions,
): Promise<void> {
  const step = unit.maxTransferBlocks * unit.blockSize;
  let next = 0;
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < buffer.length && failure === undefined) {
      const at = next;
      next += step;
      const piece = buffer.subarray(at, Math.min(buffer.length, at + step));
      try {
        await moveBlocks(unit, write, piece, address + at / unit.blockSize, options, undefined);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  const workers = Array.from({ length: Math.min(QUEUE_DEPTH, Math.ceil(buffer.length / step)) }, worker);
  await Promise.all(workers);
  if (failure !== undefined) throw (failure as { readonly error: unknown }).error;
}

function fill(
  task: InitiatorTask,
  unit: TransferUnit,
  write: boolean,
  buffer: Uint8Array,
  address: number,
  options: TransferOptions,
): void {
  const blocks = buffer.length / unit.blockSize;
  task.lunHigh = unit.lun.high;
  task.lunLow = unit.lun.low;
  task.timeout = options.timeout ?? unit.session.timeout;
  if (write) {
    writeWriteCdb(task.cdb, 0, address, blocks, options.forceUnitAccess);
    task.dataOut = buffer;
  } else {
    writeReadCdb(task.cdb, 0, address, blocks, options.forceUnitAccess);
    task.dataIn = buffer;
  }
}

/**
 * A command that ended otherwise than well: sent again when it was refused before it did anything, else its error.
 * Reading the task is done before the first pause: afterwards it serves another command.
 */
function afterRefusal<T>(
  unit: TransferUnit,
  write: boolean,
  buffer: Uint8Array,
  address: number,
  options: TransferOptions,
  value: T,
  task: InitiatorTask,
): Promise<T> {
  const { status, residual, residualCount } = task;
  const name = commandNameOf(write, task);
  if (status === SCSI_STATUS.GOOD) {
    return Promise.reject(
      new IscsiError(
        'ISCSI_SHORT_TRANSFER',
        `${name} ended with GOOD, but ${residualCount} bytes (${residual}) were not moved`,
      ),
    );
  }
  const sense = task.sense === undefined ? undefined : parseSense(task.sense);
  const failure = new ScsiStatusError(name, { status, sense });
  const obstacle = obstacleOf(status, sense);
  if (obstacle === undefined) return Promise.reject(failure);
  const retries = retriesOf(options, task.deadline - now());
  return retries.again(obstacle, options.signal).then(async (again) => {
    if (!again) throw failure;
    if (obstacle === 'identity') await unit.verifyIdentity();
    return moveBlocks(
      unit,
      write,
      buffer,
      address,
      { ...options, timeout: retries.remaining, [RETRIES]: retries } as TransferOptions,
      value,
    );
  });
}

/** Carries the count of retries from one attempt to the next, unseen by callers. */
const RETRIES = Symbol('retries');

function retriesOf(options: TransferOptions & { readonly [RETRIES]?: Retries }, left: number): Retries {
  return options[RETRIES] ?? new Retries(left);
}

function commandNameOf(write: boolean, task: InitiatorTask): string {
  const long = task.cdb.getUint8(0) >= 0x80;
  return `${write ? 'WRITE' : 'READ'}_${long ? 16 : 10}`;
}
