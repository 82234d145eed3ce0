/** REPORT LUNS (SPC): which logical units there are. Works at LUN 0 even when no logical unit is there. */

import { COMMANDS } from '../scsi/commands.ts';
import { writeReportLuns } from '../scsi/data/report-luns.ts';
import { readFields } from '../scsi/fields.ts';
import { encodeLun } from '../scsi/lun.ts';
import { fixedSense } from '../scsi/sense-write.ts';
import { ASC_ASCQ } from '../spec/asc-ascq.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
import type { Declaration, Surroundings } from './command.ts';
import { declare } from './command.ts';
import { dataInUpTo } from './data-in.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { DeviceTask } from './task.ts';

const ALL_BUT_WELL_KNOWN = 0;
const WELL_KNOWN = 1;
const ALL = 2;
const SELECT_REPORT_BYTE = 2;

/**
 * Ends the task with the list. There are no well-known logical units. Telling the inventory takes back the attention
 * about its change.
 */
export function runReportLuns(unit: DeviceLogicalUnit | undefined, task: DeviceTask, surroundings: Surroundings): void {
  const { selectReport, allocationLength } = readFields(COMMANDS.REPORT_LUNS.fields, task.cdb, 0, task.cdbLength);
  if (selectReport !== ALL_BUT_WELL_KNOWN && selectReport !== WELL_KNOWN && selectReport !== ALL) {
    const { asc, ascq } = ASC_ASCQ.INVALID_FIELD_IN_CDB;
    const fields = { senseKey: SENSE_KEY.ILLEGAL_REQUEST, asc, ascq, fieldPointer: SELECT_REPORT_BYTE };
    task.checkCondition(unit ? unit.sense(fields) : fixedSense(fields));
    return;
  }
  const luns = selectReport === WELL_KNOWN ? [] : surroundings.luns().map(encodeLun);
  surroundings.inventoryReported(task);
  dataInUpTo(task, writeReportLuns(luns), allocationLength);
}

/** REPORT LUNS. */
export const REPORT_LUNS_COMMANDS: readonly Declaration[] = [
  declare({
    name: 'REPORT_LUNS',
    accepts: ['selectReport', 'allocationLength'],
    run: runReportLuns,
    passesAttention: true,
    passesReservation: () => true,
  }),
];
