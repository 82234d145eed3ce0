/** Initiator and target joined back to back in memory: CHAP between them comes to its end, or to nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChapAlgorithm } from '../../src/login/chap-algorithms.ts';
import type { Credentials } from '../../src/login/chap-credentials.ts';
import { onLoginResponse, startLogin } from '../../src/login/initiator.ts';
import type { Step } from '../../src/login/initiator-types.ts';
import { Secret } from '../../src/login/secret.ts';
import { onLoginRequest } from '../../src/login/target.ts';
import type { TargetLoginConfig, TargetStep } from '../../src/login/target-types.ts';
import { NodeChapCrypto } from '../../src/node/chap-crypto.ts';
import { answerOf, initiatorConfig, items, request, response, waiting } from './help.ts';
import { ALGORITHMS, ALICE, DISK, demanding, MUTUAL, NUMBERS } from './help-chap.ts';

interface Outcome {
  readonly initiator: Step;
  readonly target: TargetStep;
  /** All that was said, of both sides. */
  readonly said: readonly string[];
}

function login(credentials: Credentials, config: Partial<TargetLoginConfig>): Outcome {
  let step = startLogin(initiatorConfig({ credentials, chapCrypto: new NodeChapCrypto() }));
  let served: TargetStep = { state: waiting(config), actions: [] };
  const said: string[] = [];
  for (let exchanges = 0; exchanges < 20; exchanges++) {
    const [action] = step.actions;
    if (action?.do !== 'send') break;
    said.push(...items(action.request.text));
    served = onLoginRequest(served.state, request(action.request));
    const { final, ...view } = answerOf(served);
    said.push(...items(view.text));
    step = onLoginResponse(step.state, response({ ...view, tsih: final ? 7 : 0 }));
  }
  return { initiator: step, target: served, said };
}

/** A target with hashes and randomness of its own. */
function target(algorithms: readonly ChapAlgorithm[] = ALGORITHMS): Partial<TargetLoginConfig> {
  return demanding({ crypto: new NodeChapCrypto(), algorithms });
}

for (const [way, credentials] of [
  ['one-way', ALICE],
  ['mutual', MUTUAL],
] as const) {
  for (const algorithm of ALGORITHMS) {
    test(`${way} CHAP with ${algorithm}`, () => {
      const { initiator, said } = login(credentials, target([algorithm]));
      assert.equal(initiator.state.name, 'fullFeature');
      assert.ok(said.includes('CHAP_A=8,7,6,5') && said.includes(`CHAP_A=${NUMBERS[algorithm]}`));
      assert.equal(said.filter((pair) => pair.startsWith('CHAP_R=')).length, way === 'mutual' ? 2 : 1);
    });
  }
}

test('the strongest hash that both have is used', () => {
  const chosen = (algorithms: readonly ChapAlgorithm[]): string[] =>
    login(ALICE, target(algorithms)).said.filter((pair) => pair.startsWith('CHAP_A='));
  assert.deepEqual(chosen(ALGORITHMS), ['CHAP_A=8,7,6,5', 'CHAP_A=8']);
  assert.deepEqual(chosen(['md5', 'sha-256']), ['CHAP_A=8,7,6,5', 'CHAP_A=7']);
});

for (const [what, credentials, code] of [
  ['a wrong secret', { ...ALICE, secret: new Secret('not-the-secret-at-all') }, 'ISCSI_AUTHENTICATION'],
  ['an unknown name', { ...ALICE, user: 'bob' }, 'ISCSI_AUTHENTICATION'],
  [
    'a wrong secret of the target',
    { ...ALICE, target: { ...DISK, secret: new Secret('not-the-secret-at-all') } },
    'ISCSI_CHAP_TARGET',
  ],
  ['a wrong name of the target', { ...ALICE, target: { ...DISK, user: 'tape' } }, 'ISCSI_CHAP_TARGET'],
  ['no hash in common', { ...ALICE, algorithms: ['sha1'] }, 'ISCSI_CHAP_ALGORITHM'],
] as const) {
  test(`${what} ends with ${code}`, () => {
    const { initiator } = login(credentials, target(['md5', 'sha-256']));
    assert.equal(initiator.state.name === 'failed' && initiator.state.error.code, code);
  });
}

test('of 1000 logins no challenge is like another, in either direction, and identifiers change (T-060, I-056)', () => {
  const config = target();
  const challenges = new Set<string>();
  const identifiers: string[] = [];
  for (let count = 0; count < 1000; count++) {
    const { said } = login(MUTUAL, config);
    for (const pair of said.filter((each) => each.startsWith('CHAP_C='))) challenges.add(pair);
    identifiers.push(said.find((pair) => pair.startsWith('CHAP_I=')) ?? '');
  }
  assert.equal(challenges.size, 2000);
  assert.equal(new Set(identifiers).size, 256);
  for (let at = 1; at < identifiers.length; at++) assert.notEqual(identifiers[at], identifiers[at - 1]);
});
