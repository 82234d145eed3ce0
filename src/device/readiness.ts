/**
 * Whether the unit can be used, and commands that say or change it: TEST UNIT READY, REQUEST SENSE, START STOP UNIT and
 * their kin (SPC, SBC).
 */

import { COMMANDS } from '../scsi/commands.ts';
import { readFields } from '../scsi/fields.ts';
import type { SenseFields } from '../scsi/sense-write.ts';
import { descriptorSense, fixedSense } from '../scsi/sense-write.ts';
import { ASC_ASCQ } from '../spec/asc-ascq.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
import { FAILED, invalidCdbField, STOPPED } from './answers.ts';
import type { Declaration } from './command.ts';
import { declare } from './command.ts';
import { dataInUpTo } from './data-in.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import { flushAndAnswer, flushInBackground } from './synchronize-cache.ts';
import type { DeviceTask } from './task.ts';

const NO_SENSE: SenseFields = { senseKey: SENSE_KEY.NO_SENSE, ...codeOf(ASC_ASCQ.NO_ADDITIONAL_SENSE_INFORMATION) };

function testUnitReady(_unit: DeviceLogicalUnit, task: DeviceTask): void {
  task.good(); // what makes a unit not ready was looked at before
}

/** The sense data is the answer here, with status GOOD: what waits for the nexus, or else the state of the unit. */
function requestSense(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const waiting = unit.attentions.take(task.nexus);
  sendSense(task, waiting ?? stateOf(unit));
}

function stateOf(unit: DeviceLogicalUnit): SenseFields {
  if (unit.failed) return FAILED;
  return unit.stopped ? STOPPED : NO_SENSE;
}

/** Answers REQUEST SENSE with `fields`, in the format that its DESC bit asks for. */
export function sendSense(task: DeviceTask, fields: SenseFields): void {
  const { desc, allocationLength } = readFields(COMMANDS.REQUEST_SENSE.fields, task.cdb, 0, task.cdbLength);
  dataInUpTo(task, desc ? descriptorSense(fields) : fixedSense(fields), allocationLength);
}

/** START and STOP. There are no power conditions, and no medium that could be ejected. */
function startStopUnit(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const { immed, noFlush, start } = readFields(COMMANDS.START_STOP_UNIT.fields, task.cdb, 0, task.cdbLength);
  if (start || noFlush) {
    unit.stopped = !start;
    task.good();
  } else if (immed) {
    unit.stopped = true;
    task.good();
    flushInBackground(unit, task);
  } else {
    flushAndAnswer(unit, task, () => {
      unit.stopped = true;
      task.good();
    });
  }
}

/**
 * Nothing can be removed, so there is nothing to prevent either. PREVENT 2 and 3 are obsolete and were refused with bit
 * 1.
 */
function preventAllow(_unit: DeviceLogicalUnit, task: DeviceTask): void {
  const { prevent } = readFields(COMMANDS.PREVENT_ALLOW_MEDIUM_REMOVAL.fields, task.cdb, 0, task.cdbLength);
  if (prevent > 1) invalidCdbField(_unit, task, 4, 1);
  else task.good();
}

/** The default self-test, which has nothing to find. Others, and diagnostic pages, are refused. */
function sendDiagnostic(unit: DeviceLogicalUnit, task: DeviceTask): void {
  const { selfTest } = readFields(COMMANDS.SEND_DIAGNOSTIC.fields, task.cdb, 0, task.cdbLength);
  if (selfTest) task.good();
  else invalidCdbField(unit, task, 1, 2);
}

function codeOf(code: { readonly asc: number; readonly ascq: number }): { asc: number; ascq: number } {
  return { asc: code.asc, ascq: code.ascq };
}

/** TEST UNIT READY, REQUEST SENSE, START STOP UNIT, PREVENT ALLOW MEDIUM REMOVAL, SEND DIAGNOSTIC. */
export const READINESS_COMMANDS: readonly Declaration[] = [
  declare({ name: 'TEST_UNIT_READY', accepts: [], run: testUnitReady, needs: 'medium' }),
  declare({
    name: 'REQUEST_SENSE',
    accepts: ['desc', 'allocationLength'],
    run: requestSense,
    passesAttention: true,
    passesReservation: () => true,
  }),
  declare({
    name: 'START_STOP_UNIT',
    accepts: ['immed', 'noFlush', 'start'],
    run: startStopUnit,
    passesReservation: (cdb) => (cdb.getUint8(4) & 0x01) !== 0, // START
  }),
  declare({
    name: 'PREVENT_ALLOW_MEDIUM_REMOVAL',
    accepts: ['prevent'],
    run: preventAllow,
    passesReservation: (cdb) => (cdb.getUint8(4) & 0x03) === 0, // ALLOW
  }),
  declare({ name: 'SEND_DIAGNOSTIC', accepts: ['selfTest'], run: sendDiagnostic }),
];
