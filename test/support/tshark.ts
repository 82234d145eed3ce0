/** Reading captures with tshark, PDU by PDU. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runProcess } from './process.ts';
import { type Repacketed, repacket } from './repacket.ts';
import { inOrder, type Segment } from './streams.ts';

/** Milliseconds. Generous: tshark takes a fraction of a second, but a machine that is busy with other things may starve it. */
const TIMEOUT = 180_000;

/** One packet: of each field asked for, all its occurrences. */
export type Fields<F extends string> = Readonly<Record<F, readonly string[]>>;

/** A capture rewritten with one PDU a packet; see repacket.ts for why. */
export interface SoundCapture extends Omit<Repacketed, 'bytes'> {
  /** The rewritten file. */
  readonly file: string;
  /** Streams (as the original numbers them) of which segments are missing from the capture itself. */
  readonly missing: ReadonlySet<number>;
}

/**
 * Asks tshark for fields of a capture, PDU by PDU: a row a PDU of the connections to `port`, numbered as in the original (`frame.number`
 * is where the PDU ends, `tcp.stream` the connection). Bytes that make no PDU are in rows without any field of iSCSI.
 * @throws {Error} When tshark cannot be run or cannot read the file.
 */
export function readFields<F extends string>(file: string, port: number, fields: readonly F[]): Promise<Fields<F>[]> {
  return withSoundPackets(file, port, (capture) => readSoundFields(capture, port, fields));
}

/** Rewrites a capture for the time of `use`. */
export async function withSoundPackets<T>(
  file: string,
  port: number,
  use: (capture: SoundCapture) => Promise<T>,
): Promise<T> {
  const { arrivals, missing } = inOrder(await readSegments(file, port));
  const { bytes, frames, streams } = repacket(arrivals, port);
  const directory = await mkdtemp(join(tmpdir(), 'tsiscsi-'));
  try {
    const sound = join(directory, 'sound.pcap');
    await writeFile(sound, bytes);
    return await use({ file: sound, frames, streams, missing });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** The fields of a rewritten capture, without the packets that were put in. */
export async function readSoundFields<F extends string>(
  { file, frames, streams }: SoundCapture,
  port: number,
  fields: readonly F[],
): Promise<Fields<F>[]> {
  const rows = await rawFields(file, port, ['frame.number', 'tcp.stream', ...fields]);
  const kept: Fields<F>[] = [];
  for (const row of rows) {
    const frame = frames[Number(row['frame.number'][0])];
    if (frame === undefined) continue;
    const stream = streams[Number(row['tcp.stream'][0])] ?? -1;
    kept.push({ ...row, 'frame.number': [`${frame}`], 'tcp.stream': [`${stream}`] });
  }
  return kept;
}

/** Runs tshark on the packets of `port` in `file` and gives its output. */
export async function tshark(file: string, port: number, args: readonly string[]): Promise<string> {
  // Without the preference tshark hides PDUs with more than 256 KiB of data.
  const how = ['-n', '-r', file, '-d', `tcp.port==${port},iscsi`, '-o', 'iscsi.bogus_pdu_max_data_len:16777215'];
  const { code, stdout, stderr, timedOut } = await runProcess('tshark', [...how, ...args], { timeout: TIMEOUT });
  if (code === 0) return stdout;
  throw new Error(timedOut ? `tshark did not end within ${TIMEOUT} ms` : `tshark cannot read ${file}: ${stderr}`);
}

async function rawFields<F extends string>(file: string, port: number, fields: readonly F[]): Promise<Fields<F>[]> {
  const args = ['-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=|', '-Y', `tcp.port==${port}`];
  const text = await tshark(file, port, [...args, ...fields.flatMap((field) => ['-e', field])]);
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const cells = line.split('\t');
    const occurrences = (index: number): string[] => (cells[index] ?? '').split('|').filter((cell) => cell !== '');
    return Object.fromEntries(fields.map((field, index) => [field, occurrences(index)])) as unknown as Fields<F>;
  });
}

async function readSegments(file: string, port: number): Promise<Segment[]> {
  const fields = ['frame.number', 'tcp.stream', 'tcp.srcport', 'tcp.seq_raw', 'tcp.flags.syn', 'tcp.payload'] as const;
  const rows = await rawFields(file, port, fields);
  return rows.map((row) => {
    const syn = row['tcp.flags.syn'][0] === '1' || row['tcp.flags.syn'][0] === 'True';
    return {
      frame: Number(row['frame.number'][0]),
      stream: Number(row['tcp.stream'][0]),
      byTarget: Number(row['tcp.srcport'][0]) === port,
      sequence: (Number(row['tcp.seq_raw'][0]) + (syn ? 1 : 0)) >>> 0,
      payload: Buffer.from((row['tcp.payload'][0] ?? '').replaceAll(':', ''), 'hex'),
    };
  });
}
