/** CRC32C for payload: native where a prebuilt library fits this machine, else the one in JavaScript. */
import { createRequire } from 'node:module';
import { type Crc32c, crc32c } from '../bytes/crc32c.ts';

/**
 * Below this length a call into native code costs more than it saves: measured 150 ns a call against 0.9 ns a byte in
 * JavaScript (Node 24, x64). Both take the same time somewhere between 190 and 260 bytes.
 */
const NATIVE_FROM = 224;

type Native = (bytes: Uint8Array, previous: number) => number;

const native = loadNative();

/** Whether a native CRC32C was found. */
export const hasNativeCrc32c = native !== undefined;

/** The CRC32C of `bytes[from, to)`, continued from `previous` (0 to start): what the cores take for data digests. */
export const payloadCrc32c: Crc32c = native === undefined ? crc32c : withNative(native);

function withNative(checksum: Native): Crc32c {
  return (bytes, from, to, previous) =>
    to - from < NATIVE_FROM ? crc32c(bytes, from, to, previous) : checksum(bytes.subarray(from, to), previous);
}

/** The package has no prebuilt for every platform; requiring it there throws, and JavaScript does the work. */
function loadNative(): Native | undefined {
  try {
    const found: unknown = createRequire(import.meta.url)('@node-rs/crc32');
    if (typeof found !== 'object' || found === null || !('crc32c' in found)) return undefined;
    const checksum = found.crc32c;
    return typeof checksum === 'function' ? (checksum as Native) : undefined;
  } catch {
    return undefined;
  }
}
