/**
 * The command table: which commands there are, how long their CDBs are and where the fields lie. Everything about CDBs
 * follows from it.
 */
import type { CommandRow } from './command-row.ts';
import { BLOCK_COMMANDS } from './commands-block.ts';
import { PRIMARY_COMMANDS } from './commands-primary.ts';
import type { FieldInput, FieldTable, FieldValues } from './fields.ts';
import { byte } from './fields.ts';

/** All commands by their T10 name. */
export const COMMANDS = { ...PRIMARY_COMMANDS, ...BLOCK_COMMANDS } as const;

/** Name of a command, such as `READ_10`. */
export type CommandName = keyof typeof COMMANDS;

/** CONTROL: the last byte, or byte 1 of a 32-byte CDB. */
export type ControlField = {
  /** CONTROL (SAM, "CONTROL byte"): NACA, and bits of the vendor. */
  readonly control: ReturnType<typeof byte>;
};

/** The fields of a command, CONTROL included. */
export type CommandFields<N extends CommandName> = (typeof COMMANDS)[N]['fields'] & ControlField;

/** What `cdb()` takes for a command. A field left out is zero. */
export type CdbInput<N extends CommandName> = FieldInput<CommandFields<N>>;

/** What `parseCdb()` gives for a command. */
export type CdbValues<N extends CommandName> = FieldValues<CommandFields<N>>;

/** OPERATION CODE of the commands with variable length: the service action lies in bytes 8-9, the length in byte 7. */
export const VARIABLE_LENGTH = 0x7f;

const CONTROL = { 6: byte(5), 10: byte(9), 12: byte(11), 16: byte(15), 32: byte(1) } as const;

/** The fields of a row as one table with CONTROL. */
export function fieldsOf(row: CommandRow): FieldTable {
  return { ...row.fields, control: CONTROL[row.length] };
}
