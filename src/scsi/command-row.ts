/** What the command table says of one command. */
import type { FieldTable } from './fields.ts';

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
