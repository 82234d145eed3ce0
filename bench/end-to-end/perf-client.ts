/**
 * Reads from a LUN as fast as it can and prints one line of JSON: the counterpart of iscsi-perf, over the public API.
 * Arguments: URL, requests in flight, blocks per request, seconds, random|sequential.
 */
import { performance } from 'node:perf_hooks';
import { connect } from '../../src/index.ts';

const [url = '', depth = '32', blocks = '8', seconds = '2', pattern = 'random'] = process.argv.slice(2);
await using lun = await connect(url, { headerDigest: 'none', dataDigest: 'none' });
const length = Number(blocks) * lun.blockSize;
const slots = Math.floor(lun.size / length);
let next = 0;
let done = 0;
let state = 0x2545_f491;
/** As in iscsi-perf, all reads land in one buffer. */
const buffer = new Uint8Array(length);
const random = pattern === 'random';
const stopAt = performance.now() + Number(seconds) * 1000;

const started = performance.now();
const cpuBefore = process.cpuUsage();
await Promise.all(Array.from({ length: Number(depth) }, worker));
const elapsed = performance.now() - started;
const cpu = process.cpuUsage(cpuBefore);
process.stdout.write(
  `${JSON.stringify({ iops: (done / elapsed) * 1000, cpuMicros: (cpu.user + cpu.system) / done })}\n`,
);

async function worker(): Promise<void> {
  while (performance.now() < stopAt) {
    await lun.read(buffer, { position: slot() * length });
    done++;
  }
}

function slot(): number {
  if (!random) return next++ % slots;
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % slots;
}
