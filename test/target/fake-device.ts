/** A device server whose answers the test gives by hand, or that serves a small RAM disk of 512-byte blocks at once. */
import { viewOf } from '../../src/bytes/hex.ts';
import type { DeviceTask, Nexus, ScsiDevice, UnitFunction, UnitFunctionRun } from '../../src/device/task.ts';
import { TaskSet } from '../../src/device/task-set.ts';
import type { OperationalPolicy } from '../../src/login/policy.ts';
import { TARGET_POLICY } from '../../src/login/policy.ts';
import type { TargetLimits } from '../../src/target/limits.ts';
import { TargetNode } from '../../src/target/target-node.ts';
import { TARGET_NAME } from './raw-initiator.ts';

export const BLOCK = 512;

export class FakeDevice implements ScsiDevice {
  readonly disk = new Uint8Array(4096 * BLOCK);
  /** True: tasks wait in `tasks` until the test answers them. */
  holds = false;
  readonly tasks: DeviceTask[] = [];
  /** What happened, in order. */
  readonly log: string[] = [];
  readonly nexuses = new Set<Nexus>();
  luns = new Set([0, 1]);
  readonly #taskSets = new Map<number, TaskSet>();

  dataOutLength(_lunHigh: number, _lunLow: number, cdb: DataView): number {
    return cdb.getUint8(0) === 0x2a && this.#fits(cdb) ? cdb.getUint16(7) * BLOCK : 0;
  }

  hasLogicalUnit(lunHigh: number, lunLow: number): boolean {
    return lunLow === 0 && this.luns.has((lunHigh >>> 16) & 0x3fff);
  }

  execute(_lunHigh: number, _lunLow: number, task: DeviceTask): void {
    this.log.push(`execute ${task.cdb.getUint8(0).toString(16)} ${task.cdb.getUint32(2)}`);
    if (this.holds) this.tasks.push(task);
    else this.answer(task);
  }

  /** Answers the oldest task that is held. */
  next(): void {
    const task = this.tasks.shift();
    if (task === undefined) throw new Error('No task is held');
    this.answer(task);
  }

  answer(task: DeviceTask): void {
    const { cdb } = task;
    const at = cdb.getUint32(2) * BLOCK;
    const length = cdb.getUint16(7) * BLOCK;
    switch (cdb.getUint8(0)) {
      case 0x00:
        task.good();
        return;
      case 0x28:
        if (!this.#fits(cdb)) this.#outOfRange(task);
        else
          task.dataInFrom(
            { copyTo: (from, into, to, count) => into.set(this.disk.subarray(from, from + count), to) },
            at,
            length,
          );
        return;
      case 0x2a:
        if (!this.#fits(cdb)) this.#outOfRange(task);
        else {
          if (!task.aborted) this.disk.set(task.dataOut, at);
          task.good();
        }
        return;
      case 0xa0: // REPORT LUNS: 24 bytes
        task.dataIn(new Uint8Array(24), Math.min(24, cdb.getUint32(6)));
        return;
      case 0x7f: // the CDB itself, which is longer than 16 bytes
        task.dataIn(
          Uint8Array.from({ length: task.cdbLength }, (_, byte) => cdb.getUint8(byte)),
          task.cdbLength,
        );
        return;
      default:
        task.checkCondition(fixedSense(0x05, 0x20));
    }
  }

  taskSetOf(lunHigh: number, lunLow: number): TaskSet | undefined {
    if (!this.hasLogicalUnit(lunHigh, lunLow)) return undefined;
    const lun = (lunHigh >>> 16) & 0x3fff;
    const taskSet = this.#taskSets.get(lun) ?? new TaskSet();
    this.#taskSets.set(lun, taskSet);
    return taskSet;
  }

  beginFunction(name: UnitFunction, lunHigh: number, lunLow: number, issuer: Nexus): UnitFunctionRun | undefined {
    const taskSet = this.taskSetOf(lunHigh, lunLow);
    if (taskSet === undefined) return undefined;
    const nexuses = name === 'abortTaskSet' ? [issuer] : [...this.nexuses];
    return {
      tasks: nexuses.flatMap((nexus) => nexus.tasksIn(taskSet)),
      complete: () => {
        if (name === 'logicalUnitReset') this.log.push(`reset ${lunHigh >>> 16}`);
      },
    };
  }

  beginTargetReset(issuer: Nexus): UnitFunctionRun {
    const runs = [...this.luns].map((lun) => this.beginFunction('logicalUnitReset', lun << 16, 0, issuer));
    return {
      tasks: runs.flatMap((run) => run?.tasks ?? []),
      complete: () => {
        for (const run of runs) run?.complete();
      },
    };
  }

  nexusStarted(nexus: Nexus): void {
    this.log.push(`start ${nexus.initiatorPortName}`);
    this.nexuses.add(nexus);
  }

  nexusEnded(nexus: Nexus): void {
    this.log.push(`end ${nexus.initiatorPortName}`);
    this.nexuses.delete(nexus);
  }

  #fits(cdb: DataView): boolean {
    return (cdb.getUint32(2) + cdb.getUint16(7)) * BLOCK <= this.disk.length;
  }

  #outOfRange(task: DeviceTask): void {
    task.checkCondition(fixedSense(0x05, 0x21));
  }
}

/** A node with one target over a fake device. */
export function nodeWith(
  policy: Partial<OperationalPolicy> = {},
  limits: Partial<TargetLimits> = {},
): { readonly node: TargetNode; readonly device: FakeDevice } {
  const device = new FakeDevice();
  const node = new TargetNode({
    targets: [{ name: TARGET_NAME, alias: 'a disk', device }],
    policy: { ...TARGET_POLICY, ...policy },
    limits,
  });
  return { node, device };
}

/** READ(10) as hex. */
export function read10(address: number, blocks: number): string {
  return cdb10(0x28, address, blocks);
}

/** WRITE(10) as hex. */
export function write10(address: number, blocks: number): string {
  return cdb10(0x2a, address, blocks);
}

function cdb10(opcode: number, address: number, blocks: number): string {
  const bytes = new Uint8Array(10);
  const v = viewOf(bytes);
  v.setUint8(0, opcode);
  v.setUint32(2, address);
  v.setUint16(7, blocks);
  return Buffer.from(bytes).toString('hex');
}

function fixedSense(key: number, asc: number): Uint8Array {
  const sense = new Uint8Array(18);
  sense.set([0x70, 0, key, 0, 0, 0, 0, 10, 0, 0, 0, 0, asc]);
  return sense;
}
