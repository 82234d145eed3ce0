import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { DEFAULT_PARAMETERS } from '../../src/login/parameters.ts';
import { refuseLogin } from '../../src/login/status.ts';
import { onLoginRequest, rejectLogin, startTargetLogin } from '../../src/login/target.ts';
import type { SessionRequest, TargetLoginConfig, TargetStep } from '../../src/login/target-types.ts';
import { answerOf, INITIATOR, items, NAMES, request, statusOf, TARGET, targetConfig, text, waiting } from './help.ts';
import { answered, assertRejected, finished, first, next, policy } from './help-target.ts';

test('a login with the names alone is granted, with the defaults', () => {
  const step = first([]);
  assert.deepEqual(answerOf(step), {
    statusClass: 0,
    statusDetail: 0,
    transit: true,
    continues: false,
    csg: 1,
    nsg: 3,
    text: text('TargetPortalGroupTag=1', 'MaxRecvDataSegmentLength=262144'),
    final: true,
  });
  assert.deepEqual(finished(step), {
    do: 'finish',
    parameters: { ...DEFAULT_PARAMETERS, targetMaxRecvDataSegmentLength: 262_144 },
    initiatorName: INITIATOR,
    initiatorAlias: undefined,
    sessionType: 'Normal',
    targetName: TARGET,
    portalGroupTag: 1,
    isid: '800000000001',
    tsih: 0,
    cid: 0,
  });
});

for (const [versionMin, versionMax] of [
  [1, 2],
  [255, 255],
] as const) {
  test(`versions ${versionMin} to ${versionMax} are refused with 0205 (T-020)`, () => {
    assertRejected(first([], {}, { versionMin, versionMax }), '0205');
  });
}

test('a range of versions that holds 0 is fine (T-020)', () => {
  finished(first([], {}, { versionMin: 0, versionMax: 9 }));
});

test('a missing InitiatorName or TargetName is refused with 0207 (T-021)', () => {
  const with_ = (...pairs: string[]): TargetStep => onLoginRequest(waiting(), request({ text: text(...pairs) }));
  assertRejected(with_(`TargetName=${TARGET}`), '0207');
  assertRejected(with_(`InitiatorName=${INITIATOR}`), '0207');
  assertRejected(with_(`InitiatorName=${INITIATOR}`, 'SessionType=Normal'), '0207');
  assertRejected(with_(), '0207');
  finished(with_(`InitiatorName=${INITIATOR}`, 'SessionType=Discovery'));
});

test('an unknown target is 0203, an unknown SessionType 0209 (T-022)', () => {
  const named = (target: string, type: string): TargetStep =>
    onLoginRequest(
      waiting(),
      request({ text: text(`InitiatorName=${INITIATOR}`, `TargetName=${target}`, `SessionType=${type}`) }),
    );
  assertRejected(named('iqn.2003-01.org.example:other', 'Normal'), '0203');
  assertRejected(named('iqn.2003-01.org.example:other', 'Discovery'), '0203');
  assertRejected(named(TARGET, 'Foo'), '0209');
  assertRejected(named(TARGET, 'normal'), '0209');
});

for (const status of [0x0202, 0x0204, 0x0301, 0x0302] as const) {
  const code = status.toString(16).padStart(4, '0');
  test(`a refusal with ${code} of the target look-up goes to the initiator (T-022)`, () => {
    assertRejected(first([], { resolveTarget: () => ({ ok: false, status }) }), code);
  });
}

test('the look-up gets prepared names (RFC 7143 §4.2.7)', () => {
  const asked: unknown[] = [];
  const config = targetConfig({
    resolveTarget: (...names) => {
      asked.push(names);
      return { ok: true, portalGroupTag: 65_535 };
    },
  });
  const name = `iqn.2004-10.org.example:${'X'.repeat(199)}`;
  assert.equal(name.length, 223);
  const step = onLoginRequest(
    startTargetLogin(config),
    request({ text: text(`InitiatorName=${name}`, `TargetName=${name}`) }),
  );
  assert.deepEqual(asked, [[name.toLowerCase(), name.toLowerCase(), 'Normal']]);
  assert.equal(items(answerOf(step).text)[0], 'TargetPortalGroupTag=65535');
  assertRejected(
    onLoginRequest(startTargetLogin(config), request({ text: text(`InitiatorName=${name}x`, `TargetName=${name}`) })),
    '0200',
  );
});

for (const status of [0x0206, 0x0208, 0x020a] as const) {
  const code = status.toString(16).padStart(4, '0');
  test(`a refusal with ${code} of the session look-up goes to the initiator (T-023, T-024)`, () => {
    const asked: SessionRequest[] = [];
    const admitSession: TargetLoginConfig['admitSession'] = (session) => {
      asked.push(session);
      return { ok: false, status };
    };
    assertRejected(first([], { admitSession }, { tsih: 7777, cid: 3, initiatorTaskTag: 9 }), code);
    assert.deepEqual(asked, [
      {
        initiatorTaskTag: 9,
        isid: '800000000001',
        tsih: 7777,
        cid: 3,
        initiatorName: INITIATOR,
        targetName: TARGET,
        sessionType: 'Normal',
        portalGroupTag: 1,
      },
    ]);
  });
}

test('a target that has moved tells where to, without a portal group tag (T-052)', () => {
  const addresses = [
    { host: '::1', port: 3261, portalGroupTag: 1 },
    { host: 'h', port: 3260, portalGroupTag: undefined },
  ];
  const step = first([], { resolveTarget: () => ({ ok: false, status: 0x0101, addresses }) });
  assertRejected(step, '0101');
  assert.deepEqual(items(answerOf(step).text), ['TargetAddress=[::1]:3261', 'TargetAddress=h:3260']);
  assert.throws(() => first([], { resolveTarget: () => ({ ok: false, status: 0x0102 }) }), RangeError);
});

test('CSG is echoed and the final response is marked, so that it can carry the TSIH (T-025)', () => {
  const security = first(['AuthMethod=None'], {}, { csg: 0, nsg: 1 });
  assert.deepEqual([answerOf(security).csg, answerOf(security).final], [0, false]);
  const operational = next(security);
  assert.deepEqual([answerOf(operational).csg, answerOf(operational).final], [1, true]);
  const waits = first([], {}, { transit: false, nsg: 0 });
  assert.deepEqual([answerOf(waits).csg, answerOf(waits).final], [1, false]);
});

// Every first request by stage bits: what comes back (T-026, T-027).
for (const csg of [0, 1, 2, 3]) {
  for (const nsg of [0, 1, 2, 3]) {
    for (const transit of [false, true]) {
      for (const continues of [false, true]) {
        const legal = csg < 2 && !(transit && continues) && (!transit || (nsg !== 2 && nsg > csg));
        const granted = legal && transit ? `T=1 to ${nsg}` : legal ? 'T=0' : '0200';
        test(`CSG ${csg}, NSG ${nsg}, T=${+transit}, C=${+continues} is answered with ${granted} (T-026, T-027)`, () => {
          const step = first([], {}, { csg, nsg, transit, continues });
          if (!legal) {
            assertRejected(step, '0200');
            return;
          }
          const answer = answerOf(step);
          assert.deepEqual(
            [answer.statusClass, answer.csg, answer.transit, answer.continues],
            [0, csg, transit, false],
          );
          if (transit) assert.equal(answer.nsg, nsg);
        });
      }
    }
  }
}

test('a stage other than the one agreed on is refused (T-027)', () => {
  const operational = first([], {}, { transit: false });
  assertRejected(next(operational, [], { csg: 0, nsg: 1 }), '0200');
  const security = first(['AuthMethod=None'], {}, { csg: 0, nsg: 1, transit: false });
  assertRejected(next(security, [], { csg: 1 }), '0200');
});

for (const [field, value] of [
  ['initiatorTaskTag', 2],
  ['isid', '800000000002'],
  ['tsih', 1],
  ['cid', 1],
] as const) {
  test(`another ${field} within one login is refused`, () => {
    assertRejected(next(first([], {}, { transit: false }), [], { [field]: value }), '0200');
  });
}

test('the portal group tag stands in the first response after C=0, and in no other (T-028)', () => {
  const whole = text(...NAMES);
  const cut = onLoginRequest(waiting(), request({ transit: false, continues: true, text: whole.slice(0, 20) }));
  assert.deepEqual(items(answerOf(cut).text), []);
  const joined = next(cut, [], { transit: false, text: whole.slice(20) });
  assert.equal(items(answerOf(joined).text)[0], 'TargetPortalGroupTag=1');
  assert.deepEqual(items(answerOf(next(joined)).text), []);
});

test('the alias goes with it, in Normal sessions only (§13.6)', () => {
  const resolveTarget: TargetLoginConfig['resolveTarget'] = () => ({
    ok: true,
    portalGroupTag: 1,
    targetAlias: 'a disk',
  });
  assert.deepEqual(items(answerOf(first([], { resolveTarget })).text).slice(0, 2), [
    'TargetPortalGroupTag=1',
    'TargetAlias=a disk',
  ]);
  const discovery = onLoginRequest(
    waiting({ resolveTarget }),
    request({ text: text(`InitiatorName=${INITIATOR}`, 'SessionType=Discovery') }),
  );
  assert.ok(!items(answerOf(discovery).text).includes('TargetAlias=a disk'));
});

test('a request with C=1 gets an empty answer, and the text is joined wherever it is cut (T-029)', () => {
  const whole = text(...NAMES, 'MaxBurstLength=65536');
  for (let cut = 0; cut <= whole.length; cut++) {
    const started = onLoginRequest(
      waiting(),
      request({ transit: false, nsg: 0, continues: true, text: whole.slice(0, cut) }),
    );
    const { transit, continues, text: bytes } = answerOf(started);
    assert.deepEqual([transit, continues, bytes.length], [false, false, 0]);
    const ended = onLoginRequest(started.state, request({ text: whole.slice(cut) }));
    assert.equal(finished(ended).parameters.maxBurstLength, 65_536, `cut at byte ${cut}`);
  }
});

test('own text of more than 8192 bytes is sent with C=1, and the transition granted after it (T-030, T-031)', () => {
  const targetAlias = 'x'.repeat(20_000);
  let step = first([], { resolveTarget: () => ({ ok: true, portalGroupTag: 1, targetAlias }) });
  const pieces = [answerOf(step)];
  while (pieces.at(-1)?.continues) {
    step = next(step, [], { transit: false, nsg: 0 });
    pieces.push(answerOf(step));
  }
  assert.deepEqual(
    pieces.map((piece) => [piece.continues, piece.transit, piece.text.length <= 8192]),
    [
      [true, false, true],
      [true, false, true],
      [false, false, true], // T=0, since the request for it had T=0
    ],
  );
  assert.equal(items(Buffer.concat(pieces.map((piece) => piece.text)))[1], `TargetAlias=${targetAlias}`);
  assert.equal(finished(next(step)).parameters.targetAlias, undefined); // its own alias is no news to the target
});

test('text in place of the empty request that asks for the rest is refused (§6.2)', () => {
  const resolveTarget: TargetLoginConfig['resolveTarget'] = () => ({
    ok: true,
    portalGroupTag: 1,
    targetAlias: 'x'.repeat(9000),
  });
  assertRejected(next(first([], { resolveTarget }), ['A=1']), '0200');
  assertRejected(next(first([], { resolveTarget }), [], { continues: true, transit: false }), '0200');
});

test('ten exchanges and more are possible, with one key each (T-043)', () => {
  const offers = [
    'HeaderDigest=None',
    'InitialR2T=No',
    'ImmediateData=Yes',
    'MaxBurstLength=65536',
    'FirstBurstLength=512',
  ];
  const more = ['MaxOutstandingR2T=2', 'DefaultTime2Wait=0', 'DefaultTime2Retain=0', 'DataDigest=None', 'FooBar=1'];
  let step = first([], {}, { transit: false });
  for (const item of [...offers, ...more]) {
    step = next(step, [item], { transit: false });
    assert.equal(answered(step).length, 1, item);
  }
  const { parameters } = finished(next(step));
  assert.deepEqual(
    [parameters.maxBurstLength, parameters.firstBurstLength, parameters.maxOutstandingR2T],
    [65_536, 512, 2],
  );
});

test('a login ends with 0200 when it goes on for ever', () => {
  let step = first([], {}, { transit: false });
  for (let requests = 2; requests <= 64; requests++) step = next(step, [], { transit: false });
  assert.equal(statusOf(step), '0000');
  assertRejected(next(step, [], { transit: false }), '0200');
  let cut = onLoginRequest(waiting(), request({ transit: false, continues: true }));
  for (let requests = 2; requests <= 64; requests++) cut = next(cut, [], { transit: false, continues: true });
  assertRejected(next(cut, [], { transit: false, continues: true }), '0200');
});

test('64 KiB of text are taken, more are refused with 0200 (T-044)', () => {
  const whole = text(...NAMES, `X-org.example.long=${'x'.repeat(65_536 - text(...NAMES).length - 20)}`);
  assert.equal(whole.length, 65_536);
  let step: TargetStep = { state: waiting(), actions: [] };
  for (let at = 0; at < whole.length; at += 8192) {
    step = onLoginRequest(step.state, request({ transit: false, continues: true, text: whole.slice(at, at + 8192) }));
  }
  finished(next(step));
  assertRejected(next(step, ['A=1']), '0200');
});

test('256 different keys are taken, a flood of unknown ones is refused', () => {
  const keys = (count: number): string[] => Array.from({ length: count }, (_, at) => `X-a${at}=1`);
  finished(first(keys(256 - NAMES.length)));
  assertRejected(first(keys(257 - NAMES.length)), '0200');
});

test('text that is none is refused with 0200', () => {
  for (const bad of ['A', 'InitiatorName\0', '=x\0', '\0\0\0\0']) {
    assertRejected(onLoginRequest(waiting(), request({ text: new TextEncoder().encode(bad) })), '0200');
  }
});

test('in the security stage AuthMethod=None is chosen, and full feature phase granted at once if wanted', () => {
  const step = first(['AuthMethod=CHAP,None'], {}, { csg: 0, nsg: 3 });
  assert.deepEqual(items(answerOf(step).text), ['TargetPortalGroupTag=1', 'AuthMethod=None']);
  assert.deepEqual([answerOf(step).csg, answerOf(step).nsg, answerOf(step).final], [0, 3, true]);
  assert.deepEqual(finished(step).parameters, DEFAULT_PARAMETERS);
});

test('an initiator that proposes no method is let through where none is needed (§6.3.1)', () => {
  const step = first([], {}, { csg: 0, nsg: 1 });
  assert.deepEqual(items(answerOf(step).text), ['TargetPortalGroupTag=1']);
  assert.deepEqual([answerOf(step).transit, answerOf(step).nsg], [true, 1]);
});

test('full feature phase straight from the security stage is put off where keys have to be agreed on (T-026)', () => {
  const step = first(['AuthMethod=None'], policy({ headerDigest: ['CRC32C'] }), { csg: 0, nsg: 3 });
  assert.deepEqual([answerOf(step).transit, answerOf(step).nsg, answerOf(step).final], [true, 1, false]);
  assert.deepEqual(answered(next(step)), ['HeaderDigest=CRC32C']);
});

test('no method that fits is 0201 (T-054)', () => {
  for (const methods of ['CHAP', 'KRB5,SRP', ''])
    assertRejected(first([`AuthMethod=${methods}`], {}, { csg: 0, nsg: 1 }), '0201');
});

test('where authentication is required, CSG=1 and None are 0201 (T-055)', () => {
  const resolveTarget: TargetLoginConfig['resolveTarget'] = () => ({
    ok: true,
    portalGroupTag: 1,
    authenticationRequired: true,
  });
  assertRejected(first([], { resolveTarget }), '0201');
  assertRejected(first(['AuthMethod=None'], { resolveTarget }, { csg: 0, nsg: 1 }), '0201');
  assertRejected(first([], { resolveTarget }, { csg: 0, nsg: 1 }), '0201');
});

test('rejectLogin() refuses with the status of its error (T-017, T-046)', () => {
  assertRejected(rejectLogin(refuseLogin(0x020b, 'a SCSI Command during login')), '020b');
  assertRejected(rejectLogin(new IscsiError('ISCSI_PROTOCOL', 'no text')), '0200');
});

test('startTargetLogin() refuses a policy that cannot be', () => {
  assert.throws(
    () => startTargetLogin(targetConfig(policy({ maxConnections: 0 }))),
    (error) => error instanceof IscsiError && error.code === 'ISCSI_USAGE',
  );
});

test('a state is a value: the same step from it gives the same result again', () => {
  const { state } = first([], {}, { transit: false });
  const again = request({ text: text('MaxBurstLength=65536') });
  assert.deepEqual(onLoginRequest(state, again), onLoginRequest(state, again));
});
