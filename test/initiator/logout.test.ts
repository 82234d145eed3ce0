/** What may still happen while a session waits for its logout, and what may not any more (RFC 7143 §11.14). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { InitiatorRig } from '../support/initiator-rig.ts';

test('a command that waits for the window is not sent behind the Logout Request, and its caller learns that', () => {
  const rig = InitiatorRig.loggedIn({ window: 1 });
  const sent = rig.submit();
  const waiting = rig.submit();
  rig.take();
  rig.session.logout(rig.now + 1000);
  rig.advance(500);
  const logout = rig.takeOne(0x06);
  rig.voice.window = 10;
  rig.give(rig.voice.nopIn());
  assert.deepEqual(rig.take(), []);
  rig.give(rig.voice.logoutResponse(logout.tag));
  assert.deepEqual([sent.error?.commandSent, waiting.error?.commandSent], [true, false]);
});

test('an R2T that comes behind the Logout Request is not answered: the buffer is its owner’s with the response', () => {
  const rig = InitiatorRig.loggedIn({ answers: { ImmediateData: 'No', InitialR2T: 'Yes' } });
  const write = rig.submit({ dataOut: new Uint8Array(65_536) });
  rig.take();
  rig.session.logout(rig.now + 1000);
  rig.advance(500);
  const logout = rig.takeOne(0x06);
  rig.give(rig.voice.r2t(write.tag, { length: 65_536 }), rig.voice.logoutResponse(logout.tag));
  assert.deepEqual([write.settled, write.error?.code], [1, 'ISCSI_CLOSED']);
  assert.deepEqual(rig.connection.drain(), [], 'nothing of it goes out any more');
});

for (const [first, second] of [
  [1000, 60_000],
  [60_000, 1000],
] as const) {
  test(`of two who ask for a logout, the one with less time counts: ${first} ms, then ${second} ms`, () => {
    const rig = InitiatorRig.loggedIn();
    rig.submit();
    rig.take();
    rig.session.logout(rig.now + first);
    rig.session.logout(rig.now + second);
    rig.advance(500);
    rig.takeOne(0x06);
    rig.advance(500);
    assert.equal(rig.ends.length, 1);
  });
}
