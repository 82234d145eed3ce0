/**
 * The SCSI device server: finds the logical unit, checks what is to be checked for every command, and hands the task to
 * the command's file.
 */
import { ValueError } from '../bytes/value-error.ts';
import { decodeLun } from '../scsi/lun.ts';
import { fixedSense } from '../scsi/sense-write.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import {
  FAILED,
  fail,
  INVALID_OPERATION_CODE,
  invalidCdbField,
  LOGICAL_UNIT_NOT_SUPPORTED,
  STOPPED,
  writeProtection,
} from './answers.ts';
import { CAPACITY_CHANGED, INVENTORY_CHANGED, POWER_ON } from './attentions.ts';
import type { Command, CommandSet, Surroundings } from './command.ts';
import { forbiddenBit } from './command.ts';
import { commandsFor } from './command-sets.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import { inquiryOfAbsentUnit } from './inquiry.ts';
import { sendSense } from './readiness.ts';
import { runReportLuns } from './report-luns.ts';
import type { DeviceTask, Nexus, ScsiDevice, UnitFunction, UnitFunctionRun } from './task.ts';
import type { TaskSet } from './task-set.ts';
import { beginTargetReset, beginUnitFunction } from './unit-function.ts';
import { workLength } from './work-length.ts';

/** What a device is made of. */
export interface DeviceServerOptions {
  /** SCSI name of the device: the iSCSI target name. Told in the Device Identification page. */
  readonly name?: string;
}

/** A logical unit with the commands that it knows. */
interface Place {
  readonly unit: DeviceLogicalUnit;
  readonly commands: CommandSet;
}

const INQUIRY = 0x12;
const REPORT_LUNS = 0xa0;
const REQUEST_SENSE = 0x03;
const LARGEST_LUN = 0x3fff;
const SERVICE_ACTION_BYTE = 1;

/**
 * A SCSI target device with an inventory of logical units.
 *
 * @example
 * const device = new DeviceServer({ name: 'iqn.2003-01.org.example:disk' });
 * device.attach(0, new DeviceLogicalUnit(new MemoryStore({ size: 64 * 1024 * 1024 }), { serial: 'disk-0' }));
 * device.luns(); // [0]
 */
export class DeviceServer implements ScsiDevice, Surroundings {
  readonly deviceName: string | undefined;
  readonly #places = new Map<number, Place>();
  /** The same for 0..255, which every command with the usual addressing asks for. */
  readonly #peripheral: (Place | undefined)[] = new Array(256).fill(undefined);
  readonly #nexuses = new Set<Nexus>();

  constructor(options: DeviceServerOptions = {}) {
    this.deviceName = options.name;
  }

  /**
   * Puts a logical unit into the inventory. Live sessions learn of it by a unit attention.
   *
   * @throws {ValueError} When the number is not 0..16383, or is taken.
   */
  attach(lun: number, unit: DeviceLogicalUnit): void {
    if (!Number.isInteger(lun) || lun < 0 || lun > LARGEST_LUN) {
      throw new ValueError(`Cannot attach a logical unit as LUN ${lun}: 0..${LARGEST_LUN} allowed`);
    }
    if (this.#places.has(lun)) throw new ValueError(`Cannot attach a logical unit as LUN ${lun}: there is one`);
    this.#inventoryChanged();
    const place = { unit, commands: commandsFor(unit) };
    this.#places.set(lun, place);
    if (lun < this.#peripheral.length) this.#peripheral[lun] = place;
    for (const nexus of this.#nexuses) unit.attentions.start(nexus, POWER_ON);
  }

  /**
   * Takes a logical unit out of the inventory and returns it; closing it is the caller's. Commands that it works on go
   * on; those that still wait are refused when their turn comes.
   */
  detach(lun: number): DeviceLogicalUnit | undefined {
    const place = this.#places.get(lun);
    if (!place) return undefined;
    this.#places.delete(lun);
    if (lun < this.#peripheral.length) this.#peripheral[lun] = undefined;
    if (![...this.#places.values()].some(({ unit }) => unit === place.unit)) {
      for (const nexus of this.#nexuses) place.unit.nexusEnded(nexus);
    }
    this.#inventoryChanged();
    return place.unit;
  }

  /** The logical unit with this number. */
  logicalUnit(lun: number): DeviceLogicalUnit | undefined {
    return this.#places.get(lun)?.unit;
  }

  /** Takes over the number of blocks that the store has now, and tells every session. */
  capacityChanged(lun: number): void {
    const unit = this.#places.get(lun)?.unit;
    if (!unit) return;
    unit.blocks = unit.store.blocks;
    unit.attentions.addToAll(CAPACITY_CHANGED);
  }

  luns(): readonly number[] {
    return [...this.#places.keys()].sort((a, b) => a - b);
  }

  commandsOf(unit: DeviceLogicalUnit): CommandSet {
    return commandsFor(unit);
  }

  inventoryReported(task: DeviceTask): void {
    for (const { unit } of this.#places.values()) unit.attentions.withdraw(task.nexus, INVENTORY_CHANGED);
  }

  hasLogicalUnit(lunHigh: number, lunLow: number): boolean {
    return this.#place(lunHigh, lunLow) !== undefined;
  }

  dataOutLength(lunHigh: number, lunLow: number, cdb: DataView, _cdbLength: number): number {
    const place = this.#place(lunHigh, lunLow);
    if (!place) return 0;
    const command = find(place.commands, cdb);
    if (command?.dataOutLength === undefined || hasForbiddenBits(command, cdb)) return 0;
    return command.dataOutLength(place.unit, cdb);
  }

  workLength(lunHigh: number, lunLow: number, cdb: DataView): number {
    const place = this.#place(lunHigh, lunLow);
    if (place === undefined) return 0;
    const command = find(place.commands, cdb);
    return command === undefined ? 0 : workLength(place.unit, command, cdb);
  }

  /** Hot: up to the command's own file nothing is allocated. */
  execute(lunHigh: number, lunLow: number, task: DeviceTask): void {
    if (task.aborted) {
      task.status(SCSI_STATUS.TASK_ABORTED);
      return;
    }
    const place = this.#place(lunHigh, lunLow);
    if (place === undefined || place.unit.taskSet !== task.taskSet) {
      this.#executeAbsent(lunHigh, lunLow, task);
      return;
    }
    const { unit } = place;
    const command = find(place.commands, task.cdb);
    if (unit.attentions.any && !command?.passesAttention && this.#tellAttention(unit, task)) return;
    if (command === undefined) refuseUnknown(place, task);
    else if (hasForbiddenBits(command, task.cdb)) refuseForbiddenBit(unit, task, command);
    else if (unit.reservedBy !== undefined && isReserved(unit, task, command)) {
      task.status(SCSI_STATUS.RESERVATION_CONFLICT);
    } else if (command.needs !== undefined && unit.failed) fail(unit, task, FAILED);
    else if (command.needs !== undefined && unit.stopped) fail(unit, task, STOPPED);
    else if (command.needs === 'writable' && unit.writeProtected) fail(unit, task, writeProtection(unit));
    else command.run(unit, task, this);
  }

  taskSetOf(lunHigh: number, lunLow: number): TaskSet | undefined {
    return this.#place(lunHigh, lunLow)?.unit.taskSet;
  }

  beginFunction(name: UnitFunction, lunHigh: number, lunLow: number, issuer: Nexus): UnitFunctionRun | undefined {
    const unit = this.#place(lunHigh, lunLow)?.unit;
    return unit && beginUnitFunction(name, unit, issuer);
  }

  beginTargetReset(issuer: Nexus): UnitFunctionRun {
    return beginTargetReset(
      [...this.#places.values()].map(({ unit }) => unit),
      issuer,
    );
  }

  nexusStarted(nexus: Nexus): void {
    this.#nexuses.add(nexus);
    for (const { unit } of this.#places.values()) unit.attentions.start(nexus, POWER_ON);
  }

  nexusEnded(nexus: Nexus): void {
    this.#nexuses.delete(nexus);
    for (const { unit } of this.#places.values()) unit.nexusEnded(nexus);
  }

  #place(lunHigh: number, lunLow: number): Place | undefined {
    if (lunLow === 0 && (lunHigh & 0xff00_ffff) === 0) return this.#peripheral[lunHigh >>> 16];
    const { number } = decodeLun(lunHigh, lunLow);
    return number === undefined ? undefined : this.#places.get(number);
  }

  /** Ends the task with what waits for its nexus, if something does. */
  #tellAttention(unit: DeviceLogicalUnit, task: DeviceTask): boolean {
    const waiting = unit.attentions.take(task.nexus);
    if (!waiting) return false;
    // Told once, through whichever logical unit comes first (SPC, "REPORT LUNS command").
    if (waiting === INVENTORY_CHANGED) this.inventoryReported(task);
    fail(unit, task, waiting);
    return true;
  }

  /** What a number without logical unit answers (SAM, "Incorrect logical unit numbers"). */
  #executeAbsent(lunHigh: number, lunLow: number, task: DeviceTask): void {
    switch (task.cdb.getUint8(0)) {
      case INQUIRY:
        inquiryOfAbsentUnit(task);
        return;
      case REQUEST_SENSE:
        sendSense(task, LOGICAL_UNIT_NOT_SUPPORTED);
        return;
      case REPORT_LUNS:
        if (lunHigh === 0 && lunLow === 0) {
          runReportLuns(undefined, task, this);
          return;
        }
    }
    task.checkCondition(fixedSense(LOGICAL_UNIT_NOT_SUPPORTED));
  }

  #inventoryChanged(): void {
    for (const { unit } of this.#places.values()) {
      for (const nexus of this.#nexuses) unit.attentions.add(nexus, INVENTORY_CHANGED);
    }
  }
}

/** Hot. */
function find({ byOpcode, byServiceAction }: CommandSet, cdb: DataView): Command | undefined {
  const opcode = cdb.getUint8(0);
  return byOpcode[opcode] ?? byServiceAction.get(opcode)?.get(cdb.getUint8(SERVICE_ACTION_BYTE) & 0x1f);
}

/** Hot. */
function hasForbiddenBits(command: Command, cdb: DataView): boolean {
  return (
    ((cdb.getUint32(0) & command.forbidden0) |
      (cdb.getUint32(4) & command.forbidden4) |
      (cdb.getUint32(8) & command.forbidden8) |
      (cdb.getUint32(12) & command.forbidden12)) !==
    0
  );
}

/** Whether another nexus has reserved the unit, and the command does not pass. */
function isReserved(unit: DeviceLogicalUnit, task: DeviceTask, command: Command): boolean {
  return unit.reservedBy !== task.nexus && command.passesReservation?.(task.cdb) !== true;
}

function refuseUnknown({ unit, commands }: Place, task: DeviceTask): void {
  // The operation code is known, but not with this service action, which is a field like others.
  if (commands.byServiceAction.has(task.cdb.getUint8(0))) invalidCdbField(unit, task, SERVICE_ACTION_BYTE, 4);
  else fail(unit, task, INVALID_OPERATION_CODE);
}

function refuseForbiddenBit(unit: DeviceLogicalUnit, task: DeviceTask, command: Command): void {
  const wrong = forbiddenBit(command, task.cdb);
  invalidCdbField(unit, task, wrong?.byte ?? 0, wrong?.bit);
}
