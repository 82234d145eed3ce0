/**
 * A {@link RawDisk} behind a port, with no wire between; a test steps in at a command. Written against `scsi/port.ts`
 * alone.
 */
import { IscsiError } from '../../src/errors.ts';
import { CLOCK } from '../../src/node/clock.ts';
import type { ScsiPort } from '../../src/scsi/port.ts';
import { ScsiTask } from '../../src/scsi/scsi-task.ts';
import type { RawDisk, RawResult } from '../client/raw-disk.ts';

/** A command as the disk gets it. */
export interface SeenCommand {
  readonly cdb: Uint8Array;
  readonly dataOut: Uint8Array;
  /** Bytes that the initiator wants to move, either way. */
  readonly length: number;
}

/** How a test answers a command instead of the disk. */
export interface GivenAnswer extends RawResult {
  /** GOOD, but this many bytes were not moved. */
  readonly missing?: number;
}

/** Sees each command before the disk does. True: it is answered by `answer`, some time, or never. */
export type StepIn = (command: SeenCommand, answer: (result: GivenAnswer) => void) => boolean;

export class RawDiskPort implements ScsiPort {
  readonly unitName: string;
  readonly deviceName = 'a raw disk';
  readonly timeout = 30_000;
  readonly clock = CLOCK;
  readonly device: object;
  readonly #disk: RawDisk;
  readonly #lun: number;
  readonly #stepIn: StepIn | undefined;
  readonly #underWay = new Map<ScsiTask, () => void>();

  constructor(disk: RawDisk, stepIn?: StepIn, lun = 0, device: object = {}) {
    this.unitName = `LUN ${lun}`;
    this.device = device;
    this.#disk = disk;
    this.#stepIn = stepIn;
    this.#lun = lun;
  }

  /** Commands that have not settled. */
  get underWay(): number {
    return this.#underWay.size;
  }

  newTask(): ScsiTask {
    return new ScsiTask();
  }

  /**
   * The disk looks at a command in the next turn, so that several are under way at once, and answers in the order of
   * the calls.
   */
  submit(task: ScsiTask): void {
    const { timeout, dataIn, dataOut } = task;
    task.deadline = CLOCK.now() + timeout;
    const late = (): void => this.#settle(task, new IscsiError('ISCSI_TIMEOUT', `No answer within ${timeout} ms`));
    this.#underWay.set(task, Number.isFinite(timeout) ? CLOCK.after(timeout, late) : () => undefined);
    const cdb = task.longCdb?.slice() ?? new Uint8Array(task.cdb.buffer.slice(0));
    const command = { cdb, dataOut, length: Math.max(dataIn.length, dataOut.length) };
    setImmediate(() => {
      if (!this.#underWay.has(task)) return;
      if (this.#stepIn?.(command, (result) => this.#answer(task, result)) === true) return;
      this.#answer(task, this.#disk.execute(cdb, dataOut, this.#lun));
    });
  }

  /** The disk gives up a command at once: it does nothing between being asked and having answered. */
  abort(task: ScsiTask, reason: IscsiError): void {
    this.#settle(task, reason);
  }

  #answer(task: ScsiTask, { status, dataIn, sense, missing = 0 }: GivenAnswer): void {
    if (!this.#underWay.has(task)) return; // it was given up
    const given = dataIn?.subarray(0, task.dataIn.length);
    if (given !== undefined) task.dataIn.set(given);
    task.status = status;
    task.sense = sense;
    task.received = given?.length ?? 0;
    task.residualCount = missing + (task.dataIn.length - task.received);
    task.residual = task.residualCount > 0 ? 'underflow' : 'none';
    this.#settle(task, undefined);
  }

  #settle(task: ScsiTask, error: IscsiError | undefined): void {
    const stopWaiting = this.#underWay.get(task);
    if (stopWaiting === undefined) throw new Error('A port was asked to end a task that has settled');
    stopWaiting();
    this.#underWay.delete(task);
    const { settle } = task;
    settle(task, error);
    task.reset();
  }
}
