/**
 * How a command is declared, and what follows from the declaration: which CDB bits may be set, and the CDB usage data
 * for initiators.
 */
import { ValueError } from '../bytes/value-error.ts';
import type { CommandRow } from '../scsi/command-row.ts';
import type { CommandFields, CommandName } from '../scsi/commands.ts';
import { COMMANDS, fieldsOf } from '../scsi/commands.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { DeviceTask } from './task.ts';

/** What a command sees of the device around its logical unit. */
export interface Surroundings {
  /** SCSI name of the device, such as an iSCSI target name; `undefined` when it has none. */
  readonly deviceName: string | undefined;
  /** Numbers of all logical units, ascending. */
  luns(): readonly number[];
  /** The commands that `unit` knows. */
  commandsOf(unit: DeviceLogicalUnit): CommandSet;
  /** Takes back, on all logical units, the unit attention that tells this nexus of a changed inventory. */
  inventoryReported(task: DeviceTask): void;
}

/** Runs a command: it ends the task exactly once, now or later. */
export type Run = (unit: DeviceLogicalUnit, task: DeviceTask, surroundings: Surroundings) => void;

/** A command as its file declares it. */
export interface Declaration {
  readonly name: CommandName;
  /** The fields that may be other than zero. Any other bit that is set is refused with INVALID FIELD IN CDB. */
  readonly accepts: readonly string[];
  readonly run: Run;
  /** Bytes of data-out, from the CDB alone; 0 for what will be refused. Left out: none. */
  readonly dataOutLength?: (unit: DeviceLogicalUnit, cdb: DataView) => number;
  /** What the command needs: a medium that is not stopped, and one that may be written. Left out: nothing. */
  readonly needs?: 'medium' | 'writable';
  /** True when a waiting unit attention does not stop the command. */
  readonly passesAttention?: boolean;
  /** Whether the command is carried out although another nexus has reserved the unit (SPC-2). Left out: never. */
  readonly passesReservation?: (cdb: DataView) => boolean;
}

/** A command ready for dispatch. */
export interface Command extends Declaration {
  readonly opcode: number;
  readonly serviceAction: number | undefined;
  /** Bytes of the CDB. */
  readonly length: number;
  /**
   * CDB USAGE DATA (SPC, "REPORT SUPPORTED OPERATION CODES"): a one for each bit that is looked at; codes as they are.
   */
  readonly usage: Uint8Array;
  /** The bits that must be zero, of the first 16 bytes, as big-endian words. */
  readonly forbidden0: number;
  readonly forbidden4: number;
  readonly forbidden8: number;
  readonly forbidden12: number;
}

/** The commands of a logical unit. */
export interface CommandSet {
  /** In ascending order of operation code and service action. */
  readonly all: readonly Command[];
  /** By operation code, where it alone names the command. */
  readonly byOpcode: readonly (Command | undefined)[];
  /** By operation code, and then by service action. */
  readonly byServiceAction: ReadonlyMap<number, ReadonlyMap<number, Command>>;
}

/**
 * A declaration with field names that the compiler knows.
 *
 * @example
 * declare({ name: 'REPORT_LUNS', accepts: ['selectReport', 'allocationLength'], run: runReportLuns });
 */
export function declare<N extends CommandName>(
  declaration: Declaration & { readonly name: N; readonly accepts: readonly (keyof CommandFields<N>)[] },
): Declaration {
  return declaration;
}

/** Makes the table for dispatch. */
export function commandSet(declarations: readonly Declaration[]): CommandSet {
  const all = declarations.map(compile).sort(inOrder);
  const byOpcode: (Command | undefined)[] = new Array(256).fill(undefined);
  const byServiceAction = new Map<number, Map<number, Command>>();
  for (const command of all) {
    const { opcode, serviceAction } = command;
    if (serviceAction === undefined) byOpcode[opcode] = command;
    else {
      const shared = byServiceAction.get(opcode) ?? new Map<number, Command>();
      byServiceAction.set(opcode, shared.set(serviceAction, command));
    }
  }
  return { all, byOpcode, byServiceAction };
}

/** The first bit of the CDB that must be zero and is not, as byte and bit number; `undefined` when there is none. */
export function forbiddenBit(
  command: Command,
  cdb: DataView,
): { readonly byte: number; readonly bit: number } | undefined {
  const words = [command.forbidden0, command.forbidden4, command.forbidden8, command.forbidden12];
  for (let byte = 0; byte < command.length; byte++) {
    const word = words[byte >>> 2] ?? 0;
    const wrong = cdb.getUint8(byte) & (word >>> (24 - 8 * (byte & 3))) & 0xff;
    if (wrong !== 0) return { byte, bit: 31 - Math.clz32(wrong) };
  }
  return undefined;
}

function compile(declaration: Declaration): Command {
  const row: CommandRow = COMMANDS[declaration.name];
  const { opcode, serviceAction, length } = row;
  const allowed = allowedBits(row, declaration.accepts);
  const usage = Uint8Array.from(allowed);
  usage[0] = opcode;
  allowed[0] = 0xff;
  if (serviceAction !== undefined) {
    usage[1] = (usage[1] ?? 0) | serviceAction;
    allowed[1] = (allowed[1] ?? 0) | 0x1f;
  }
  const forbidden = (at: number) => {
    let word = 0;
    for (let byte = at; byte < at + 4; byte++) word = (word << 8) | (byte < length ? ~(allowed[byte] ?? 0) & 0xff : 0);
    return word;
  };
  return {
    ...declaration,
    opcode,
    serviceAction,
    length,
    usage,
    forbidden0: forbidden(0),
    forbidden4: forbidden(4),
    forbidden8: forbidden(8),
    forbidden12: forbidden(12),
  };
}

/** A one for each bit of the accepted fields. */
function allowedBits(row: CommandRow, accepts: readonly string[]): Uint8Array {
  const fields = fieldsOf(row);
  const allowed = new Uint8Array(row.length);
  for (const name of accepts) {
    const field = fields[name];
    if (!field)
      throw new ValueError(`Cannot accept field ${name}: the command with operation code ${row.opcode} has none`);
    let mask = ((1n << BigInt(field.bits)) - 1n) << BigInt(field.shift);
    for (let byte = field.at + ((field.bits + field.shift + 7) >>> 3) - 1; byte >= field.at; byte--) {
      allowed[byte] = (allowed[byte] ?? 0) | Number(mask & 0xffn);
      mask >>= 8n;
    }
  }
  return allowed;
}

function inOrder(a: Command, b: Command): number {
  return a.opcode - b.opcode || (a.serviceAction ?? 0) - (b.serviceAction ?? 0);
}
