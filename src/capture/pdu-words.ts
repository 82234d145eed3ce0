/** PDUs in words: one line for each, and details for who wants to know more. */
import { toHex, viewOf } from '../bytes/hex.ts';
import { fromAscii, fromUtf8 } from '../bytes/text.ts';
import { readAsyncMessage } from '../pdu/async-message.ts';
import { BHS_LENGTH, opcode } from '../pdu/bhs.ts';
import { readDataIn } from '../pdu/data-in.ts';
import { readDataOut } from '../pdu/data-out.ts';
import { readLoginRequest } from '../pdu/login-request.ts';
import { readLoginResponse } from '../pdu/login-response.ts';
import { readLogoutRequest } from '../pdu/logout-request.ts';
import { readLogoutResponse } from '../pdu/logout-response.ts';
import { describePdu } from '../pdu/opcodes-table.ts';
import { readR2T } from '../pdu/r2t.ts';
import { readReject } from '../pdu/reject.ts';
import { readScsiCommand } from '../pdu/scsi-command.ts';
import { readScsiResponse } from '../pdu/scsi-response.ts';
import { readTaskManagementRequest } from '../pdu/task-management-request.ts';
import { readTaskManagementResponse } from '../pdu/task-management-response.ts';
import { formatLun } from '../scsi/lun.ts';
import { asyncEventText } from '../spec/iscsi-async-events.ts';
import { loginStatusText } from '../spec/iscsi-login-status.ts';
import { logoutReasonText, logoutResponseText } from '../spec/iscsi-logout.ts';
import { OPCODES, opcodeName, RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { rejectReasonText } from '../spec/iscsi-reject-reasons.ts';
import { taskManagementFunctionText, taskManagementResponseText } from '../spec/iscsi-task-management.ts';
import { hexCode } from '../spec/iscsi-text.ts';
import { nameOf } from '../spec/scsi-names.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import { readScsiCdb } from './task-words.ts';

const STAGES: Readonly<Record<number, string>> = { 0: 'security', 1: 'operational', 3: 'full feature' };
const DUMP_LENGTH = 256;
const DUMP_WIDTH = 16;

/** Numbers of the header that say nothing to people, or are said in other words. */
const PLAIN: ReadonlySet<string> = new Set(['cdb']);

type Words = (view: DataView, headers: Uint8Array) => string;

/** What a PDU says, without its name. */
const WORDS: Readonly<Record<number, Words>> = {
  [OPCODES.SCSI_COMMAND]: (view, headers) => {
    const { lunHigh, lunLow, read, write, expectedDataTransferLength: length } = readScsiCommand(view, 0);
    const moved =
      read && write
        ? `moves ${length} bytes`
        : write
          ? `writes ${length} bytes`
          : read
            ? `reads ${length} bytes`
            : 'no data';
    return `${readScsiCdb(view, headers)}, LUN ${formatLun({ high: lunHigh, low: lunLow })}, ${moved}`;
  },
  [OPCODES.SCSI_RESPONSE]: (view) => {
    const { response, status, overflow, underflow, residualCount } = readScsiResponse(view, 0);
    if (response !== 0) return `response ${hexCode(response)}${response === 1 ? ', target failure' : ''}`;
    return statusText(status) + residualText(overflow, underflow, residualCount);
  },
  [OPCODES.DATA_IN]: (view) => {
    const p = readDataIn(view, 0);
    const status = p.hasStatus
      ? `, ${statusText(p.status)}${residualText(p.overflow, p.underflow, p.residualCount)}`
      : '';
    return `${p.dataSegmentLength} bytes at ${p.bufferOffset}${status}`;
  },
  [OPCODES.DATA_OUT]: (view) => {
    const p = readDataOut(view, 0);
    return `${p.dataSegmentLength} bytes at ${p.bufferOffset}${p.final ? ', last of the sequence' : ''}`;
  },
  [OPCODES.R2T]: (view) => {
    const p = readR2T(view, 0);
    return `asks for ${p.desiredDataTransferLength} bytes at ${p.bufferOffset}`;
  },
  [OPCODES.LOGIN_REQUEST]: (view) => {
    const p = readLoginRequest(view, 0);
    return `${stageText(p.currentStage, p.transit, p.nextStage, p.continues)}${p.tsih === 0 ? '' : `, TSIH ${p.tsih}`}`;
  },
  [OPCODES.LOGIN_RESPONSE]: (view) => {
    const p = readLoginResponse(view, 0);
    const { name, text } = loginStatusText(p.statusClass, p.statusDetail);
    if (p.statusClass !== 0) return `${name}: ${text} (${code4(p.statusClass, p.statusDetail)})`;
    return stageText(p.currentStage, p.transit, p.nextStage, p.continues);
  },
  [OPCODES.LOGOUT_REQUEST]: (view) => lower(logoutReasonText(readLogoutRequest(view, 0).reason).name),
  [OPCODES.LOGOUT_RESPONSE]: (view) => lower(logoutResponseText(readLogoutResponse(view, 0).response).name),
  [OPCODES.REJECT]: (view) => {
    const { name, text } = rejectReasonText(readReject(view, 0).reason);
    return `${lower(name)}: ${text}`;
  },
  [OPCODES.ASYNC_MESSAGE]: (view) => {
    const p = readAsyncMessage(view, 0);
    const filled = (text: string): string =>
      text
        .replace('Parameter1', `${p.parameter1}`)
        .replace('Parameter2', `${p.parameter2}`)
        .replace('Parameter3', `${p.parameter3}`);
    const { name, text } = asyncEventText(p.asyncEvent);
    return `${name}: ${filled(text)}`;
  },
  [OPCODES.TASK_MANAGEMENT_REQUEST]: (view) => {
    const p = readTaskManagementRequest(view, 0);
    const of = p.referencedTaskTag === RESERVED_TAG ? '' : ` of tag ${tagText(p.referencedTaskTag)}`;
    const lun = formatLun({ high: p.lunHigh, low: p.lunLow });
    return `${taskManagementFunctionText(p.functionCode).name}${of}, LUN ${lun}`;
  },
  [OPCODES.TASK_MANAGEMENT_RESPONSE]: (view) =>
    lower(taskManagementResponseText(readTaskManagementResponse(view, 0).response).name),
};

/** A PDU in one line: its name, then what it says. */
export function pduLine(headers: Uint8Array): string {
  const view = viewOf(headers);
  const code = opcode(view, 0);
  const words = WORDS[code]?.(view, headers);
  return words === undefined ? opcodeName(code) : `${opcodeName(code)}: ${words}`;
}

/** The fields of a header that are not zero, such as `CmdSN 5`. */
export function fieldsLine(headers: Uint8Array): string {
  const { fields } = describePdu(viewOf(headers), 0);
  return Object.entries(fields)
    .filter(([name, value]) => !PLAIN.has(name) && value !== 0 && value !== false && value !== '')
    .map(([name, value]) => (value === true ? name : `${name} ${shownField(name, value)}`))
    .join(', ');
}

function shownField(name: string, value: number | boolean | string): string {
  if (typeof value !== 'number') return String(value);
  return /tag$/i.test(name) || /^lun/.test(name) || name === 'isid' ? hexCode(value, 8) : String(value);
}

/** Bytes as lines of hex and text; no more than the first 256. */
export function dump(bytes: Uint8Array, whole: number): string[] {
  const lines: string[] = [];
  for (let at = 0; at < Math.min(bytes.length, DUMP_LENGTH); at += DUMP_WIDTH) {
    const line = bytes.subarray(at, Math.min(at + DUMP_WIDTH, DUMP_LENGTH, bytes.length));
    const hex = toHex(line).replace(/(..)(?=.)/g, '$1 ');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(DUMP_WIDTH * 3)} ${fromAscii(line)}`);
  }
  const shown = Math.min(bytes.length, DUMP_LENGTH);
  if (whole > shown) lines.push(`...   ${whole - shown} bytes more`);
  return lines;
}

/** The items of a text, one after the other, whatever they are worth; an unfinished one too. */
export function textItems(bytes: Uint8Array): string[] {
  return fromUtf8(bytes)
    .split('\0')
    .filter((item) => item !== '');
}

/** Whether a PDU carries text. */
export function carriesText(headers: Uint8Array): boolean {
  const code = opcode(viewOf(headers), 0);
  return code % 0x20 === 3 || code % 0x20 === 4;
}

/** A task tag as it is shown: hex. */
export function tagText(tag: number): string {
  return hexCode(tag, 8);
}

/** A SCSI status by its name. */
export function statusText(status: number): string {
  return (nameOf(SCSI_STATUS, status) ?? `status ${hexCode(status)}`).replaceAll('_', ' ');
}

/** The header of the PDU that a Reject complains of, if it is there. */
export function rejectedHeader(data: Uint8Array): Uint8Array | undefined {
  return data.length >= BHS_LENGTH ? data.slice(0, BHS_LENGTH) : undefined;
}

function residualText(overflow: boolean, underflow: boolean, count: number): string {
  if (underflow) return `, ${count} bytes less than asked for`;
  return overflow ? `, ${count} bytes more than asked for` : '';
}

function stageText(current: number, transit: boolean, next: number, continues: boolean): string {
  const stage = STAGES[current] ?? `stage ${current}`;
  const to = transit ? `, on to ${STAGES[next] ?? `stage ${next}`}` : '';
  return `${stage}${to}${continues ? ', text goes on' : ''}`;
}

function code4(statusClass: number, detail: number): string {
  return `${hexCode(statusClass).slice(2)}${hexCode(detail).slice(2)}h`;
}

function lower(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
