import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError, LoginError } from '../../src/errors.ts';
import type { OperationalPolicy } from '../../src/login/policy.ts';
import { ExpectationError } from '../../src/wire/expectation.ts';
import { logIn, logInWithKeys } from '../../src/wire/initiator-login.ts';
import { answerLogin } from '../../src/wire/target-login.ts';
import type { WirePdu } from '../../src/wire/wire-pdu.ts';
import { loopTime } from '../support/loop-time.ts';
import { pair } from './pair.ts';

const TARGET = 'iqn.2003-01.org.example:disk';
const NAMES = [
  ['InitiatorName', 'iqn.2003-01.org.example:host'],
  ['TargetName', TARGET],
] as const;

for (const header of ['None', 'CRC32C'] as const) {
  for (const data of ['None', 'CRC32C'] as const) {
    test(`both sides log in with HeaderDigest=${header} and DataDigest=${data}, and keep to it`, async (t) => {
      const { initiator, target } = await pair(t);
      const policy: Partial<OperationalPolicy> = {
        headerDigest: [header],
        dataDigest: [data],
        maxBurstLength: 262_144,
      };
      const [mine, its] = await Promise.all([logIn(initiator, { targetName: TARGET, policy }), answerLogin(target)]);
      assert.deepEqual(mine.parameters, { ...its.parameters, targetPortalGroupTag: 1 });
      assert.deepEqual([initiator.parameters, target.parameters], [mine.parameters, its.parameters]);
      assert.equal(mine.parameters.maxBurstLength, 262_144);
      assert.equal(mine.tsih, 1);
      const agreed = { header: header === 'CRC32C', data: data === 'CRC32C' };
      assert.deepEqual([initiator.digests, target.digests], [agreed, agreed]);

      initiator.nop({ data: Uint8Array.of(1) });
      const ping = await target.expect('NOP_OUT');
      target.pong(ping);
      for (const pdu of [ping, await initiator.expect('NOP_IN')]) {
        assert.equal(pdu.headerDigest, agreed.header ? 'right' : 'absent');
        assert.equal(pdu.dataDigest, agreed.data ? 'right' : 'absent');
        assert.equal(pdu.data.length, 1);
      }
    });
  }
}

test('digests hold from the byte behind the last Login Response on', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.login({ pairs: [...NAMES, ['HeaderDigest', 'CRC32C,None']] });
  const request = await target.expect('LOGIN_REQUEST');
  // Both in one turn, so that the initiator is likely to read them at once.
  target.loginResponse(request, { pairs: [['HeaderDigest', 'CRC32C']] });
  target.asyncMessage({ asyncEvent: 1, parameter3: 5 });
  assert.equal((await initiator.expect('LOGIN_RESPONSE')).headerDigest, 'absent');
  assert.equal((await initiator.expect('ASYNC_MESSAGE')).headerDigest, 'right');
});

test('digests that the target proposes itself, in a text cut in two, hold as the initiator answers', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.login({ pairs: NAMES });
  let request = await target.expect('LOGIN_REQUEST');
  const cut = new TextEncoder();
  target.loginResponse(request, { transit: false, continues: true, nextStage: 0, data: cut.encode('DataDigest=CRC3') });
  await initiator.expect('LOGIN_RESPONSE');
  initiator.login({ transit: false, nextStage: 0 });
  request = await target.expect('LOGIN_REQUEST');
  target.loginResponse(request, { transit: false, nextStage: 0, data: cut.encode('2C,None\0') });
  await initiator.expect('LOGIN_RESPONSE');
  initiator.login({ pairs: [['DataDigest', 'CRC32C']] });
  target.loginResponse(await target.expect('LOGIN_REQUEST'));
  await initiator.expect('LOGIN_RESPONSE');
  assert.deepEqual(
    [initiator.digests, target.digests],
    [
      { header: false, data: true },
      { header: false, data: true },
    ],
  );
});

test('a login through both stages gets its handle with the last response, and no sooner', async (t) => {
  const handles: number[] = [];
  const onArrival = (pdu: WirePdu): void => {
    handles.push(pdu.read('LOGIN_RESPONSE').tsih);
  };
  const { initiator, target } = await pair(t, { initiator: { onArrival } });
  await Promise.all([logIn(initiator, { targetName: TARGET, securityStage: true }), answerLogin(target)]);
  assert.deepEqual(handles, [0, 1]);
});

test('the numbers of a login are where the full feature phase goes on', async (t) => {
  const { initiator, target } = await pair(t, { target: { statSN: 0xffff_ffff, window: 8 } });
  initiator.numbers.cmdSN = 0xffff_fffe;
  await Promise.all([logIn(initiator, { targetName: TARGET }), answerLogin(target)]);
  const { cmdSN, expStatSN, expCmdSN, maxCmdSN } = initiator.numbers;
  assert.deepEqual([cmdSN, expStatSN, expCmdSN, maxCmdSN], [0xffff_fffe, 0, 0xffff_fffe, 5]);
});

test('a refusal is a LoginError on one side, and the reason for it an error on the other', async (t) => {
  const { initiator, target } = await pair(t);
  const answering = answerLogin(target, { resolveTarget: () => ({ ok: false, status: 0x0203 }) });
  const outcomes = await Promise.allSettled([logIn(initiator, { targetName: TARGET }), answering]);
  const [mine, its] = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : undefined));
  assert.ok(mine instanceof LoginError && mine.statusClass === 2 && mine.statusDetail === 3, String(mine));
  assert.ok(its instanceof IscsiError, String(its));
});

test('a login says exactly the keys that it is given, right or wrong', async (t) => {
  const { initiator, target } = await pair(t);
  const said = [...NAMES, ['HeaderDigest', 'None'], ['HeaderDigest', 'CRC32C'], ['X#y', '']] as const;
  const logging = logInWithKeys(initiator, said, { fields: { isid: 0x4000_1234_5678, versionMax: 9 } });
  const request = await target.expect('LOGIN_REQUEST');
  assert.deepEqual(request.pairs, said);
  assert.deepEqual([request.read('LOGIN_REQUEST').isid, request.byte(2)], [0x4000_1234_5678, 9]);
  target.loginResponse(request, { transit: false, nextStage: 0, pairs: [['MaxRecvDataSegmentLength', '512']] });
  const second = await target.expect('LOGIN_REQUEST');
  assert.deepEqual(second.pairs, []);
  target.loginResponse(second, { statusClass: 3, statusDetail: 1, transit: false });
  const responses = await logging;
  assert.deepEqual(
    responses.map((response) => response.read('LOGIN_RESPONSE').statusClass),
    [0, 3],
  );
});

test('a target that never agrees to end the login is left after some requests', async (t) => {
  const { initiator, target } = await pair(t);
  const logging = logInWithKeys(initiator, NAMES);
  const refused = assert.rejects(logging, /^IscsiError: Cannot end the login: .* after 8 requests$/);
  for (let request = 0; request < 8; request++) {
    target.loginResponse(await target.expect('LOGIN_REQUEST'), { transit: false, nextStage: 0 });
  }
  await refused;
});

test('a login that is answered by something else, or not at all, says so', async (t) => {
  const { initiator, target } = await pair(t);
  const logging = logIn(initiator, { targetName: TARGET });
  target.reject(await target.expect('LOGIN_REQUEST'), { reason: 4 });
  await assert.rejects(logging, (error) => error instanceof ExpectationError && error.observation.saw === 'pdu');
  await assert.rejects(
    logIn(initiator, { targetName: TARGET, within: 40 }),
    (error) => error instanceof ExpectationError && error.code === 'ISCSI_TIMEOUT',
  );
});

test('the time of a login is for all of it, however often the target answers', async (t) => {
  const { initiator, target } = await pair(t);
  const passed = loopTime();
  const logging = logIn(initiator, { targetName: TARGET, within: 100 });
  let over = false;
  const late = assert.rejects(logging, (error) => error instanceof ExpectationError && error.code === 'ISCSI_TIMEOUT');
  void late.finally(() => {
    over = true;
  });
  const more = { transit: false, continues: true, nextStage: 0, data: Uint8Array.of(0x41) };
  while (!over) {
    const seen = await target.observe({ within: 10 });
    if (seen.saw === 'pdu') target.loginResponse(seen.pdu, more);
  }
  await late;
  assert.ok(passed() < 2_000, 'soon after the 100 ms');
});

test('a text that never ends agrees on no digest, and one behind it does', async (t) => {
  const { initiator, target } = await pair(t);
  initiator.login({ pairs: NAMES });
  const request = await target.expect('LOGIN_REQUEST');
  const endless = {
    transit: false,
    nextStage: 0,
    data: new TextEncoder().encode('HeaderDigest=CRC32C\0'.repeat(1000)),
  };
  for (let sent = 0; sent < 5; sent++) target.loginResponse(request, { ...endless, continues: true });
  target.loginResponse(request, { ...endless, continues: false });
  target.loginResponse(request, { pairs: [['DataDigest', 'CRC32C']] });
  await initiator.find((pdu) => pdu.byte(1) === 0x87);
  assert.deepEqual(initiator.digests, { header: false, data: true });
});

test('a login that is sent elsewhere says where to', async (t) => {
  const { initiator, target } = await pair(t);
  const logging = logIn(initiator, { targetName: TARGET });
  const address = ['TargetAddress', '192.0.2.7:3261'] as const;
  const fields = { statusClass: 1, statusDetail: 1, transit: false, pairs: [address] };
  target.loginResponse(await target.expect('LOGIN_REQUEST'), fields);
  await assert.rejects(logging, /^IscsiError: Cannot log in here: the target sends the login to 192\.0\.2\.7:3261$/);
});
