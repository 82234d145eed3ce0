import { IscsiError } from '../errors.ts';
import { commandName } from '../scsi/cdb.ts';
import { writeReadCdb, writeWriteCdb } from '../scsi/fast.ts';
import type { ScsiPort } from '../scsi/port.ts';
import type { ScsiRequest, ScsiResult } from '../scsi/request.ts';
import type { ScsiTask } from '../scsi/scsi-task.ts';
import { scsiStatusError } from '../scsi/status-error.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import { aborted, whenAborted } from './abort.ts';
import { command, type IdentityGuard } from './attempts.ts';
import { resultOf } from './execute.ts';
import type { PositionOptions } from './options.ts';
import { SentInPart } from './sent-in-part.ts';
import type { WriteGate } from './write-gate.ts';

/** How many commands one long transfer keeps under way. */
const QUEUE_DEPTH = 8;

/** The geometry and the identity check of a logical unit, as transfers need them. */
export interface TransferUnit extends IdentityGuard {
  readonly port: ScsiPort;
  readonly blockSize: number;
  /** Blocks that one READ or WRITE may move. */
  readonly maxTransferBlocks: number;
  readonly gate: WriteGate;
}

/**
 * What a transfer does. `gatedWrite`: a write that has entered the unit's gate, and leaves it when nothing of it is
 * under way any more.
 */
export type TransferKind = 'read' | 'write' | 'gatedWrite';

/**
 * Moves whole blocks with one READ or WRITE. Hot path: one promise, one closure, the task; no timer.
 * @param options `position` is a multiple of the block size.
 * @returns `value`, once the command has ended well.
 */
export function moveBlocks<T>(
  unit: TransferUnit,
  kind: TransferKind,
  buffer: Uint8Array,
  options: PositionOptions,
  value: T,
): Promise<T> {
  const { inDoubt } = unit;
  if (inDoubt !== undefined) return moveWhenCertain(unit, inDoubt, kind, buffer, options).then(() => value);
  return new Promise((resolve, reject) => {
    const { port } = unit;
    const { signal } = options;
    if (signal?.aborted) {
      if (kind === 'gatedWrite') unit.gate.leave();
      reject(aborted(signal.reason));
      return;
    }
    const task = port.newTask();
    fill(task, unit, kind, buffer, options);
    const stop = signal === undefined ? undefined : whenAborted(signal, () => port.abort(task, aborted(signal.reason)));
    task.settle = (settled, error) => {
      if (stop !== undefined) stop();
      if (error === undefined && (settled.status !== SCSI_STATUS.GOOD || settled.residualCount !== 0)) {
        resolve(afterRefusal(unit, kind, settled, options).then(() => value));
        return;
      }
      if (kind === 'gatedWrite') unit.gate.leave();
      if (error === undefined) resolve(value);
      else reject(error);
    };
    port.submit(task);
  });
}

/**
 * Moves whole blocks with as many commands as it takes, several at once. When one fails, no further ones are sent and
 * the error is the first that came; by then none is under way any more. It says that nothing was sent only when none of
 * them was.
 */
export async function moveManyBlocks(
  unit: TransferUnit,
  kind: 'read' | 'write',
  buffer: Uint8Array,
  options: PositionOptions,
): Promise<void> {
  const step = unit.maxTransferBlocks * unit.blockSize;
  let next = 0;
  const whole = new SentInPart();
  let failure: { readonly error: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (next < buffer.length && failure === undefined) {
      const at = next;
      next += step;
      const piece = buffer.subarray(at, Math.min(buffer.length, at + step));
      try {
        const there = { ...options, position: options.position + at };
        await whole.step(moveBlocks(unit, kind, piece, there, undefined));
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  const workers = Array.from({ length: Math.min(QUEUE_DEPTH, Math.ceil(buffer.length / step)) }, worker);
  await Promise.all(workers);
  if (failure !== undefined) throw whole.errorOf((failure as { readonly error: unknown }).error);
}

async function moveWhenCertain(
  unit: TransferUnit,
  inDoubt: Promise<void>,
  kind: TransferKind,
  buffer: Uint8Array,
  options: PositionOptions,
): Promise<void> {
  try {
    await inDoubt;
    await moveBlocks(unit, kind === 'read' ? 'read' : 'write', buffer, options, undefined);
  } finally {
    if (kind === 'gatedWrite') unit.gate.leave();
  }
}

function fill(
  task: ScsiTask,
  unit: TransferUnit,
  kind: TransferKind,
  buffer: Uint8Array,
  options: PositionOptions,
): void {
  const { blockSize } = unit;
  const address = options.position / blockSize;
  const blocks = buffer.length / blockSize;
  task.timeout = options.timeout ?? unit.port.timeout;
  if (kind === 'read') {
    writeReadCdb(task.cdb, 0, address, blocks, options.forceUnitAccess);
    task.dataIn = buffer;
  } else {
    writeWriteCdb(task.cdb, 0, address, blocks, options.forceUnitAccess);
    task.dataOut = buffer;
  }
}

/**
 * A command that ended otherwise than well: sent again when it was refused before it did anything, else its error.
 * What the task says is taken from it before the first pause: afterwards it serves another command.
 */
async function afterRefusal(
  unit: TransferUnit,
  kind: TransferKind,
  task: ScsiTask,
  { signal }: PositionOptions,
): Promise<void> {
  try {
    const request: ScsiRequest = {
      cdb: new Uint8Array(task.cdb.buffer.slice(0)),
      ...(kind === 'read' ? { dataIn: task.dataIn } : { dataOut: task.dataOut }),
      signal,
      timeout: Math.max(1, task.deadline - unit.port.clock.now()),
    };
    requireWhole(request.cdb, await command(unit.port, request, unit, resultOf(task)));
  } finally {
    if (kind === 'gatedWrite') unit.gate.leave();
  }
}

/** @throws {IscsiError} When a READ or WRITE was carried out, but not to its end. */
function requireWhole(cdb: Uint8Array, result: ScsiResult): void {
  if (result.status !== SCSI_STATUS.GOOD) throw scsiStatusError(cdb, result);
  const { kind, count } = result.residual;
  if (count === 0) return;
  throw new IscsiError(
    'ISCSI_SHORT_TRANSFER',
    `${commandName(cdb)} ended with GOOD, but ${count} bytes (${kind}) were not moved`,
  );
}
