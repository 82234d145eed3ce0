/**
 * REPORT SUPPORTED OPERATION CODES (SPC): answered from the command table, so that what is told is what is done.
 *
 *     all commands       0-3 COMMAND DATA LENGTH; then per command 0 OPERATION CODE; 2-3 SERVICE ACTION; 5:1 CTDP;
 *                        5:0 SERVACTV; 6-7 CDB LENGTH
 *     one command        1:7 CTDP; 1:2-0 SUPPORT; 2-3 CDB SIZE; 4+ CDB USAGE DATA
 *     timeouts (RCTD)    behind either: 0-1 DESCRIPTOR LENGTH (10); 4-7 NOMINAL; 8-11 RECOMMENDED; zeros: none are told
 */
import { concat } from '../bytes/hex.ts';
import { COMMANDS } from '../scsi/commands.ts';
import { bits, byte, flag, readFields, u16, u32, writeFields } from '../scsi/fields.ts';
import { invalidCdbField } from './answers.ts';
import type { Command, CommandSet, Declaration, Surroundings } from './command.ts';
import { declare } from './command.ts';
import { dataInUpTo } from './data-in.ts';
import type { DeviceLogicalUnit } from './device-logical-unit.ts';
import type { DeviceTask } from './task.ts';

const DESCRIPTOR = {
  operationCode: byte(0),
  serviceAction: u16(2),
  ctdp: flag(5, 1),
  servactv: flag(5, 0),
  cdbLength: u16(6),
};
const DESCRIPTOR_LENGTH = 8;
const ONE_COMMAND = { ctdp: flag(1, 7), support: bits(1, 3), cdbSize: u16(2) };
const ONE_COMMAND_LENGTH = 4;
const TIMEOUTS = { descriptorLength: u16(0), nominal: u32(4), recommended: u32(8) };
const TIMEOUTS_LENGTH = 12;
const NOT_SUPPORTED = 1;
const SUPPORTED = 3;
const OPTIONS_BYTE = 2;
const OPTIONS_HIGH_BIT = 2;

type Request = ReturnType<typeof requestOf>;

function reportSupportedOperationCodes(unit: DeviceLogicalUnit, task: DeviceTask, surroundings: Surroundings): void {
  const request = requestOf(task);
  const commands = surroundings.commandsOf(unit);
  if (request.reportingOptions === 0) {
    dataInUpTo(task, allCommands(commands, request.rctd), request.allocationLength);
    return;
  }
  const command = requestedCommand(commands, request);
  if (command === 'invalid') invalidCdbField(unit, task, OPTIONS_BYTE, OPTIONS_HIGH_BIT);
  else dataInUpTo(task, oneCommand(command, request.rctd), request.allocationLength);
}

function requestOf(task: DeviceTask) {
  return readFields(COMMANDS.REPORT_SUPPORTED_OPERATION_CODES.fields, task.cdb, 0, task.cdbLength);
}

/**
 * The command asked for; `undefined` when there is none, `invalid` when the option does not suit the operation code.
 */
function requestedCommand(commands: CommandSet, request: Request): Command | undefined | 'invalid' {
  const { reportingOptions, requestedOperationCode: opcode, requestedServiceAction: serviceAction } = request;
  const plain = commands.byOpcode[opcode];
  const shared = commands.byServiceAction.get(opcode);
  switch (reportingOptions) {
    case 1: // by operation code alone
      return shared ? 'invalid' : plain;
    case 2: // by operation code and service action
      return plain ? 'invalid' : shared?.get(serviceAction);
    case 3: // either
      return shared?.get(serviceAction) ?? (serviceAction === 0 ? plain : undefined);
    default:
      return 'invalid';
  }
}

function allCommands({ all }: CommandSet, rctd: boolean): Uint8Array {
  const header = new Uint8Array(4);
  const length = all.length * (DESCRIPTOR_LENGTH + (rctd ? TIMEOUTS_LENGTH : 0));
  new DataView(header.buffer).setUint32(0, length);
  return concat(header, ...all.flatMap((command) => [descriptorOf(command, rctd), timeouts(rctd)]));
}

function descriptorOf({ opcode, serviceAction, length }: Command, ctdp: boolean): Uint8Array {
  const bytes = new Uint8Array(DESCRIPTOR_LENGTH);
  const servactv = serviceAction !== undefined;
  const values = { operationCode: opcode, serviceAction: serviceAction ?? 0, ctdp, servactv, cdbLength: length };
  writeFields(DESCRIPTOR, new DataView(bytes.buffer), 0, values, 'command descriptor');
  return bytes;
}

function oneCommand(command: Command | undefined, rctd: boolean): Uint8Array {
  const bytes = new Uint8Array(ONE_COMMAND_LENGTH);
  const values = command
    ? { ctdp: rctd, support: SUPPORTED, cdbSize: command.length }
    : { ctdp: false, support: NOT_SUPPORTED, cdbSize: 0 };
  writeFields(ONE_COMMAND, new DataView(bytes.buffer), 0, values, 'one command');
  return command ? concat(bytes, command.usage, timeouts(rctd)) : bytes;
}

function timeouts(rctd: boolean): Uint8Array {
  if (!rctd) return new Uint8Array(0);
  const bytes = new Uint8Array(TIMEOUTS_LENGTH);
  writeFields(TIMEOUTS, new DataView(bytes.buffer), 0, { descriptorLength: TIMEOUTS_LENGTH - 2 }, 'command timeouts');
  return bytes;
}

/** REPORT SUPPORTED OPERATION CODES. */
export const SUPPORTED_OPERATIONS_COMMANDS: readonly Declaration[] = [
  declare({
    name: 'REPORT_SUPPORTED_OPERATION_CODES',
    accepts: ['rctd', 'reportingOptions', 'requestedOperationCode', 'requestedServiceAction', 'allocationLength'],
    run: reportSupportedOperationCodes,
  }),
];
