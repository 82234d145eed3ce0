/**
 * `npm run fuzz`: every parser on mutated samples, and both session cores on hostile bytes, bounded in time and seeded.
 * `-- --seconds N --seed N`. Anything but a value, a ProtocolError or a RangeError is a failure, which
 * prints the seed and the input.
 */
import { toHex } from '../../src/bytes/hex.ts';
import { IscsiError } from '../../src/errors.ts';
import { Random } from '../simulated/random.ts';
import { longRunOptions } from '../support/long-run.ts';
import { captureParsers } from './capture.ts';
import { deviceFuzz } from './device.ts';
import { pduParsers } from './pdu.ts';
import { scsiParsers } from './scsi.ts';
import { hostileInitiator, hostileTarget } from './sessions.ts';

const DOES = `Feeds every parser with mutated samples, and both session cores with hostile bytes.
Anything but a value or an error that is meant is a failure, which prints seed and input.`;
const { seconds, seed: given } = longRunOptions('fuzz', DOES, { seconds: 120, seed: undefined }).numbers;
const seed = given ?? Math.floor(Math.random() * 0x4000_0000);
const random = new Random(seed);
const parsers = [...pduParsers, ...scsiParsers, ...deviceFuzz, ...captureParsers];
const until = performance.now() + seconds * 1000;
/** More memory than any input of this size may cost. */
const MEMORY_LIMIT = 512 * 1024 * 1024;
console.log(`fuzz: ${parsers.length} parsers and both session cores, seed ${seed}, ${seconds} s`);

let inputs = 0;
let sessions = 0;
while (performance.now() < until) {
  for (const parser of parsers) {
    for (let times = 0; times < 20; times++, inputs++) parseOnce(parser.name, parser.parse, mutate(parser.seeds));
  }
  for (let times = 0; times < 5; times++, sessions += 2) {
    const runSeed = random.uint32();
    await hostileTarget(runSeed);
    await hostileInitiator(runSeed);
  }
  const { arrayBuffers, external } = process.memoryUsage();
  if (arrayBuffers + external > MEMORY_LIMIT) fail(`memory grew to ${arrayBuffers + external} bytes`);
}
console.log(`fuzz: ${inputs} inputs and ${sessions} sessions, none did harm`);

function parseOnce(name: string, parse: (bytes: Uint8Array) => void, bytes: Uint8Array): void {
  try {
    parse(bytes);
  } catch (error) {
    if (error instanceof IscsiError || error instanceof RangeError) return;
    fail(`${name} failed on ${toHex(bytes)}: ${error instanceof Error ? error.stack : String(error)}`);
  }
}

function mutate(samples: readonly Uint8Array[]): Uint8Array {
  const sample = samples[random.below(Math.max(1, samples.length))] ?? new Uint8Array(0);
  if (random.onceIn(10)) return random.bytes(random.below(300));
  const bytes = sample.slice(0, random.onceIn(3) ? random.below(sample.length + 1) : sample.length);
  for (let flips = random.below(6); flips > 0 && bytes.length > 0; flips--) {
    bytes[random.below(bytes.length)] = random.onceIn(2)
      ? random.uint32()
      : ([0, 0xff, 0x7f, 0x80][random.below(4)] ?? 0);
  }
  return bytes;
}

function fail(what: string): never {
  console.error(`fuzz: seed ${seed}: ${what}`);
  process.exit(1);
}
