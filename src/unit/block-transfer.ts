import { IscsiError } from '../errors.ts';
import { commandName } from '../scsi/cdb.ts';
import { writeReadCdb, writeWriteCdb } from '../scsi/fast.ts';
import type { ScsiPort } from '../scsi/port.ts';
import type { ScsiRequest, ScsiResult } from '../scsi/request.ts';
import type { ScsiTask } from '../scsi/scsi-task.ts';
import { scsiStatusError } from '../scsi/status-error.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import { aborted, whenAborted } from './abort.ts';
import { command, type IdentityGuard, untilCertain } from './attempts.ts';
import { callTime } from './call-time.ts';
import { failCall, joinCaller } from './caller-stack.ts';
import { errorOfRecalled, Recalled } from './doubt.ts';
import { resultOf } from './execute.ts';
import type { PositionOptions, TransferOptions } from './options.ts';
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
  if (unit.inDoubt !== undefined) return thenLeave(unit, kind, moveWhenCertain(unit, kind, buffer, options), value);
  return new Promise((resolve, reject) => {
    const { port } = unit;
    const { signal } = options;
    if (signal?.aborted) {
      if (kind === 'gatedWrite') unit.gate.leave();
      reject(aborted(signal.reason));
      return;
    }
    const task = filled(unit, kind, buffer, options);
    const stop = signal === undefined ? undefined : whenAborted(signal, () => port.abort(task, aborted(signal.reason)));
    task.settle = (settled, error) => {
      if (stop !== undefined) stop();
      if (error !== undefined || !isWhole(settled)) {
        resolve(thenLeave(unit, kind, afterTrouble(unit, kind, settled, error, options), value));
        return;
      }
      if (kind === 'gatedWrite') unit.gate.leave();
      if (settled.writeOrder > 0 && options.forceUnitAccess !== true) acknowledge(port);
      resolve(value);
    };
    port.submit(task);
  });
}

/**
 * Moves whole blocks with as many commands as it takes, several at once. When one fails, no further ones are sent and
 * the error is the first that came; by then none is under way any more. It says that nothing was sent only when none of
 * them was.
 * @param call Spread anew for each command: a `callTime` tells each what is left.
 */
export async function moveManyBlocks(
  unit: TransferUnit,
  kind: 'read' | 'write',
  buffer: Uint8Array,
  position: number,
  call: TransferOptions,
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
        const there = { ...call, position: position + at };
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

/** The end of whatever is not the usual course of a transfer. */
async function thenLeave<T>(unit: TransferUnit, kind: TransferKind, work: Promise<void>, value: T): Promise<T> {
  try {
    await work;
    return value;
  } finally {
    if (kind === 'gatedWrite') unit.gate.leave();
  }
}

/** Nothing is sent before it is certain which logical unit answers. */
async function moveWhenCertain(
  unit: TransferUnit,
  kind: TransferKind,
  buffer: Uint8Array,
  options: PositionOptions,
): Promise<void> {
  const call = callTime(unit.port, options);
  await untilCertain(unit, call, unit.port);
  await moveBlocks(unit, kind === 'read' ? 'read' : 'write', buffer, { ...call }, undefined);
}

/** A task of the port, ready to be submitted. When there is none to be had, the write leaves the gate. */
function filled(unit: TransferUnit, kind: TransferKind, buffer: Uint8Array, options: PositionOptions): ScsiTask {
  try {
    const task = unit.port.newTask();
    fill(task, unit, kind, buffer, options);
    return task;
  } catch (error) {
    if (kind === 'gatedWrite') unit.gate.leave();
    throw error;
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
    const { writes } = unit.port;
    if (writes !== undefined) task.writeOrder = writes.note(address, address + blocks);
  }
  task.recallable = true;
  task.repeatable = true;
  if (options.onLoss !== undefined) task.onLoss = options.onLoss;
}

/** A write that is noted has ended well, and waits for the next flush. */
function acknowledge({ writes }: ScsiPort): void {
  if (writes !== undefined) writes.acknowledged++;
}

/** GOOD, and every byte has moved: what came is counted here, too, whatever the device says of it. Hot path. */
function isWhole({ status, residualCount, received, dataIn }: ScsiTask): boolean {
  return status === SCSI_STATUS.GOOD && residualCount === 0 && received === dataIn.length;
}

/**
 * A command that ended otherwise than well: sent again when it did nothing, because it was taken back or refused, else
 * its error. What the task says is taken from it before the first pause: afterwards it serves another command.
 */
async function afterTrouble(
  unit: TransferUnit,
  kind: TransferKind,
  task: ScsiTask,
  error: IscsiError | undefined,
  options: PositionOptions,
): Promise<void> {
  const { port } = unit;
  const timeout = Math.max(1, task.deadline - port.clock.now());
  const buffer = kind === 'read' ? task.dataIn : task.dataOut;
  if (error instanceof Recalled) {
    const final = errorOfRecalled(error, kind !== 'read');
    return final === undefined ? moveWhenCertain(unit, kind, buffer, { ...options, timeout }) : failCall(final);
  }
  if (error !== undefined) return failCall(error);
  const request: ScsiRequest = {
    cdb: new Uint8Array(task.cdb.buffer.slice(0)),
    ...(kind === 'read' ? { dataIn: buffer } : { dataOut: buffer }),
    signal: options.signal,
    timeout,
    onLoss: options.onLoss,
  };
  const refused = resultOf(port, task);
  await joinCaller();
  requireWhole(port, request, await command(port, request, unit, refused));
}

/** @throws {IscsiError} When a READ or WRITE was carried out, but not to its end. */
function requireWhole(port: ScsiPort, { cdb, dataIn }: ScsiRequest, result: ScsiResult): void {
  if (result.status !== SCSI_STATUS.GOOD) throw scsiStatusError(cdb, result, port);
  const { kind, count } = result.residual;
  const missing = (dataIn?.length ?? 0) - (dataIn === undefined ? 0 : result.dataInLength);
  if (count === 0 && missing === 0) return;
  const bytes = count === 0 ? `${missing} bytes` : `${count} bytes (${kind})`;
  throw new IscsiError(
    'ISCSI_SHORT_TRANSFER',
    `${commandName(cdb)} ended with GOOD, but ${bytes} were not moved (${port.unitName} of ${port.deviceName})`,
  );
}
