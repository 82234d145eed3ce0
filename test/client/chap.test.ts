/** Credentials of the public initiator: where they come from, what is done with them, and where they do not show. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { connect, openSession } from '../../src/client/connect.ts';
import { discover } from '../../src/client/discover.ts';
import type { ChapRequest, ConnectOptions } from '../../src/client/options.ts';
import type { IscsiError } from '../../src/errors.ts';
import type { ChapAlgorithm } from '../../src/login/chap-algorithms.ts';
import { createTarget, type Target, type TargetOptions } from '../../src/server/index.ts';
import { WireListener } from '../../src/wire/listener.ts';
import type { WireTarget } from '../../src/wire/target.ts';
import type { WirePdu } from '../../src/wire/wire-pdu.ts';
import { responseOf } from '../login/help-chap.ts';
import { assertNoHandlesLeft } from './handles.ts';

const PASSWORD = 'secret-of-alice-1';
const OWN = { user: 'disk', password: 'secret-of-disk-22' };
const CHAP = { user: 'alice', password: PASSWORD, target: OWN };
const ONE_WAY = { user: 'alice', password: PASSWORD };
const ALGORITHMS: readonly ChapAlgorithm[] = ['md5', 'sha1', 'sha-256', 'sha3-256'];
const NAME = 'iqn.2026-11.dev.tsiscsi:target';

async function serve(t: TestContext, options: Partial<TargetOptions> = {}): Promise<Target> {
  const target = await createTarget({ luns: [{ memory: '1M' }], chap: CHAP, ...options }).listen({ port: 0 });
  t.after(() => target.close());
  return target;
}

async function errorOf(work: Promise<unknown>): Promise<IscsiError> {
  const error: unknown = await work.then(
    () => new Error('it succeeded'),
    (reason: unknown) => reason,
  );
  const all = inspect(error, { depth: 9, showHidden: true });
  assert.doesNotMatch(all, /secret-of|wrong-wrong/, 'no secret shows in an error');
  return error as IscsiError;
}

for (const algorithm of ALGORITHMS) {
  for (const chap of [ONE_WAY, CHAP]) {
    test(`${algorithm}, ${chap === CHAP ? 'mutual' : 'one-way'}, in a normal and in a discovery session`, async (t) => {
      const target = await serve(t, { chapAlgorithms: [algorithm] });
      await using lun = await connect(target.url(), { chap });
      assert.equal(lun.size, 1_048_576);
      assert.equal(target.sessions[0]?.user, 'alice');
      const names: string[] = [];
      for await (const { name } of discover(`iscsi://127.0.0.1:${target.port}`, { chap })) names.push(name);
      assert.deepEqual(names, [NAME]);
    });
  }
}

test('credentials come from the URL, from the environment, and from options, which count most', async (t) => {
  const target = await serve(t);
  const env = {
    LIBISCSI_CHAP_USERNAME: 'alice',
    LIBISCSI_CHAP_PASSWORD: PASSWORD,
    LIBISCSI_CHAP_TARGET_USERNAME: OWN.user,
    LIBISCSI_CHAP_TARGET_PASSWORD: OWN.password,
  };
  const at = (user: string): string => target.url().replace('iscsi://', `iscsi://${user}@`);
  const query = `?target_user=${OWN.user}&target_password=${OWN.password}&auth=sha-256`;
  for (const [url, options] of [
    [at(`alice%${PASSWORD}`), { env: {} }],
    [at(`alice%${PASSWORD}`) + query, { env: {} }],
    [at('alice'), { env }],
    [target.url(), { env }],
    [at('bob%wrong-wrong-wrong'), { chap: CHAP, env: {} }],
  ] as const) {
    await using lun = await connect(url, options);
    assert.equal(lun.size, 1_048_576);
  }
  const wrong = { ...env, LIBISCSI_CHAP_TARGET_PASSWORD: 'wrong-wrong-wrong' };
  assert.equal((await errorOf(connect(target.url(), { env: wrong }))).code, 'ISCSI_CHAP_TARGET');
  assert.equal((await errorOf(connect(at('bob%wrong-wrong-wrong'), { env: {} }))).code, 'ISCSI_AUTHENTICATION');
  assert.equal((await errorOf(connect(target.url(), { env: {} }))).code, 'ISCSI_AUTHENTICATION');
});

test('auth= of a URL is the one hash that is offered', async (t) => {
  const target = await serve(t, { chapAlgorithms: ['md5'] });
  const url = target.url().replace('iscsi://', `iscsi://alice%${PASSWORD}@`);
  assert.equal((await errorOf(connect(`${url}?auth=sha-256`))).code, 'ISCSI_CHAP_ALGORITHM');
  await using lun = await connect(`${url}?auth=md5`);
  assert.equal(lun.size, 1_048_576);
});

test('a function is asked before each login, told what for, and may take its time', async (t) => {
  const target = await serve(t);
  const asked: ChapRequest[] = [];
  const options: ConnectOptions = {
    initiatorName: 'iqn.2003-01.org.example:host',
    chap: async (request) => {
      asked.push(request);
      await sleep(20);
      return CHAP;
    },
  };
  await using lun = await connect(target.url(), options);
  assert.equal(lun.size, 1_048_576);
  for await (const { name } of discover(`iscsi://127.0.0.1:${target.port}`, options)) assert.equal(name, NAME);
  const common = { host: '127.0.0.1', port: target.port, initiatorName: options.initiatorName, signal: undefined };
  assert.deepEqual(asked, [
    { ...common, targetName: NAME },
    { ...common, targetName: undefined },
  ]);
});

test('a function that gives nothing means no authentication; one that fails, or answers never, ends connecting', async (t) => {
  const target = await serve(t);
  const url = target.url().replace('iscsi://', `iscsi://alice%${PASSWORD}@`);
  assert.equal((await errorOf(connect(url, { chap: () => undefined }))).code, 'ISCSI_AUTHENTICATION');
  const reason = new Error('the vault is shut');
  for (const chap of [
    () => Promise.reject(reason),
    () => {
      throw reason;
    },
  ]) {
    const error = await errorOf(connect(url, { chap }));
    assert.deepEqual([error.code, error.cause], ['ISCSI_AUTHENTICATION', reason]);
  }
  await assertNoHandlesLeft(async () => {
    const never = (): Promise<undefined> => new Promise(() => undefined);
    assert.equal((await errorOf(connect(url, { chap: never, connectTimeout: 50 }))).code, 'ISCSI_TIMEOUT');
    const signal = AbortSignal.timeout(50);
    assert.equal((await errorOf(connect(url, { chap: never, signal }))).code, 'ISCSI_ABORTED');
    assert.equal((await errorOf(connect(url, { chap: never, signal: AbortSignal.abort() }))).code, 'ISCSI_ABORTED');
  });
});

test('what are no credentials, or no hashes, is said without being shown', async (t) => {
  const target = await serve(t);
  for (const chap of [
    { user: 'alice' },
    { user: 'alice', password: 5 },
    { user: '', password: PASSWORD },
    { ...ONE_WAY, target: {} },
  ]) {
    const options = { chap } as unknown as ConnectOptions;
    assert.equal((await errorOf(connect(target.url(), options))).code, 'ISCSI_USAGE');
  }
  const text = { chap: `alice%${PASSWORD}` } as unknown as ConnectOptions;
  assert.ok(!(await errorOf(connect(target.url(), text))).message.includes(PASSWORD));
  for (const options of [
    { chap: 'alice' },
    { chapAlgorithms: ['sha256'] },
    { chapAlgorithms: [] },
    { allowShortSecrets: 1 },
  ]) {
    assert.equal((await errorOf(connect(target.url(), options as unknown as ConnectOptions))).code, 'ISCSI_USAGE');
  }
});

test('short secrets are refused, and used with a warning where that is allowed (I-059)', async (t) => {
  const short = { user: 'short-alice', password: 'too-short' };
  const target = await serve(t, { chap: short, allowShortSecrets: true });
  const error = await errorOf(connect(target.url(), { chap: short }));
  assert.equal(error.code, 'ISCSI_CHAP_SHORT_SECRET');
  assert.doesNotMatch(inspect(error), /too-short/);
  assert.match(error.hint ?? '', /allowShortSecrets/);
  const warnings: (Error & { code?: string })[] = [];
  const note = (warning: Error): void => void warnings.push(warning);
  process.on('warning', note);
  t.after(() => process.off('warning', note));
  const other = { user: 'short-bob', password: 'too-short' };
  for (let count = 0; count < 2; count++) {
    await errorOf(connect(target.url(), { chap: other, allowShortSecrets: true }));
  }
  await using lun = await connect(target.url(), { chap: short, allowShortSecrets: true });
  assert.equal(lun.size, 1_048_576);
  const ours = warnings.filter(({ code }) => code === 'TSISCSI_SHORT_SECRET').map(({ message }) => message);
  assert.equal(ours.filter((message) => message.includes('"short-bob"')).length, 1);
  assert.doesNotMatch(ours.join(), /too-short/);
});

test('the same secret in both directions is refused before anything is sent of it', async (t) => {
  const target = await serve(t);
  const chap = { ...ONE_WAY, target: { user: 'disk', password: PASSWORD } };
  assert.equal((await errorOf(connect(target.url(), { chap }))).code, 'ISCSI_CHAP_SAME_SECRET');
});

test('no secret shows in a session, a logical unit, a target, or what they make of an error', async (t) => {
  const target = await serve(t);
  const url = target.url().replace('iscsi://', `iscsi://alice%${PASSWORD}@`);
  const env = { LIBISCSI_CHAP_TARGET_USERNAME: OWN.user, LIBISCSI_CHAP_TARGET_PASSWORD: OWN.password };
  await using lun = await connect(url, { env });
  await using session = await openSession(target.url(), { chap: CHAP });
  const shown = [lun, session, target, target.sessions, lun.session].map((what) => {
    return `${inspect(what, { depth: 20, showHidden: true, getters: true })} ${JSON.stringify(what)}`;
  });
  assert.doesNotMatch(shown.join(), /secret-of/);
});

/** A target that answers logins as a script says, one function a connection. */
async function scripted(t: TestContext, ...scripts: ((target: WireTarget) => Promise<void>)[]): Promise<string> {
  const listener = await WireListener.open();
  t.after(() => listener.close());
  const work = (async () => {
    for (const script of scripts) await script(await listener.accept());
  })();
  t.after(() => work);
  const { port } = listener.address;
  return `iscsi://127.0.0.1:${port}/${NAME}`;
}

/** Takes a request, answers it in the security stage, and gives its pairs. */
async function hear(
  target: WireTarget,
  pairs: readonly (readonly [string, string])[],
  fields = {},
): Promise<Map<string, string>> {
  const request = await target.expect('LOGIN_REQUEST');
  target.loginResponse(request, { transit: false, currentStage: 0, nextStage: 0, tsih: 0, pairs, ...fields });
  return pairsOf(request);
}

function pairsOf(pdu: WirePdu): Map<string, string> {
  const texts = Buffer.from(pdu.data)
    .toString()
    .split('\0')
    .filter((text) => text !== '');
  return new Map(texts.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]));
}

const CHALLENGE = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

for (const [what, refuse] of [
  ['that refuses the list of hashes with 0201', { statusClass: 2, statusDetail: 1 }],
  ['that refuses the list of hashes with 0200', { statusClass: 2, statusDetail: 0 }],
] as const) {
  test(`a target ${what} is offered MD5 alone, once`, async (t) => {
    const lists: (string | undefined)[] = [];
    const refusing = async (target: WireTarget): Promise<void> => {
      await hear(target, [['AuthMethod', 'CHAP']]);
      lists.push((await hear(target, [], refuse)).get('CHAP_A'));
    };
    const taking = async (target: WireTarget): Promise<void> => {
      await hear(target, [['AuthMethod', 'CHAP']]);
      const asked = [
        ['CHAP_A', '5'],
        ['CHAP_I', '9'],
        ['CHAP_C', `0x${CHALLENGE.toString('hex')}`],
      ] as const;
      lists.push((await hear(target, asked)).get('CHAP_A'));
      const proof = await hear(target, [], { transit: true, nextStage: 1 });
      assert.equal(proof.get('CHAP_R'), responseOf('md5', 9, PASSWORD, CHALLENGE));
      await hear(target, [], { statusClass: 3, statusDetail: 1 });
    };
    const url = await scripted(t, refusing, taking);
    assert.match((await errorOf(openSession(url, { chap: ONE_WAY }))).message, /0x0301/); // as far as it goes
    assert.deepEqual(lists, ['8,7,6,5', '5']);

    lists.length = 0;
    const never = await scripted(t, refusing, refusing);
    assert.equal((await errorOf(openSession(never, { chap: ONE_WAY }))).code, 'ISCSI_CHAP_ALGORITHM');
    assert.deepEqual(lists, ['8,7,6,5', '5']);

    lists.length = 0;
    const strict = await scripted(t, refusing);
    const chapAlgorithms: ChapAlgorithm[] = ['sha-256', 'sha1'];
    assert.equal((await errorOf(openSession(strict, { chap: ONE_WAY, chapAlgorithms }))).code, 'ISCSI_CHAP_ALGORITHM');
    assert.deepEqual(lists, ['7,6']);
  });
}

test('a rogue target gets no answer to a challenge of ours by opening a second login (RFC 7143 §9.2.1)', async (t) => {
  const asked = (challenge: string) =>
    [
      ['CHAP_A', '5'],
      ['CHAP_I', '1'],
      ['CHAP_C', challenge],
    ] as const;
  let ours = '';
  let stop = (): void => undefined;
  const kept = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const first = async (target: WireTarget): Promise<void> => {
    await hear(target, [['AuthMethod', 'CHAP']]);
    await hear(target, asked(`0x${CHALLENGE.toString('hex')}`));
    ours = pairsOf(await target.expect('LOGIN_REQUEST')).get('CHAP_C') ?? '';
    void kept.then(() => target.close());
  };
  const second = async (target: WireTarget): Promise<void> => {
    await hear(target, [['AuthMethod', 'CHAP']]);
    await hear(target, asked(ours));
    const { cutOff } = await target.ended();
    assert.equal(cutOff, 0);
  };
  const url = await scripted(t, first, second);
  const options = { chap: CHAP, chapAlgorithms: ['md5'] as const, connectTimeout: 10_000 };
  const waiting = errorOf(openSession(url, options));
  while (ours === '') await sleep(5);
  assert.equal((await errorOf(openSession(url, options))).code, 'ISCSI_CHAP_REFLECTION');
  stop();
  await waiting;
});

test('a target that authenticates nobody is not used with credentials, in a normal session', async (t) => {
  const target = await serve(t, { luns: [{ memory: '1M' }] });
  const open = await createTarget({ luns: [{ memory: '1M' }] }).listen({ port: 0 });
  t.after(() => open.close());
  assert.equal((await errorOf(connect(open.url(), { chap: ONE_WAY }))).code, 'ISCSI_AUTHENTICATION');
  for await (const { name } of discover(`iscsi://127.0.0.1:${open.port}`, { chap: ONE_WAY })) assert.equal(name, NAME);
  assert.equal(target.sessions.length, 0);
});
