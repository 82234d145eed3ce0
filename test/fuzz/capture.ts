/** The reader of captures for the fuzzer: whatever the bytes, it tells something or throws a RangeError. */
import { concat } from '../../src/bytes/hex.ts';
import { CaptureDecoder } from '../../src/capture/capture-decoder.ts';
import { PcapngStream } from '../../src/capture/pcapng-stream.ts';
import { dialog, ENDS } from '../capture/dialog.ts';
import type { PduParser } from './pdu.ts';

const ON = { header: true, data: true };

/** A whole capture, and the PDUs in one that is sound but for what they say. */
export const captureParsers: PduParser[] = [
  { name: 'CaptureDecoder', parse: decode, seeds: [fileOf(dialog()), fileOf(dialog(ON))] },
  {
    name: 'PDUs of a capture',
    parse: (bytes) => {
      const said = dialog().slice(0, 2);
      decode(fileOf([...said, { fromInitiator: true, bytes }, { fromInitiator: false, bytes }]));
    },
    seeds: dialog().map(({ bytes }) => bytes),
  },
];

function decode(file: Uint8Array): void {
  const decoder = new CaptureDecoder(() => undefined);
  try {
    for (let at = 0; at < file.length; at += 1000) decoder.push(file.subarray(at, at + 1000));
  } finally {
    decoder.end();
  }
}

function fileOf(said: ReturnType<typeof dialog>): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [];
  const connection = new PcapngStream((bytes) => parts.push(bytes)).connection();
  connection.opened(1000, ENDS);
  for (const { fromInitiator, bytes } of said) {
    connection.add(fromInitiator ? 0 : 1, 1001, bytes, 0, bytes.length, 0);
  }
  connection.closed(1002, false);
  return concat(...parts);
}
