import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { onLoginResponse, startLogin } from '../../src/login/initiator.ts';
import { DEFAULT_PARAMETERS } from '../../src/login/parameters.ts';
import { INITIATOR_POLICY } from '../../src/login/policy.ts';
import {
  begun,
  broken,
  failureOf,
  finalResponse,
  INITIATOR,
  initiatorConfig,
  items,
  NAMES,
  response,
  said,
  sentBy,
  TARGET,
  text,
} from './help.ts';
import { ANSWERS, answers, CREDENTIALS, finishOf } from './help-initiator.ts';

test('startLogin() sends names and all offers in one request of the operational stage (I-022, I-023, I-048)', () => {
  const request = sentBy(startLogin(initiatorConfig({ initiatorAlias: 'a host' })));
  const { csg, nsg, transit, continues } = request;
  assert.deepEqual({ csg, nsg, transit, continues }, { csg: 1, nsg: 3, transit: true, continues: false });
  assert.deepEqual(items(request.text), [
    `InitiatorName=${INITIATOR}`,
    'InitiatorAlias=a host',
    `TargetName=${TARGET}`,
    'SessionType=Normal',
    'HeaderDigest=None,CRC32C',
    'DataDigest=None,CRC32C',
    'InitialR2T=No',
    'ImmediateData=Yes',
    'MaxRecvDataSegmentLength=1048576',
    'MaxBurstLength=1048576',
    'FirstBurstLength=262144',
    'MaxOutstandingR2T=16',
    'DefaultTime2Wait=0',
    'DefaultTime2Retain=0',
    'MaxConnections=1',
    'ErrorRecoveryLevel=0',
    'DataPDUInOrder=Yes',
    'DataSequenceInOrder=Yes',
  ]);
});

test('startLogin() of a Discovery session names no target and no SCSI parameters', () => {
  assert.deepEqual(said(startLogin({ initiatorName: INITIATOR, sessionType: 'Discovery' })).slice(0, 3), [
    `InitiatorName=${INITIATOR}`,
    'SessionType=Discovery',
    'HeaderDigest=None',
  ]);
});

test('startLogin() on a further connection names the target, and no session-wide key (I-022, I-023, I-027)', () => {
  assert.deepEqual(said(startLogin(initiatorConfig({ tsih: 7, session: DEFAULT_PARAMETERS }))), [
    `InitiatorName=${INITIATOR}`,
    `TargetName=${TARGET}`,
    'HeaderDigest=None,CRC32C',
    'DataDigest=None,CRC32C',
    'MaxRecvDataSegmentLength=1048576',
  ]);
});

test('startLogin() begins in the security stage where that is asked for, with security keys only (I-048)', () => {
  const request = sentBy(startLogin(initiatorConfig({ securityStage: true })));
  assert.deepEqual([request.csg, request.nsg, request.transit], [0, 1, true]);
  assert.deepEqual(items(request.text), [...NAMES, 'AuthMethod=None']);
});

test('startLogin() with credentials offers CHAP alone, and None only where going without is allowed (I-060, D-01)', () => {
  assert.deepEqual(said(startLogin(initiatorConfig({ credentials: CREDENTIALS }))).at(-1), 'AuthMethod=CHAP');
  const optional = { ...CREDENTIALS, optional: true };
  assert.deepEqual(said(startLogin(initiatorConfig({ credentials: optional }))).at(-1), 'AuthMethod=CHAP,None');
});

for (const [what, config] of [
  ['no target name in a Normal session', { targetName: undefined }],
  ['an empty initiator name', { initiatorName: '' }],
  ['a target name of 224 bytes', { targetName: 'x'.repeat(224) }],
  ['a target name with a NUL', { targetName: 'disk\0AuthMethod=None' }],
  ['a policy out of range', { policy: { ...INITIATOR_POLICY, maxBurstLength: 1 } }],
  ['a TSIH of 17 bits', { tsih: 65_536 }],
] as const) {
  test(`startLogin() refuses ${what}`, () => {
    assert.throws(
      () => startLogin(initiatorConfig(config)),
      (error) => error instanceof IscsiError && error.code === 'ISCSI_USAGE',
    );
  });
}

test('T=0 is answered by asking again with an empty request, no key being repeated (I-024, I-034, D-40)', () => {
  const first = onLoginResponse(begun(), response({ text: text(...ANSWERS) }));
  const again = sentBy(first);
  assert.deepEqual(again, { csg: 1, nsg: 3, transit: true, continues: false, text: new Uint8Array(0) });
  assert.equal(finishOf(onLoginResponse(first.state, finalResponse())).parameters.maxBurstLength, 262_144);
});

test('proposals of the target are answered, unknown ones too (I-034, I-040, I-041, I-042)', () => {
  const policy = { ...INITIATOR_POLICY, taskReporting: ['RFC3720'] } as const;
  const first = onLoginResponse(
    begun({ policy }),
    response({
      text: text(
        ...ANSWERS,
        'TaskReporting=FastAbort,ResponseFence,RFC3720',
        'iSCSIProtocolLevel=2',
        'FooBar=1',
        'X-org.example.key=a',
        'IFMarker=No',
        'OFMarker=Yes',
        'IFMarkInt=1~2',
        'OFMarkInt=1',
        'X#NodeArchitecture=ExampleOS',
      ),
    }),
  );
  assert.deepEqual(said(first), [
    'TaskReporting=RFC3720',
    'iSCSIProtocolLevel=1',
    'FooBar=NotUnderstood',
    'X-org.example.key=NotUnderstood',
    'IFMarker=Reject',
    'OFMarker=Reject',
    'IFMarkInt=Reject',
    'OFMarkInt=Reject',
  ]);
  finishOf(onLoginResponse(first.state, finalResponse()));
});

test('a proposal of a leading-only key on a further connection is answered within the rules: it ends the login', () => {
  const state = begun({ tsih: 7, session: DEFAULT_PARAMETERS });
  const step = onLoginResponse(
    state,
    response({ text: text('HeaderDigest=None', 'DataDigest=None', 'MaxBurstLength=512') }),
  );
  broken('13.13')(failureOf(step));
});

test('in a Discovery session the target may propose keys, and hears that they are irrelevant', () => {
  const state = begun({ sessionType: 'Discovery', targetName: undefined });
  const step = onLoginResponse(state, response({ text: text('MaxBurstLength=512', 'MaxOutstandingR2T=4') }));
  assert.deepEqual(said(step), ['MaxBurstLength=Irrelevant', 'MaxOutstandingR2T=Irrelevant']);
});

test('a response with T=1 must not need an answer (§11.13.6)', () => {
  const step = onLoginResponse(begun(), finalResponse(...ANSWERS, 'TaskReporting=RFC3720'));
  broken('11.13.6')(failureOf(step));
  finishOf(onLoginResponse(begun(), finalResponse(...ANSWERS, 'X-org.example.key=a'))); // may be ignored (§6.2)
});

for (const [what, fields, clause] of [
  ['T=1 to a request with T=0', { transit: true, nsg: 3, tsih: 7, csg: 1 }, '11.13.6'],
  ['C and T together', { transit: true, continues: true, nsg: 3, tsih: 7 }, '11.13.7'],
  ['NSG 0', { transit: true, nsg: 0 }, '6.3'],
  ['NSG equal to CSG', { transit: true, nsg: 1 }, '6.3'],
  ['NSG 2', { transit: true, nsg: 2 }, '6.3'],
  ['CSG 0 in the operational stage', { csg: 0 }, '6.3'],
  ['CSG 3', { csg: 3 }, '6.3'],
  ['version 1', { versionActive: 1 }, '11.13.2'],
] as const) {
  test(`${what} ends the login (I-033)`, () => {
    // For T=1 to T=0: the empty request that follows a response with C=1 asks for nothing.
    const before = what.startsWith('T=1')
      ? onLoginResponse(begun(), response({ continues: true, text: text('A=1') })).state
      : begun();
    broken(clause)(failureOf(onLoginResponse(before, response(fields))));
  });
}

test('TSIH 0 at the end is taken of a session with one connection, and ends the login of any other (I-050)', () => {
  const end = { transit: true, nsg: 3, tsih: 0 };
  finishOf(onLoginResponse(begun(), response({ ...end, text: text(...ANSWERS) })));
  const several = begun({ policy: { ...INITIATOR_POLICY, maxConnections: 2 } });
  const agreed = response({ ...end, text: text(...answers({ MaxConnections: '2' })) });
  broken('11.13.3')(failureOf(onLoginResponse(several, agreed)));
  const further = begun({ tsih: 7, session: DEFAULT_PARAMETERS });
  const joined = response({ ...end, text: text('HeaderDigest=None', 'DataDigest=None') });
  broken('11.13.3')(failureOf(onLoginResponse(further, joined)));
});

test('in the security stage only the operational stage may follow, since nothing else was asked for (I-033, D-02)', () => {
  const granted = { csg: 0, transit: true, tsih: 7, text: text('AuthMethod=None') };
  broken('6.3')(failureOf(onLoginResponse(begun({ securityStage: true }), response({ ...granted, nsg: 3 }))));
  broken('6.3')(failureOf(onLoginResponse(begun({ securityStage: true }), response({ ...granted, csg: 1, nsg: 3 }))));
  broken('6.3')(
    failureOf(onLoginResponse(begun({ credentials: CREDENTIALS }), response({ ...granted, csg: 1, nsg: 3 }))),
  );
});

test('after the security stage the offers follow, and no name again (I-024, I-032, I-048)', () => {
  const step = onLoginResponse(
    begun({ securityStage: true }),
    response({ csg: 0, transit: true, nsg: 1, text: text('TargetPortalGroupTag=1', 'AuthMethod=None') }),
  );
  const request = sentBy(step);
  assert.deepEqual([request.csg, request.nsg, request.transit], [1, 3, true]);
  assert.equal(items(request.text)[0], 'HeaderDigest=None,CRC32C');
  assert.ok(!items(request.text).some((item) => /Name=|SessionType|AuthMethod/.test(item)));
  const { parameters } = finishOf(onLoginResponse(step.state, finalResponse(...ANSWERS.slice(1))));
  assert.equal(parameters.targetPortalGroupTag, 1);
});

test('a target that stays in the security stage is asked again (I-034)', () => {
  const step = onLoginResponse(begun({ securityStage: true }), response({ csg: 0, text: text('AuthMethod=None') }));
  assert.deepEqual(sentBy(step), { csg: 0, nsg: 1, transit: true, continues: false, text: new Uint8Array(0) });
});

test('an operational key in the security stage, and the reverse, end the login (§6.3)', () => {
  broken('6.3')(
    failureOf(onLoginResponse(begun({ securityStage: true }), response({ csg: 0, text: text('MaxBurstLength=512') }))),
  );
  broken('6.3')(failureOf(onLoginResponse(begun(), response({ text: text('AuthMethod=CHAP') }))));
  broken('6.3')(failureOf(onLoginResponse(begun(), response({ text: text('CHAP_A=5') }))));
});

test('keys that only an initiator may send, or that have no place in a login, end it', () => {
  broken('13.7')(failureOf(onLoginResponse(begun(), response({ text: text('InitiatorAlias=x') }))));
  broken('13.3')(failureOf(onLoginResponse(begun(), response({ text: text('SendTargets=All') }))));
});

test('text that is none ends the login', () => {
  for (const bad of ['A', 'A=1', '=1\0', '\0']) {
    broken('6.1')(failureOf(onLoginResponse(begun(), response({ text: new TextEncoder().encode(bad) }))));
  }
});

test('a response with C=1 is answered by an empty request, until the joined text is taken (I-030)', () => {
  const whole = text(...ANSWERS);
  for (let cut = 1; cut < whole.length; cut++) {
    const first = onLoginResponse(begun(), response({ continues: true, text: whole.slice(0, cut) }));
    assert.deepEqual(sentBy(first), { csg: 1, nsg: 0, transit: false, continues: false, text: new Uint8Array(0) });
    const second = onLoginResponse(first.state, response({ text: whole.slice(cut) }));
    assert.deepEqual(sentBy(second).transit, true, `cut at byte ${cut}`);
    finishOf(onLoginResponse(second.state, finalResponse()));
  }
});

test('a text that comes byte by byte is taken (I-030)', () => {
  let { state } = startLogin(initiatorConfig());
  const whole = text(...ANSWERS);
  whole.slice(0, -1).forEach((_, at) => {
    state = onLoginResponse(state, response({ continues: true, text: whole.slice(at, at + 1) })).state;
  });
  state = onLoginResponse(state, response({ text: whole.slice(-1) })).state;
  finishOf(onLoginResponse(state, finalResponse()));
});

test('64 KiB of text are taken, more end the login (I-047)', () => {
  const most = text(...ANSWERS, `X-org.example.long=${'x'.repeat(65_536 - text(...ANSWERS).length - 20)}`);
  assert.equal(most.length, 65_536);
  let { state } = startLogin(initiatorConfig());
  for (let at = 0; at < most.length - 8192; at += 8192) {
    state = onLoginResponse(state, response({ continues: true, text: most.slice(at, at + 8192) })).state;
  }
  const last = response({ continues: true, text: most.slice(-8192) });
  const full = onLoginResponse(state, last);
  broken('6.1')(failureOf(onLoginResponse(full.state, response({ text: text('A=1') }))));
  assert.deepEqual(said(onLoginResponse(full.state, response())), ['X-org.example.long=NotUnderstood']);
});

test('own text of more than 8192 bytes is sent in pieces with C=1 and T=0, each after an empty response (I-029)', () => {
  const initiatorAlias = 'x'.repeat(20_000);
  let step = startLogin(initiatorConfig({ initiatorAlias }));
  const pieces: Uint8Array[] = [];
  for (const last of [false, false, true]) {
    const request = sentBy(step);
    assert.deepEqual([request.continues, request.transit, request.nsg], last ? [false, true, 3] : [true, false, 0]);
    assert.ok(request.text.length <= 8192);
    pieces.push(request.text);
    step = onLoginResponse(step.state, last ? finalResponse(...ANSWERS) : response());
  }
  finishOf(step);
  const joined = items(Buffer.concat(pieces));
  assert.equal(joined[1], `InitiatorAlias=${initiatorAlias}`);
  assert.equal(joined.at(-1), 'DataSequenceInOrder=Yes');
});

test('a target that does not wait for the rest of the text ends the login (§6.2)', () => {
  const state = begun({ initiatorAlias: 'x'.repeat(9000) });
  broken('6.2')(failureOf(onLoginResponse(state, response({ text: text('A=1') }))));
  broken('6.2')(failureOf(onLoginResponse(state, response({ continues: true }))));
  broken('11.13.6')(failureOf(onLoginResponse(state, finalResponse())));
});

test('a login ends after 20 requests without agreement', () => {
  let step = startLogin(initiatorConfig());
  for (let sent = 1; sent < 20; sent++) {
    step = onLoginResponse(step.state, response({ text: text(`X-a.b${sent}=1`) }));
    assert.deepEqual(said(step), [`X-a.b${sent}=NotUnderstood`]);
  }
  const error = failureOf(onLoginResponse(step.state, response()));
  assert.deepEqual([error.code, /20 exchanges/.test(error.message)], ['ISCSI_LOGIN', true]);
});

test('at least six exchanges are possible, with one key each (§6.2)', () => {
  let step = startLogin(initiatorConfig());
  for (const item of ANSWERS) step = onLoginResponse(step.state, response({ text: text(item) }));
  finishOf(onLoginResponse(step.state, finalResponse()));
});

test('a target that says C=1 without end is not followed for ever', () => {
  let step = startLogin(initiatorConfig());
  for (let sent = 1; sent < 20; sent++) step = onLoginResponse(step.state, response({ continues: true }));
  assert.equal(failureOf(onLoginResponse(step.state, response({ continues: true }))).code, 'ISCSI_LOGIN');
});

test('the portal group that answers is checked where it matters (I-051)', () => {
  finishOf(onLoginResponse(begun({ portalGroupTag: 1 }), finalResponse(...ANSWERS)));
  finishOf(onLoginResponse(begun({ portalGroupTag: 1 }), finalResponse(...ANSWERS.slice(1))));
  const error = failureOf(onLoginResponse(begun({ portalGroupTag: 2 }), finalResponse(...ANSWERS)));
  assert.deepEqual([error.code, /discover/.test(error.hint ?? '')], ['ISCSI_LOGIN', true]);
});

test('a further connection keeps the session: its TSIH and its parameters (I-027)', () => {
  const session = { ...DEFAULT_PARAMETERS, maxBurstLength: 4096 };
  const connection = ['HeaderDigest=CRC32C', 'DataDigest=None', 'MaxRecvDataSegmentLength=4096'];
  const state = begun({ tsih: 7, session });
  const { parameters } = finishOf(onLoginResponse(state, finalResponse(...connection)));
  assert.deepEqual(
    [parameters.maxBurstLength, parameters.headerDigest, parameters.targetMaxRecvDataSegmentLength],
    [4096, true, 4096],
  );
  broken('11.13.3')(failureOf(onLoginResponse(begun({ tsih: 8, session }), finalResponse(...connection))));
});

test('a state is a value: the same step from it gives the same result again', () => {
  const state = begun();
  const answer = finalResponse(...ANSWERS);
  assert.deepEqual(onLoginResponse(state, answer), onLoginResponse(state, answer));
});
