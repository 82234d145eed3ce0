/**
 * tgt (Debian package `tgt`) as a target that we did not write. It needs no root: tgtd runs in the foreground on a
 * loopback port.
 *
 * Facts, found with tgt 1.0.85 (Debian 12) by raw logins against it:
 *
 * - Isolation: `TGT_IPC_SOCKET=<path>` moves the control socket to `<path>.<control port>`. With a path of its own each
 *   instance can use control port 1, and any number of them run side by side. Port 3260 and /var/run/tgtd are never
 *   touched.
 * - A port that is taken does not end tgtd: it says "unable to bind" on stderr and goes on without the portal.
 *   `tgtadm -m portal -o show` tells the truth.
 * - SIGTERM is ignored as soon as a target exists; `tgtadm -m sys -o delete` or SIGKILL end it. It writes with
 *   pwrite(2), so that backing files are complete for other readers, even after SIGKILL, once a write was answered.
 * - LUN 0 of each target is a controller that tgt makes itself; disks begin at LUN 1.
 * - `--name X --value Y` sets a parameter of a target; `--params` is refused in target mode, whatever the manual says.
 * - HeaderDigest, DataDigest: configured `None` (the default) it answers `None`, even to an offer of `CRC32C` alone.
 *   Configured `CRC32C` (which is also what `None,CRC32C` is turned into) it answers `CRC32C` to each offer that
 *   contains it, whatever the order, and `None` to `None`.
 * - InitialR2T: configured `Yes` (default) the answer is always `Yes`; configured `No` it is the initiator's own value
 *   (OR rule). ImmediateData: configured `Yes` (default) it is the initiator's own value; configured `No` always `No`
 *   (AND rule). So all four combinations can be had, either by configuring the target or, with `InitialR2T=No` there,
 *   by what the initiator offers.
 * - MaxOutstandingR2T, FirstBurstLength, MaxBurstLength: the smaller value. MaxRecvDataSegmentLength other than 8192
 *   makes it answer the operational request with T=0 and a declaration of its own; the initiator has to ask for the
 *   transition again.
 * - CHAP: an account bound with `--outgoing` is what the target proves itself with; there is one for each target.
 *   Discovery needs no authentication, and cannot be made to. Of the hashes it chooses SHA-256 when that stands before
 *   MD5, and then rejects the response with 0200; a list without a hash that it knows, too.
 * - ErrorRecoveryLevel, MaxConnections, DataPDUInOrder and DataSequenceInOrder are agreed to when configured, though
 *   little stands behind them.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from './loop-time.ts';
import { findBinary } from './peers.ts';
import { freePort } from './ports.ts';
import type { Cleanup } from './process.ts';
import { RunningProcess, runProcess } from './process.ts';

/** Parameters of a target that tests set; the values are those of the text keys. */
export interface TgtdParameters {
  readonly HeaderDigest?: 'None' | 'CRC32C';
  readonly DataDigest?: 'None' | 'CRC32C';
  readonly InitialR2T?: 'Yes' | 'No';
  readonly ImmediateData?: 'Yes' | 'No';
  readonly MaxRecvDataSegmentLength?: number;
  readonly MaxOutstandingR2T?: number;
  readonly FirstBurstLength?: number;
  readonly MaxBurstLength?: number;
  readonly ErrorRecoveryLevel?: number;
  readonly MaxConnections?: number;
  readonly DefaultTime2Wait?: number;
  /** Seconds between the target's own pings; 0 for none. */
  readonly nop_interval?: number;
  /** Unanswered pings before the connection is dropped. */
  readonly nop_count?: number;
}

export interface TgtdLun {
  readonly sizeMiB: number;
  /** Bytes, 512 when left out. */
  readonly blockSize?: number;
  /** As `tgtadm --mode logicalunit --op update --params`, such as `{ thin_provisioning: '1' }`. */
  readonly params?: Readonly<Record<string, string>>;
}

export interface TgtdTarget {
  readonly name: string;
  /** The first becomes LUN 1. */
  readonly luns: readonly TgtdLun[];
  readonly params?: TgtdParameters;
  /** Demands CHAP with these credentials; with `target`, proves itself in turn to whoever asks. */
  readonly chap?: {
    readonly user: string;
    readonly password: string;
    readonly target?: { readonly user: string; readonly password: string };
  };
}

/** A running tgtd. */
export interface Tgtd {
  readonly port: number;
  /** `127.0.0.1:<port>` */
  readonly portal: string;
  /** The daemon that runs now, for tests that kill it or read what it says. */
  readonly process: RunningProcess;
  /** `iscsi://127.0.0.1:<port>/<name>/<lun>`; disks begin at LUN 1. */
  url(target: string, lun: number): string;
  /** The file behind a logical unit, for looking at data from the other side. */
  backingFile(target: string, lun: number): string;
  /** Runs tgtadm against this instance and gives its output. */
  administer(...args: readonly string[]): Promise<string>;
  /** Ends it at once (SIGKILL). Happens anyway when the test is over. */
  stop(): Promise<void>;
  /**
   * Starts it again after `stop()`, at the same port and over the same files.
   * @param order Which disk each LUN leads to from now on, by the number that the disk began with: `[2, 1]` swaps the
   *   first two.
   */
  start(order?: readonly number[]): Promise<void>;
}

/** Starts tgtd with `targets`; it listens and is configured when the promise settles. */
export async function startTgtd(t: Cleanup, { targets }: { readonly targets: readonly TgtdTarget[] }): Promise<Tgtd> {
  const directory = await mkdtemp(join(tmpdir(), 'tgtd-'));
  let daemon: RunningProcess | undefined;
  const stop = async (): Promise<void> => {
    await daemon?.stop('SIGKILL');
  };
  t.after(async () => {
    await stop();
    await rm(directory, { recursive: true, force: true });
  });

  const env = { ...process.env, TGT_IPC_SOCKET: join(directory, 'ipc') };
  const administer = (...args: readonly string[]): Promise<string> => tgtadm(env, args);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const portal = `127.0.0.1:${port}`;
    const launch = async (): Promise<RunningProcess> => {
      const started = new RunningProcess(
        findBinary('tgtd') ?? 'tgtd',
        ['-f', '-C', '1', '--iscsi', `portal=${portal}`],
        { env },
      );
      daemon = started;
      await answering(started, administer);
      return started;
    };
    let running = await launch();
    if ((await administer('-m', 'portal', '-o', 'show')).includes(`${portal},`)) {
      for (const [index, target] of targets.entries()) await configure(administer, directory, index + 1, target);
      return {
        port,
        portal,
        get process() {
          return running;
        },
        start: async (order) => {
          await rm(`${join(directory, 'ipc')}.1`, { force: true });
          running = await launch();
          for (const [index, target] of targets.entries())
            await configure(administer, directory, index + 1, target, order);
        },
        url: (target, lun) => `iscsi://${portal}/${target}/${lun}`,
        backingFile: (target, lun) => backingFile(directory, targets.findIndex(({ name }) => name === target) + 1, lun),
        administer,
        stop,
      };
    }
    await stop();
    if (attempt === 3) throw new Error(`tgtd could not listen on any of ${attempt} ports\n${running.stderr}`);
  }
}

type Administer = (...args: readonly string[]) => Promise<string>;

async function tgtadm(env: NodeJS.ProcessEnv, args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runProcess(
    findBinary('tgtadm') ?? 'tgtadm',
    ['-C', '1', '--lld', 'iscsi', ...args],
    {
      env,
      timeout: PATIENCE,
    },
  );
  if (code !== 0) throw new Error(`tgtadm ${args.join(' ')} ended with ${code}: ${stderr.trim()}`);
  return stdout;
}

/** tgtd says nothing that could be waited for: it is there when its control socket answers. */
async function answering(daemon: RunningProcess, administer: Administer): Promise<void> {
  const deadline = performance.now() + PATIENCE;
  for (;;) {
    try {
      await administer('-m', 'sys', '-o', 'show');
      return;
    } catch (cause) {
      if (daemon.hasExited || performance.now() > deadline) {
        throw new Error(`tgtd did not come up\n${daemon.stderr}`, { cause });
      }
    }
    await sleep(20);
  }
}

async function configure(
  administer: Administer,
  directory: string,
  tid: number,
  target: TgtdTarget,
  order: readonly number[] = target.luns.map((_, index) => index + 1),
): Promise<void> {
  const id = String(tid);
  await administer('-m', 'target', '-o', 'new', '-t', id, '-T', target.name);
  for (const [index, disk] of order.entries()) {
    const { sizeMiB, blockSize, params } = target.luns[disk - 1] ?? { sizeMiB: 1 };
    const lun = String(index + 1);
    const file = backingFile(directory, tid, disk);
    await sparseFile(file, sizeMiB * 2 ** 20);
    const size = blockSize === undefined ? [] : ['-y', String(blockSize)];
    await administer('-m', 'logicalunit', '-o', 'new', '-t', id, '-l', lun, '-b', file, ...size);
    const list = Object.entries(params ?? {}).map(([name, value]) => `${name}=${value}`);
    if (list.length > 0) {
      await administer('-m', 'logicalunit', '-o', 'update', '-t', id, '-l', lun, '-P', list.join(','));
    }
  }
  for (const [name, value] of Object.entries(target.params ?? {})) {
    await administer('-m', 'target', '-o', 'update', '-t', id, '-n', name, '-v', String(value));
  }
  if (target.chap) {
    const { user, password, target: own } = target.chap;
    await administer('-m', 'account', '-o', 'new', '-u', user, '-p', password);
    await administer('-m', 'account', '-o', 'bind', '-t', id, '-u', user);
    if (own !== undefined) {
      await administer('-m', 'account', '-o', 'new', '-u', own.user, '-p', own.password);
      await administer('-m', 'account', '-o', 'bind', '-t', id, '-u', own.user, '--outgoing');
    }
  }
  await administer('-m', 'target', '-o', 'bind', '-t', id, '-I', 'ALL');
}

function backingFile(directory: string, tid: number, lun: number): string {
  return join(directory, `target${tid}-lun${lun}`);
}

async function sparseFile(path: string, length: number): Promise<void> {
  const file = await open(path, 'a');
  try {
    if ((await file.stat()).size < length) await file.truncate(length); // it may be there, with its data
  } finally {
    await file.close();
  }
}
