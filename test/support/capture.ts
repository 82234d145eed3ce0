/** Live captures of loopback traffic by tshark. They need root, or the right to capture. */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFile, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from './loop-time.ts';
import { findBinary, requirePeer, type Skippable } from './peers.ts';
import type { Cleanup } from './process.ts';
import { RunningProcess } from './process.ts';
import { temporaryDirectory } from './temporary.ts';

export interface Capture {
  /** Ends the capture and gives the path of the finished pcapng file, which is removed when the test is over. */
  finish(): Promise<string>;
}

/**
 * Captures all TCP traffic of `port` on the loopback device from now on. Where that is not possible the test is skipped
 * with the reason and undefined is returned; in CI a missing tshark is a failure, a missing right is not.
 *
 * Keep captured runs small (some MiB): at full speed the kernel drops packets, and then the file proves nothing.
 */
export async function startCapture(t: Cleanup & Skippable, port: number): Promise<Capture | undefined> {
  if (!requirePeer(t, 'tshark', 'tshark')) return undefined;
  const file = `${await temporaryDirectory(t)}/capture.pcapng`;
  const last = await marker(t);
  const filter = `tcp port ${port} or udp port ${last.port}`;
  const args = ['-q', '-i', 'lo', '-s', '0', '-B', '64', '-f', filter, '-w', file];
  const tshark = new RunningProcess(findBinary('tshark') ?? 'tshark', args);
  t.after(async () => {
    await tshark.stop('SIGKILL');
  });
  try {
    // "Capturing on" is said before it turns out whether that is allowed. The file appears when packets are being
    // taken.
    await tshark.waitFor('stderr', /Capturing on/);
    await begun(tshark, file);
  } catch (cause) {
    if (!/permission|privilege|not permitted|no interface/i.test(tshark.stderr)) throw cause;
    t.skip('needs the right to capture on the loopback device (root)');
    return undefined;
  }
  return {
    async finish(): Promise<string> {
      await arrived(last, tshark, file);
      const { code } = await tshark.stop('SIGINT', PATIENCE);
      if (code !== 0) throw new Error(`tshark ended with ${code}\n${tshark.stderr}`);
      const dropped = /^(\d+) packets? dropped/m.exec(tshark.stderr)?.[1] ?? '0';
      if (dropped !== '0') throw new Error(`The capture is not complete: ${dropped} packets were dropped`);
      return file;
    },
  };
}

async function begun(tshark: RunningProcess, file: string): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  while (performance.now() < deadline && !tshark.hasExited) {
    const length = await stat(file).then(
      ({ size }) => size,
      () => 0,
    );
    if (length > 0) return;
    await sleep(20);
  }
  throw new Error(`tshark does not capture\n${tshark.stderr}`);
}

interface Marker {
  readonly port: number;
  readonly text: Buffer;
  send(): void;
}

/**
 * A datagram that nobody mistakes for anything else. Packets reach the file in the order in which they were sent: when
 * it is there, all that were sent before it are.
 */
async function marker(t: Cleanup): Promise<Marker> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  t.after(() => new Promise((closed) => void socket.close(closed)));
  await once(socket, 'listening');
  const { port } = socket.address();
  const text = randomBytes(24);
  return { port, text, send: () => socket.send(text, port, '127.0.0.1') };
}

async function arrived({ text, send }: Marker, tshark: RunningProcess, file: string): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  for (send(); !(await readFile(file)).includes(text); await sleep(20)) {
    if (tshark.hasExited || performance.now() > deadline) {
      throw new Error(`The end of the capture does not reach its file\n${tshark.stderr}`);
    }
  }
}
