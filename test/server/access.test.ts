/** Who may use the embedded target, and what those see who may not. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { inspect } from 'node:util';
import { connect, openSession } from '../../src/client/connect.ts';
import { discover } from '../../src/client/discover.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import type { Session } from '../../src/client/session.ts';
import type { IscsiError } from '../../src/errors.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import { createTarget, generateChapSecret, type Target, type TargetOptions } from '../../src/server/index.ts';
import { TASK_MANAGEMENT_FUNCTIONS } from '../../src/spec/iscsi-task-management.ts';

const ALICE = 'iqn.2003-01.org.example:alice';
const BOB = 'iqn.2003-01.org.example:bob';
const STRANGER = 'iqn.2003-01.org.example:stranger';
const DISK = 'iqn.2003-01.org.example:disk';
const TAPE = 'iqn.2003-01.org.example:tape';
const OPEN = 'iqn.2003-01.org.example:open';
const chapOf = (user: string) => ({ user, password: `secret-of-${user}-123` });

async function serve(t: TestContext, options: TargetOptions): Promise<Target> {
  const target = await createTarget(options).listen({ port: 0 });
  t.after(() => target.close());
  return target;
}

/** Alice may use LUN 1 and 2 of the disk, Bob all of it and the tape; the third target is open to all. */
function three(options: Partial<TargetOptions> = {}): TargetOptions {
  const memory = (...sizes: readonly string[]) => sizes.map((size) => ({ memory: size }));
  return {
    targets: [
      {
        name: DISK,
        luns: memory('1M', '2M', '3M'),
        initiators: [
          { name: ALICE, chap: chapOf('alice'), luns: [2, 1] },
          { name: BOB, chap: chapOf('bob') },
        ],
      },
      { name: TAPE, luns: memory('4M'), initiators: [{ name: BOB, chap: chapOf('bob-at-tape') }] },
      { name: OPEN, luns: memory('5M') },
    ],
    ...options,
  };
}

async function numbersOf(session: Session): Promise<(number | undefined)[]> {
  return (await session.reportLuns()).map(({ number }) => number);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => new Error('it succeeded'),
    (reason: IscsiError & { statusClass?: number; statusDetail?: number }) => reason,
  );
  assert.doesNotMatch(inspect(error, { depth: 9 }), /secret-of/);
  const {
    code,
    statusClass = 0,
    statusDetail = 0,
  } = error as { code?: string; statusClass?: number; statusDetail?: number };
  return `${code} ${((statusClass << 8) | statusDetail).toString(16).padStart(4, '0')}`;
}

async function names(target: Target, options: ConnectOptions): Promise<string[]> {
  const found: string[] = [];
  for await (const { name } of discover(`iscsi://127.0.0.1:${target.port}`, options)) found.push(name);
  return found;
}

test('each initiator gets into its targets with its own name and password, and nowhere else', async (t) => {
  const target = await serve(t, three());
  const as = (initiatorName: string, user?: string): ConnectOptions =>
    user === undefined ? { initiatorName } : { initiatorName, chap: chapOf(user) };
  for (const [name, options] of [
    [DISK, as(ALICE, 'alice')],
    [DISK, as(BOB, 'bob')],
    [TAPE, as(BOB, 'bob-at-tape')],
    [OPEN, as(STRANGER)],
  ] as const) {
    await using session = await openSession(target.url(0, name), options);
    assert.equal(
      target.sessions.at(-1)?.user,
      options.chap === undefined ? undefined : (options.chap as { user: string }).user,
    );
    assert.equal(session.targetName, name);
  }
  for (const [name, options, code] of [
    [DISK, as(ALICE), 'ISCSI_AUTHENTICATION 0201'],
    [DISK, as(ALICE, 'bob'), 'ISCSI_AUTHENTICATION 0201'], // Bob's secret under Alice's name
    [DISK, as(BOB, 'alice'), 'ISCSI_AUTHENTICATION 0201'],
    [TAPE, as(BOB, 'bob'), 'ISCSI_AUTHENTICATION 0201'],
    [TAPE, as(ALICE, 'alice'), 'ISCSI_LOGIN 0202'],
    [DISK, as(STRANGER, 'alice'), 'ISCSI_LOGIN 0202'],
    ['iqn.2003-01.org.example:none', as(ALICE, 'alice'), 'ISCSI_TARGET_NOT_FOUND 0203'],
  ] as const) {
    const url = `iscsi://127.0.0.1:${target.port}/${name}`;
    assert.equal(await codeOf(openSession(url, options)), code, `${options.initiatorName} at ${name}`);
  }
});

test('an initiator sees the logical units that it was given, by every way of asking, and no others', async (t) => {
  const target = await serve(t, three());
  await using session = await openSession(target.url(0, DISK), { initiatorName: ALICE, chap: chapOf('alice') });
  assert.deepEqual(await numbersOf(session), [1, 2]);
  for (const [lun, size] of [
    [1, 2],
    [2, 3],
  ] as const) {
    const unit = await session.logicalUnit(lun);
    assert.equal(unit.size, size * 2 ** 20);
  }
  assert.equal(await codeOf(session.logicalUnit(0)), 'ISCSI_LUN_NOT_FOUND 0000');
  // Both ways in which the eight bytes can name LUN 0; and nothing that begins below it is done.
  const read = cdb('READ_10', { logicalBlockAddress: 0, transferLength: 1 });
  for (const high of [0, 0x4000_0000]) {
    const dataIn = new Uint8Array(512);
    const { status, sense } = await session.execute({ high, low: 0 }, { cdb: read, dataIn });
    assert.deepEqual([status, sense?.key, sense?.asc], [2, 'ILLEGAL_REQUEST', 0x25]); // LOGICAL UNIT NOT SUPPORTED
    assert.equal(
      await session.taskManagement({
        functionCode: TASK_MANAGEMENT_FUNCTIONS.LOGICAL_UNIT_RESET,
        lun: { high, low: 0 },
      }),
      2,
    );
  }
  await using all = await openSession(target.url(0, DISK), { initiatorName: BOB, chap: chapOf('bob') });
  assert.deepEqual(await numbersOf(all), [0, 1, 2]);
});

test('what one writes through its part of the logical units, the other reads through the whole', async (t) => {
  const target = await serve(t, three());
  await using mine = await connect(target.url(1, DISK), { initiatorName: ALICE, chap: chapOf('alice') });
  await using its = await connect(target.url(1, DISK), { initiatorName: BOB, chap: chapOf('bob') });
  await mine.write(Buffer.alloc(512, 7), { position: 0 });
  const into = Buffer.alloc(512);
  await its.read(into, { position: 0 });
  assert.deepEqual(into, Buffer.alloc(512, 7));
});

test('discovery tells each what it may use, once it has proven its name, and strangers nothing (T-067)', async (t) => {
  const target = await serve(t, three());
  assert.deepEqual(await names(target, { initiatorName: ALICE, chap: chapOf('alice') }), [DISK, OPEN]);
  for (const user of ['bob', 'bob-at-tape']) {
    assert.deepEqual(await names(target, { initiatorName: BOB, chap: chapOf(user) }), [DISK, TAPE, OPEN]);
  }
  assert.deepEqual(await names(target, { initiatorName: STRANGER }), [OPEN]);
  assert.equal(await codeOf(names(target, { initiatorName: ALICE })), 'ISCSI_AUTHENTICATION 0201');
  assert.equal(await codeOf(names(target, { initiatorName: BOB, chap: chapOf('alice') })), 'ISCSI_AUTHENTICATION 0201');
});

test('a password that several know tells nobody what is for another alone, whatever name he takes', async (t) => {
  const everybody = chapOf('everybody');
  const target = await serve(t, {
    targets: [
      { name: DISK, luns: [{ memory: '1M' }], chap: everybody },
      { name: TAPE, luns: [{ memory: '1M' }], initiators: [{ name: BOB, chap: chapOf('bob') }] },
      { name: OPEN, luns: [{ memory: '1M' }] },
    ],
  });
  assert.deepEqual(await names(target, { initiatorName: STRANGER, chap: everybody }), [DISK, OPEN]);
  assert.deepEqual(await names(target, { initiatorName: BOB, chap: everybody }), [DISK, OPEN]);
  assert.deepEqual(await names(target, { initiatorName: BOB, chap: chapOf('bob') }), [DISK, TAPE, OPEN]);
});

test('where there is nothing for strangers, they are not even told that', async (t) => {
  const { targets = [] } = three();
  const target = await serve(t, { targets: targets.slice(0, 2) });
  for (const options of [{}, { chap: chapOf('alice') }]) {
    const code = await codeOf(names(target, { initiatorName: STRANGER, ...options }));
    assert.equal(code, 'ISCSI_AUTHENTICATION 0201');
  }
});

test('discovery can have a password of its own, or none', async (t) => {
  const finder = { ...chapOf('finder'), target: chapOf('portal') };
  const own = await serve(t, three({ discoveryChap: finder }));
  assert.deepEqual(await names(own, { initiatorName: ALICE, chap: finder }), [DISK, OPEN]);
  assert.equal(await codeOf(names(own, { initiatorName: ALICE, chap: chapOf('alice') })), 'ISCSI_AUTHENTICATION 0201');
  const none = await serve(t, three({ discoveryChap: false }));
  assert.deepEqual(await names(none, { initiatorName: ALICE }), [DISK, OPEN]);
  assert.deepEqual(await names(none, { initiatorName: BOB }), [DISK, TAPE, OPEN]);
});

test('chap of the server holds for all targets and initiators that have none of their own', async (t) => {
  const common = { ...chapOf('common'), target: chapOf('server') };
  const target = await serve(t, {
    chap: common,
    targets: [
      { name: DISK, luns: [{ memory: '1M' }] },
      { name: TAPE, luns: [{ memory: '1M' }], chap: chapOf('tape-user') },
      { name: OPEN, luns: [{ memory: '1M' }], initiators: [{ name: ALICE }, { name: BOB, chap: false }] },
    ],
  });
  const at = (name: string, options: ConnectOptions): Promise<string> =>
    openSession(target.url(0, name), options).then(
      async (session) => {
        await session.close();
        return 'in';
      },
      (error: IscsiError) => error.code,
    );
  assert.equal(await at(DISK, { chap: common }), 'in');
  assert.equal(await at(TAPE, { chap: common }), 'ISCSI_AUTHENTICATION');
  assert.equal(await at(TAPE, { chap: chapOf('tape-user') }), 'in');
  assert.equal(await at(OPEN, { initiatorName: ALICE, chap: common }), 'in');
  assert.equal(await at(OPEN, { initiatorName: ALICE }), 'ISCSI_AUTHENTICATION');
  assert.equal(await at(OPEN, { initiatorName: BOB }), 'in');
  assert.equal(await at(OPEN, { initiatorName: STRANGER, chap: common }), 'ISCSI_LOGIN');
});

test('names of initiators are compared in their prepared form', async (t) => {
  const initiators = [{ name: 'IQN.2003-01.org.example:Alice', chap: chapOf('alice') }];
  const target = await serve(t, { name: DISK, luns: [{ memory: '1M' }], initiators });
  await using session = await openSession(target.url(), { initiatorName: ALICE, chap: chapOf('alice') });
  assert.equal(session.targetName, DISK);
});

test('createTarget() refuses secrets that prove nothing, and lists that cannot be (T-063)', () => {
  const codeOfOptions = (options: Partial<TargetOptions>): string | undefined => {
    try {
      createTarget({ name: DISK, luns: [{ memory: '1M' }], ...options });
      return undefined;
    } catch (error) {
      assert.doesNotMatch(inspect(error), /secret-of|too-short/);
      return (error as IscsiError).code;
    }
  };
  const alice = chapOf('alice');
  const twin = { user: 'disk', password: alice.password };
  assert.equal(codeOfOptions({ chap: alice }), undefined);
  assert.equal(codeOfOptions({ chap: { ...alice, target: twin } }), 'ISCSI_CHAP_SAME_SECRET');
  const elsewhere = [{ name: TAPE, luns: [], chap: { ...chapOf('bob'), target: twin } }];
  assert.equal(codeOfOptions({ chap: alice, targets: elsewhere }), 'ISCSI_CHAP_SAME_SECRET');
  assert.equal(
    codeOfOptions({ chap: alice, discoveryChap: { ...chapOf('bob'), target: twin } }),
    'ISCSI_CHAP_SAME_SECRET',
  );
  const short = { user: 'shorty', password: 'too-short' };
  assert.equal(codeOfOptions({ chap: short }), 'ISCSI_CHAP_SHORT_SECRET');
  assert.equal(codeOfOptions({ chap: { ...alice, target: short } }), 'ISCSI_CHAP_SHORT_SECRET');
  assert.equal(codeOfOptions({ chap: short, allowShortSecrets: true }), undefined);
  for (const options of [
    { chap: { user: 'alice' } },
    { chap: { user: 'alice', password: 7 } },
    { chap: null },
    { discoveryChap: {} },
    { chap: { user: 'a'.repeat(256), password: alice.password } },
    { chapAlgorithms: [] },
    { chapAlgorithms: ['SHA-256'] },
    { initiators: [{ name: ALICE }, { name: ALICE }] },
    { initiators: [{ name: ALICE, luns: [1] }] },
    { initiators: [{ name: 'nobody' }] },
  ]) {
    assert.equal(codeOfOptions(options as Partial<TargetOptions>), 'ISCSI_USAGE', inspect(options));
  }
});

test('two initiators with one secret are warned about', async (t) => {
  const warned = new Promise<Error & { code?: string }>((resolve) => {
    const note = (warning: Error & { code?: string }): void => {
      if (warning.code === 'TSISCSI_SHARED_SECRET') resolve(warning);
    };
    process.on('warning', note);
    t.after(() => void process.off('warning', note));
  });
  const password = generateChapSecret();
  const initiators = [ALICE, BOB].map((name) => ({ name, chap: { user: `twin ${name.at(-1)}`, password } }));
  createTarget({ luns: [{ memory: '1M' }], initiators });
  const { message } = await warned;
  assert.match(message, /"twin b" and "twin e"/);
  assert.ok(!message.includes(password));
});
