import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginError } from '../../src/errors.ts';
import { onLoginResponse } from '../../src/login/initiator.ts';
import { begun, failureOf, response, TARGET, text } from './help.ts';
import { ANSWERS, CREDENTIALS } from './help-initiator.ts';

// Status-Class and Status-Detail, code, a word of the hint: each tells the user what to do (I-036).
for (const [status, code, hint] of [
  [0x0200, 'ISCSI_LOGIN', /log/],
  [0x0201, 'ISCSI_AUTHENTICATION', /LIBISCSI_CHAP_USERNAME/],
  [0x0202, 'ISCSI_LOGIN', /initiator name/],
  [0x0203, 'ISCSI_TARGET_NOT_FOUND', /iscsi-ls/],
  [0x0204, 'ISCSI_TARGET_NOT_FOUND', /list/],
  [0x0205, 'ISCSI_LOGIN', /version/],
  [0x0206, 'ISCSI_LOGIN', /fewer/],
  [0x0207, 'ISCSI_LOGIN', /target name/],
  [0x0208, 'ISCSI_LOGIN', /portal group/],
  [0x0209, 'ISCSI_LOGIN', /portal/],
  [0x020a, 'ISCSI_LOGIN', /new session/],
  [0x020b, 'ISCSI_LOGIN', /login/],
  [0x0300, 'ISCSI_LOGIN', /later/],
  [0x0301, 'ISCSI_LOGIN', /later/],
  [0x0302, 'ISCSI_LOGIN', /later/],
  [0x02ff, 'ISCSI_LOGIN', /do not repeat/],
  [0x0310, 'ISCSI_LOGIN', /later/],
  [0x0400, 'ISCSI_LOGIN', /iSCSI target/],
] as const) {
  test(`login status ${status.toString(16).padStart(4, '0')} ends the login with ${code} and a hint (I-036)`, () => {
    // All other fields are reserved in a reject, and may hold anything.
    const junk = { transit: true, continues: true, csg: 2, nsg: 2, versionActive: 9, text: text('A') };
    const error = failureOf(
      onLoginResponse(begun(), response({ ...junk, statusClass: status >> 8, statusDetail: status & 0xff })),
    );
    assert.ok(error instanceof LoginError);
    assert.deepEqual([error.code, error.statusClass, error.statusDetail], [code, status >> 8, status & 0xff]);
    assert.match(error.hint ?? '', hint);
    assert.match(error.message, new RegExp(`${TARGET}.*0x${status.toString(16).padStart(4, '0')}`));
  });
}

test('0301, which Linux answers for a name that it does not have, says that the name may be wrong', () => {
  const error = failureOf(onLoginResponse(begun(), response({ statusClass: 3, statusDetail: 1 })));
  assert.match(error.hint ?? '', /no such target.*check the target name/);
});

test('an authentication failure with credentials asks to check them', () => {
  const step = onLoginResponse(begun({ credentials: CREDENTIALS }), response({ statusClass: 2, statusDetail: 1 }));
  assert.match(failureOf(step).hint ?? '', /check user name/);
});

for (const [method, config, hint] of [
  ['CHAP', { securityStage: true }, /LIBISCSI_CHAP_USERNAME/],
  ['Reject', { securityStage: true }, /LIBISCSI_CHAP_USERNAME/],
  ['None', { credentials: CREDENTIALS }, /without authentication/],
  ['KRB5', { credentials: CREDENTIALS }, /CHAP/],
  ['Reject', { credentials: CREDENTIALS }, /CHAP/],
] as const) {
  const offered = 'credentials' in config ? 'CHAP' : 'None';
  test(`AuthMethod=${method} for an offer of ${offered} is an authentication error (I-054, I-060)`, () => {
    const error = failureOf(onLoginResponse(begun(config), response({ csg: 0, text: text(`AuthMethod=${method}`) })));
    assert.equal(error.code, 'ISCSI_AUTHENTICATION');
    assert.match(error.hint ?? '', hint);
  });
}

test('AuthMethod=None is fine where going without is allowed (I-060)', () => {
  const state = begun({ credentials: { ...CREDENTIALS, optional: true } });
  assert.equal(state.name === 'security' && state.chap, 'offered');
  const step = onLoginResponse(state, response({ csg: 0, transit: true, nsg: 1, text: text('AuthMethod=None') }));
  assert.equal(step.state.name, 'operational');
});

test('a target that skips the authentication it was offered is refused (D-02, I-058)', () => {
  const step = onLoginResponse(begun({ credentials: CREDENTIALS }), response({ csg: 0, transit: true, nsg: 1 }));
  assert.equal(failureOf(step).code, 'ISCSI_AUTHENTICATION');
});

for (const [status, permanent] of [
  [0x0101, false],
  [0x0102, true],
  [0x01ff, false],
] as const) {
  test(`status ${status.toString(16).padStart(4, '0')} redirects, in the first step and without authentication (I-037, D-42)`, () => {
    const moved = { statusClass: 1, statusDetail: status & 0xff };
    const addresses = text('TargetAddress=not:an:address', 'TargetAddress=[::1]:3261', 'TargetAddress=other.example');
    const step = onLoginResponse(begun({ credentials: CREDENTIALS }), response({ ...moved, text: addresses }));
    const address = { host: '::1', port: 3261, portalGroupTag: undefined };
    const second = { host: 'other.example', port: 3260, portalGroupTag: undefined };
    assert.deepEqual(step.actions, [{ do: 'redirect', address, addresses: [address, second], permanent }]);
    assert.deepEqual(step.state, { name: 'redirected', address, permanent });
  });
}

test('a redirect in the operational stage, after authentication, is followed too (I-037)', () => {
  const first = onLoginResponse(begun(), response({ text: text(...ANSWERS) }));
  const step = onLoginResponse(
    first.state,
    response({ statusClass: 1, statusDetail: 1, text: text('TargetAddress=10.0.0.1') }),
  );
  assert.equal(step.state.name, 'redirected');
});

test('a redirect without an address ends the login (I-038)', () => {
  for (const items of [[], ['TargetName=other'], ['TargetAddress=::']]) {
    const error = failureOf(
      onLoginResponse(begun(), response({ statusClass: 1, statusDetail: 1, text: text(...items) })),
    );
    assert.deepEqual([error.code, /did not say where/.test(error.hint ?? '')], ['ISCSI_LOGIN', true]);
  }
});
