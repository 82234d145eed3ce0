/** The command table: which commands there are, how long their CDBs are and where the fields lie. Everything about CDBs follows from it. */
import { BLOCK_COMMANDS } from './commands-block.ts';
import { PRIMARY_COMMANDS } from './commands-primary.ts';
import type { FieldInput, FieldTable, FieldValues } from './fields.ts';
import { byte } from './fields.ts';

/** One row. Reserved bits are no fields; CONTROL is a field of every command and not listed. */
export interface CommandRow {
  /** OPERATION CODE: byte 0 of the CDB. */
  readonly opcode: number;
  /** Where several commands share the operation code: byte 1 bits 4-0, or bytes 8-9 of a 32-byte CDB. */
  readonly serviceAction?: number;
  /** Bytes of the CDB. */
  readonly length: 6 | 10 | 12 | 16 | 32;
  /** Which way data moves, when any does: a length of zero, or a flag such as NDOB, can mean that none does. */
  readonly direction: 'none' | 'in' | 'out';
  /** Where its fields lie, under the names of the standard. */
  readonly fields: FieldTable;
}

/** All commands by their T10 name. */
export const COMMANDS = { ...PRIMARY_COMMANDS, ...BLOCK_COMMANDS } as const;

/** Name of a command, such as `READ_10`. */
export type CommandName = keyof typeof COMMANDS;

/** CONTROL: the last byte, or byte 1 of a 32-byte CDB. */
type Control = { readonly control: ReturnType<typeof byte> };

/** The fields of a command, CONTROL included. */
export type CommandFields<N extends CommandName> = (typeof COMMANDS)[N]['fields'] & Control;

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
