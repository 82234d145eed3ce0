import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginError, ProtocolError } from '../../src/errors.ts';
import type { Credentials } from '../../src/login/chap-credentials.ts';
import { AlgorithmsRefused } from '../../src/login/chap-errors.ts';
import { onLoginResponse, startLogin } from '../../src/login/initiator.ts';
import type { InitiatorLoginConfig, LoginState, Step } from '../../src/login/initiator-types.ts';
import { Secret } from '../../src/login/secret.ts';
import { failureOf, initiatorConfig, NAMES, response, said, sentBy, text } from './help.ts';
import {
  ALGORITHMS,
  ALICE,
  CHALLENGE,
  CHALLENGE_BASE64,
  CHALLENGE_HEX,
  DISK,
  fixedCrypto,
  MUTUAL,
  NUMBERS,
  responseOf,
  SECRET,
  TARGET_SECRET,
  VECTORS,
} from './help-chap.ts';

const OWN = { identifier: 7, bytes: Uint8Array.from({ length: 16 }, (_, at) => 0xa0 + at) };

/** The first request, with CHAP on offer. */
function begun(credentials: Credentials = ALICE, fields: Partial<InitiatorLoginConfig> = {}): Step {
  return startLogin(initiatorConfig({ credentials, chapCrypto: fixedCrypto(OWN), ...fields }));
}

/** The target says `pairs` in the security stage; with `leaves` it grants the transition. */
function hear(state: LoginState, pairs: readonly string[], leaves = false): Step {
  return onLoginResponse(state, response({ csg: 0, transit: leaves, nsg: leaves ? 1 : 0, text: text(...pairs) }));
}

/** After the list of hashes. */
function listed(credentials: Credentials = ALICE, fields: Partial<InitiatorLoginConfig> = {}): Step {
  return hear(begun(credentials, fields).state, ['AuthMethod=CHAP', 'TargetPortalGroupTag=1']);
}

const ASKED = ['CHAP_A=5', 'CHAP_I=42', `CHAP_C=${CHALLENGE_HEX}`];

/** After the own response. */
function answered(credentials: Credentials = ALICE, asked = ASKED): Step {
  return hear(listed(credentials).state, asked);
}

function codeOf(step: Step): string {
  const error = failureOf(step);
  assert.ok(error instanceof LoginError, 'an error of the login');
  assert.ok(error.hint, 'it has a hint');
  assert.doesNotMatch(`${error.message} ${error.hint} ${error.stack}`, /0123456789abcdef|fedcba9876543210/);
  return error.code;
}

test('the steps of one-way CHAP, each with its keys, stage bits and no others (I-052, I-053)', () => {
  const first = sentBy(begun());
  assert.deepEqual([first.csg, first.nsg, first.transit], [0, 1, true]);
  assert.deepEqual(said(begun()), [...NAMES, 'AuthMethod=CHAP']);

  const list = sentBy(listed());
  assert.deepEqual([list.csg, list.nsg, list.transit, list.continues], [0, 0, false, false]);
  assert.deepEqual(said(listed()), ['CHAP_A=8,7,6,5']);

  const proof = sentBy(answered());
  assert.deepEqual([proof.csg, proof.nsg, proof.transit], [0, 1, true]);
  assert.deepEqual(said(answered()), ['CHAP_N=alice', `CHAP_R=0x${VECTORS.md5}`]);

  const done = hear(answered().state, [], true);
  assert.equal(done.state.name, 'operational');
  assert.equal(said(done)[0], 'HeaderDigest=None,CRC32C');
});

for (const algorithm of ALGORITHMS) {
  test(`the response with ${algorithm} is that of the vector (RFC 1994)`, () => {
    const asked = [`CHAP_A=${NUMBERS[algorithm]}`, 'CHAP_I=42', `CHAP_C=${CHALLENGE_HEX}`];
    assert.equal(said(answered(ALICE, asked))[1], `CHAP_R=0x${VECTORS[algorithm]}`);
  });
}

test('mutual CHAP asks the target, and takes its response (I-053, I-058)', () => {
  const challenge = Buffer.from(OWN.bytes).toString('hex');
  assert.deepEqual(said(answered(MUTUAL)).slice(2), ['CHAP_I=7', `CHAP_C=0x${challenge}`]);
  const proof = responseOf('md5', 7, TARGET_SECRET, OWN.bytes);
  const done = hear(answered(MUTUAL).state, ['CHAP_N=disk', `CHAP_R=${proof}`], true);
  assert.equal(done.state.name, 'operational');
});

test('a target that proves itself and stays in the stage is asked again to leave it', () => {
  const proof = responseOf('md5', 7, TARGET_SECRET, OWN.bytes);
  const stays = hear(answered(MUTUAL).state, ['CHAP_N=disk', `CHAP_R=${proof}`]);
  assert.deepEqual([said(stays), sentBy(stays).transit], [[], true]);
  assert.equal(hear(stays.state, [], true).state.name, 'operational');
  assert.equal(codeOf(hear(stays.state, ['CHAP_N=disk'], true)), 'ISCSI_CHAP_STEP');
});

test('a challenge in base64 is understood, and answered in base64 (I-055)', () => {
  const asked = ['CHAP_A=5', 'CHAP_I=0x2A', `CHAP_C=${CHALLENGE_BASE64}`];
  const [name, proof, , own] = said(answered(MUTUAL, asked));
  assert.deepEqual([name, proof], ['CHAP_N=alice', `CHAP_R=0b${Buffer.from(VECTORS.md5, 'hex').toString('base64')}`]);
  assert.equal(own, `CHAP_C=0b${Buffer.from(OWN.bytes).toString('base64')}`);
});

for (const length of [1, 16, 1024]) {
  test(`a challenge of ${length} bytes is answered, upper case and odd digits too (I-055)`, () => {
    const bytes = Uint8Array.from({ length }, (_, at) => (at % 255) + 1);
    const hex = Buffer.from(bytes).toString('hex');
    for (const form of [
      `0x${hex}`,
      `0X${hex.toUpperCase()}`,
      `0x${hex.slice(1)}`,
      `0B${Buffer.from(bytes).toString('base64')}`,
    ]) {
      const [, proof] = said(answered(ALICE, ['CHAP_A=5', 'CHAP_I=255', `CHAP_C=${form}`]));
      const expected = responseOf('md5', 255, SECRET, bytes);
      const digits = form.startsWith('0B') ? `0b${Buffer.from(expected.slice(2), 'hex').toString('base64')}` : expected;
      assert.equal(proof, `CHAP_R=${digits}`);
    }
  });
}

for (const user of ['0x616c696365', '0bYWxpY2U=', 'alice=bob', 'älice', 'iqn.2003-01.org.example:host', '5']) {
  test(`a name that looks like something else is a name: ${user}`, () => {
    const twin = { ...DISK, user };
    const credentials: Credentials = { ...ALICE, user, target: twin };
    assert.equal(said(answered(credentials))[0], `CHAP_N=${user}`);
    const proof = responseOf('md5', 7, TARGET_SECRET, OWN.bytes);
    assert.equal(
      hear(answered(credentials).state, [`CHAP_N=${user}`, `CHAP_R=${proof}`], true).state.name,
      'operational',
    );
  });
}

// What the target says instead of its challenge, and what comes of it (I-054).
for (const [what, pairs, code] of [
  ['a hash that was not offered', ['CHAP_A=9', 'CHAP_I=1', `CHAP_C=${CHALLENGE_HEX}`], 'ISCSI_CHAP_ALGORITHM'],
  ['a list of hashes', ['CHAP_A=5,7', 'CHAP_I=1', `CHAP_C=${CHALLENGE_HEX}`], 'ISCSI_CHAP_ALGORITHM'],
  ['Reject', ['CHAP_A=Reject', 'CHAP_I=1', `CHAP_C=${CHALLENGE_HEX}`], 'ISCSI_CHAP_ALGORITHM'],
  ['no hash', ['CHAP_I=1', `CHAP_C=${CHALLENGE_HEX}`], 'ISCSI_CHAP_STEP'],
  ['no identifier', ['CHAP_A=5', `CHAP_C=${CHALLENGE_HEX}`], 'ISCSI_CHAP_STEP'],
  ['no challenge', ['CHAP_A=5', 'CHAP_I=1'], 'ISCSI_CHAP_STEP'],
  ['nothing', [], 'ISCSI_CHAP_STEP'],
  ['its name already', [...ASKED, 'CHAP_N=disk'], 'ISCSI_CHAP_STEP'],
  ['a response already', [...ASKED, 'CHAP_R=0x00'], 'ISCSI_CHAP_STEP'],
  ['a key twice', [...ASKED, 'CHAP_I=43'], 'ISCSI_CHAP_STEP'],
  ['an identifier of two bytes', ['CHAP_A=5', 'CHAP_I=256', `CHAP_C=${CHALLENGE_HEX}`], 'ISCSI_CHAP_VALUE'],
  ['an identifier that is no number', ['CHAP_A=5', 'CHAP_I=x', `CHAP_C=${CHALLENGE_HEX}`], 'ISCSI_CHAP_VALUE'],
  ['an empty challenge', ['CHAP_A=5', 'CHAP_I=1', 'CHAP_C=0x'], 'ISCSI_CHAP_VALUE'],
  ['a challenge of 1025 bytes', ['CHAP_A=5', 'CHAP_I=1', `CHAP_C=0x${'00'.repeat(1025)}`], 'ISCSI_CHAP_VALUE'],
  ['a challenge without prefix', ['CHAP_A=5', 'CHAP_I=1', 'CHAP_C=000102'], 'ISCSI_CHAP_VALUE'],
  ['hex that is none', ['CHAP_A=5', 'CHAP_I=1', 'CHAP_C=0x00zz'], 'ISCSI_CHAP_VALUE'],
  ['base64 that is none', ['CHAP_A=5', 'CHAP_I=1', 'CHAP_C=0bA'], 'ISCSI_CHAP_VALUE'],
  ['base64 with rubbish in it', ['CHAP_A=5', 'CHAP_I=1', 'CHAP_C=0bAA*='], 'ISCSI_CHAP_VALUE'],
] as const) {
  test(`instead of its challenge the target sends ${what}: ${code}`, () => {
    assert.equal(codeOf(hear(listed().state, pairs)), code);
  });
}

test('CHAP keys before CHAP was agreed on, or with the choice of the method, are out of step (I-054)', () => {
  assert.equal(codeOf(hear(begun().state, ['AuthMethod=CHAP', ...ASKED])), 'ISCSI_CHAP_STEP');
  assert.ok(failureOf(hear(begun().state, ASKED)) instanceof ProtocolError);
});

test('a target that goes on in the middle of CHAP is refused, wherever it does (D-02, I-058)', () => {
  assert.equal(codeOf(hear(begun().state, ['AuthMethod=CHAP'], true)), 'ISCSI_CHAP_STEP');
  assert.equal(failureOf(hear(listed().state, ASKED, true)).code, 'ISCSI_PROTOCOL'); // T was not asked for
  assert.equal(codeOf(hear(answered(MUTUAL).state, [], true)), 'ISCSI_CHAP_TARGET');
  const other = onLoginResponse(answered(MUTUAL).state, response({ csg: 1, transit: true, nsg: 3 }));
  assert.equal(failureOf(other).code, 'ISCSI_PROTOCOL');
});

// What the target says instead of proving itself.
const WRONG = responseOf('md5', 7, 'a-wrong-secret-16', OWN.bytes);
const PROOF = responseOf('md5', 7, TARGET_SECRET, OWN.bytes);
for (const [what, pairs, code] of [
  ['a wrong response', ['CHAP_N=disk', `CHAP_R=${WRONG}`], 'ISCSI_CHAP_TARGET'],
  ['a right response under another name', ['CHAP_N=Disk', `CHAP_R=${PROOF}`], 'ISCSI_CHAP_TARGET'],
  ['no name', [`CHAP_R=${PROOF}`], 'ISCSI_CHAP_TARGET'],
  ['no response', ['CHAP_N=disk'], 'ISCSI_CHAP_TARGET'],
  ['nothing', [], 'ISCSI_CHAP_TARGET'],
  ['a response of 15 bytes', ['CHAP_N=disk', `CHAP_R=${PROOF.slice(0, -2)}`], 'ISCSI_CHAP_VALUE'],
  ['a response of 17 bytes', ['CHAP_N=disk', `CHAP_R=${PROOF}00`], 'ISCSI_CHAP_VALUE'],
  ['a response that is no binary value', ['CHAP_N=disk', 'CHAP_R=0b!!!!'], 'ISCSI_CHAP_VALUE'],
  [
    'the response of this initiator',
    ['CHAP_N=disk', `CHAP_R=${responseOf('md5', 7, SECRET, OWN.bytes)}`],
    'ISCSI_CHAP_SAME_SECRET',
  ],
  ['another challenge', ['CHAP_N=disk', `CHAP_R=${PROOF}`, 'CHAP_I=1', 'CHAP_C=0x00'], 'ISCSI_CHAP_STEP'],
  ['a hash again', ['CHAP_N=disk', `CHAP_R=${PROOF}`, 'CHAP_A=5'], 'ISCSI_CHAP_STEP'],
] as const) {
  test(`asked to prove itself, the target sends ${what}: ${code} (I-057, I-058)`, () => {
    for (const leaves of [true, false]) assert.equal(codeOf(hear(answered(MUTUAL).state, pairs, leaves)), code);
  });
}

test('a target that proves itself without being asked is out of step', () => {
  assert.equal(codeOf(hear(answered().state, ['CHAP_N=disk', `CHAP_R=${PROOF}`], true)), 'ISCSI_CHAP_STEP');
});

test('a challenge that an initiator of this process made is not answered, on no connection (I-056)', () => {
  const chapCrypto = fixedCrypto(OWN);
  const login = (): Step => listed(MUTUAL, { chapCrypto });
  const first = hear(login().state, ASKED);
  const challenge = said(first).find((pair) => pair.startsWith('CHAP_C='));
  const reflected = ['CHAP_A=5', 'CHAP_I=7', challenge ?? ''];
  assert.equal(codeOf(hear(login().state, reflected)), 'ISCSI_CHAP_REFLECTION');
});

test('credentials that prove nothing are not used (I-059)', () => {
  const refusal = (credentials: Credentials): string => codeOf(listed(credentials));
  const short = { user: 'alice', secret: new Secret('eleven-byte') };
  assert.equal(refusal(short), 'ISCSI_CHAP_SHORT_SECRET');
  assert.equal(refusal({ ...ALICE, target: { ...short, user: 'disk' } }), 'ISCSI_CHAP_SHORT_SECRET');
  assert.equal(refusal({ ...ALICE, target: { user: 'disk', secret: new Secret(SECRET) } }), 'ISCSI_CHAP_SAME_SECRET');
  assert.deepEqual(said(listed({ ...short, allowShortSecrets: true })), ['CHAP_A=8,7,6,5']);
  assert.deepEqual(said(listed({ ...ALICE, secret: new Secret('ünïcödé!') })), ['CHAP_A=8,7,6,5']); // 12 bytes
  const twins = { user: 'disk', secret: new Secret('eleven-byte') };
  assert.equal(refusal({ ...short, target: twins, allowShortSecrets: true }), 'ISCSI_CHAP_SAME_SECRET');
});

test('names that cannot be sent, and credentials without hashes, are the mistake of the caller', () => {
  for (const user of ['', 'a\0b', 'x'.repeat(256)]) {
    assert.equal(failureOf(listed({ ...ALICE, user })).code, 'ISCSI_USAGE');
  }
  assert.equal(failureOf(listed({ ...ALICE, secret: new Secret('') })).code, 'ISCSI_USAGE');
  assert.equal(failureOf(listed(ALICE, { chapCrypto: undefined })).code, 'ISCSI_USAGE');
});

test('hashes are offered as they are given, as far as the platform has them', () => {
  assert.deepEqual(said(listed({ ...ALICE, algorithms: ['md5'] })), ['CHAP_A=5']);
  assert.deepEqual(said(listed({ ...ALICE, algorithms: ['md5', 'sha-256'] })), ['CHAP_A=5,7']);
  const chapCrypto = { ...fixedCrypto(), algorithms: ['sha-256'] as const };
  assert.deepEqual(said(listed(ALICE, { chapCrypto })), ['CHAP_A=7']);
  assert.equal(codeOf(listed({ ...ALICE, algorithms: ['md5'] }, { chapCrypto })), 'ISCSI_CHAP_ALGORITHM');
});

test('a refusal of the list, or of a response that tgt cannot read, is one of the hashes; another is not', () => {
  const refuse = (state: LoginState, detail: number, statusClass = 2): LoginError => {
    const error = failureOf(onLoginResponse(state, response({ statusClass, statusDetail: detail })));
    assert.ok(error instanceof LoginError);
    return error;
  };
  const sha = answered(ALICE, ['CHAP_A=7', 'CHAP_I=42', `CHAP_C=${CHALLENGE_HEX}`]).state;
  for (const [state, detail] of [
    [listed().state, 0],
    [listed().state, 1],
    [listed().state, 7],
    [sha, 0],
  ] as const) {
    const error = refuse(state, detail);
    assert.ok(error instanceof AlgorithmsRefused);
    assert.deepEqual(
      [error.code, error.name, error.offered],
      ['ISCSI_CHAP_ALGORITHM', 'LoginError', ['sha3-256', 'sha-256', 'sha1', 'md5']],
    );
    assert.equal(error.statusDetail, detail);
  }
  // A wrong secret is a wrong secret, whatever the hash.
  for (const state of [sha, answered().state]) assert.equal(refuse(state, 1).code, 'ISCSI_AUTHENTICATION');
  assert.equal(refuse(answered().state, 0).code, 'ISCSI_LOGIN');
  assert.equal(refuse(listed().state, 1, 3).code, 'ISCSI_LOGIN');
  assert.equal(refuse(listed().state, 2).code, 'ISCSI_LOGIN');
  assert.equal(refuse(listed().state, 3).code, 'ISCSI_TARGET_NOT_FOUND');
});

test('where going without is allowed, a target may choose CHAP or None', () => {
  const optional: Credentials = { ...ALICE, optional: true };
  assert.deepEqual(said(begun(optional)).at(-1), 'AuthMethod=CHAP,None');
  assert.deepEqual(said(hear(begun(optional).state, ['AuthMethod=CHAP'])), ['CHAP_A=8,7,6,5']);
  assert.equal(hear(begun(optional).state, ['AuthMethod=None'], true).state.name, 'operational');
  // But once it is agreed on, it is carried through.
  assert.equal(failureOf(hear(listed(optional).state, [], true)).code, 'ISCSI_PROTOCOL');
});

test('the state says how far CHAP is, and its secret shows nowhere in it', async () => {
  const { inspect } = await import('node:util');
  const states = [begun(MUTUAL), listed(MUTUAL), answered(MUTUAL)].map(({ state }) => state);
  assert.deepEqual(
    states.map((state) => state.name === 'security' && state.chap),
    ['offered', 'listed', 'answered'],
  );
  for (const state of states) {
    assert.doesNotMatch(inspect(state, { depth: 9, showHidden: true }), /0123456789abcdef|fedcba9876543210/);
  }
});

test('the vectors are those of the challenge that the tests use', () => {
  for (const algorithm of ALGORITHMS) {
    assert.equal(responseOf(algorithm, CHALLENGE.identifier, SECRET, CHALLENGE.bytes), `0x${VECTORS[algorithm]}`);
  }
});
