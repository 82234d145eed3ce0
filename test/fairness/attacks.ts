/** What attackers do to a target while somebody innocent reads from it. One row an attack. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { textOf } from '../support/speaker/data.ts';
import { GREEDY, RawSession } from './raw-session.ts';

/** Where to attack, and how hard. */
export interface Scene {
  readonly port: number;
  /** Whether there is time to go on: false when the trial is over. */
  readonly goesOn: () => boolean;
  /** How many of those of whom there may be many: `few` in a short trial, `many` in a long one. */
  readonly number: (few: number, many: number) => number;
}

/** One attack. */
export interface Attack {
  readonly name: string;
  /** What it is after, above all. */
  readonly against: 'time' | 'memory';
  readonly run: (scene: Scene) => Promise<void>;
}

const FILE = '1000000000000';
const WRITE = 0xa1;
const UNSOLICITED_WRITE = 0x21;
const ORDERED_WRITE = 0xa2;
const PRESENT = 0x80;
const MiB = 1024 * 1024;

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
const read10 = (lba: number, blocks: number): string => `2800${hex(lba, 8)}00${hex(blocks, 4)}00`;
const write10 = (lba: number, blocks: number): string => `2a00${hex(lba, 8)}00${hex(blocks, 4)}00`;

function bytesOf(session: RawSession, count: number, request: (n: number) => Parameters<RawSession['encode']>[0]) {
  return Buffer.concat(Array.from({ length: count }, (_, n) => session.encode(request(n))));
}

function sessions(port: number, count: number, keys = GREEDY): Promise<RawSession[]> {
  return inTens(count, () => RawSession.logIn(port, keys));
}

/** Makes many, some at a time. */
async function inTens<T>(count: number, make: () => Promise<T>): Promise<T[]> {
  const made: T[] = [];
  while (made.length < count) {
    const some = Array.from({ length: Math.min(10, count - made.length) }, make);
    made.push(...(await Promise.all(some)));
  }
  return made;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

async function untilOver({ goesOn }: Scene): Promise<void> {
  while (goesOn()) await pause(20);
}

/** Pours the same bytes into each session for as long as the trial goes on. */
async function flood(scene: Scene, all: readonly RawSession[], bytes: (session: RawSession) => Uint8Array) {
  await Promise.all(
    all.map(async (session) => {
      const sent = bytes(session);
      while (scene.goesOn() && !session.socket.destroyed) {
        await session.pour(sent);
        await pause(0);
      }
    }),
  );
  await untilOver(scene);
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' });
  socket.on('error', () => {});
  await Promise.race([once(socket, 'connect'), once(socket, 'close')]);
  return socket;
}

/** Logs in with a text that needs several PDUs. */
async function loginWith(port: number, text: string): Promise<void> {
  const session = await RawSession.connect(port);
  for (let at = 0; at < text.length && !session.socket.destroyed; at += 8000) {
    const last = at + 8000 >= text.length;
    const piece = session.loginRequest(last ? 0x87 : 0x44, text.slice(at, at + 8000));
    await session.ask(piece).catch(() => undefined);
  }
  session.socket.destroy();
}

const NAMES = textOf({ InitiatorName: 'iqn.2003-01.org.example:x', TargetName: 'iqn.2003-01.org.example:disk' });

async function longNumber(scene: Scene): Promise<void> {
  while (scene.goesOn()) {
    await loginWith(scene.port, `${NAMES}MaxBurstLength=0x${'0'.repeat(64_000 - NAMES.length)}g\0`);
    await loginWith(scene.port, `${NAMES}HeaderDigest=${'None,'.repeat(12_000)}\0`);
    await loginWith(scene.port, `${NAMES}X-${'a.'.repeat(31_000)}=1\0`);
  }
}

async function unreadReads(scene: Scene, lun: string, keys: Readonly<Record<string, string>>): Promise<void> {
  const all = await sessions(scene.port, scene.number(20, 400), { ...GREEDY, ...keys });
  for (const session of all) {
    const reads = (n: number) => session.commandRequest(read10(0, 16_384), { edtl: n % 2 === 0 ? 8 * MiB : 512, lun });
    await session.deaf().pour(bytesOf(session, 160, reads));
  }
  await untilOver(scene);
}

async function oneTagManagement(scene: Scene): Promise<void> {
  const [session] = await sessions(scene.port, 1);
  if (session === undefined) return;
  const far = (session.cmdSN + 100) >>> 0;
  const request = (n: number) =>
    session.taskManagementRequest(2, 0xffff_ffff, { tag: 0x77, cmdSN: n % 2 === 0 ? far : far - 1 });
  for (let n = 0; n < 20 && scene.goesOn(); n++) await session.pour(bytesOf(session, 10_000, request));
  await untilOver(scene);
}

async function conflicts(scene: Scene): Promise<void> {
  const all = await sessions(scene.port, 64);
  const data = Buffer.alloc(512);
  for (const session of all) {
    const request = (n: number) =>
      n < 32
        ? session.commandRequest(read10(n, 2048), { edtl: MiB, lun: FILE })
        : session.commandRequest(write10(31, 1), { edtl: 512, lun: FILE, flags: WRITE, data });
    session.blind().socket.write(bytesOf(session, 120, request));
  }
  await untilOver(scene);
}

async function orderedWithoutData(scene: Scene): Promise<void> {
  const [first, ...others] = await sessions(scene.port, scene.number(100, 800));
  first?.socket.write(first.encode(first.commandRequest(write10(0, 1), { edtl: 512, flags: ORDERED_WRITE })));
  for (const other of others) {
    const request = () => other.commandRequest(read10(0, 8), { edtl: 4096, flags: 0xc2 });
    other.blind().socket.write(bytesOf(other, 16, request));
  }
  await untilOver(scene);
}

async function compareExtents(scene: Scene): Promise<void> {
  const all = await sessions(scene.port, 2);
  const block = Buffer.alloc(512);
  for (const session of all) {
    // VERIFY(16) with BYTCHK 3 of 8 MiB, and COMPARE of RAM with itself.
    const request = () =>
      session.commandRequest(`8f06${hex(0, 16)}${hex(16_384, 8)}0000`, { edtl: 512, flags: WRITE, data: block });
    session.blind().socket.write(bytesOf(session, 128, request));
  }
  await untilOver(scene);
}

async function writeSame(scene: Scene): Promise<void> {
  const all = await sessions(scene.port, 3);
  const block = Buffer.alloc(512, 1);
  for (const session of all) {
    // WRITE SAME(16) of 16 MiB.
    const request = () =>
      session.commandRequest(`9300${hex(0, 16)}${hex(32_768, 8)}0000`, { edtl: 512, flags: WRITE, data: block });
    session.blind().socket.write(bytesOf(session, 128, request));
  }
  await untilOver(scene);
}

async function unfinishedWrites(scene: Scene): Promise<void> {
  const all = await sessions(scene.port, scene.number(60, 800));
  const data = Buffer.alloc(65_536, 1);
  for (const session of all) {
    const request = (n: number) =>
      n < 64
        ? session.commandRequest(write10(0, 2048), {
            edtl: MiB,
            flags: UNSOLICITED_WRITE,
            data: n < 4 ? data : Buffer.alloc(4),
          })
        : session.commandRequest(write10(0, 16_384), { edtl: 8 * MiB, flags: WRITE });
    session.blind().socket.write(bytesOf(session, 128, request));
  }
  await untilOver(scene);
}

async function burstThenIdle(scene: Scene): Promise<void> {
  const all = await sessions(scene.port, scene.number(60, 800));
  await inTens(all.length, async () => {
    const session = all.pop();
    if (session === undefined) return;
    const data = Buffer.alloc(262_144, 1);
    const writes = () => session.commandRequest(write10(0, 512), { edtl: 262_144, flags: WRITE, data });
    const reads = () => session.commandRequest(read10(0, 2048), { edtl: MiB });
    session.blind();
    await session.pour(bytesOf(session, 32, writes));
    await session.pour(bytesOf(session, 32, reads));
  });
  await untilOver(scene);
}

async function silentSockets(scene: Scene): Promise<void> {
  const all = await inTens(scene.number(300, 2000), () => open(scene.port));
  while (scene.goesOn()) {
    all.push(...(await inTens(10, () => open(scene.port))));
    await pause(10);
  }
}

async function slowLogins(scene: Scene): Promise<void> {
  const all = await inTens(60, () => RawSession.connect(scene.port));
  const bytes = all.map((session) => session.encode(session.loginRequest(0x87, NAMES)));
  for (let at = 0; scene.goesOn(); at++) {
    for (const [n, session] of all.entries()) session.socket.write(bytes[n]?.subarray(at, at + 1) ?? Buffer.alloc(0));
    await pause(20);
  }
}

async function idleSessions(scene: Scene): Promise<void> {
  await sessions(scene.port, scene.number(400, 1010));
  await untilOver(scene);
}

async function logins(scene: Scene): Promise<void> {
  while (scene.goesOn()) {
    const some = await inTens(10, () => RawSession.logIn(scene.port, GREEDY).catch(() => undefined));
    for (const session of some) session?.socket.destroy();
  }
}

async function tinySegments(scene: Scene): Promise<void> {
  const all = await sessions(scene.port, 3);
  await Promise.all(
    all.map(async (session) => {
      const count = 16_384;
      while (scene.goesOn() && !session.socket.destroyed) {
        const { tag, ...request } = session.commandRequest(write10(0, 128), { edtl: 65_536, flags: WRITE });
        const r2t = await session.ask({ tag, ...request });
        const pieces = bytesOf(session, count, (n) =>
          session.dataOutRequest(tag, r2t.transferTag, n, 4 * n, Buffer.alloc(4), n === count - 1 ? PRESENT : 0),
        );
        const answered = new Promise<void>((resolve) => {
          session.onPdu = () => resolve();
        });
        await session.pour(pieces);
        await Promise.race([answered, session.ended]);
      }
    }),
  );
}

async function texts(scene: Scene, hears: boolean): Promise<void> {
  const all = await sessions(scene.port, 4, { ...GREEDY, MaxRecvDataSegmentLength: '16777215' });
  const data = new TextEncoder().encode('SendTargets=\0');
  await flood(scene, hears ? all.map((one) => one.blind()) : all.map((one) => one.deaf()), (session) =>
    bytesOf(session, 500, (n) => ({ opcode: 0x04, immediate: true, flags: PRESENT, tag: n, data })),
  );
}

async function pings(scene: Scene, length: number, hears: boolean): Promise<void> {
  const all = await sessions(scene.port, hears ? 3 : scene.number(40, 400), {
    ...GREEDY,
    MaxRecvDataSegmentLength: '262144',
  });
  const data = Buffer.alloc(length);
  await flood(scene, hears ? all.map((one) => one.blind()) : all.map((one) => one.deaf()), (session) =>
    bytesOf(session, Math.ceil(65_536 / (length + 48)), () => session.pingRequest(data)),
  );
}

async function earlyPings(scene: Scene): Promise<void> {
  const all = await sessions(scene.port, scene.number(40, 400));
  const data = Buffer.alloc(200_000);
  await inTens(all.length, async () => {
    const session = all.pop();
    if (session === undefined) return;
    session.blind();
    for (let n = 1; n < 120 && scene.goesOn() && !session.socket.destroyed; n++) {
      await session.pour(
        session.encode(session.pingRequest(data, { immediate: false, cmdSN: (session.cmdSN + n) >>> 0 })),
      );
    }
  });
  await untilOver(scene);
}

async function nonsense(scene: Scene): Promise<void> {
  const all = await sessions(scene.port, 3);
  await flood(
    scene,
    all.map((one) => one.blind()),
    (session) => bytesOf(session, 1300, () => ({ opcode: 0x07, tag: 1 })),
  );
}

async function honestLoad(scene: Scene): Promise<void> {
  const all = await sessions(scene.port, 8);
  await Promise.all(
    all.map(async (session) => {
      let open = 0;
      const more = () => {
        while (open < 16 && scene.goesOn()) {
          open++;
          const lba = (session.cmdSN * 8) % 8192;
          session.socket.write(session.encode(session.commandRequest(read10(lba, 8), { edtl: 4096 })));
        }
      };
      session.onPdu = () => {
        open--;
        more();
      };
      more();
      await untilOver(scene);
    }),
  );
}

/** All of them. */
export const ATTACKS: readonly Attack[] = [
  { name: 'numbers and lists of 64,000 characters in logins', against: 'time', run: longNumber },
  {
    name: 'reads of 8 MiB from a file, answers never read',
    against: 'memory',
    run: (scene) => unreadReads(scene, FILE, {}),
  },
  {
    name: 'reads of 8 MiB from RAM, answers never read',
    against: 'memory',
    run: (scene) => unreadReads(scene, '0', { MaxRecvDataSegmentLength: '8192' }),
  },
  { name: '200,000 task management requests with one tag', against: 'time', run: oneTagManagement },
  { name: 'writes that conflict with reads of 64 sessions in a file', against: 'time', run: conflicts },
  { name: 'an ORDERED write whose data never comes, and many behind it', against: 'time', run: orderedWithoutData },
  { name: 'VERIFY(16) with BYTCHK 3 of 8 MiB, 256 times', against: 'time', run: compareExtents },
  { name: 'WRITE SAME(16) of 16 MiB, 384 times', against: 'time', run: writeSame },
  { name: 'writes whose data never comes whole', against: 'memory', run: unfinishedWrites },
  { name: 'sessions that are idle after a burst', against: 'memory', run: burstThenIdle },
  { name: 'silent sockets', against: 'memory', run: silentSockets },
  { name: 'logins of one byte every 20 ms', against: 'time', run: slowLogins },
  { name: 'idle sessions', against: 'memory', run: idleSessions },
  { name: 'logins, one after the other', against: 'time', run: logins },
  { name: 'data segments of 4 bytes', against: 'time', run: tinySegments },
  { name: 'text negotiations', against: 'time', run: (scene) => texts(scene, true) },
  { name: 'text negotiations, answers never read', against: 'memory', run: (scene) => texts(scene, false) },
  { name: 'pings without data', against: 'time', run: (scene) => pings(scene, 0, true) },
  {
    name: 'pings with 200,000 bytes, answers never read',
    against: 'memory',
    run: (scene) => pings(scene, 200_000, false),
  },
  { name: 'pings with 200,000 bytes before their turn', against: 'memory', run: earlyPings },
  { name: 'unknown PDUs', against: 'time', run: nonsense },
  { name: 'much honest load', against: 'time', run: honestLoad },
];
