/** A transport for the device server that keeps the answers, and checks that each task gets exactly one. */
import assert from 'node:assert/strict';
import type { DataSource } from '../../src/bytes/data-source.ts';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { DeviceLogicalUnit, type LogicalUnitOptions } from '../../src/device/device-logical-unit.ts';
import { MemoryStore, type MemoryStoreOptions } from '../../src/device/memory-store.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import type { BlockStore } from '../../src/device/store.ts';
import type { AbortWatcher, DeviceTask, Nexus, ScsiDevice } from '../../src/device/task.ts';
import type { TaskSet } from '../../src/device/task-set.ts';
import { TASK_ATTRIBUTES } from '../../src/scsi/scsi-task.ts';

/** A nexus with the tasks that were submitted for it. */
export class FakeNexus implements Nexus {
  readonly initiatorPortName: string;
  readonly tasks: FakeTask[] = [];

  constructor(initiatorPortName: string) {
    this.initiatorPortName = initiatorPortName;
  }

  tasksIn(taskSet: TaskSet): readonly FakeTask[] {
    return this.tasks.filter((task) => task.taskSet === taskSet && task.outcome === undefined);
  }
}

export const NEXUS = new FakeNexus('iqn.2003-01.org.example:one,i,0x800000000001');
export const OTHER_NEXUS = new FakeNexus('iqn.2003-01.org.example:two,i,0x800000000002');

/** How a task ended, in words that can be compared: `GOOD`, `status 40`, `CHECK CONDITION 05/24/00`. */
export class FakeTask implements DeviceTask {
  readonly nexus: Nexus;
  readonly cdb: DataView;
  readonly cdbLength: number;
  readonly dataOut: Uint8Array;
  attribute: number = TASK_ATTRIBUTES.simple;
  taskSet: TaskSet | undefined = undefined;
  aborted = false;
  harmless = false;
  /** undefined until the task is answered. */
  outcome: string | undefined;
  /** Data-in, copied. */
  data: Uint8Array = new Uint8Array();
  sense: Uint8Array = new Uint8Array();
  readonly ended: Promise<this>;
  #resolve: (task: this) => void = () => {};
  #enabled = false;
  #execute: () => void = () => {};
  readonly #watchers: AbortWatcher[] = [];

  constructor(cdb: Uint8Array, dataOut: Uint8Array = new Uint8Array(), nexus: Nexus = NEXUS) {
    const bytes = new Uint8Array(Math.max(16, cdb.length));
    bytes.set(cdb);
    this.nexus = nexus;
    this.cdb = new DataView(bytes.buffer);
    this.cdbLength = bytes.length;
    this.dataOut = dataOut;
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  good(): void {
    this.#end('GOOD');
  }

  dataIn(bytes: Uint8Array, length: number): void {
    assert.ok(length <= bytes.length && length > 0, `dataIn of ${length} from ${bytes.length} bytes`);
    this.data = bytes.slice(0, length);
    this.#end('GOOD');
  }

  /** In two pieces, as a transport with small data segments does. */
  dataInFrom(source: DataSource, offset: number, length: number): void {
    const data = new Uint8Array(length);
    const half = length >>> 1;
    source.copyTo(offset, data, 0, half);
    source.copyTo(offset + half, data, half, length - half);
    this.data = data;
    this.#end('GOOD');
  }

  status(code: number): void {
    this.#end(`status ${code.toString(16)}`);
  }

  checkCondition(sense: Uint8Array): void {
    this.sense = sense;
    const [key, asc, ascq] = (sense[0] ?? 0) & 2 ? [sense[1], sense[2], sense[3]] : [sense[2], sense[12], sense[13]];
    this.#end(`CHECK CONDITION ${[key, asc, ascq].map((value) => toHex(Uint8Array.of(value ?? 0))).join('/')}`);
  }

  /** Joins the tasks of a logical unit, and runs when they let it. */
  submit(device: ScsiDevice, lunHigh: number, lunLow: number): void {
    this.taskSet = device.taskSetOf(lunHigh, lunLow);
    this.#execute = () => device.execute(lunHigh, lunLow, this);
    if (this.taskSet === undefined || this.taskSet.enter(this)) this.enable();
  }

  enable(): void {
    this.#enabled = true;
    this.#execute();
  }

  terminate(_issuer: Nexus, watcher: AbortWatcher): boolean {
    if (this.outcome !== undefined) return true;
    if (this.#enabled) {
      this.#watchers.push(watcher);
      return false;
    }
    this.outcome = 'never run';
    this.taskSet?.withdraw(this);
    return true;
  }

  letGo(): void {}

  spare(watcher: AbortWatcher): void {
    this.#watchers.splice(this.#watchers.indexOf(watcher), 1);
  }

  #end(outcome: string): void {
    assert.equal(this.outcome, undefined, `a task that ended with ${this.outcome} was ended again with ${outcome}`);
    this.outcome = outcome;
    this.#resolve(this);
    this.taskSet?.leave(this);
    for (const watcher of this.#watchers) watcher.taskGone(this);
  }
}

/** A device with one RAM disk of 1 MiB as LUN 0, and a nexus that has been told of the power on. */
export interface Bench {
  readonly device: DeviceServer;
  readonly unit: DeviceLogicalUnit;
  /** Runs a command on LUN 0; the CDB in hex. Data-out is cut to what the device asks for, as a transport does. */
  run(cdb: string, dataOut?: Uint8Array, nexus?: Nexus): Promise<FakeTask>;
  /** The same without waiting for the answer. */
  start(cdb: string, dataOut?: Uint8Array, nexus?: Nexus): FakeTask;
}

export function bench(options: Partial<MemoryStoreOptions & LogicalUnitOptions> = {}, store?: BlockStore): Bench {
  const device = new DeviceServer({ name: 'iqn.2003-01.org.example:disk' });
  const unit = new DeviceLogicalUnit(store ?? new MemoryStore({ size: 1024 * 1024, ...options }), {
    serial: 'serial-1',
    ...options,
  });
  device.attach(0, unit);
  for (const nexus of [NEXUS, OTHER_NEXUS]) {
    device.nexusStarted(nexus);
    unit.attentions.take(nexus);
  }
  const start = (cdb: string, dataOut?: Uint8Array, nexus?: Nexus) => startOn(device, 0, cdb, dataOut, nexus);
  return { device, unit, start, run: (cdb, dataOut, nexus) => start(cdb, dataOut, nexus).ended };
}

/** Resets a logical unit, and lets its tasks go on. */
export function resetUnit(device: ScsiDevice, lunHigh: number, lunLow: number): void {
  device.beginFunction('logicalUnitReset', lunHigh, lunLow, NEXUS)?.complete();
}

/** Starts a command on a LUN of a device. */
export function startOn(
  device: DeviceServer,
  lun: number,
  cdb: string,
  dataOut: Uint8Array = new Uint8Array(),
  nexus: Nexus = NEXUS,
): FakeTask {
  const high = lun < 256 ? lun << 16 : 0x4000_0000 | (lun << 16);
  const bytes = hex(cdb);
  const probe = new FakeTask(bytes);
  const wanted = device.dataOutLength(high, 0, probe.cdb, probe.cdbLength);
  const task = new FakeTask(bytes, dataOut.subarray(0, wanted), nexus);
  task.submit(device, high, 0);
  return task;
}

/** `length` bytes that differ from block to block and within one, from a seed. */
export function pattern(length: number, seed = 1): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = (seed * 2654435761) >>> 0 || 1;
  for (let at = 0; at < length; at++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    bytes[at] = state;
  }
  return bytes;
}

export function filled(length: number, value: number): Uint8Array {
  return new Uint8Array(length).fill(value);
}
