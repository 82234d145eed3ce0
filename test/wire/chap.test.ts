/** The raw speakers with CHAP between them: what the suites build on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NodeChapCrypto } from '../../src/node/chap-crypto.ts';
import { logIn } from '../../src/wire/initiator-login.ts';
import { answerLogin } from '../../src/wire/target-login.ts';
import { demanding, MUTUAL } from '../login/help-chap.ts';
import { pair } from './pair.ts';

const targetName = 'iqn.2003-01.org.example:disk';

for (const sessionType of ['Normal', 'Discovery'] as const) {
  test(`raw speakers authenticate each other in a ${sessionType} session`, async (t) => {
    const { initiator, target } = await pair(t);
    const named = sessionType === 'Normal' ? { targetName } : {};
    const [, login] = await Promise.all([
      logIn(initiator, { ...named, credentials: MUTUAL, chapCrypto: new NodeChapCrypto() }),
      answerLogin(target, demanding({ crypto: new NodeChapCrypto() })),
    ]);
    assert.deepEqual([login.user, login.sessionType, login.targetName], ['alice', sessionType, named.targetName]);
  });
}

test('a raw initiator without credentials is refused by the raw target that demands them', async (t) => {
  const { initiator, target } = await pair(t);
  const [mine, its] = await Promise.allSettled([logIn(initiator, { targetName }), answerLogin(target, demanding())]);
  for (const outcome of [mine, its]) {
    assert.ok(outcome.status === 'rejected');
    assert.equal(outcome.reason.code, 'ISCSI_AUTHENTICATION');
  }
});
