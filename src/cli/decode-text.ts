/** The lines and the JSON documents of `iscsi-decode`. */
import { toHex, viewOf } from '../bytes/hex.ts';
import type { CaptureEvent, PduEvent } from '../capture/conversation.ts';
import { carriesText, dump, fieldsLine, pduLine, rejectedHeader, tagText } from '../capture/pdu-words.ts';
import { cdbOf, describeCdb } from '../capture/task-words.ts';
import { BHS_LENGTH, opcode } from '../pdu/bhs.ts';
import { describePdu } from '../pdu/opcodes-table.ts';
import { describeSense } from '../scsi/sense.ts';
import { OPCODES, opcodeName } from '../spec/iscsi-opcodes.ts';

/** An event as it is shown. */
export interface Shown {
  readonly event: CaptureEvent;
  /** Milliseconds since 1970 of the first packet. */
  readonly began: number;
  /** Whether details are wanted. */
  readonly verbose: boolean;
}

/** Bytes of data in a JSON document. */
const LONGEST_DATA = 1024;
/** Items of a text in its line. */
const SHOWN_ITEMS = 3;
const INDENT = '              ';

/** One line, with `!` lines for what is wrong, and details where they are wanted. */
export function eventLines({ event, began, verbose }: Shown): string[] {
  const at = event.time === undefined ? '?'.padStart(10) : ((event.time - began) / 1000).toFixed(6).padStart(10);
  const start = `${at} #${event.connection}`;
  if (event.kind === 'remark') return [`${start} ${event.problem ? '!' : '-'} ${event.line}`];
  const { line, fromInitiator, problems, notes } = event;
  const head = `${start} ${fromInitiator ? '>' : '<'} ${line}${textOf(event)}${tagOf(event)}${durationOf(event)}`;
  const wrong = problems.map((problem) => `${INDENT}! ${problem}`);
  const noted = notes.map((note) => `${INDENT}~ ${note}`);
  return [head, ...wrong, ...noted, ...(verbose ? detailLines(event) : [])];
}

/** What a Text PDU says; a login says too much for a line. */
function textOf({ text, pdu }: PduEvent): string {
  const isLogin = opcode(viewOf(pdu.headers), 0) % 0x20 === OPCODES.LOGIN_REQUEST;
  if (text.length === 0 || isLogin) return '';
  const more = text.length > SHOWN_ITEMS ? `, and ${text.length - SHOWN_ITEMS} more` : '';
  return `: ${text.slice(0, SHOWN_ITEMS).join(', ')}${more}`;
}

function tagOf({ tag }: PduEvent): string {
  return tag === undefined ? '' : ` [${tagText(tag)}]`;
}

/** How long a command took, at its end. */
function durationOf({ task, time, fromInitiator, pdu }: PduEvent): string {
  const code = opcode(viewOf(pdu.headers), 0);
  const ends = code === OPCODES.SCSI_RESPONSE || (code === OPCODES.DATA_IN && ((pdu.headers[1] ?? 0) & 1) === 1);
  if (fromInitiator || !ends || task?.time === undefined || time === undefined) return '';
  return ` after ${(time - task.time).toFixed(3)} ms`;
}

function detailLines({ pdu, text, sense, packet }: PduEvent): string[] {
  const view = viewOf(pdu.headers);
  const lines = [`packet ${packet}; ${fieldsLine(pdu.headers)}`];
  if (pdu.headerDigest !== 'absent') lines.push(`header digest ${pdu.headerDigest}`);
  if (pdu.dataDigest !== 'absent') lines.push(`data digest ${pdu.dataDigest}`);
  if (opcode(view, 0) === OPCODES.SCSI_COMMAND) lines.push(`CDB ${toHex(cdbOf(view, pdu.headers))}`);
  if (sense !== undefined) lines.push(`sense: ${describeSense(sense)}`);
  const rejected = opcode(view, 0) === OPCODES.REJECT ? rejectedHeader(pdu.data) : undefined;
  if (rejected !== undefined) lines.push(`rejected: ${pduLine(rejected)}; ${fieldsLine(rejected)}`);
  lines.push(...text);
  if (!carriesText(pdu.headers)) lines.push(...dump(pdu.data, pdu.dataLength));
  return lines.map((line) => `${INDENT}  ${line}`);
}

/** An event as an element of the JSON document. */
export function eventDocument({ event, began }: Shown): Readonly<Record<string, unknown>> {
  const seconds = event.time === undefined ? null : Number(((event.time - began) / 1000).toFixed(6));
  const { kind, connection, packet, line } = event;
  const common = { kind, seconds, connection, packet };
  if (event.kind === 'remark') return { ...common, text: line, problem: event.problem };
  return { ...common, ...pduDocument(event) };
}

function pduDocument(event: PduEvent): Readonly<Record<string, unknown>> {
  const { pdu, fromInitiator, line, lun, text, sense, problems, task } = event;
  const view = viewOf(pdu.headers);
  const code = opcode(view, 0);
  const { fields } = describePdu(view, 0);
  return {
    from: fromInitiator ? 'initiator' : 'target',
    pdu: opcodeName(code),
    text: line,
    ...(lun === undefined ? {} : { lun }),
    fields,
    ...(code === OPCODES.SCSI_COMMAND ? { command: describeCdb(cdbOf(view, pdu.headers)) } : {}),
    ...(task === undefined || code === OPCODES.SCSI_COMMAND ? {} : { of: task.title }),
    ...(text.length === 0 ? {} : { keys: text }),
    ...(sense === undefined ? {} : { sense: { key: sense.key, asc: sense.asc, ascq: sense.ascq, text: sense.text } }),
    ...(pdu.headerDigest === 'absent' ? {} : { headerDigest: pdu.headerDigest }),
    ...(pdu.dataDigest === 'absent' ? {} : { dataDigest: pdu.dataDigest }),
    ...(pdu.dataLength === 0 || carriesText(pdu.headers) ? {} : { data: toHex(pdu.data.subarray(0, LONGEST_DATA)) }),
    dataLength: pdu.dataLength,
    ...(pdu.headers.length > BHS_LENGTH ? { ahs: toHex(pdu.headers.subarray(BHS_LENGTH)) } : {}),
    problems,
    ...(event.notes.length === 0 ? {} : { notes: event.notes }),
  };
}
