/** The synchronous face against a target in another process: this one has no events while it waits. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { ValueError } from '../../src/bytes/value-error.ts';
import { IscsiError } from '../../src/errors.ts';
import { connect, discover, openSession, parseUrl } from '../../src/index.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import { ScsiStatusError } from '../../src/scsi/status-error.ts';
import { TASK_MANAGEMENT_FUNCTIONS } from '../../src/spec/iscsi-task-management.ts';
import { connectSync, discoverSync, openSessionSync } from '../../src/sync/index.ts';
import type { SyncLogicalUnit } from '../../src/sync/session.ts';
import { startTarget } from '../cli/run-tool.ts';
import { seededRandom } from '../pdu/random.ts';
import { freePort } from '../support/ports.ts';

async function serve(t: TestContext, ...units: readonly string[]): Promise<string> {
  const { urls } = await startTarget(t, units.length === 0 ? ['--memory', '1M'] : units);
  return urls[0] ?? '';
}

/** What an error says, its causes included; not its stack. */
function saidBy(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { stack: _, cause, ...own } = Object.getOwnPropertyDescriptors(error) as Record<string, PropertyDescriptor>;
  return {
    // Node's own classes of its system's errors cannot be had by anybody.
    class: error instanceof IscsiError || error instanceof ValueError ? Object.getPrototypeOf(error) : Error,
    own: Object.fromEntries(Object.entries(own).map(([name, { value }]) => [name, value])),
    cause: cause === undefined ? undefined : saidBy(cause.value),
  };
}

async function thrownBy(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return assert.fail('it went well');
}

for (const [name, make] of [
  ['buffers of any kind', (length: number) => new Uint8Array(length)],
  ['buffers in shared memory', (length: number) => new Uint8Array(new SharedArrayBuffer(length))],
  [
    'parts of buffers in shared memory',
    (length: number) => new Uint8Array(new SharedArrayBuffer(length + 99), 77, length),
  ],
] as const) {
  test(`what is written comes back, at any position and in any length: ${name}`, async (t) => {
    using lun = connectSync(await serve(t));
    const random = seededRandom();
    const model = new Uint8Array(lun.size);
    assert.equal(lun.size, 2 ** 20);
    for (let round = 0; round < 150; round++) {
      const length = random.below(random.below(10) === 0 ? 300_000 : 5000);
      const position = random.below(lun.size - length);
      const buffer = make(length);
      if (random.below(2) === 0) {
        const bytes = random.bytes(length);
        buffer.set(bytes);
        model.set(bytes, position);
        const result = lun.writeSync(buffer, { position });
        assert.equal(result.buffer, buffer);
        assert.equal(result.bytesWritten, length);
      } else {
        const result = lun.readSync(buffer, { position });
        assert.equal(result.buffer, buffer);
        assert.equal(result.bytesRead, length);
        assert.deepEqual(Buffer.from(buffer), Buffer.from(model.subarray(position, position + length)), random.note);
      }
    }
    const all = make(lun.size + 10).fill(9);
    assert.equal(lun.readSync(all, { position: 0 }).bytesRead, lun.size);
    assert.ok(Buffer.from(all.subarray(0, lun.size)).equals(model), random.note);
    assert.deepEqual([...all.subarray(lun.size)], new Array(10).fill(9), 'what is behind the end is left alone');
    assert.equal(lun.readSync(make(5), { position: lun.size }).bytesRead, 0);
  });
}

test('reads and writes longer than the memory that is kept go well, and so do those behind them', async (t) => {
  using lun = connectSync(await serve(t, '--memory', '20M'));
  const bytes = Buffer.alloc(lun.size, 'a text of some length');
  lun.writeSync(bytes, { position: 0 });
  lun.writeSync(Buffer.from('hello'), { position: 9_000_000 });
  const again = Buffer.alloc(lun.size);
  lun.readSync(again, { position: 0 });
  bytes.write('hello', 9_000_000);
  assert.ok(again.equals(bytes));
  assert.equal(lun.readSync(Buffer.alloc(5), { position: 9_000_000 }).buffer.toString(), 'hello');
});

test('digests are computed over shared memory as over any other', async (t) => {
  using lun = connectSync(await serve(t), { dataDigest: 'crc32c', headerDigest: 'crc32c' });
  assert.equal(lun.session.parametersSync().dataDigest, true);
  const random = seededRandom();
  const bytes = random.bytes(300_000);
  const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
  shared.set(bytes);
  lun.writeSync(shared, { position: 4096 });
  lun.readSync(shared.fill(0), { position: 4096 });
  assert.ok(Buffer.from(shared).equals(bytes), random.note);
});

test('more shared memories than the thread keeps, in any order, are told apart', async (t) => {
  using lun = connectSync(await serve(t));
  const memories = Array.from({ length: 11 }, (_, index) => new Uint8Array(new SharedArrayBuffer(64)).fill(index + 1));
  const random = seededRandom();
  for (let round = 0; round < 200; round++) {
    const index = random.below(memories.length);
    const memory = memories[index] ?? assert.fail();
    lun.writeSync(memory, { position: index * 64 });
    memory.fill(0);
    lun.readSync(memory, { position: index * 64 });
    assert.ok(
      memory.every((byte) => byte === index + 1),
      random.note,
    );
  }
});

test('other views than of bytes are used by their bytes', async (t) => {
  using lun = connectSync(await serve(t));
  lun.writeSync(new Uint16Array([0x0102, 0x0304]), { position: 510 });
  const { buffer } = lun.readSync(new DataView(new ArrayBuffer(4)), { position: 510, timeout: 5000 });
  assert.equal(buffer.getUint16(0, true), 0x0102);
  assert.equal(buffer.getUint16(2, true), 0x0304);
});

test('a logical unit says and does what it says and does in the asynchronous interface', async (t) => {
  const url = await serve(t, '--memory', '1M', '--memory', '3M');
  await using there = await connect(url);
  using lun = connectSync(url);
  for (const name of [
    'name',
    'lunText',
    'lun',
    'blockSize',
    'blocks',
    'size',
    'maxTransferBlocks',
    'inquiryData',
    'capacity',
    'deviceType',
    'isBlockDevice',
    'removable',
  ] as const) {
    assert.deepEqual(lun[name], there[name], name);
  }
  assert.deepEqual(lun.inquirySync(), await there.inquiry());
  assert.deepEqual(lun.inquirySync('deviceIdentification'), await there.inquiry('deviceIdentification'));
  assert.deepEqual(lun.inquirySync(0x80), await there.inquiry(0x80));
  assert.deepEqual(lun.readCapacitySync(), await there.readCapacity());
  assert.deepEqual(lun.testUnitReadySync({ timeout: 5000 }), await there.testUnitReady());
  lun.flushSync();
  lun.writeSync(new Uint8Array(2 ** 20).fill(1), { position: 0, forceUnitAccess: true });
  lun.trimSync({ position: 262_144, length: 262_144 });
  const extents: unknown[] = [];
  for await (const extent of there.extents()) extents.push(extent);
  assert.deepEqual([...lun.extentsSync()], extents);
  assert.ok(extents.length > 2);
  for (const { type } of lun.extentsSync({ start: 262_144 })) if (type === 'hole') break;
  const dataIn = new Uint8Array(36);
  const request = { cdb: cdb('INQUIRY', { allocationLength: 36 }), dataIn };
  const result = lun.executeSync(request);
  const wanted = new Uint8Array(36);
  assert.deepEqual(result, await there.execute({ ...request, dataIn: wanted }));
  assert.deepEqual(dataIn, wanted);
  const block = new Uint8Array(512).fill(7);
  const write = cdb('WRITE_10', { logicalBlockAddress: 3, transferLength: 1 });
  assert.equal(lun.executeSync(write, { dataOut: block }).status, 0);
  assert.deepEqual(lun.readSync(new Uint8Array(512), { position: 3 * 512 }).buffer, block);
  assert.match(inspect(lun), /^SyncLogicalUnit \{ LUN 0 of iqn.*, 2048 blocks of 512 bytes \}$/);
  const unknown = lun.executeSync({
    cdb: cdb('READ_10', { logicalBlockAddress: 99_999, transferLength: 1 }),
    dataIn: block,
  });
  assert.equal(unknown.sense?.text, 'logical block address out of range');
});

test('a session does what it does in the asynchronous interface, and its units are closed with it', async (t) => {
  const url = await serve(t, '--memory', '1M', '--memory', '3M');
  await using there = await openSession(url);
  using session = openSessionSync(new URL(url), { timeout: 20_000 });
  assert.deepEqual(
    [session.targetName, session.targetPortal, session.timeout],
    [there.targetName, there.targetPortal, 20_000],
  );
  assert.deepEqual(session.parametersSync(), there.parameters);
  assert.deepEqual(session.reportLunsSync(), await there.reportLuns());
  assert.deepEqual(session.nopSync(Uint8Array.of(1, 2, 3)), Uint8Array.of(1, 2, 3));
  assert.match(Buffer.from(session.textSync('SendTargets=\0')).toString(), /^TargetName=iqn/);
  const functionCode = TASK_MANAGEMENT_FUNCTIONS.LOGICAL_UNIT_RESET;
  assert.equal(session.taskManagementSync({ functionCode, lun: 1 }), 0);
  assert.equal(session.executeSync(1, { cdb: cdb('TEST_UNIT_READY', {}) }).sense?.senseKey, 6, 'of the reset');
  const lun = session.logicalUnitSync(1);
  const other = session.logicalUnitSync(0, { timeout: 5000 });
  assert.equal(lun.size, 3 * 2 ** 20);
  other.closeSync();
  assert.throws(() => other.readSync(Buffer.alloc(1), { position: 0 }), { code: 'ISCSI_CLOSED', commandSent: false });
  lun.writeSync(Buffer.from('x'), { position: 0 });
  assert.equal(session.isOpenSync(), true);
  session.closeSync();
  session.closeSync();
  assert.equal(session.isOpenSync(), false);
  assert.match(inspect(session), /closed/);
  for (const call of [() => lun.flushSync(), () => session.nopSync(), () => session.logicalUnitSync(0)])
    assert.throws(call, { code: 'ISCSI_CLOSED' });
  lun.closeSync();
});

test('a URL may be one that was read before, and the handles have the names of what they are', async (t) => {
  const url = await serve(t);
  using lun = connectSync(parseUrl(url), { env: { ...process.env } });
  assert.equal(lun.size, 2 ** 20);
  assert.match(inspect(lun.session), /^SyncSession \{ iqn/);
  const second = lun.session.logicalUnitSync(0);
  lun.session.closeSync();
  second.closeSync();
  assert.equal(lun.session.isOpenSync(), false);
});

test('discoverSync() gives what discover() gives', async (t) => {
  const url = await serve(t);
  const portal = /^iscsi:\/\/[^/]+/.exec(url)?.[0] ?? '';
  const found: unknown[] = [];
  for await (const target of discover(portal)) found.push(target);
  assert.deepEqual(discoverSync(portal), found);
});

test('errors are what they are in the asynchronous interface: class, code, hint, sense, causes', async (t) => {
  const url = await serve(t, '--read-only', '--memory', '1M');
  await using there = await connect(url);
  using lun = connectSync(url);
  const bytes = new Uint8Array(512);
  const port = await freePort();
  const pairs: readonly (readonly [string, () => unknown, () => unknown])[] = [
    [
      'beyond the end',
      () => there.write(bytes, { position: there.size }),
      () => lun.writeSync(bytes, { position: lun.size }),
    ],
    ['write protected', () => there.write(bytes, { position: 0 }), () => lun.writeSync(bytes, { position: 0 })],
    ['half a position', () => there.read(bytes, { position: 0.5 }), () => lun.readSync(bytes, { position: 0.5 })],
    [
      'a text as position',
      () => there.read(bytes, { position: '1' as never }),
      () => lun.readSync(bytes, { position: '1' as never }),
    ],
    ['no options', () => there.read(bytes, undefined as never), () => lun.readSync(bytes, undefined as never)],
    [
      'no buffer',
      () => there.read('text' as never, { position: 0 }),
      () => lun.readSync('text' as never, { position: 0 }),
    ],
    [
      'no buffer to write',
      () => there.write(5 as never, { position: 0 }),
      () => lun.writeSync(5 as never, { position: 0 }),
    ],
    [
      'no time',
      () => there.read(bytes, { position: 0, timeout: 0 }),
      () => lun.readSync(bytes, { position: 0, timeout: 0 }),
    ],
    ['a page that is not there', () => there.inquiry(0xc0), () => lun.inquirySync(0xc0)],
    ['no CDB', () => there.execute({} as never), () => lun.executeSync({} as never)],
    ['a short CDB', () => there.execute(new Uint8Array(3)), () => lun.executeSync(new Uint8Array(3))],
    [
      'no buffer for a command',
      () => there.execute({ cdb: cdb('INQUIRY', {}), dataIn: 5 as never }),
      () => lun.executeSync({ cdb: cdb('INQUIRY', {}), dataIn: 5 as never }),
    ],
    ['a LUN that is not there', () => there.session.logicalUnit(9), () => lun.session.logicalUnitSync(9)],
    ['a LUN that cannot be', () => there.session.logicalUnit(-1), () => lun.session.logicalUnitSync(-1)],
    ['a URL that is none', () => connect('http://x'), () => connectSync('http://x')],
    ['no LUN', () => connect(url.replace(/\/0$/, '')), () => connectSync(url.replace(/\/0$/, ''))],
    [
      'nobody there',
      () => connect(`iscsi://127.0.0.1:${port}/iqn.2003-01.org.example:a/0`),
      () => connectSync(`iscsi://127.0.0.1:${port}/iqn.2003-01.org.example:a/0`),
    ],
    [
      'no such target',
      () => connect(url.replace('tsiscsi:target', 'tsiscsi:none')),
      () => connectSync(url.replace('tsiscsi:target', 'tsiscsi:none')),
    ],
    ['another serial number', () => connect(`${url}?force_usn=none`), () => connectSync(`${url}?force_usn=none`)],
  ];
  for (const [name, call, callSync] of pairs) {
    const wanted = await thrownBy(call);
    assert.ok(wanted instanceof IscsiError || wanted instanceof ValueError, name);
    const told = saidBy(await thrownBy(callSync));
    // What was called is named as it was called.
    assert.deepEqual(told, saidBy(wanted), name);
  }
  const error = await thrownBy(() => lun.writeSync(bytes, { position: 0 }));
  assert.ok(error instanceof ScsiStatusError && error.sense?.senseKey === 7);
});

test('the stack of an error leads to the line of the program that has called', async (t) => {
  using lun = connectSync(await serve(t));
  const calls: readonly ((unit: SyncLogicalUnit) => unknown)[] = [
    (unit) => unit.writeSync(Buffer.alloc(1), { position: unit.size }),
    (unit) => unit.readSync(Buffer.alloc(1), { position: -1 }),
    (unit) => unit.inquirySync(0xc0),
    (unit) => unit.executeSync({ cdb: new Uint8Array(3) }),
    (unit) => unit.session.logicalUnitSync(9),
    () => connectSync('http://x'),
    () => discoverSync('http://x'),
    () => openSessionSync('http://x'),
  ];
  for (const call of calls) {
    const error = await thrownBy(function caller() {
      call(lun);
    });
    const frames = (error as Error).stack?.split('\n').filter((line) => line.startsWith('    at ')) ?? [];
    assert.match(frames[0] ?? '', /sync\.test\.[jt]s:\d+/, String((error as Error).stack));
    assert.match(frames[1] ?? '', /caller/);
  }
});

test('what would have to run while the program waits is refused by name', async (t) => {
  const url = await serve(t);
  using lun = connectSync(url);
  const { signal } = new AbortController();
  for (const [call, name] of [
    [() => lun.readSync(Buffer.alloc(5), { position: 0, signal } as never), 'signal'],
    [() => lun.flushSync({ signal } as never), 'signal'],
    [() => connectSync(url, { onEvent: () => undefined } as never), 'onEvent'],
    [() => discoverSync(url, { signal } as never), 'signal'],
    [() => lun.executeSync({ cdb: cdb('TEST_UNIT_READY', {}), signal } as never), 'signal'],
  ] as const) {
    assert.throws(
      call,
      (error) => error instanceof IscsiError && error.code === 'ISCSI_USAGE' && error.message.includes(`"${name}"`),
    );
  }
  const both = { cdb: cdb('TEST_UNIT_READY', {}), dataIn: Buffer.alloc(5), dataOut: Buffer.alloc(5) };
  assert.throws(() => lun.executeSync(both), { code: 'ISCSI_USAGE' });
});

test('a plain read or write costs no message to the thread, but where it sleeps', async (t) => {
  using lun = connectSync(await serve(t));
  const [plain, shared] = [new Uint8Array(4096), new Uint8Array(new SharedArrayBuffer(4096))];
  lun.readSync(plain, { position: 0 });
  lun.readSync(shared, { position: 0 }); // the thread knows both memories from now on
  const post = t.mock.method(MessagePort.prototype, 'postMessage');
  for (let position = 0; position < lun.size; position += 4096) {
    lun.readSync(plain, { position });
    lun.writeSync(shared, { position });
  }
  const messages = () => post.mock.calls.filter(({ arguments: [message] }) => typeof message === 'object').length;
  assert.equal(messages(), 0);
  lun.flushSync();
  assert.equal(messages(), 1, 'another call costs one');
});
