/**
 * What an initiator must keep to whatever it does (RFC 7143 §4.2.2, §11), judged on what tshark shows of a connection.
 * What does not hold is an assertion error with the PDU's number.
 */
import assert from 'node:assert/strict';
import type { ShownPdu } from './shown-pdus.ts';
import { NIL } from './speaker/pdu.ts';

const [NOP_OUT, COMMAND, LOGIN, TEXT, DATA_OUT, LOGOUT] = [0x00, 0x01, 0x03, 0x04, 0x05, 0x06];
const [NOP_IN, DATA_IN, R2T] = [0x20, 0x25, 0x31];
const EXPECTED_LENGTH = 'iscsi.scsicommand.expecteddatatransferlength';

/** What was agreed about writes. */
export interface WriteLimits {
  readonly immediateData: boolean;
  readonly initialR2T: boolean;
  readonly firstBurstLength: number;
  readonly targetMaxRecvDataSegmentLength: number;
}

/** What both sides have said so far. */
interface Numbers {
  /** The CmdSN of the next request. */
  cmdSN: number;
  maxCmdSN: number;
  /** The StatSN behind the last one that the target used up. */
  expStatSN: number;
  /** Tags of what has no answer yet. */
  readonly underWay: Set<number>;
}

/** I-003, I-028, I-061 to I-063, I-065 to I-067: the numbers and tags of a whole connection, from its login on. */
export function checkNumbers(pdus: readonly ShownPdu[]): void {
  const numbers: Numbers = {
    cmdSN: pdus[0]?.number('iscsi.cmdsn') ?? 0,
    maxCmdSN: pdus[0]?.number('iscsi.cmdsn') ?? 0,
    expStatSN: pdus.find(({ byTarget }) => byTarget)?.number('iscsi.statsn') ?? 0,
    underWay: new Set(),
  };
  for (const [index, pdu] of pdus.entries()) {
    if (pdu.byTarget) hear(numbers, pdu);
    else checkRequest(numbers, pdu, `PDU ${index}, opcode ${pdu.opcode}`);
  }
}

function hear(numbers: Numbers, pdu: ShownPdu): void {
  const maxCmdSN = pdu.number('iscsi.maxcmdsn');
  if (comesBefore(numbers.maxCmdSN, maxCmdSN)) numbers.maxCmdSN = maxCmdSN;
  const noStatus = pdu.opcode === R2T || (pdu.opcode === DATA_IN && !pdu.bit('iscsi.scsidata.S'));
  if (noStatus || (pdu.opcode === NOP_IN && pdu.tag === NIL)) return;
  numbers.expStatSN = (pdu.number('iscsi.statsn') + 1) >>> 0;
  numbers.underWay.delete(pdu.tag);
}

function checkRequest(numbers: Numbers, pdu: ShownPdu, where: string): void {
  assert.ok(pdu.opcode <= LOGOUT, `I-003: ${where}`);
  const expStatSN = pdu.number('iscsi.expstatsn');
  if (pdu.opcode !== LOGIN || pdu.tag === 0) {
    assert.ok(!comesBefore(numbers.expStatSN, expStatSN), `I-066: ${where} acknowledges what did not come`);
  }
  if (pdu.opcode === DATA_OUT) return;
  assert.equal(pdu.number('iscsi.cmdsn'), numbers.cmdSN, `I-028, I-061, I-062: CmdSN of ${where}`);
  if (pdu.opcode !== LOGIN && !pdu.bit('iscsi.I')) {
    assert.ok(!comesBefore(numbers.maxCmdSN, numbers.cmdSN), `I-063: ${where} is beyond the window`);
    numbers.cmdSN = (numbers.cmdSN + 1) >>> 0;
  }
  if (pdu.opcode === NOP_OUT && pdu.transferTag !== NIL) return; // an answer: see I-082
  assert.notEqual(pdu.tag, NIL, `I-065: ${where}`);
  const goesOn = pdu.opcode === LOGIN || (pdu.opcode === TEXT && pdu.transferTag !== NIL);
  assert.ok(goesOn || !numbers.underWay.has(pdu.tag), `I-065: the tag of ${where} is in use`);
  numbers.underWay.add(pdu.tag);
  // Nothing is under way but the Logout itself, so everything has been acknowledged.
  if (pdu.opcode === LOGOUT) assert.equal(expStatSN, numbers.expStatSN, `I-066: ExpStatSN of the Logout Request`);
}

/** I-011, I-012, I-074 to I-079: every write of a connection. @returns How many there were. */
export function checkWrites(pdus: readonly ShownPdu[], limits: WriteLimits): number {
  const commands = pdus.filter(({ opcode }) => opcode === COMMAND);
  for (const command of commands) {
    const [read, write] = [command.bit('iscsi.scsicommand.R'), command.bit('iscsi.scsicommand.W')];
    assert.ok(command.bit('iscsi.scsicommand.F') || write, 'I-011: F or W');
    assert.equal(read || write, command.number(EXPECTED_LENGTH) > 0, 'I-011: R or W where there is data');
  }
  const writes = commands.filter((command) => command.bit('iscsi.scsicommand.W'));
  for (const write of writes) {
    const others = pdus.filter((pdu) => pdu !== write && pdu.tag === write.tag);
    checkWrite(write, others, limits);
  }
  const unasked = pdus.filter(({ opcode, transferTag }) => opcode === DATA_OUT && transferTag === NIL);
  const bursts = unasked.map(({ tag }) => tag).filter((tag, at, tags) => tag !== tags[at - 1]);
  const announced = writes.filter((write) => !write.bit('iscsi.scsicommand.F')).map(({ tag }) => tag);
  assert.deepEqual(bursts, announced, 'I-079: bursts in the order of their commands, none in the middle of another');
  return writes.length;
}

function checkWrite(write: ShownPdu, others: readonly ShownPdu[], limits: WriteLimits): void {
  const { firstBurstLength, targetMaxRecvDataSegmentLength: segment } = limits;
  const length = write.number(EXPECTED_LENGTH);
  const burst = Math.min(firstBurstLength, length);
  const [immediate, unaskedEnd] = [write.length, limits.initialR2T ? write.length : burst];
  assert.ok(immediate <= (limits.immediateData ? Math.min(burst, segment) : 0), `I-076: ${immediate} bytes`);
  assert.equal(write.bit('iscsi.scsicommand.F'), immediate === unaskedEnd, 'I-012: F, unless more follows unasked');
  const dataOut = others.filter(({ opcode }) => opcode === DATA_OUT);
  const unasked = dataOut.filter(({ transferTag }) => transferTag === NIL);
  checkSequence(unasked, { from: immediate, to: unaskedEnd, segment, lun: 0 });
  const asked = dataOut.filter(({ transferTag }) => transferTag !== NIL);
  for (const r2t of others.filter(({ opcode }) => opcode === R2T)) {
    const from = r2t.number('iscsi.bufferOffset');
    const to = from + r2t.number('iscsi.desireddatalength');
    const end = asked.findIndex((pdu) => pdu.bit('iscsi.scsidata.F')) + 1;
    const answer = asked.splice(0, end); // I-075: in the order of the R2Ts
    assert.ok(answer.every(({ transferTag }) => transferTag === r2t.transferTag));
    checkSequence(answer, { from, to, segment, lun: r2t.number('scsi.lun') });
  }
  assert.deepEqual(asked, [], 'I-074: data that nobody asked for');
}

/** I-074, I-078: Data-Out PDUs for the bytes `[from, to)`. */
function checkSequence(
  pdus: readonly ShownPdu[],
  { from, to, segment, lun }: { from: number; to: number; segment: number; lun: number },
): void {
  let offset = from;
  for (const [index, pdu] of pdus.entries()) {
    assert.deepEqual([pdu.number('iscsi.datasn'), pdu.number('iscsi.bufferOffset')], [index, offset]);
    assert.ok(pdu.length > 0 && pdu.length <= segment, `${pdu.length} bytes in one PDU`);
    assert.equal(pdu.number('scsi.lun'), lun, 'the LUN of the R2T, or reserved');
    assert.equal(pdu.bit('iscsi.scsidata.F'), index === pdus.length - 1, 'F on the last one only');
    offset += pdu.length;
  }
  assert.equal(offset, to, 'exactly the range');
}

/** Serial arithmetic of 32 bits (RFC 7143 §4.2.2.1), apart from that which is judged here. */
function comesBefore(a: number, b: number): boolean {
  const distance = (b - a) >>> 0;
  return distance !== 0 && distance < 0x8000_0000;
}
