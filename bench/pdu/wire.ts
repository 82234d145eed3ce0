import { crc32c } from '../../src/bytes/crc32c.ts';
import { concat } from '../../src/bytes/hex.ts';
import { payloadCrc32c } from '../../src/node/crc32c.ts';
import { type DataIn, readDataIn, writeDataIn } from '../../src/pdu/data-in.ts';
import { Outbox } from '../../src/pdu/outbox.ts';
import { type PduHandler, Receiver } from '../../src/pdu/receiver.ts';
import { type ScsiCommand, writeScsiCommand } from '../../src/pdu/scsi-command.ts';
import { type Timing, time } from '../measure.ts';

const PAYLOAD = new Uint8Array(4096).fill(0x5a);
const COMMAND: ScsiCommand = {
  immediate: false,
  final: true,
  read: true,
  write: false,
  attribute: 1,
  totalAhsLength: 0,
  dataSegmentLength: 0,
  lunHigh: 0,
  lunLow: 0,
  initiatorTaskTag: 7,
  expectedDataTransferLength: 4096,
  cmdSN: 9,
  expStatSN: 3,
  cdb: new DataView(new ArrayBuffer(16)),
};
const DATA_IN: DataIn = {
  final: true,
  acknowledge: false,
  overflow: false,
  underflow: false,
  hasStatus: true,
  status: 0,
  dataSegmentLength: PAYLOAD.length,
  lunHigh: 0,
  lunLow: 0,
  initiatorTaskTag: 7,
  targetTransferTag: 0xffff_ffff,
  statSN: 1,
  expCmdSN: 2,
  maxCmdSN: 3,
  dataSN: 0,
  bufferOffset: 0,
  residualCount: 0,
};

/** Codec, outbox and receiver: nanoseconds per PDU. */
export function wireTimings(): Timing[] {
  const view = new DataView(new ArrayBuffer(48));
  const header = new Uint8Array(48);
  return [
    time('write a SCSI Command header', 1, () => writeScsiCommand(view, 0, COMMAND)),
    time('read a Data-In header into an object', 1, () => readDataIn(view, 0)),
    time('CRC32C of a header, JavaScript', 1, () => crc32c(header, 0, 48)),
    time('CRC32C of 4 KiB, as configured', 1, () => payloadCrc32c(PAYLOAD, 0, 4096, 0)),
    ...[false, true].map(outboxTiming),
    time('outbox: SCSI Command header', 64, commandsThroughOutbox()),
    ...[false, true].map(receiverTiming),
    time('receiver: header without data', 64, headersThroughReceiver()),
  ];
}

function outboxTiming(digests: boolean): Timing {
  const outbox = new Outbox(payloadCrc32c);
  outbox.headerDigest = digests;
  outbox.dataDigest = digests;
  return time(`outbox: Data-In with 4 KiB${digests ? ', both digests' : ''}`, 64, () => {
    for (let next = 0; next < 64; next++) {
      outbox.pdu(writeDataIn, DATA_IN);
      outbox.data(PAYLOAD, 0, PAYLOAD.length);
    }
    outbox.drain();
    outbox.flushed();
  });
}

function commandsThroughOutbox(): () => void {
  const outbox = new Outbox();
  return () => {
    for (let next = 0; next < 64; next++) outbox.pdu(writeScsiCommand, COMMAND);
    outbox.drain();
    outbox.flushed();
  };
}

function receiverTiming(digests: boolean): Timing {
  const stream = streamOf(digests, 64);
  const view = new DataView(stream.buffer);
  const receiver = new Receiver(copier(), 262_144, payloadCrc32c);
  receiver.headerDigest = digests;
  receiver.dataDigest = digests;
  return time(`receiver: Data-In with 4 KiB${digests ? ', both digests' : ''}`, 64, () =>
    receiver.receive(stream, view, 0, stream.length),
  );
}

function headersThroughReceiver(): () => void {
  const outbox = new Outbox();
  for (let next = 0; next < 64; next++) outbox.pdu(writeScsiCommand, COMMAND);
  const stream = concat(...outbox.drain());
  const view = new DataView(stream.buffer);
  const receiver = new Receiver(copier(), 262_144);
  return () => receiver.receive(stream, view, 0, stream.length);
}

function streamOf(digests: boolean, count: number): Uint8Array<ArrayBuffer> {
  const outbox = new Outbox(payloadCrc32c);
  outbox.headerDigest = digests;
  outbox.dataDigest = digests;
  for (let next = 0; next < count; next++) {
    outbox.pdu(writeDataIn, DATA_IN);
    outbox.data(PAYLOAD, 0, PAYLOAD.length);
  }
  return concat(...outbox.drain());
}

/** Does with the payload what a session does: one copy. */
function copier(): PduHandler {
  const into = new Uint8Array(4096);
  return {
    onHeader() {},
    onData: (bytes, from, to) => into.set(bytes.subarray(from, to)),
    onEnd() {},
  };
}
