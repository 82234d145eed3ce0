/** `npm run demo`: everything once. A target with two logical units, found, listed, written, read back and compared. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { connect, openSession } from '../client/connect.ts';
import { discover } from '../client/discover.ts';
import type { Target } from '../server/index.ts';
import { createTarget } from '../server/index.ts';
import { formatSize } from './size.ts';

const SIZE = 64 * 1024 * 1024;
const PIECE = 1024 * 1024;

/** Runs the demonstration. @returns Whether every byte came back. */
async function demo(say: (line: string) => void): Promise<boolean> {
  const directory = await mkdtemp(join(tmpdir(), 'tsiscsi-demo-'));
  let target: Target | undefined;
  try {
    const file = join(directory, 'disk.img');
    target = await createTarget({ luns: [{ memory: SIZE }, { file, size: SIZE }] }).listen({ port: 0 });
    say(`A target listens on 127.0.0.1:${target.port}: LUN 0 in RAM, LUN 1 in a file of ${formatSize(SIZE)}.`);
    await show(`iscsi://127.0.0.1:${target.port}`, say);
    const equal: boolean[] = [];
    for (const lun of [0, 1]) equal.push(await roundTrip(target.url(lun), say));
    return equal.every(Boolean);
  } finally {
    await target?.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Discovers the targets of a portal and lists their logical units. */
async function show(portal: string, say: (line: string) => void): Promise<void> {
  for await (const { name, portals } of discover(portal)) {
    say(`Discovery finds ${name} at ${portals.map(({ text }) => text).join(' and ')}.`);
    const session = await openSession(`${portal}/${name}/0`);
    try {
      for (const reported of await session.reportLuns()) {
        const { inquiryData, size } = await session.logicalUnit(reported);
        const { vendorIdentification, productIdentification } = inquiryData;
        say(`  LUN ${reported.text}: ${vendorIdentification} ${productIdentification}, ${formatSize(size)}`);
      }
    } finally {
      await session.close();
    }
  }
}

/** Fills a logical unit with random bytes, reads it back, and compares the hashes. */
async function roundTrip(url: string, say: (line: string) => void): Promise<boolean> {
  const lun = await connect(url);
  try {
    const written = createHash('sha256');
    const writing = await timed(() => pipeline(randomPieces(lun.size, written), lun.createWriteStream()));
    const read = createHash('sha256');
    const reading = await timed(() => pipeline(lun.createReadStream(), read));
    const [sent, received] = [written.digest('hex'), read.digest('hex')];
    const rate = (seconds: number): string => `${formatSize(Math.round(lun.size / seconds))}/s`;
    say(
      `LUN ${lun.lunText}: wrote ${formatSize(lun.size)} of random data with ${rate(writing)}, read it back with ${rate(reading)}.`,
    );
    say(`  sha256 written ${sent}`);
    say(`  sha256 read    ${received} ${sent === received ? '(equal)' : '(DIFFERENT)'}`);
    return sent === received;
  } finally {
    await lun.close();
  }
}

async function* randomPieces(size: number, hash: ReturnType<typeof createHash>): AsyncGenerator<Buffer> {
  for (let left = size; left > 0; left -= PIECE) {
    const piece = randomBytes(Math.min(PIECE, left));
    hash.update(piece);
    yield piece;
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return (performance.now() - started) / 1000;
}

const equal = await demo((line) => process.stdout.write(`${line}\n`));
process.stdout.write(equal ? 'Every byte came back.\n' : 'What came back is not what was written.\n');
process.exitCode = equal ? 0 : 1;
