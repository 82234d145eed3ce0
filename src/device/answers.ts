/** The refusals and failures that many commands share, each in one place with its sense data. */
import type { SenseFields } from '../scsi/sense-write.ts';
import { ASC_ASCQ } from '../spec/asc-ascq.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import type { Access } from './claims.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { Eventually } from './eventually.ts';
import type { DeviceTask } from './task.ts';
import type { Touch } from './task-order.ts';

type Code = { readonly asc: number; readonly ascq: number };

/** The operation code is not known. */
export const INVALID_OPERATION_CODE = illegalRequest(ASC_ASCQ.INVALID_COMMAND_OPERATION_CODE);
/** The range is not wholly inside the logical unit. */
export const LBA_OUT_OF_RANGE = illegalRequest(ASC_ASCQ.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE);
/** No logical unit has this number. */
export const LOGICAL_UNIT_NOT_SUPPORTED = illegalRequest(ASC_ASCQ.LOGICAL_UNIT_NOT_SUPPORTED);
/** A parameter list ends within something that it must hold whole. */
export const PARAMETER_LIST_LENGTH_ERROR = illegalRequest(ASC_ASCQ.PARAMETER_LIST_LENGTH_ERROR);
/** Less data came than the CDB tells of. */
export const TOO_LITTLE_DATA = illegalRequest(ASC_ASCQ.INVALID_FIELD_IN_COMMAND_INFORMATION_UNIT);
/** MODE SENSE for saved values. */
export const SAVING_NOT_SUPPORTED = illegalRequest(ASC_ASCQ.SAVING_PARAMETERS_NOT_SUPPORTED);
/** After STOP. */
export const STOPPED = sense(SENSE_KEY.NOT_READY, ASC_ASCQ.LOGICAL_UNIT_NOT_READY_INITIALIZING_COMMAND_REQUIRED);
/** The store fails for good. */
export const FAILED = sense(SENSE_KEY.HARDWARE_ERROR, ASC_ASCQ.LOGICAL_UNIT_FAILURE);
const READ_FAILED = sense(SENSE_KEY.MEDIUM_ERROR, ASC_ASCQ.UNRECOVERED_READ_ERROR);
const WRITE_FAILED = sense(SENSE_KEY.MEDIUM_ERROR, ASC_ASCQ.WRITE_ERROR);
const NO_ROOM = sense(SENSE_KEY.DATA_PROTECT, ASC_ASCQ.SPACE_ALLOCATION_FAILED_WRITE_PROTECT);
const READ_ONLY = sense(SENSE_KEY.DATA_PROTECT, ASC_ASCQ.WRITE_PROTECTED);
const SOFTWARE_WRITE_PROTECTED = sense(SENSE_KEY.DATA_PROTECT, ASC_ASCQ.LOGICAL_UNIT_SOFTWARE_WRITE_PROTECTED);

/** A flush failed whose command had been answered before (IMMED): told with the next command. */
export const DEFERRED_WRITE_ERROR: SenseFields = { ...WRITE_FAILED, deferred: true };

/** Ends the task with CHECK CONDITION. */
export function fail(unit: DeviceLogicalUnit, task: DeviceTask, fields: SenseFields): void {
  task.checkCondition(unit.sense(fields));
}

/**
 * Ends the task: byte `fieldPointer` of the CDB holds what cannot be; `bitPointer` is the highest bit of the field,
 * where it is no whole byte.
 */
export function invalidCdbField(
  unit: DeviceLogicalUnit,
  task: DeviceTask,
  fieldPointer: number,
  bitPointer?: number,
): void {
  fail(unit, task, { ...illegalRequest(ASC_ASCQ.INVALID_FIELD_IN_CDB), fieldPointer, bitPointer });
}

/** As {@link invalidCdbField}, for a byte of the parameter list. */
export function invalidParameter(
  unit: DeviceLogicalUnit,
  task: DeviceTask,
  fieldPointer: number,
  bitPointer?: number,
): void {
  const code = illegalRequest(ASC_ASCQ.INVALID_FIELD_IN_PARAMETER_LIST);
  fail(unit, task, { ...code, fieldPointer, bitPointer, inCdb: false });
}

/** Ends the task: the blocks differ from the data, first at the byte `offset` of the range. */
export function miscompare(unit: DeviceLogicalUnit, task: DeviceTask, offset: number): void {
  const code = sense(SENSE_KEY.MISCOMPARE, ASC_ASCQ.MISCOMPARE_DURING_VERIFY_OPERATION);
  fail(unit, task, { ...code, information: offset });
}

/** Why the unit refuses to be written. */
export function writeProtection(unit: DeviceLogicalUnit): SenseFields {
  return unit.store.readOnly ? READ_ONLY : SOFTWARE_WRITE_PROTECTED;
}

/**
 * Touches the store: runs `work` when the order of tasks allows what it touches, and then ends the task by `answer`, or
 * with the sense data that goes with the error of the store.
 */
export function perform(
  unit: DeviceLogicalUnit,
  task: DeviceTask,
  touch: Touch,
  work: () => Eventually,
  answer: () => void,
): void {
  const { access } = touch;
  task.harmless = true;
  const unlessAborted = () => {
    if (task.aborted) return;
    if (access === 'write') task.harmless = false;
    return work();
  };
  unit.order.run(task.nexus, touch, unlessAborted, (error) => {
    if (task.aborted) task.status(SCSI_STATUS.TASK_ABORTED);
    else if (error === undefined) answer();
    else fail(unit, task, storeFailure(unit, error, access));
  });
}

/** What a command does that reads `length` bytes from `position`. */
export function reading(position: number, length: number): Touch {
  return { access: 'read', from: position, to: position + length };
}

/** What a command does that writes `length` bytes from `position`. */
export function writing(position: number, length: number): Touch {
  return { access: 'write', from: position, to: position + length };
}

/** The sense data for an error of the store. One that is for good is noted: no later command asks the store again. */
export function storeFailure(unit: DeviceLogicalUnit, error: unknown, access: Access): SenseFields {
  const known = typeof error === 'object' && error !== null ? error : {};
  if ('permanent' in known && known.permanent === true) {
    unit.failed = true;
    return FAILED;
  }
  const code = 'code' in known ? known.code : undefined;
  if (access === 'read') return READ_FAILED;
  if (code === 'ENOSPC' || code === 'EDQUOT') return NO_ROOM;
  if (code === 'EROFS') return READ_ONLY;
  return WRITE_FAILED;
}

function illegalRequest(code: Code): SenseFields {
  return sense(SENSE_KEY.ILLEGAL_REQUEST, code);
}

function sense(senseKey: number, code: Code): SenseFields {
  return { senseKey, asc: code.asc, ascq: code.ascq };
}
