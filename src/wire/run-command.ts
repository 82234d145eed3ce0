import { concat, viewOf } from '../bytes/hex.ts';
import { IscsiError } from '../errors.ts';
import { BHS_LENGTH } from '../pdu/bhs.ts';
import { readSenseSegment } from '../pdu/sense-segment.ts';
import type { Distortion } from './draft.ts';
import { ExpectationError, type Patience } from './expectation.ts';
import type { Sent, WireInitiator } from './initiator.ts';
import type { CommandDraft } from './initiator-pdus.ts';
import { countdown } from './watchers.ts';
import type { WirePdu } from './wire-pdu.ts';

const NOTHING = new Uint8Array(0);

/** The most that is collected of one command: bytes, and PDUs. */
const MOST_DATA = 64 * 1024 * 1024;
const MOST_PDUS = 65_536;

/** A command and all that it moves. */
export interface Execution extends CommandDraft {
  /** What it writes. Sets W and the expected length unless the fields say otherwise. */
  readonly dataOut?: Uint8Array | undefined;
  /** How many bytes it reads at most. Sets R and the expected length unless the fields say otherwise. */
  readonly readLength?: number | undefined;
}

/** What came of a command. */
export interface Outcome {
  /** The SCSI Response, or the Data-In that brought the status. */
  readonly end: WirePdu;
  /** The SCSI status; undefined when the target did not complete the command. */
  readonly status: number | undefined;
  /** Sense data; empty when there is none. */
  readonly sense: Uint8Array;
  /** What was read, in the order in which it came; `dataIns` tells where it belongs. */
  readonly data: Uint8Array;
  readonly dataIns: readonly WirePdu[];
  readonly r2ts: readonly WirePdu[];
  /** Overflow as a positive number, underflow as a negative one, in bytes. */
  readonly residual: number;
}

/**
 * Executes a command as a rule-abiding initiator without unsolicited data does: sends it, answers each R2T, collects
 * what comes, until the status. PDUs of other tasks wait until they are asked for.
 *
 * @param patience For the command as a whole.
 * @throws {ExpectationError} When the connection ends, the command is rejected (`observation` has the Reject), or it
 *   does not end in time.
 * @example
 * await using initiator = await WireInitiator.connect('127.0.0.1:3260');
 * await logIn(initiator, { targetName: 'iqn.2026-11.dev.tsiscsi:disk' });
 * const inquiry = cdb('INQUIRY', { allocationLength: 5 });
 * const { status, data, residual } = await runCommand(initiator, { cdb: inquiry, readLength: 8 });
 * status; // 0
 * data; // hex 00 00 ...
 * residual; // -3
 */
export async function runCommand(
  initiator: WireInitiator,
  execution: Execution,
  patience: Patience = {},
  distortion?: Distortion,
): Promise<Outcome> {
  const { dataOut, readLength, ...fields } = execution;
  const length = dataOut?.length ?? readLength ?? 0;
  const directions = { write: dataOut !== undefined, read: readLength !== undefined };
  const sent = initiator.command({ expectedDataTransferLength: length, ...directions, ...fields }, distortion);
  return await collect(initiator, sent, dataOut ?? NOTHING, patience);
}

/**
 * Waits for the end of a command that was sent, and answers each of its R2Ts.
 *
 * @param dataOut What it writes: of an R2T for more that much is sent, and the R2T is in the outcome.
 * @param patience For the command as a whole.
 * @throws {ExpectationError} As {@link runCommand}, and when the target does not take in time what it asks for.
 *   {@link IscsiError} `ISCSI_PROTOCOL` when more comes than 64 MiB or
 *   65,536 PDUs.
 */
export async function collect(
  initiator: WireInitiator,
  { initiatorTaskTag }: Pick<Sent, 'initiatorTaskTag'>,
  dataOut: Uint8Array,
  { within = initiator.patience, signal }: Patience = {},
): Promise<Outcome> {
  const left = countdown(within);
  const dataIns: WirePdu[] = [];
  const r2ts: WirePdu[] = [];
  for (let length = 0; length <= MOST_DATA && dataIns.length + r2ts.length < MOST_PDUS; ) {
    const patience = { within: left(), signal };
    const pdu = await initiator.find((candidate) => concerns(candidate, initiatorTaskTag), patience);
    if (pdu.is('REJECT')) throw new ExpectationError('Cannot complete the command', { saw: 'pdu', pdu });
    if (pdu.is('R2T')) {
      r2ts.push(pdu);
      answerR2T(initiator, pdu, dataOut);
      await initiator.flushed({ within: left(), signal }); // long answers to short R2Ts must not pile up
      continue;
    }
    if (!pdu.is('DATA_IN')) return outcomeOf(pdu, dataIns, r2ts);
    dataIns.push(pdu);
    length += pdu.data.length;
    if (pdu.read('DATA_IN').hasStatus) return outcomeOf(pdu, dataIns, r2ts);
  }
  throw new IscsiError(
    'ISCSI_PROTOCOL',
    `Cannot collect more of one command: ${MOST_DATA} bytes in ${MOST_PDUS} PDUs allowed`,
  );
}

/**
 * Sends what an R2T asks for, as far as there is that much: Data-Outs as long as the target takes them, numbered from
 * 0.
 *
 * @param dataOut All that the command writes.
 */
export function answerR2T(initiator: WireInitiator, r2t: WirePdu, dataOut: Uint8Array): void {
  const { bufferOffset, desiredDataTransferLength, ...tags } = r2t.read('R2T');
  const { initiatorTaskTag, targetTransferTag, lunHigh, lunLow } = tags;
  const end = Math.min(bufferOffset + desiredDataTransferLength, dataOut.length);
  const most = initiator.parameters.targetMaxRecvDataSegmentLength;
  for (let at = bufferOffset, dataSN = 0; at < end; at += most, dataSN++) {
    const data = dataOut.subarray(at, Math.min(at + most, end));
    const final = at + most >= end;
    const tag = { initiatorTaskTag, targetTransferTag, lunHigh, lunLow };
    initiator.dataOut({ ...tag, dataSN, bufferOffset: at, data, final });
  }
}

/** Whether a PDU belongs to the task, or rejects something that does. */
function concerns(pdu: WirePdu, initiatorTaskTag: number): boolean {
  if (!pdu.is('REJECT')) return pdu.initiatorTaskTag === initiatorTaskTag;
  return pdu.data.length >= BHS_LENGTH && viewOf(pdu.data).getUint32(16) === initiatorTaskTag;
}

function outcomeOf(end: WirePdu, dataIns: readonly WirePdu[], r2ts: readonly WirePdu[]): Outcome {
  const common = { end, data: concat(...dataIns.map(({ data }) => data)), dataIns, r2ts };
  if (end.is('DATA_IN')) {
    const { status, overflow, underflow, residualCount } = end.read('DATA_IN');
    return { ...common, status, sense: NOTHING, residual: residual(overflow, underflow, residualCount) };
  }
  const { response, status, overflow, underflow, residualCount } = end.read('SCSI_RESPONSE');
  return {
    ...common,
    status: response === 0 ? status : undefined,
    sense: readSenseSegment(end.data).sense,
    residual: residual(overflow, underflow, residualCount),
  };
}

function residual(overflow: boolean, underflow: boolean, count: number): number {
  if (overflow) return count;
  return underflow ? -count : 0;
}
