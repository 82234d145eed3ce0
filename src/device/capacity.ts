/** READ CAPACITY (SBC): how many blocks there are, and how long they are. */

import { COMMANDS } from '../scsi/commands.ts';
import { writeCapacity10, writeCapacity16 } from '../scsi/data/read-capacity.ts';
import { readFields } from '../scsi/fields.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import { dataInUpTo } from './data-in.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { DeviceTask } from './task.ts';

function readCapacity10(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const bytes = writeCapacity10({ returnedLogicalBlockAddress: unit.blocks - 1, logicalBlockLength: unit.blockSize });
  task.dataIn(bytes, bytes.length);
}

function readCapacity16(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const { allocationLength } = readFields(COMMANDS.READ_CAPACITY_16.fields, task.cdb, 0, task.cdbLength);
  const bytes = writeCapacity16({
    returnedLogicalBlockAddress: unit.blocks - 1,
    logicalBlockLength: unit.blockSize,
    lbppbe: unit.physicalExponent,
    lbpme: unit.store.thin,
    lbprz: unit.store.thin,
  });
  dataInUpTo(task, bytes, allocationLength);
}

const SHARED = { needs: 'medium', passesReservation: () => true } as const;

/** READ CAPACITY(10), whose address and PMI are obsolete, and (16). */
export const CAPACITY_COMMANDS: readonly Declaration[] = [
  declare({ name: 'READ_CAPACITY_10', accepts: [], run: readCapacity10, ...SHARED }),
  declare({ name: 'READ_CAPACITY_16', accepts: ['allocationLength'], run: readCapacity16, ...SHARED }),
];
