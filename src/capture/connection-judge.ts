/** What is wrong in a connection, PDU by PDU: broken rules, refusals, numbers that do not fit. */
import { toHex, viewOf } from '../bytes/hex.ts';
import { serialAdd, serialDistance, serialLess } from '../bytes/serial.ts';
import { ProtocolError } from '../errors.ts';
import { readAsyncMessage } from '../pdu/async-message.ts';
import { BHS_LENGTH, immediate, initiatorTaskTag, opcode } from '../pdu/bhs.ts';
import { readDataIn } from '../pdu/data-in.ts';
import { readLoginRequest } from '../pdu/login-request.ts';
import { readLoginResponse } from '../pdu/login-response.ts';
import { readLogoutResponse } from '../pdu/logout-response.ts';
import { cmdSN, expCmdSN, maxCmdSN, statSN } from '../pdu/numbers.ts';
import { pduKind } from '../pdu/opcodes-table.ts';
import { readR2T } from '../pdu/r2t.ts';
import { readReject } from '../pdu/reject.ts';
import { readScsiCommand } from '../pdu/scsi-command.ts';
import { readScsiResponse } from '../pdu/scsi-response.ts';
import { readSenseSegment } from '../pdu/sense-segment.ts';
import { readTaskManagementResponse } from '../pdu/task-management-response.ts';
import { describeSense, isUnitAttention, parseSense, type Sense } from '../scsi/sense.ts';
import { loginStatusText } from '../spec/iscsi-login-status.ts';
import { FIRST_TARGET_OPCODE, OPCODES, opcodeName, RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { rejectReasonText } from '../spec/iscsi-reject-reasons.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import type { FoundPdu } from './pdu-stream.ts';
import { pduLine, rejectedHeader, statusText, tagText } from './pdu-words.ts';
import { readScsiCdb } from './task-words.ts';
import type { SharedBudget } from './tcp-order.ts';

/** A command that has no status yet, or had one just now. */
export interface WatchedTask {
  readonly tag: number;
  /** When it was sent. */
  readonly time: number | undefined;
  /** The command in words. */
  readonly title: string;
  readonly lunHigh: number;
  readonly lunLow: number;
  readonly length: number;
  dataSN: number;
  /** Where the next Data-In is to begin; -1 once something was missing. */
  offset: number;
}

/** What was learned from one PDU. */
export interface Judgement {
  /** What is wrong, or was refused. */
  readonly problems: string[];
  /** What is worth a word and no fault: unit attentions, which every new session meets. */
  readonly notes: string[];
  /** The command that the PDU is about, where it is known. */
  readonly task: WatchedTask | undefined;
  /** Sense data, decoded, where there is any. */
  readonly sense: Sense | undefined;
}

/** Commands that are remembered while they have no status. */
const MOST_TASKS = 4096;

/** Target PDUs whose StatSN counts. */
const COUNTED: ReadonlySet<number> = new Set([
  OPCODES.NOP_IN,
  OPCODES.SCSI_RESPONSE,
  OPCODES.TASK_MANAGEMENT_RESPONSE,
  OPCODES.LOGIN_RESPONSE,
  OPCODES.TEXT_RESPONSE,
  OPCODES.LOGOUT_RESPONSE,
  OPCODES.ASYNC_MESSAGE,
  OPCODES.REJECT,
]);
/** Initiator PDUs with a CmdSN. */
const NUMBERED: ReadonlySet<number> = new Set([
  OPCODES.NOP_OUT,
  OPCODES.SCSI_COMMAND,
  OPCODES.TASK_MANAGEMENT_REQUEST,
  OPCODES.TEXT_REQUEST,
  OPCODES.LOGOUT_REQUEST,
]);

/** Follows one connection. Everything may be missing; it says nothing about what it cannot know. */
export class ConnectionJudge {
  /** Commands without a status, by tag. */
  readonly tasks = new Map<number, WatchedTask>();
  /** Whether the connection was left in order. */
  loggedOut = false;
  /** Whether the beginning of the connection is in the capture. */
  readonly complete: boolean;
  readonly #budget: SharedBudget;
  #statSN: number | undefined;
  #cmdSN: number | undefined;
  #maxCmdSN: number | undefined;
  /** Whether commands had to be forgotten: then an answer to nothing says nothing. */
  #forgot = false;
  #problems: string[] = [];
  #notes: string[] = [];
  #sense: Sense | undefined;

  /** @param budget How many commands all connections together may remember. */
  constructor(complete: boolean, budget: SharedBudget) {
    this.complete = complete;
    this.#budget = budget;
  }

  /** Nothing more comes. */
  end(): void {
    this.#budget.give(this.tasks.size);
  }

  /** Commands were left out: their answers may come all the same. */
  forget(): void {
    this.#forgot = true;
  }

  /** Bytes are missing: numbers begin anew. */
  gap(): void {
    this.#statSN = undefined;
    this.#cmdSN = undefined;
    this.#maxCmdSN = undefined;
    for (const task of this.tasks.values()) {
      task.offset = -1;
      task.dataSN = -1;
    }
  }

  /** Judges the next PDU. */
  judge(pdu: FoundPdu, fromInitiator: boolean, time: number | undefined): Judgement {
    this.#problems = [];
    this.#notes = [];
    this.#sense = undefined;
    const view = viewOf(pdu.headers);
    const code = opcode(view, 0);
    this.#judgeHeader(view, code, fromInitiator);
    if (pdu.headerDigest === 'wrong') this.#problems.push('the header digest is wrong');
    if (pdu.dataDigest === 'wrong') this.#problems.push('the data digest is wrong');
    const known = this.tasks.get(initiatorTaskTag(view, 0));
    if (fromInitiator) this.#request(view, pdu, code, time);
    else this.#answer(view, pdu, code);
    const task = code === OPCODES.SCSI_COMMAND ? this.tasks.get(initiatorTaskTag(view, 0)) : known;
    return { problems: this.#problems, notes: this.#notes, task, sense: this.#sense };
  }

  #judgeHeader(view: DataView, code: number, fromInitiator: boolean): void {
    const kind = pduKind(code);
    if (kind === undefined) {
      this.#problems.push(`there is no opcode 0x${code.toString(16).padStart(2, '0')}`);
      return;
    }
    if (code < FIRST_TARGET_OPCODE !== fromInitiator) {
      this.#problems.push(`it is the ${fromInitiator ? "target's" : "initiator's"} to send a ${opcodeName(code)}`);
    }
    try {
      kind.check(view, 0);
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      const clause = error.clause === undefined ? '' : ` (RFC 7143 §${error.clause})`;
      this.#problems.push(`${lower(error.message)}${clause}`);
    }
  }

  #request(view: DataView, pdu: FoundPdu, code: number, time: number | undefined): void {
    if (code === OPCODES.LOGIN_REQUEST) this.#cmdSN = readLoginRequest(view, 0).cmdSN;
    else if (NUMBERED.has(code)) this.#number(cmdSN(view, 0), immediate(view, 0));
    if (code === OPCODES.SCSI_COMMAND) this.#command(view, pdu, time);
  }

  #number(number: number, isImmediate: boolean): void {
    const expected = this.#cmdSN;
    if (expected !== undefined && number !== expected) {
      const ahead = serialDistance(number, expected);
      this.#problems.push(
        `CmdSN ${number} comes where ${expected} should (${ahead > 0 ? `${ahead} missing` : 'again'})`,
      );
    }
    if (this.#maxCmdSN !== undefined && !isImmediate && serialLess(this.#maxCmdSN, number)) {
      this.#problems.push(`CmdSN ${number} is outside of the window, which ends at ${this.#maxCmdSN}`);
    }
    if (expected === undefined || serialLess(expected, serialAdd(number, 1)) || number === expected) {
      this.#cmdSN = serialAdd(number, isImmediate ? 0 : 1);
    }
  }

  #command(view: DataView, { headers }: FoundPdu, time: number | undefined): void {
    const { initiatorTaskTag: tag, lunHigh, lunLow, expectedDataTransferLength: length } = readScsiCommand(view, 0);
    if (this.tasks.has(tag)) this.#problems.push(`tag ${tagText(tag)} is in use already`);
    if (!this.#makeRoom(tag)) return;
    this.tasks.set(tag, {
      tag,
      time,
      title: readScsiCdb(view, headers),
      lunHigh,
      lunLow,
      length,
      dataSN: 0,
      offset: 0,
    });
  }

  /** Forgets the oldest command of this connection, where it must. @returns Whether one more can be remembered. */
  #makeRoom(tag: number): boolean {
    if (this.tasks.has(tag) || (this.tasks.size < MOST_TASKS && this.#budget.take(1))) return true;
    this.#forgot = true;
    return this.tasks.delete(this.tasks.keys().next().value ?? tag);
  }

  #answer(view: DataView, pdu: FoundPdu, code: number): void {
    this.#status(view, code);
    if (pduKind(code)?.role === 'target' && !serialLess(maxCmdSN(view, 0), serialAdd(expCmdSN(view, 0), -1))) {
      const end = maxCmdSN(view, 0);
      if (this.#maxCmdSN === undefined || serialLess(this.#maxCmdSN, end)) this.#maxCmdSN = end;
    }
    if (code === OPCODES.LOGIN_RESPONSE) this.#login(view);
    else if (code === OPCODES.DATA_IN) this.#dataIn(view);
    else if (code === OPCODES.SCSI_RESPONSE) this.#response(view, pdu);
    else if (code === OPCODES.R2T) this.#r2t(view);
    else this.#other(view, pdu, code);
  }

  #status(view: DataView, code: number): void {
    const carried = code === OPCODES.DATA_IN ? readDataIn(view, 0).hasStatus : COUNTED.has(code);
    if (!carried) return;
    const number = statSN(view, 0);
    const expected = this.#statSN;
    // A ping that no answer is wanted to, and a refused login, use none up.
    const uses = !(code === OPCODES.NOP_IN && initiatorTaskTag(view, 0) === RESERVED_TAG);
    if (expected !== undefined && number !== expected) {
      const ahead = serialDistance(number, expected);
      this.#problems.push(
        `StatSN ${number} comes where ${expected} should (${ahead > 0 ? `${ahead} missing` : 'again'})`,
      );
    }
    this.#statSN = serialAdd(number, uses ? 1 : 0);
  }

  #login(view: DataView): void {
    const { statusClass, statusDetail } = readLoginResponse(view, 0);
    if (statusClass === 0) return;
    const { name, text } = loginStatusText(statusClass, statusDetail);
    this.#problems.push(`${statusClass === 1 ? 'redirected' : 'login refused'}: ${lower(name)}, ${text}`);
  }

  #dataIn(view: DataView): void {
    const p = readDataIn(view, 0);
    const task = this.#taskOf(view);
    if (task === undefined) return;
    if (task.dataSN >= 0 && p.dataSN !== task.dataSN) {
      this.#problems.push(`DataSN ${p.dataSN} comes where ${task.dataSN} should`);
    }
    if (task.offset >= 0 && p.bufferOffset !== task.offset) {
      this.#problems.push(`data for ${p.bufferOffset} comes where ${task.offset} should`);
    }
    const end = p.bufferOffset + p.dataSegmentLength;
    if (end > task.length) this.#problems.push(`data up to ${end} of a command that reads ${task.length} bytes`);
    task.dataSN = p.dataSN + 1;
    task.offset = end;
    if (p.hasStatus) this.#end(task, p.status);
  }

  #response(view: DataView, { data, dataLength }: FoundPdu): void {
    const p = readScsiResponse(view, 0);
    const task = this.#taskOf(view);
    if (p.response !== 0) this.#problems.push(`the target could not carry out ${task?.title ?? 'the command'}`);
    this.#readSense(data, dataLength);
    if (task !== undefined) this.#end(task, p.response === 0 ? p.status : SCSI_STATUS.GOOD);
    else if (p.response === 0) this.#noteStatus(p.status, 'a command');
  }

  #r2t(view: DataView): void {
    const { bufferOffset, desiredDataTransferLength } = readR2T(view, 0);
    const task = this.#taskOf(view);
    const end = bufferOffset + desiredDataTransferLength;
    if (task !== undefined && end > task.length) {
      this.#problems.push(`asks for data up to ${end} of a command that writes ${task.length} bytes`);
    }
  }

  #other(view: DataView, { data, dataLength }: FoundPdu, code: number): void {
    if (code === OPCODES.REJECT) this.#reject(view, data);
    else if (code === OPCODES.ASYNC_MESSAGE) {
      if (readAsyncMessage(view, 0).asyncEvent === 0) this.#readSense(data, dataLength);
      this.#problems.push(lower(pduLine(new Uint8Array(view.buffer, view.byteOffset, BHS_LENGTH))));
    } else if (code === OPCODES.TASK_MANAGEMENT_RESPONSE) {
      if (readTaskManagementResponse(view, 0).response !== 0)
        this.#problems.push(lower(pduLine(new Uint8Array(view.buffer, view.byteOffset, BHS_LENGTH))));
    } else if (code === OPCODES.LOGOUT_RESPONSE) this.loggedOut = readLogoutResponse(view, 0).response === 0;
  }

  #reject(view: DataView, data: Uint8Array): void {
    const header = rejectedHeader(data);
    const what = header === undefined ? 'a PDU' : `"${pduLine(header)}"`;
    this.#problems.push(`the target rejects ${what}: ${rejectReasonText(readReject(view, 0).reason).text}`);
  }

  /** The command of an answer; that there is none is a problem, unless it may have been sent before the capture. */
  #taskOf(view: DataView): WatchedTask | undefined {
    const tag = initiatorTaskTag(view, 0);
    const task = this.tasks.get(tag);
    if (task === undefined && this.complete && !this.#forgot) {
      this.#problems.push(`there is no command with tag ${tagText(tag)}, or it is over`);
    }
    return task;
  }

  #end(task: WatchedTask, status: number): void {
    if (this.tasks.delete(task.tag)) this.#budget.give(1);
    this.#noteStatus(status, task.title);
  }

  #noteStatus(status: number, title: string): void {
    if (status === SCSI_STATUS.GOOD || status === SCSI_STATUS.CONDITION_MET) return;
    const sense = this.#sense === undefined ? '' : `: ${describeSense(this.#sense)}`;
    const list = isUnitAttention(this.#sense) ? this.#notes : this.#problems;
    list.push(`${title} ended with ${statusText(status)}${sense}`);
  }

  #readSense(data: Uint8Array, whole: number): void {
    if (data.length === 0) return;
    try {
      const { sense } = readSenseSegment(data);
      this.#sense = parseSense(sense);
      if (this.#sense === undefined && sense.length > 0) {
        this.#problems.push(`sense data that cannot be read: ${toHex(sense.subarray(0, 32))}`);
      }
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      if (data.length === whole) this.#problems.push(lower(error.message));
    }
  }
}

function lower(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text;
}
