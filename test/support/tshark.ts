/** Reading captures with tshark, PDU by PDU. */

import { closeSync, openSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PcapFile } from './pcap.ts';
import { runProcess } from './process.ts';
import { type Repacketed, Repacketer } from './repacket.ts';
import { type Arrival, type Segment, StreamOrder } from './streams.ts';

/**
 * Milliseconds. Generous: tshark takes a second for some 100 MiB, but a machine that is busy with other things may
 * starve it.
 */
const TIMEOUT = 180_000;

/** What is to be read: the path of a capture file, or a recording of what was sent, in its order. */
export type Traffic = string | Iterable<Arrival>;

/** One packet: of each field asked for, all its occurrences. */
export type Fields<F extends string> = Readonly<Record<F, readonly string[]>>;

/** A capture rewritten with one PDU a packet; see repacket.ts for why. */
export interface SoundCapture extends Repacketed {
  /** The rewritten file. */
  readonly file: string;
  /** Streams (as the original numbers them) of which segments are missing from the capture itself. */
  readonly missing: ReadonlySet<number>;
}

/**
 * Asks tshark for fields, PDU by PDU: a row a PDU of the connections to `port`, numbered as in the original
 * (`frame.number` is where the PDU ends, `tcp.stream` the connection). Bytes that make no PDU are in rows without any
 * field of iSCSI.
 * @throws {Error} When tshark cannot be run or cannot read the file.
 */
export async function readFields<F extends string>(
  traffic: Traffic,
  port: number,
  fields: readonly F[],
): Promise<Fields<F>[]> {
  const rows: Fields<F>[] = [];
  await withSoundPackets(traffic, port, (capture) =>
    readSoundFields(capture, port, fields, (row) => void rows.push(row)),
  );
  return rows;
}

/** Rewrites a capture for the time of `use`. However long it is, its bytes go through packet by packet. */
export async function withSoundPackets<T>(
  traffic: Traffic,
  port: number,
  use: (capture: SoundCapture) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'tsiscsi-'));
  try {
    const file = join(directory, 'sound.pcap');
    return await use({ file, ...(await rewrite(traffic, port, file)) });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Gives the fields of a rewritten capture row by row, without the packets that were put in. */
export async function readSoundFields<F extends string>(
  { file, frames, streams }: SoundCapture,
  port: number,
  fields: readonly F[],
  onRow: (row: Fields<F>) => void,
): Promise<void> {
  await rawFields(file, port, ['frame.number', 'tcp.stream', ...fields], (row) => {
    const frame = frames[Number(row['frame.number'][0])];
    if (frame === undefined) return;
    const stream = streams[Number(row['tcp.stream'][0])] ?? -1;
    onRow({ ...row, 'frame.number': [`${frame}`], 'tcp.stream': [`${stream}`] });
  });
}

/** Runs tshark on the packets of `port` in `file` and gives its output line by line. */
export async function tshark(
  file: string,
  port: number,
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<void> {
  // Without the preference tshark hides PDUs with more than 256 KiB of data.
  const how = ['-n', '-r', file, '-d', `tcp.port==${port},iscsi`, '-o', 'iscsi.bogus_pdu_max_data_len:16777215'];
  const { code, stderr, timedOut } = await runProcess('tshark', [...how, ...args], { timeout: TIMEOUT, onLine });
  if (code === 0) return;
  throw new Error(timedOut ? `tshark did not end within ${TIMEOUT} ms` : `tshark cannot read ${file}: ${stderr}`);
}

async function rewrite(traffic: Traffic, port: number, file: string): Promise<Omit<SoundCapture, 'file'>> {
  const descriptor = openSync(file, 'w');
  try {
    const repacketer = new Repacketer(new PcapFile((bytes) => writeSync(descriptor, bytes)), port);
    const order = new StreamOrder();
    if (typeof traffic !== 'string') for (const arrival of traffic) repacketer.take(arrival);
    else {
      await readSegments(traffic, port, (segment) => {
        for (const arrival of order.take(segment)) repacketer.take(arrival);
      });
    }
    return { ...repacketer.finish(), missing: order.missing };
  } finally {
    closeSync(descriptor);
  }
}

async function rawFields<F extends string>(
  file: string,
  port: number,
  fields: readonly F[],
  onRow: (row: Fields<F>) => void,
): Promise<void> {
  const args = ['-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=|', '-Y', `tcp.port==${port}`];
  await tshark(file, port, [...args, ...fields.flatMap((field) => ['-e', field])], (line) => {
    if (line === '') return;
    const cells = line.split('\t');
    const occurrences = (index: number): string[] => (cells[index] ?? '').split('|').filter((cell) => cell !== '');
    onRow(Object.fromEntries(fields.map((field, index) => [field, occurrences(index)])) as unknown as Fields<F>);
  });
}

function readSegments(file: string, port: number, onSegment: (segment: Segment) => void): Promise<void> {
  const fields = ['frame.number', 'tcp.stream', 'tcp.srcport', 'tcp.seq_raw', 'tcp.flags.syn', 'tcp.payload'] as const;
  return rawFields(file, port, fields, (row) => {
    const syn = row['tcp.flags.syn'][0] === '1' || row['tcp.flags.syn'][0] === 'True';
    onSegment({
      frame: Number(row['frame.number'][0]),
      stream: Number(row['tcp.stream'][0]),
      byTarget: Number(row['tcp.srcport'][0]) === port,
      sequence: (Number(row['tcp.seq_raw'][0]) + (syn ? 1 : 0)) >>> 0,
      payload: Buffer.from((row['tcp.payload'][0] ?? '').replaceAll(':', ''), 'hex'),
    });
  });
}
