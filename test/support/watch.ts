/** Lets tshark judge what went through a relay: the way to have a packet oracle without the right to capture. */
import { checkCapture, type OracleExpectation, readFields } from './oracle.ts';
import type { Relay } from './relay.ts';

const SCSI_COMMAND = 0x01;
const DATA_OUT = 0x05;
const RESERVED_TAG = 0xffff_ffff;

/**
 * The oracle's problems with everything that `relay` recorded, each with the number of its connection; empty when all
 * is well.
 * @param to The port that the relay leads to.
 */
export async function relayProblems(
  relay: Relay,
  to: number,
  expect: OracleExpectation = {},
): Promise<readonly string[]> {
  if (relay.connections.length === 0) return ['Nobody connected to the relay'];
  const problems: string[] = [];
  for (const [index, connection] of relay.connections.entries()) {
    const report = await checkCapture(connection.recording(), to, { expect: { streams: 1, ...expect } });
    problems.push(...report.problems.map((problem) => `Connection ${index}: ${problem}`));
  }
  return problems;
}

/** How often an initiator sent data that the target had not asked for. */
export interface UnsolicitedData {
  /** SCSI Commands with a data segment. */
  readonly immediate: number;
  /** Data-Outs without a Target Transfer Tag. */
  readonly dataOut: number;
}

/**
 * Counts unsolicited data in everything that `relay` recorded. tgt takes it whatever was agreed (RFC 7143 §13.10,
 * §13.11), so that only looking at the wire shows whether an initiator keeps to InitialR2T and ImmediateData.
 */
export async function unsolicitedData(relay: Relay, to: number): Promise<UnsolicitedData> {
  const sum = { immediate: 0, dataOut: 0 };
  for (const connection of relay.connections) {
    const fields = ['tcp.srcport', 'iscsi.opcode', 'iscsi.datasegmentlength', 'iscsi.targettransfertag'] as const;
    for (const row of await readFields(connection.recording(), to, fields)) {
      if (Number(row['tcp.srcport'][0]) === to) continue;
      const lengths = row['iscsi.datasegmentlength'].map(Number);
      const opcodes = row['iscsi.opcode'].map(Number);
      sum.immediate += opcodes.filter((opcode, at) => opcode === SCSI_COMMAND && (lengths[at] ?? 0) > 0).length;
      // Pings and texts of an initiator carry a tag too; runs that are looked at have none of them among their data.
      if (!opcodes.includes(DATA_OUT)) continue;
      sum.dataOut += row['iscsi.targettransfertag'].filter((tag) => Number(tag) === RESERVED_TAG).length;
    }
  }
  return sum;
}

/** The opcodes of a recorded direction: see {@link headersIn}. */
export function opcodesIn(bytes: Uint8Array): readonly number[] {
  return headersIn(bytes).map((header) => header.getUint8(0) & 0x3f);
}

/**
 * The headers of a recorded direction without digests and AHS, for what tshark does not take apart:
 * a Text Response that ends in the middle of a pair is malformed for it, though the standard allows it (RFC 7143 §6.2).
 */
export function headersIn(bytes: Uint8Array): readonly DataView[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headers: DataView[] = [];
  for (let at = 0; at < bytes.length; at += 48 + (((view.getUint32(at + 4) & 0xff_ffff) + 3) & ~3)) {
    headers.push(new DataView(bytes.buffer, bytes.byteOffset + at, 48));
  }
  return headers;
}
