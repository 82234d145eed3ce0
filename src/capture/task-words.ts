/** SCSI commands of a capture in words. */
import { concat } from '../bytes/hex.ts';
import { readExtendedCdb } from '../pdu/ahs.ts';
import { commandName, commandTitle, type ParsedCdb, parseCdb } from '../scsi/cdb.ts';

/** What every command has and nobody reads. */
const LEFT_OUT: ReadonlySet<string> = new Set(['control', 'groupNumber']);

/** All of a command's CDB, whatever its AHS is worth. */
export function cdbOf(view: DataView, headers: Uint8Array): Uint8Array {
  try {
    return readExtendedCdb(view, 0);
  } catch {
    return concat(headers.subarray(32, 48)); // the AHS is nonsense
  }
}

/** A CDB taken apart, with the name of the command; `fields` undefined where it is not known. */
export function describeCdb(cdb: Uint8Array): {
  readonly name: string;
  readonly fields: ParsedCdb['fields'] | undefined;
} {
  return { name: commandName(cdb), fields: parseCdb(cdb)?.fields };
}

/** The command of a SCSI Command PDU, such as `READ(10) logical block address 8, transfer length 1`. */
export function readScsiCdb(view: DataView, headers: Uint8Array): string {
  const { name, fields } = describeCdb(cdbOf(view, headers));
  const shown = Object.entries<number | boolean>(fields ?? {})
    .filter(([field, value]) => !LEFT_OUT.has(field) && value !== 0 && value !== false)
    .map(([field, value]) => (value === true ? spelled(field) : `${spelled(field)} ${value}`));
  return [commandTitle(name), shown.join(', ')].filter((part) => part !== '').join(' ');
}

/** `logicalBlockAddress` as people write it. */
function spelled(field: string): string {
  return field.replace(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
}
