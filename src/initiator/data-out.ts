import { type DataOut, writeDataOut } from '../pdu/data-out.ts';
import type { Outbox } from '../pdu/outbox.ts';
import type { DataOutRules } from './connection-rules.ts';
import type { InitiatorTask } from './initiator-task.ts';

/** One sequence of Data-Out PDUs. */
export interface DataOutSequence {
  readonly targetTransferTag: number;
  readonly lunHigh: number;
  readonly lunLow: number;
  /** Offset of the first byte in the command's buffer. */
  readonly offset: number;
  readonly length: number;
}

const header: { -readonly [K in keyof DataOut]: DataOut[K] } = {
  final: false,
  dataSegmentLength: 0,
  lunHigh: 0,
  lunLow: 0,
  initiatorTaskTag: 0,
  targetTransferTag: 0,
  expStatSN: 0,
  dataSN: 0,
  bufferOffset: 0,
};

/**
 * Sends one sequence of Data-Out PDUs, unsolicited or in answer to an R2T (RFC 7143 §11.7, §11.8): contiguous offsets,
 * DataSN from 0, F on the last, each no longer than the target takes. Payload goes out by reference when it is long.
 */
export function sendDataOut(outbox: Outbox, rules: DataOutRules, task: InitiatorTask, sequence: DataOutSequence): void {
  const end = sequence.offset + sequence.length;
  header.lunHigh = sequence.lunHigh;
  header.lunLow = sequence.lunLow;
  header.initiatorTaskTag = task.initiatorTaskTag;
  header.targetTransferTag = sequence.targetTransferTag;
  header.expStatSN = rules.expStatSN;
  header.dataSN = 0;
  for (let offset = sequence.offset; offset < end; ) {
    const length = Math.min(end - offset, rules.maxSendDataSegmentLength);
    header.final = offset + length === end;
    header.dataSegmentLength = length;
    header.bufferOffset = offset;
    outbox.pdu(writeDataOut, header);
    outbox.data(task.dataOut, offset, offset + length);
    header.dataSN++;
    offset += length;
  }
  task.sent = end;
  task.sentEnd = outbox.position;
}
