/** What a target may say without need in a login: it changes nothing and ends nothing (the table in docs/peers.md). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onLoginResponse } from '../../src/login/initiator.ts';
import { DEFAULT_PARAMETERS } from '../../src/login/parameters.ts';
import { begun, broken, failureOf, finalResponse, INITIATOR, response, said, text } from './help.ts';
import { ANSWERS, CREDENTIALS, finishOf } from './help-initiator.ts';

/** The parameters of a login in which nothing unusual is said. */
const USUAL = finishOf(onLoginResponse(begun(), finalResponse(...ANSWERS))).parameters;

for (const item of [
  'X-org.example.key=NotUnderstood',
  'X-org.example.key=1',
  'TaskReporting=NotUnderstood',
  'TaskReporting=Irrelevant',
  'iSCSIProtocolLevel=Reject',
  'RDMAExtensions=Irrelevant',
  'IFMarker=No',
  'OFMarker=NotUnderstood',
  `InitiatorName=${INITIATOR}`,
  'SessionType=Normal',
  'AuthMethod=None',
  'AuthMethod=Reject',
  'TargetPortalGroupTag=1',
]) {
  test(`${item} in the last response, which nobody asked for, changes nothing and ends nothing`, () => {
    for (const pairs of [
      [...ANSWERS, item],
      [item, ...ANSWERS],
    ]) {
      assert.deepEqual(finishOf(onLoginResponse(begun(), finalResponse(...pairs))).parameters, USUAL);
    }
  });
}

test('an alias of ours may be turned down, or sent back', () => {
  for (const value of ['NotUnderstood', 'Irrelevant', 'Reject', 'a host']) {
    const state = begun({ initiatorAlias: 'a host' });
    assert.deepEqual(
      finishOf(onLoginResponse(state, finalResponse(...ANSWERS, `InitiatorAlias=${value}`))).parameters,
      USUAL,
    );
  }
});

test('a declaration before its stage is not used, and may come again in its place', () => {
  const early = response({
    csg: 0,
    transit: true,
    nsg: 1,
    text: text('AuthMethod=None', 'MaxRecvDataSegmentLength=512'),
  });
  const { state } = onLoginResponse(begun({ securityStage: true }), early);
  assert.equal(
    finishOf(onLoginResponse(state, finalResponse(...ANSWERS))).parameters.targetMaxRecvDataSegmentLength,
    65_536,
  );
});

test('a declaration may be said again unchanged, as in the response that ends each stage', () => {
  const first = response({ csg: 0, transit: true, nsg: 1, text: text('AuthMethod=None', 'TargetPortalGroupTag=1') });
  const { state } = onLoginResponse(begun({ securityStage: true }), first);
  assert.equal(finishOf(onLoginResponse(state, finalResponse(...ANSWERS))).parameters.targetPortalGroupTag, 1);
});

test('keys without a meaning in a Discovery session may stand in its last response', () => {
  const state = begun({ sessionType: 'Discovery', targetName: undefined });
  const pairs = [
    'HeaderDigest=None',
    'DataDigest=None',
    'DefaultTime2Wait=2',
    'DefaultTime2Retain=0',
    'ErrorRecoveryLevel=0',
  ];
  const { parameters } = finishOf(
    onLoginResponse(state, finalResponse(...pairs, 'MaxBurstLength=512', 'InitialR2T=Irrelevant', 'MaxConnections=4')),
  );
  assert.equal(parameters.maxBurstLength, DEFAULT_PARAMETERS.maxBurstLength);
});

test('a portal group tag that is none counts as not told', () => {
  for (const tag of ['-1', '65536', '', 'x']) {
    const pairs = [...ANSWERS.slice(1), `TargetPortalGroupTag=${tag}`];
    assert.equal(
      finishOf(onLoginResponse(begun(), finalResponse(...pairs))).parameters.targetPortalGroupTag,
      undefined,
    );
  }
});

// What is not harmless ends the login as before.
for (const [item, clause] of [
  ['TaskReporting=RFC3720', '11.13.6'], // a proposal that RFC 7143 wants answered
  ['MaxBurstLength=512', '6.3'], // a second answer
  ['HeaderDigest=Reject', '6.3'],
  ['TargetPortalGroupTag=2', '6.3'],
  ['InitiatorName=iqn.2004-10.org.example:another', '13.5'],
  ['SessionType=Discovery', '13.21'],
  ['AuthMethod=CHAP', '6.3'],
  ['MaxRecvDataSegmentLength=NotUnderstood', '6.3'],
] as const) {
  test(`${item} behind good answers ends the login`, () => {
    broken(clause)(failureOf(onLoginResponse(begun(), finalResponse(...ANSWERS, item))));
  });
}

test('a target that does not know a length of ours that every peer must know is refused', () => {
  const pairs = ANSWERS.filter((item) => !item.startsWith('MaxRecv'));
  const step = onLoginResponse(begun(), finalResponse(...pairs, 'MaxRecvDataSegmentLength=NotUnderstood'));
  broken('6.2')(failureOf(step));
});

test('no authentication is never passed over where it was asked for', () => {
  const step = onLoginResponse(
    begun({ credentials: CREDENTIALS }),
    response({ csg: 0, text: text('AuthMethod=None') }),
  );
  assert.equal(failureOf(step).code, 'ISCSI_AUTHENTICATION');
});

test('a proposal that leaves time for an answer is answered, needed or not', () => {
  assert.deepEqual(said(onLoginResponse(begun(), response({ text: text('IFMarker=No') }))), ['IFMarker=Reject']);
});
