/** Live captures of loopback traffic by tshark. They need root, or the right to capture. */
import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from './loop-time.ts';
import { findBinary, requirePeer, type Skippable } from './peers.ts';
import type { Cleanup } from './process.ts';
import { RunningProcess } from './process.ts';
import { temporaryDirectory } from './temporary.ts';

/**
 * Milliseconds for the last packets, which may still be on their way from the kernel to the file, and whose arrival
 * cannot be watched. With less the end of the capture is lost.
 */
const SETTLING = 700;

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
  const args = ['-q', '-i', 'lo', '-s', '0', '-B', '64', '-f', `tcp port ${port}`, '-w', file];
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
      await sleep(SETTLING);
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
