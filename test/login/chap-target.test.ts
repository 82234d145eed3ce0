import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChapAccount, TargetAuthentication } from '../../src/login/chap-target.ts';
import { Secret } from '../../src/login/secret.ts';
import { onLoginRequest } from '../../src/login/target.ts';
import type { TargetStep } from '../../src/login/target-types.ts';
import { answerOf, items, NAMES, request, text, waiting } from './help.ts';
import {
  ALGORITHMS,
  ALICE,
  CHALLENGE,
  CHALLENGE_HEX,
  DISK,
  demanding,
  fixedCrypto,
  NUMBERS,
  responseOf,
  SECRET,
  TARGET_SECRET,
  VECTORS,
} from './help-chap.ts';
import { assertRejected, finished } from './help-target.ts';

/** The security stage, asking to leave it or not. */
function say(state: TargetStep['state'], pairs: readonly string[], leaves = true, nsg = 1): TargetStep {
  return onLoginRequest(state, request({ csg: 0, transit: leaves, nsg: leaves ? nsg : 0, text: text(...pairs) }));
}

/** After the choice of CHAP. */
function agreed(fields: Partial<TargetAuthentication> = {}, accounts?: readonly ChapAccount[]): TargetStep {
  return say(waiting(demanding(fields, accounts)), [...NAMES, 'AuthMethod=CHAP,None']);
}

/** After the challenge. */
function challenged(fields: Partial<TargetAuthentication> = {}, accounts?: readonly ChapAccount[]): TargetStep {
  return say(agreed(fields, accounts).state, ['CHAP_A=5'], false);
}

function said(step: TargetStep): string[] {
  return items(answerOf(step).text);
}

function codeOf(step: TargetStep): string {
  assert.equal(step.state.name, 'rejected');
  const { error } = step.state as Extract<TargetStep['state'], { name: 'rejected' }>;
  assert.doesNotMatch(`${error.message} ${error.hint} ${error.stack}`, /0123456789abcdef|fedcba9876543210/);
  return error.code;
}

const PROOF = `CHAP_R=0x${VECTORS.md5}`;

test('the steps of one-way CHAP: T=1 is granted with the proof, and not before (T-053, T-061)', () => {
  const choice = agreed();
  assert.deepEqual(said(choice), ['TargetPortalGroupTag=1', 'AuthMethod=CHAP']);
  assert.deepEqual([answerOf(choice).transit, answerOf(choice).csg, answerOf(choice).nsg], [false, 0, 0]);
  for (const leaves of [true, false]) {
    const challenge = say(choice.state, ['CHAP_A=5'], leaves);
    assert.deepEqual(said(challenge), ['CHAP_A=5', 'CHAP_I=42', `CHAP_C=${CHALLENGE_HEX}`]);
    assert.equal(answerOf(challenge).transit, false);
  }
  const done = say(challenged().state, ['CHAP_N=alice', PROOF]);
  assert.deepEqual([said(done), answerOf(done).transit, answerOf(done).nsg], [[], true, 1]);
  const final = onLoginRequest(done.state, request());
  assert.equal(finished(final).user, 'alice');
});

test('an initiator that proves itself may go to full feature phase at once, or stay a while', () => {
  assert.equal(finished(say(challenged().state, ['CHAP_N=alice', PROOF], true, 3)).user, 'alice');
  const stays = say(challenged().state, ['CHAP_N=alice', PROOF], false);
  assert.deepEqual([said(stays), answerOf(stays).transit], [[], false]);
  assert.equal(answerOf(say(stays.state, [])).transit, true);
  assert.equal(codeOf(say(stays.state, ['CHAP_N=alice'])), 'ISCSI_CHAP_STEP');
});

for (const algorithm of ALGORITHMS) {
  test(`${algorithm} is chosen when it is offered first, and its response understood (T-053)`, () => {
    const others = ALGORITHMS.filter((name) => name !== algorithm).map((name) => NUMBERS[name]);
    const step = say(agreed().state, [`CHAP_A=9,${NUMBERS[algorithm]},${others}`], false);
    assert.equal(said(step)[0], `CHAP_A=${NUMBERS[algorithm]}`);
    assert.equal(answerOf(say(step.state, ['CHAP_N=alice', `CHAP_R=0x${VECTORS[algorithm]}`])).transit, true);
    const base64 = Buffer.from(VECTORS[algorithm], 'hex').toString('base64');
    assert.equal(answerOf(say(step.state, ['CHAP_N=alice', `CHAP_R=0b${base64}`])).transit, true);
  });
}

test('hashes that are not allowed here are passed over; with none left it is 0201 (T-054)', () => {
  const step = say(agreed({ algorithms: ['sha-256', 'md5'] }).state, ['CHAP_A=8,6,7,5'], false);
  assert.equal(said(step)[0], 'CHAP_A=7');
  for (const list of ['99', '8,6', '', 'md5', '-5', `${'1,'.repeat(2000)}9`]) {
    const refused = say(agreed({ algorithms: ['sha-256', 'md5'] }).state, [`CHAP_A=${list}`], false);
    assertRejected(refused, '0201');
    assert.equal(codeOf(refused), 'ISCSI_CHAP_ALGORITHM');
  }
});

test('mutual CHAP: the target proves itself, in the form that the initiator uses', () => {
  const theirs = Uint8Array.from({ length: 1024 }, (_, at) => at & 0xff);
  const asked = ['CHAP_I=0xff', `CHAP_C=0x${Buffer.from(theirs).toString('hex')}`];
  const proof = responseOf('md5', 255, TARGET_SECRET, theirs);
  const step = say(challenged().state, ['CHAP_N=alice', PROOF, ...asked]);
  assert.deepEqual([said(step), answerOf(step).transit], [['CHAP_N=disk', `CHAP_R=${proof}`], true]);
  const inBase64 = `CHAP_R=0b${Buffer.from(VECTORS.md5, 'hex').toString('base64')}`;
  const [, response] = said(say(challenged().state, ['CHAP_N=alice', inBase64, ...asked]));
  assert.equal(response, `CHAP_R=0b${Buffer.from(proof.slice(2), 'hex').toString('base64')}`);
});

test('a target that has nothing to prove itself with answers 0201 when it is asked to (T-054)', () => {
  const step = say(challenged({}, [ALICE]).state, ['CHAP_N=alice', PROOF, 'CHAP_I=1', 'CHAP_C=0xaabb']);
  assertRejected(step, '0201');
  assert.equal(codeOf(step), 'ISCSI_CHAP_TARGET');
});

test('no CHAP on offer, no offer, or the operational stage at once: 0201 (T-055)', () => {
  for (const pairs of [['AuthMethod=None'], ['AuthMethod=KRB5,None'], ['AuthMethod=Chap'], []]) {
    assertRejected(say(waiting(demanding()), [...NAMES, ...pairs]), '0201');
  }
  assertRejected(onLoginRequest(waiting(demanding()), request({ text: text(...NAMES) })), '0201');
});

test('an initiator may offer its methods in a later request', () => {
  const step = say(waiting(demanding()), NAMES, false);
  assert.deepEqual(said(step), ['TargetPortalGroupTag=1']);
  assert.deepEqual(said(say(step.state, ['AuthMethod=CHAP'])), ['AuthMethod=CHAP']);
});

// What the initiator says in the place of CHAP_A.
for (const [what, pairs, status] of [
  ['nothing', [], '0207'],
  ['its response', ['CHAP_N=alice', PROOF], '0207'],
  ['its response too', ['CHAP_A=5', 'CHAP_N=alice', PROOF], '0200'],
  ['a challenge too', ['CHAP_A=5', 'CHAP_I=1', 'CHAP_C=0x01'], '0200'],
  ['the list twice', ['CHAP_A=5', 'CHAP_A=5'], '0200'],
  ['an operational key', ['CHAP_A=5', 'MaxBurstLength=65536'], '0200'],
] as const) {
  test(`instead of its hashes the initiator sends ${what}: ${status} (T-056, T-040)`, () => {
    assertRejected(say(agreed().state, pairs), status);
  });
}

// What it says in the place of its response.
for (const [what, pairs, status, code] of [
  ['nothing', [], '0207', 'ISCSI_CHAP_STEP'],
  ['its name only', ['CHAP_N=alice'], '0207', 'ISCSI_CHAP_STEP'],
  ['its response only', [PROOF], '0207', 'ISCSI_CHAP_STEP'],
  ['a challenge only', ['CHAP_N=alice', 'CHAP_I=1', 'CHAP_C=0x01'], '0207', 'ISCSI_CHAP_STEP'],
  ['half a challenge', ['CHAP_N=alice', PROOF, 'CHAP_C=0x01'], '0207', 'ISCSI_CHAP_STEP'],
  ['the other half', ['CHAP_N=alice', PROOF, 'CHAP_I=1'], '0207', 'ISCSI_CHAP_STEP'],
  ['a list again', ['CHAP_N=alice', PROOF, 'CHAP_A=5'], '0200', 'ISCSI_CHAP_STEP'],
  ['its response twice', ['CHAP_N=alice', PROOF, PROOF], '0200', 'ISCSI_CHAP_STEP'],
  ['a method again', ['CHAP_N=alice', PROOF, 'AuthMethod=None'], '0200', 'ISCSI_PROTOCOL'],
  ['a response without prefix', ['CHAP_N=alice', `CHAP_R=${VECTORS.md5}`], '0200', 'ISCSI_CHAP_VALUE'],
  ['a response of 1025 bytes', ['CHAP_N=alice', `CHAP_R=0x${'00'.repeat(1025)}`], '0200', 'ISCSI_CHAP_VALUE'],
  ['base64 that is none', ['CHAP_N=alice', 'CHAP_R=0bD77i?'], '0200', 'ISCSI_CHAP_VALUE'],
  ['a challenge that is none', ['CHAP_N=alice', PROOF, 'CHAP_I=1', 'CHAP_C=1'], '0200', 'ISCSI_CHAP_VALUE'],
  [
    'a challenge of 1025 bytes',
    ['CHAP_N=alice', PROOF, 'CHAP_I=1', `CHAP_C=0x${'11'.repeat(1025)}`],
    '0200',
    'ISCSI_CHAP_VALUE',
  ],
  ['an identifier of two bytes', ['CHAP_N=alice', PROOF, 'CHAP_I=256', 'CHAP_C=0x11'], '0200', 'ISCSI_CHAP_VALUE'],
  [
    'our challenge back',
    ['CHAP_N=alice', PROOF, 'CHAP_I=1', `CHAP_C=${CHALLENGE_HEX}`],
    '0201',
    'ISCSI_CHAP_REFLECTION',
  ],
] as const) {
  test(`instead of its response the initiator sends ${what}: ${status} (T-056, T-058)`, () => {
    for (const leaves of [true, false]) {
      const step = say(challenged().state, pairs, leaves);
      assertRejected(step, status);
      assert.equal(codeOf(step), code);
    }
  });
}

test('whoever does not prove its name gets the same answer, whatever was wrong (T-057, T-059)', () => {
  const messages = new Set<string>();
  for (const [user, response] of [
    ['alice', responseOf('md5', 0x2a, 'wrong-wrong-wrong', CHALLENGE.bytes)],
    ['nobody', `0x${VECTORS.md5}`],
    ['nobody', responseOf('md5', 0x2a, '\0'.repeat(16), CHALLENGE.bytes)],
    ['', `0x${VECTORS.md5}`],
    ['Alice', `0x${VECTORS.md5}`],
    ['alice', `0x${VECTORS.md5.slice(2)}`],
    ['alice', `0x${VECTORS.md5}00`],
    ['alice', `0x${VECTORS['sha-256']}`],
    ['alice', responseOf('md5', 0x2b, SECRET, CHALLENGE.bytes)], // of another challenge: a replay
    ['disk', responseOf('md5', 0x2a, TARGET_SECRET, CHALLENGE.bytes)],
    ['alice', responseOf('md5', 0x2a, TARGET_SECRET, CHALLENGE.bytes)], // what this target would answer
  ] as const) {
    const step = say(challenged().state, [`CHAP_N=${user}`, `CHAP_R=${response}`]);
    assertRejected(step, '0201');
    assert.equal(codeOf(step), 'ISCSI_AUTHENTICATION');
    if (step.state.name === 'rejected') messages.add(step.state.error.message);
  }
  assert.equal(messages.size, 1);
  assertRejected(say(challenged({}, []).state, ['CHAP_N=alice', PROOF]), '0201');
});

test('a secret that is the same in both directions lets nobody in (T-059)', () => {
  const twin = { user: 'disk', secret: new Secret(SECRET) };
  assertRejected(say(challenged({}, [{ ...ALICE, target: twin }]).state, ['CHAP_N=alice', PROOF]), '0201');
});

test('a challenge is not answered that was made for another connection (T-058)', () => {
  const crypto = fixedCrypto();
  const others = { identifier: 1, bytes: Uint8Array.of(1, 2, 3, 4) };
  const both = {
    ...crypto,
    gave: (bytes: Uint8Array) => crypto.gave(bytes) || Buffer.from(bytes).equals(others.bytes),
  };
  const asked = ['CHAP_I=1', 'CHAP_C=0x01020304'];
  assertRejected(say(challenged({ crypto: both }).state, ['CHAP_N=alice', PROOF, ...asked]), '0201');
});

for (const user of ['0x616c696365', '0bYWxpY2U=', 'alice=bob', 'älice']) {
  test(`a name that looks like something else is a name: ${user}`, () => {
    const accounts = [{ ...ALICE, user, target: { ...DISK, user } }];
    const step = say(challenged({}, accounts).state, [`CHAP_N=${user}`, PROOF, 'CHAP_I=1', 'CHAP_C=0x99']);
    assert.equal(said(step)[0], `CHAP_N=${user}`);
  });
}

test('in the operational stage no key of CHAP is allowed (T-040)', () => {
  const done = say(challenged().state, ['CHAP_N=alice', PROOF]);
  assertRejected(onLoginRequest(done.state, request({ text: text('CHAP_A=5') })), '0200');
});
