import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError, LoginError } from '../../src/errors.ts';
import { onLoginResponse, startLogin } from '../../src/login/initiator.ts';
import type { LoginResponseView, LoginState, Step } from '../../src/login/initiator-types.ts';
import { DEFAULT_PARAMETERS } from '../../src/login/parameters.ts';
import { INITIATOR_POLICY } from '../../src/login/policy.ts';
import { Secret } from '../../src/login/secret.ts';
import {
  begun,
  broken,
  failureOf,
  finalResponse,
  INITIATOR,
  initiatorConfig,
  items,
  NAMES,
  outcome,
  response,
  said,
  sentBy,
  TARGET,
  text,
} from './help.ts';

/** Good answers to everything that the default policy offers. */
const ANSWERS = [
  'TargetPortalGroupTag=1',
  'HeaderDigest=None',
  'DataDigest=None',
  'InitialR2T=Yes',
  'ImmediateData=Yes',
  'MaxRecvDataSegmentLength=65536',
  'MaxBurstLength=262144',
  'FirstBurstLength=65536',
  'MaxOutstandingR2T=1',
  'DefaultTime2Wait=2',
  'DefaultTime2Retain=0',
  'MaxConnections=1',
  'ErrorRecoveryLevel=0',
  'DataPDUInOrder=Yes',
  'DataSequenceInOrder=Yes',
];
const CREDENTIALS = { user: 'alice', secret: new Secret('open sesame!') };

/** {@link ANSWERS} with some of them replaced; an answer of '' is left out. */
function answers(changes: Record<string, string> = {}): string[] {
  const changed = ANSWERS.map((item) => {
    const name = item.slice(0, item.indexOf('='));
    return name in changes ? (changes[name] === '' ? '' : `${name}=${changes[name]}`) : item;
  });
  const extra = Object.keys(changes).filter((name) => !ANSWERS.some((item) => item.startsWith(`${name}=`)));
  return [...changed, ...extra.map((name) => `${name}=${changes[name]}`)].filter((item) => item !== '');
}

function finishOf(step: Step): Extract<Step['actions'][number], { do: 'finish' }> {
  const action = step.actions[0];
  assert.ok(action?.do === 'finish', `a finished login, not ${outcome(step)}`);
  return action;
}

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
    'MaxRecvDataSegmentLength=262144',
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
    'MaxRecvDataSegmentLength=262144',
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

test('a login with good answers ends in full feature phase with what was agreed', () => {
  const step = onLoginResponse(begun(), finalResponse(...answers({ HeaderDigest: 'CRC32C', TargetAlias: 'a disk' })));
  const { parameters, tsih } = finishOf(step);
  assert.equal(tsih, 7);
  assert.deepEqual(step.state, { name: 'fullFeature', parameters, tsih });
  assert.deepEqual(parameters, {
    ...DEFAULT_PARAMETERS,
    headerDigest: true,
    initiatorMaxRecvDataSegmentLength: 262_144,
    targetMaxRecvDataSegmentLength: 65_536,
    defaultTime2Retain: 0,
    targetPortalGroupTag: 1,
    targetAlias: 'a disk',
  });
});

for (const initialR2T of ['Yes', 'No']) {
  for (const immediateData of ['Yes', 'No']) {
    test(`InitialR2T=${initialR2T} and ImmediateData=${immediateData} are taken as the target answers them (I-044)`, () => {
      const changes = { InitialR2T: initialR2T, ImmediateData: immediateData };
      const { parameters } = finishOf(onLoginResponse(begun(), finalResponse(...answers(changes))));
      assert.equal(parameters.initialR2T, initialR2T === 'Yes');
      assert.equal(parameters.immediateData, immediateData === 'Yes');
    });
  }
}

test('numbers in hex and keys in any order are taken (I-046)', () => {
  const mixed = answers({ MaxBurstLength: '0x8000', FirstBurstLength: '0X1000', MaxRecvDataSegmentLength: '0x10000' });
  const { parameters } = finishOf(onLoginResponse(begun(), finalResponse(...mixed.reverse())));
  assert.deepEqual(
    [parameters.maxBurstLength, parameters.firstBurstLength, parameters.targetMaxRecvDataSegmentLength],
    [32_768, 4096, 65_536],
  );
});

test('an answer outside of the offer ends the login (I-039, D-45)', () => {
  const bad: Record<string, string> = {
    HeaderDigest: 'Y-org.example',
    MaxBurstLength: '1048577',
    FirstBurstLength: '511',
    MaxOutstandingR2T: '17',
    DefaultTime2Retain: '1',
    ErrorRecoveryLevel: '2',
    DataPDUInOrder: 'No',
    MaxRecvDataSegmentLength: '0',
    ImmediateData: 'Irrelevent',
  };
  for (const [name, value] of Object.entries(bad)) {
    const error = failureOf(onLoginResponse(begun(), finalResponse(...answers({ [name]: value }))));
    assert.equal(error.code, 'ISCSI_PROTOCOL', name);
    assert.match(error.message, new RegExp(name));
  }
});

test('a FirstBurstLength above the MaxBurstLength ends the login', () => {
  const step = onLoginResponse(
    begun(),
    finalResponse(...answers({ MaxBurstLength: '8192', FirstBurstLength: '65536' })),
  );
  broken('13.14')(failureOf(step));
});

test('a missing answer ends the login, except where the offer settles it (I-043, D-03)', () => {
  for (const item of ANSWERS) {
    const name = item.slice(0, item.indexOf('='));
    const step = onLoginResponse(begun(), finalResponse(...answers({ [name]: '' })));
    const optional = ['TargetPortalGroupTag', 'MaxRecvDataSegmentLength', 'DataPDUInOrder', 'DataSequenceInOrder'];
    if (optional.includes(name)) finishOf(step);
    else broken('6.2.2')(failureOf(step));
  }
});

test('ImmediateData=No and InitialR2T=Yes need no answer (I-043)', () => {
  const policy = { ...INITIATOR_POLICY, immediateData: false, initialR2T: true };
  const step = onLoginResponse(begun({ policy }), finalResponse(...answers({ ImmediateData: '', InitialR2T: '' })));
  const { parameters } = finishOf(step);
  assert.deepEqual([parameters.immediateData, parameters.initialR2T], [false, true]);
});

test('Reject and Irrelevant leave the default in force', () => {
  const changes = {
    FirstBurstLength: 'Irrelevant',
    MaxOutstandingR2T: 'Reject',
    DefaultTime2Retain: 'Reject',
    InitialR2T: 'Reject',
  };
  const { parameters } = finishOf(onLoginResponse(begun(), finalResponse(...answers(changes))));
  assert.deepEqual(
    [parameters.firstBurstLength, parameters.maxOutstandingR2T, parameters.defaultTime2Retain, parameters.initialR2T],
    [65_536, 1, 20, true],
  );
});

test('a required digest that is rejected or turned down ends the login with what to do (I-039)', () => {
  const policy = { ...INITIATOR_POLICY, headerDigest: ['CRC32C'] } as const;
  for (const value of ['None', 'Reject', 'Irrelevant']) {
    const error = failureOf(onLoginResponse(begun({ policy }), finalResponse(...answers({ HeaderDigest: value }))));
    assert.ok(error instanceof LoginError, value);
    assert.equal(error.code, 'ISCSI_LOGIN');
    assert.match(error.hint ?? '', /digest/);
  }
  const optional = begun({ policy: { ...policy, digestsOptional: true } });
  assert.equal(finishOf(onLoginResponse(optional, finalResponse(...answers()))).parameters.headerDigest, false);
});

test('NotUnderstood is taken for TaskReporting and iSCSIProtocolLevel, and for no other key (I-040)', () => {
  const policy = {
    ...INITIATOR_POLICY,
    taskReporting: ['FastAbort', 'ResponseFence', 'RFC3720'],
    protocolLevel: 2,
  } as const;
  const changes = { TaskReporting: 'NotUnderstood', iSCSIProtocolLevel: 'NotUnderstood' };
  const { parameters } = finishOf(onLoginResponse(begun({ policy }), finalResponse(...answers(changes))));
  assert.deepEqual([parameters.taskReporting, parameters.protocolLevel], ['RFC3720', 1]);
  for (const name of ['MaxBurstLength', 'HeaderDigest', 'InitiatorName', 'SessionType']) {
    broken('6.2')(failureOf(onLoginResponse(begun(), finalResponse(...answers({ [name]: 'NotUnderstood' })))));
  }
});

test('a repeated key ends the login, in one text and over two (I-045)', () => {
  broken('6.3')(failureOf(onLoginResponse(begun(), finalResponse(...ANSWERS, 'MaxBurstLength=262144'))));
  const first = onLoginResponse(begun(), response({ text: text('MaxBurstLength=262144') }));
  broken('6.3')(failureOf(onLoginResponse(first.state, finalResponse(...ANSWERS))));
});

test('TargetAddress may be repeated', () => {
  finishOf(onLoginResponse(begun(), finalResponse(...ANSWERS, 'TargetAddress=a', 'TargetAddress=b')));
});

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
  ['TSIH 0 at the end (I-050)', { transit: true, nsg: 3, tsih: 0, text: text(...ANSWERS) }, '11.13.3'],
] as const) {
  test(`${what} ends the login (I-033)`, () => {
    // For T=1 to T=0: the empty request that follows a response with C=1 asks for nothing.
    const before = what.startsWith('T=1')
      ? onLoginResponse(begun(), response({ continues: true, text: text('A=1') })).state
      : begun();
    broken(clause)(failureOf(onLoginResponse(before, response(fields))));
  });
}

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

// Every state with every response: it ends in one of the outcomes below, and nothing else.
const EVERY_STATE: readonly (readonly [string, LoginState])[] = [
  ['security', begun({ securityStage: true })],
  ['security, CHAP offered', begun({ credentials: CREDENTIALS })],
  ['security, own text not all sent', begun({ securityStage: true, initiatorAlias: 'x'.repeat(9000) })],
  ['operational', begun()],
  ['operational, own text not all sent', begun({ initiatorAlias: 'x'.repeat(9000) })],
  ['operational, after C=1', onLoginResponse(begun(), response({ continues: true, text: text(...ANSWERS) })).state],
  ['operational, after T=0', onLoginResponse(begun(), response({ text: text(...ANSWERS) })).state],
  ['fullFeature', onLoginResponse(begun(), finalResponse(...ANSWERS)).state],
  ['redirected', onLoginResponse(begun(), response({ statusClass: 1, text: text('TargetAddress=h') })).state],
  ['failed', onLoginResponse(begun(), response({ statusClass: 3 })).state],
];
const EVERY_RESPONSE: readonly (readonly [string, LoginResponseView])[] = [0, 1, 2, 3].flatMap((csg) =>
  [0, 1, 2, 3].flatMap((nsg) =>
    [false, true].flatMap((transit) =>
      [false, true].flatMap((continues) =>
        [[], ['AuthMethod=None'], ANSWERS, ['FooBar=1'], ['IFMarker=No', 'IFMarker=No'], ['TargetAddress=h']].flatMap(
          (pairs) =>
            [0, 1, 2, 3, 255].map(
              (statusClass) =>
                [
                  `class ${statusClass} ${csg}→${nsg} T=${+transit} C=${+continues} ${pairs[0] ?? 'empty'}`,
                  response({ statusClass, csg, nsg, transit, continues, tsih: 7, text: text(...pairs) }),
                ] as const,
            ),
        ),
      ),
    ),
  ),
);
const LEGAL_OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  security: ['security (send)', 'operational (send)', 'redirected (redirect)', 'failed (fail)'],
  operational: ['operational (send)', 'fullFeature (finish)', 'redirected (redirect)', 'failed (fail)'],
  fullFeature: ['RangeError'],
  redirected: ['RangeError'],
  failed: ['RangeError'],
};

for (const [title, state] of EVERY_STATE) {
  test(`onLoginResponse() leaves "${title}" legally on each of ${EVERY_RESPONSE.length} responses`, () => {
    const met = new Set<string>();
    for (const [what, view] of EVERY_RESPONSE) {
      const result = resultOf(state, view);
      assert.ok(LEGAL_OUTCOMES[state.name]?.includes(result), `${what}: ${result}`);
      if (view.statusClass > 1) assert.match(result, /^failed|^RangeError/, what);
      if (view.statusClass === 0 && view.transit && (view.continues || view.nsg <= view.csg))
        assert.match(result, /^failed|^RangeError/, what);
      met.add(result);
    }
    assert.ok(met.size > 1 || met.has('RangeError'), 'more than one outcome was met');
  });
}

function resultOf(state: LoginState, view: LoginResponseView): string {
  try {
    return outcome(onLoginResponse(state, view));
  } catch (error) {
    if (error instanceof RangeError) return 'RangeError';
    throw error;
  }
}
