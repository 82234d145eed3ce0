/**
 * istgt (Debian package `istgt`) as a second target that we did not write. It needs no root: it runs in the foreground
 * on a loopback port, with all its files in a directory of its own.
 *
 * Facts, found with istgt 0.4 (20111008, Debian 12) by logins against it:
 *
 * - It wants a section `[UnitControl]`; without a portal in it, there is none. Several instances run side by side.
 * - Its file of secrets is read at each login. `AuthMethod` is `CHAP`, or `CHAP Mutual`, with which it refuses with
 *   0201 whoever does not ask it to prove itself. Discovery has a method and secrets of its own.
 * - Of a list of hashes it chooses MD5, the only one that it has; a list without it is refused. Secrets are text.
 * - Logical units begin at LUN 0, and there are at most 16.
 * - It says on stderr, after its log of the units, nothing that means "listening": its portal has to be tried.
 */
import { chmod, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PATIENCE } from './loop-time.ts';
import { findBinary } from './peers.ts';
import { freePort } from './ports.ts';
import type { Cleanup } from './process.ts';
import { RunningProcess } from './process.ts';
import { temporaryDirectory } from './temporary.ts';

/** What an initiator has to prove, and, for mutual CHAP, what the target proves. */
export interface IstgtChap {
  readonly user: string;
  readonly password: string;
  readonly target?: { readonly user: string; readonly password: string };
}

export interface IstgtOptions {
  /** The iSCSI name. */
  readonly name: string;
  /** The size of LUN 0. */
  readonly sizeMiB: number;
  readonly chap?: IstgtChap;
  readonly discoveryChap?: IstgtChap;
  /** What it insists on; with neither it does as the initiator wishes. */
  readonly digests?: 'Header' | 'Data' | 'Header Data';
}

/** A running istgt. */
export interface Istgt {
  readonly port: number;
  /** `127.0.0.1:<port>` */
  readonly portal: string;
  /** The URL of LUN 0. */
  readonly url: string;
  readonly process: RunningProcess;
}

/** Starts istgt; it listens when the promise settles, and is gone when the test is over. */
export async function startIstgt(t: Cleanup, options: IstgtOptions): Promise<Istgt> {
  const directory = await temporaryDirectory(t);
  const secrets = join(directory, 'auth.conf');
  await writeFile(secrets, secretsOf(options));
  await chmod(secrets, 0o600);
  let daemon: RunningProcess | undefined;
  t.after(async () => {
    await daemon?.stop('SIGKILL');
  });
  for (let attempt = 1; ; attempt++) {
    const port = await freePort();
    const config = join(directory, 'istgt.conf');
    await writeFile(config, configOf(options, directory, port));
    const words = ['-D', '-c', config, '-p', join(directory, 'pid')];
    daemon = new RunningProcess(findBinary('istgt') ?? 'istgt', words);
    if (await listening(daemon, port)) {
      const portal = `127.0.0.1:${port}`;
      return { port, portal, url: `iscsi://${portal}/${options.name}/0`, process: daemon };
    }
    const { stdout, stderr } = daemon;
    await daemon.stop('SIGKILL');
    if (attempt === 3) throw new Error(`istgt did not come up\n${stdout}\n${stderr}`);
  }
}

/** @returns False when it has ended instead, such as because another process took the port. */
async function listening(daemon: RunningProcess, port: number): Promise<boolean> {
  const deadline = performance.now() + PATIENCE;
  while (!daemon.hasExited && performance.now() < deadline) {
    if (await accepts(port)) return !daemon.hasExited;
    await sleep(20);
  }
  return false;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function secretsOf({ chap, discoveryChap }: IstgtOptions): string {
  const group = (number: number, one: IstgtChap | undefined): string => {
    if (one === undefined) return '';
    const words = [one.user, one.password, ...(one.target === undefined ? [] : [one.target.user, one.target.password])];
    return `[AuthGroup${number}]\n  Auth ${words.map((word) => `"${word}"`).join(' ')}\n`;
  };
  return group(1, chap) + group(2, discoveryChap);
}

function methodOf(chap: IstgtChap | undefined): string {
  if (chap === undefined) return 'None';
  return chap.target === undefined ? 'CHAP' : 'CHAP Mutual';
}

function configOf(options: IstgtOptions, directory: string, port: number): string {
  const { name, sizeMiB, chap, discoveryChap, digests = 'Auto' } = options;
  return `[Global]
  NodeBase "iqn.2003-01.org.example"
  PidFile ${directory}/pid
  AuthFile ${directory}/auth.conf
  MediaDirectory ${directory}
  LogFacility "local7"
  Timeout 30
  NopInInterval 20
  DiscoveryAuthMethod ${methodOf(discoveryChap)}
  ${discoveryChap === undefined ? '' : 'DiscoveryAuthGroup AuthGroup2'}
  MaxSessions 16
  MaxConnections 4
  MaxR2T 32
  MaxOutstandingR2T 16
  DefaultTime2Wait 2
  DefaultTime2Retain 60
  FirstBurstLength 262144
  MaxBurstLength 1048576
  MaxRecvDataSegmentLength 262144
  InitialR2T Yes
  ImmediateData Yes
  DataPDUInOrder Yes
  DataSequenceInOrder Yes
  ErrorRecoveryLevel 0
[UnitControl]
  AuthMethod CHAP Mutual
  AuthGroup AuthGroup1
  Netmask 127.0.0.1
[PortalGroup1]
  Portal DA1 127.0.0.1:${port}
[InitiatorGroup1]
  InitiatorName "ALL"
  Netmask 127.0.0.0/8
[LogicalUnit1]
  TargetName ${name}
  Mapping PortalGroup1 InitiatorGroup1
  AuthMethod ${methodOf(chap)}
  ${chap === undefined ? '' : 'AuthGroup AuthGroup1'}
  UseDigest ${digests}
  UnitType Disk
  LUN0 Storage ${directory}/disk ${sizeMiB}MB
`;
}
