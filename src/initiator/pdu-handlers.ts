import { DigestError, ProtocolError, RejectError } from '../errors.ts';
import { BHS_LENGTH, initiatorTaskTag, opcode } from '../pdu/bhs.ts';
import { checkLogoutResponse, readLogoutResponse } from '../pdu/logout-response.ts';
import { checkNopIn, readNopIn } from '../pdu/nop-in.ts';
import { expCmdSN, maxCmdSN } from '../pdu/numbers.ts';
import { checkReject, readReject } from '../pdu/reject.ts';
import { checkTaskManagementResponse, readTaskManagementResponse } from '../pdu/task-management-response.ts';
import { TextAssembler } from '../pdu/text.ts';
import { checkTextResponse, readTextResponse } from '../pdu/text-response.ts';
import { LOGOUT_RESPONSES } from '../spec/iscsi-logout.ts';
import { OPCODES, opcodeName, RESERVED_TAG } from '../spec/iscsi-opcodes.ts';
import { REJECT_REASONS, rejectReasonText } from '../spec/iscsi-reject-reasons.ts';
import { requireAllegiance } from './allegiance.ts';
import { onAsyncMessage } from './async-message.ts';
import { type InitiatorConnection, notAfterLogin, notFromTarget } from './connection.ts';
import { beginDataIn, endDataIn, onR2T, onScsiResponse } from './data-phase.ts';
import type { Exchange, ExchangeKind } from './exchange.ts';
import { sendNopAnswer, sendText } from './requests.ts';
import type { SessionState } from './session-state.ts';

/** What is done with one kind of PDU, after the login. */
export interface PduRules {
  /** Says where the data goes (`c.sink`). Without it, the data segment is collected. */
  readonly begin?: (s: SessionState, c: InitiatorConnection, v: DataView, at: number) => void;
  readonly end: (s: SessionState, c: InitiatorConnection, v: DataView, at: number, dataDigestOk: boolean) => void;
}

/** What a PDU does whose data is right. */
type Handler = (s: SessionState, c: InitiatorConnection, v: DataView, at: number) => void;

/** The most text that one answer may have, over all its PDUs, in bytes. */
const TEXT_ANSWER_LIMIT = 16 * 1024 * 1024;

/** All PDUs that a target may send after the login, by opcode (RFC 7143 §11.2.1.2). */
export const HANDLERS: readonly (PduRules | undefined)[] = table({
  [OPCODES.NOP_IN]: { end: whole(onNopIn) },
  [OPCODES.SCSI_RESPONSE]: { end: whole(onScsiResponse) },
  [OPCODES.TASK_MANAGEMENT_RESPONSE]: { end: whole(onTaskManagementResponse) },
  [OPCODES.TEXT_RESPONSE]: { end: whole(onTextResponse) },
  [OPCODES.DATA_IN]: { begin: beginDataIn, end: endDataIn },
  [OPCODES.LOGOUT_RESPONSE]: { end: whole(onLogoutResponse) },
  [OPCODES.R2T]: { end: whole(onR2T) },
  [OPCODES.ASYNC_MESSAGE]: { end: whole(onAsyncMessage) },
  [OPCODES.REJECT]: { end: whole(onReject) },
});

function table(rows: Readonly<Record<number, PduRules>>): (PduRules | undefined)[] {
  return Array.from({ length: 64 }, (_, code) => rows[code]);
}

/**
 * What all PDUs but Data-In have in common: their data must be right, because a status that is lost is lost for good at
 * error recovery level 0 (RFC 7143 §7.8), and they move the window.
 */
function whole(handle: Handler): PduRules['end'] {
  return (s, c, v, at, dataDigestOk) => {
    if (!dataDigestOk) throw new DigestError(`The data digest of a ${opcodeName(opcode(v, at))} is wrong`);
    s.window.update(expCmdSN(v, at), maxCmdSN(v, at));
    handle(s, c, v, at);
  };
}

function onNopIn(s: SessionState, c: InitiatorConnection, v: DataView, at: number): void {
  checkNopIn(v, at);
  const pdu = readNopIn(v, at);
  if (pdu.initiatorTaskTag !== RESERVED_TAG) {
    c.acknowledge(pdu.statSN);
    const exchange = find(s, c, pdu.initiatorTaskTag, 'nop');
    if (exchange !== undefined) s.settleExchange(exchange, undefined, { data: c.sink });
  } else if (pdu.targetTransferTag !== RESERVED_TAG) {
    if (s.loggingOut) return;
    c.countAnswer();
    c.countUnasked();
    sendNopAnswer(c, s.window.next, pdu.targetTransferTag, pdu.lunHigh, pdu.lunLow);
  } else c.countUnasked();
}

function onTaskManagementResponse(s: SessionState, c: InitiatorConnection, v: DataView, at: number): void {
  checkTaskManagementResponse(v, at);
  const pdu = readTaskManagementResponse(v, at);
  c.acknowledge(pdu.statSN);
  const exchange = find(s, c, pdu.initiatorTaskTag, 'taskManagement');
  if (exchange !== undefined) s.settleExchange(exchange, undefined, { response: pdu.response });
}

/**
 * Joins the parts of an answer: some targets cut pairs between PDUs with F=0 and C=0, so nothing is parsed before the
 * last.
 */
function onTextResponse(s: SessionState, c: InitiatorConnection, v: DataView, at: number): void {
  checkTextResponse(v, at);
  const pdu = readTextResponse(v, at);
  c.acknowledge(pdu.statSN);
  const exchange = find(s, c, pdu.initiatorTaskTag, 'text');
  if (exchange === undefined) return;
  exchange.collected ??= new TextAssembler(TEXT_ANSWER_LIMIT);
  exchange.collected.add(c.sink);
  if (pdu.final) s.settleExchange(exchange, undefined, { data: exchange.collected.takeBytes() });
  else {
    if (c.sink.length === 0) c.countUnasked();
    c.countAnswer();
    sendText(c, s.window.next, exchange, new Uint8Array(0), pdu);
  }
}

function onLogoutResponse(s: SessionState, c: InitiatorConnection, v: DataView, at: number): void {
  checkLogoutResponse(v, at);
  const pdu = readLogoutResponse(v, at);
  c.acknowledge(pdu.statSN);
  const exchange = find(s, c, pdu.initiatorTaskTag, 'logout');
  if (exchange !== undefined && pdu.response !== LOGOUT_RESPONSES.CID_NOT_FOUND) s.time2Wait = pdu.time2Wait;
  if (exchange !== undefined) s.settleExchange(exchange, undefined, { response: pdu.response });
}

/**
 * A rejected command is not going to be answered, and its CmdSN was not used up: an ABORT TASK fills the gap (RFC 7143
 * §7.3). For other PDUs of a task the answer still comes.
 */
function onReject(s: SessionState, c: InitiatorConnection, v: DataView, at: number): void {
  checkReject(v, at);
  const pdu = readReject(v, at);
  c.acknowledge(pdu.statSN);
  s.counters.rejects++;
  if (pdu.reason === 0x0b) throw rejected(pdu.reason); // deprecated: a failed negotiation (RFC 7143 §11.17.1)
  if (c.sink.length < BHS_LENGTH)
    throw new ProtocolError('Cannot take a Reject without the header it is about', { clause: '11.17' });

  const bad = new DataView(c.sink.buffer, c.sink.byteOffset, c.sink.byteLength);
  const tag = initiatorTaskTag(bad, 0);
  const entry = tag === RESERVED_TAG ? undefined : s.tasks.find(tag);
  if (entry?.phase === 'queued') {
    throw new ProtocolError('Cannot take a Reject of a request that was not sent', { clause: '11.17' });
  }
  if (entry !== undefined && entry.kind !== 'scsi') s.settleExchange(entry, rejected(pdu.reason));
  else if (entry === undefined || opcode(bad, 0) !== OPCODES.SCSI_COMMAND) c.countUnasked();
  else if (pdu.reason === REJECT_REASONS.WAITING_FOR_LOGOUT) s.settle(entry, rejected(pdu.reason));
  else if (entry.phase === 'sent') s.abort(entry, tag, rejected(pdu.reason));
  else c.countUnasked();
}

/** @throws {ProtocolError} On what no target sends after the login. */
export function rulesOf(view: DataView, at: number): PduRules {
  const code = opcode(view, at);
  const rules = HANDLERS[code];
  if (rules !== undefined) return rules;
  throw code === OPCODES.LOGIN_RESPONSE ? notAfterLogin(code) : notFromTarget(code);
}

/** Made only for what there is to reject: an error costs as much as a hundred PDUs. */
function rejected(reason: number): RejectError {
  return new RejectError(`The target rejected a PDU: ${rejectReasonText(reason).name}`, reason);
}

function find(s: SessionState, c: InitiatorConnection, tag: number, kind: ExchangeKind): Exchange | undefined {
  const entry = s.tasks.find(tag);
  if (entry === undefined) {
    c.countUnasked();
    return undefined;
  }
  if (entry.kind !== kind) {
    throw new ProtocolError(`Cannot take an answer to a ${kind} request for a task that is a ${entry.kind} request`, {
      clause: '11.2.1.8',
    });
  }
  if (entry.phase === 'queued') {
    throw new ProtocolError(`Cannot take an answer to a ${kind} request that was not sent`, { clause: '11.2.1.8' });
  }
  requireAllegiance(entry, c);
  return entry;
}
