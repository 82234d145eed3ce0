/** What an error of a session says is true where it is said, and tells what to do (RFC 7143 §11.9.1, §11.13.5). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitiatorRig } from '../support/initiator-rig.ts';

const EMPTY = new Uint8Array(0);
const NOT_KNOWN = /took effect is not known/;

test('a connection that is cut during the login says nothing of commands, for there were none', () => {
  const rig = new InitiatorRig();
  rig.begin();
  rig.connection.ended();
  const { message, hint } = rig.assertEnded('ISCSI_CONNECTION_LOST');
  assert.match(message, /during the login/);
  assert.doesNotMatch(`${message} ${hint}`, NOT_KNOWN);
  assert.match(hint ?? '', /refuses without saying why/);
});

test('of a session that is cut, only a command that was sent says that its effect is not known', () => {
  const rig = InitiatorRig.loggedIn({ window: 1 });
  const sent = rig.submit();
  const queued = rig.submit();
  rig.take();
  rig.connection.ended(new Error('read ECONNRESET'));
  assert.doesNotMatch(`${rig.ends[0]?.hint}`, NOT_KNOWN);
  assert.match(sent.error?.hint ?? '', NOT_KNOWN);
  assert.equal(sent.error?.commandSent, true);
  assert.doesNotMatch(queued.error?.hint ?? '', NOT_KNOWN);
  assert.equal(queued.error?.commandSent, false);
});

test('whoever comes after the target has asked for a logout hears of that, and so does the owner of the session', () => {
  const rig = InitiatorRig.loggedIn();
  rig.give(rig.voice.asyncMessage(1, [0, 0, 3]));
  const late = rig.submit();
  const asked = rig.ask((settle) => rig.session.nop(EMPTY, 1e9, settle));
  for (const { error } of [late, asked]) {
    assert.deepEqual([error?.code, error?.commandSent], ['ISCSI_CLOSED', false]);
    assert.match(error?.message ?? '', /the session is over \(The target asked for a logout\)/);
  }
  rig.give(rig.voice.logoutResponse(rig.takeOne(0x06).tag));
  assert.match(rig.ends[0]?.message ?? '', /asked for a logout/);
  assert.match(rig.submit().error?.message ?? '', /asked for a logout/);
});

test('a session that its owner closes is just closed', () => {
  const rig = InitiatorRig.loggedIn();
  rig.session.logout(1e9);
  assert.match(rig.submit().error?.message ?? '', /the session is closed/);
  rig.give(rig.voice.logoutResponse(rig.takeOne(0x06).tag));
  assert.deepEqual(rig.ends, [undefined]);
});
