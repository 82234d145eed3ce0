/** Two logical units of one device, over each port that can lead to a disk that misbehaves. */
import type { TestContext } from 'node:test';
import { openSession } from '../../src/client/connect.ts';
import type { ScsiPort } from '../../src/scsi/port.ts';
import type { ScsiRequest, ScsiResult } from '../../src/scsi/request.ts';
import { execute } from '../../src/unit/execute.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { RawDisk, type RawResult } from '../client/raw-disk.ts';
import { RawTarget, type RawTargetOptions } from '../support/raw-target.ts';
import { RawDiskPort } from './raw-disk-port.ts';

/** LUN 0 is this disk, LUN 1 is `second`. */
export class TwoDisks extends RawDisk {
  readonly second = new RawDisk();

  constructor() {
    super();
    this.second.serial = 'RAW-1001';
    this.second.name = 101;
  }

  override execute(cdb: Uint8Array, dataOut: Uint8Array, lun: number): RawResult {
    return lun === 1 ? this.second.execute(cdb, dataOut, 0) : super.execute(cdb, dataOut, lun);
  }
}

/** Both logical units, opened. */
export interface TwoUnits {
  readonly disks: TwoDisks;
  readonly first: LogicalUnit;
  readonly second: LogicalUnit;
  /** Sends a raw command to LUN 0. */
  execute(request: ScsiRequest): Promise<ScsiResult>;
}

/** A way to open both. */
export interface TwoWay {
  readonly name: string;
  open(t: TestContext, options?: Omit<RawTargetOptions, 'disk'>): Promise<TwoUnits>;
}

export const OVER_ONE_SESSION: TwoWay = {
  name: 'two logical units of one session',
  async open(t, options = {}) {
    const disks = new TwoDisks();
    const target = await RawTarget.listen(t, { ...options, disk: disks });
    const session = await openSession(target.url());
    t.after(() => session.close());
    const [first, second] = [await session.logicalUnit(0), await session.logicalUnit(1)];
    return { disks, first, second, execute: (request) => session.execute(0, request) };
  },
};

const IN_PROCESS: TwoWay = {
  name: 'two logical units in this process',
  async open() {
    const disks = new TwoDisks();
    const device = {};
    const [port, other]: readonly ScsiPort[] = [0, 1].map((lun) => new RawDiskPort(disks, undefined, lun, device));
    if (port === undefined || other === undefined) throw new Error('No ports');
    const [first, second] = [await LogicalUnit.open(port), await LogicalUnit.open(other)];
    return { disks, first, second, execute: (request) => execute(port, request) };
  },
};

export const TWO_WAYS: readonly TwoWay[] = [OVER_ONE_SESSION, IN_PROCESS];
