/**
 * Command descriptor blocks, built and read by the command table.
 *
 *     0        OPERATION CODE
 *     1:4-0    SERVICE ACTION, where the operation code has several
 *     …        fields of the command
 *     last     CONTROL
 *
 * Variable length (7F): 1 CONTROL; 7 ADDITIONAL CDB LENGTH (24 for 32 bytes); 8-9 SERVICE ACTION.
 */

import { viewOf } from '../bytes/hex.ts';
import { ValueError } from '../bytes/value-error.ts';
import type { CommandRow } from './command-row.ts';
import type { CdbInput, CdbValues, CommandName } from './commands.ts';
import { COMMANDS, fieldsOf, VARIABLE_LENGTH } from './commands.ts';
import type { FieldTable } from './fields.ts';
import { readFields, writeFields } from './fields.ts';

/** A CDB taken apart: the `name` tells which `fields` there are. */
export type ParsedCdb = {
  readonly [N in CommandName]: { readonly name: N; readonly fields: CdbValues<N> };
}[CommandName];

/** A row of the table with its name, and its fields with CONTROL. */
interface Entry {
  readonly name: CommandName;
  readonly row: CommandRow;
  readonly fields: FieldTable;
}

/**
 * The commands of one operation code: by service action, and the row whose service action is a field (or that has
 * none).
 */
interface OpcodeEntries {
  readonly byServiceAction: Map<number, Entry>;
  general: Entry | undefined;
}

const ENTRIES = new Map<CommandName, Entry>();
const BY_OPCODE = indexByOpcode();

/**
 * Builds a CDB from named fields; a field left out is zero. The bytes belong to the caller.
 *
 * @throws {RangeError} When a value does not fit its field, or the command has no such field.
 * @example
 * cdb('READ_10', { logicalBlockAddress: 8, transferLength: 1 }); // hex 28 00 00 00 00 08 00 00 01 00
 */
export function cdb<N extends CommandName>(name: N, values: CdbInput<N>): Uint8Array<ArrayBuffer> {
  const entry = ENTRIES.get(name);
  if (!entry) throw new ValueError(`Cannot build a CDB: there is no command ${name} in the table`);
  for (const field in values) {
    if (!Object.hasOwn(entry.fields, field)) {
      throw new ValueError(
        `Cannot build ${name}: it has no field ${field}, only ${Object.keys(entry.fields).join(', ')}`,
      );
    }
  }
  const { opcode, serviceAction, length } = entry.row;
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, opcode);
  if (opcode === VARIABLE_LENGTH) {
    view.setUint8(7, length - 8);
    view.setUint16(8, serviceAction ?? 0);
  } else if (serviceAction !== undefined) view.setUint8(1, serviceAction);
  writeFields(entry.fields, view, 0, values as Readonly<Record<string, number>>, name);
  return bytes;
}

/**
 * Takes a CDB apart: all of `bytes`, or the `length` bytes at `at`. A 64-bit field above 2^53 - 1 is given as 2^53 - 1:
 * larger than any device.
 *
 * @returns `undefined` when the command is not in the table, or is longer than `length`.
 * @example
 * const parsed = parseCdb(cdb('READ_10', { logicalBlockAddress: 8, transferLength: 1 }));
 * parsed?.name === 'READ_10' && parsed.fields.logicalBlockAddress; // 8
 */
export function parseCdb(bytes: Uint8Array | DataView, length = bytes.byteLength, at = 0): ParsedCdb | undefined {
  const view = asView(bytes);
  const entry = find(view, length, at);
  if (!entry || entry.row.length > length) return undefined;
  return { name: entry.name, fields: readFields(entry.fields, view, at, at + length) } as unknown as ParsedCdb;
}

/**
 * The name of the command in the CDB at `at`; one that is not in the table is named by its codes, such as `0xD4` or
 * `0x9E/0x1F`.
 *
 * @example
 * commandName(cdb('READ_10', {})); // 'READ_10'
 */
export function commandName(bytes: Uint8Array | DataView, at = 0): string {
  const view = asView(bytes);
  if (at >= view.byteLength) return 'no command';
  const opcode = view.getUint8(at);
  const entry = find(view, view.byteLength - at, at);
  if (entry) return entry.name;
  const shared = BY_OPCODE[opcode] !== undefined || opcode === VARIABLE_LENGTH;
  const serviceAction = shared ? serviceActionOf(view, view.byteLength - at, at) : undefined;
  return serviceAction === undefined ? code(opcode) : `${code(opcode)}/${code(serviceAction)}`;
}

/**
 * A command's name as the standards print it.
 *
 * @example
 * commandTitle('READ_10'); // 'READ(10)'
 */
export function commandTitle(name: string): string {
  return name
    .replace(/_(\d+)$/, '($1)')
    .replaceAll('_', ' ')
    .replace('PRE FETCH', 'PRE-FETCH');
}

/**
 * How many bytes a CDB with this operation code has: the first three bits tell (SPC, "Operation code").
 *
 * @returns `undefined` where they do not: variable-length (7E, 7F) and vendor-specific operation codes.
 * @example
 * cdbLength(0x28); // 10
 * cdbLength(0x7f); // undefined
 */
export function cdbLength(opcode: number): 6 | 10 | 12 | 16 | undefined {
  switch (opcode >>> 5) {
    case 0:
      return 6;
    case 1:
    case 2:
      return 10;
    case 4:
      return 16;
    case 5:
      return 12;
    default:
      return undefined;
  }
}

function asView(bytes: Uint8Array | DataView): DataView {
  return bytes instanceof DataView ? bytes : viewOf(bytes);
}

function find(view: DataView, length: number, at: number): Entry | undefined {
  if (length < 1 || at >= view.byteLength) return undefined;
  const entries = BY_OPCODE[view.getUint8(at)];
  if (!entries) return undefined;
  const serviceAction = entries.byServiceAction.size > 0 ? serviceActionOf(view, length, at) : undefined;
  return (serviceAction === undefined ? undefined : entries.byServiceAction.get(serviceAction)) ?? entries.general;
}

function serviceActionOf(view: DataView, length: number, at: number): number | undefined {
  const long = view.getUint8(at) === VARIABLE_LENGTH;
  if (Math.min(length, view.byteLength - at) < (long ? 10 : 2)) return undefined;
  return long ? view.getUint16(at + 8) : view.getUint8(at + 1) & 0x1f;
}

function indexByOpcode(): readonly (OpcodeEntries | undefined)[] {
  const index: (OpcodeEntries | undefined)[] = new Array(256).fill(undefined);
  for (const name of Object.keys(COMMANDS) as CommandName[]) {
    const row: CommandRow = COMMANDS[name];
    const entry = { name, row, fields: fieldsOf(row) };
    ENTRIES.set(name, entry);
    const entries: OpcodeEntries = index[row.opcode] ?? { byServiceAction: new Map(), general: undefined };
    index[row.opcode] = entries;
    if (row.serviceAction === undefined) entries.general = entry;
    else entries.byServiceAction.set(row.serviceAction, entry);
  }
  return index;
}

function code(value: number): string {
  return `0x${value.toString(16).toUpperCase().padStart(2, '0')}`;
}
