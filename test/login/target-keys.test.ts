import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_PARAMETERS, type OperationalParameters } from '../../src/login/parameters.ts';
import { onLoginRequest } from '../../src/login/target.ts';
import type { TargetLoginConfig } from '../../src/login/target-types.ts';
import { answerOf, INITIATOR, NAMES, request, text, waiting } from './help.ts';
import { answered, assertRejected, finished, first, next, policy } from './help-target.ts';

test('all that is offered is answered, and agreed on', () => {
  const step = first([
    'InitiatorAlias=a host',
    'HeaderDigest=Y-x,CRC32C,None',
    'DataDigest=None',
    'InitialR2T=No',
    'ImmediateData=Yes',
    'MaxRecvDataSegmentLength=4096',
    'MaxBurstLength=16777215',
    'FirstBurstLength=16777215',
    'MaxOutstandingR2T=65535',
    'DefaultTime2Wait=2',
    'DefaultTime2Retain=0',
    'MaxConnections=8',
    'ErrorRecoveryLevel=2',
    'DataPDUInOrder=Yes',
    'DataSequenceInOrder=Yes',
    'IFMarker=No',
    'FooBar=1',
  ]);
  assert.deepEqual(answered(step), [
    'HeaderDigest=CRC32C',
    'DataDigest=None',
    'InitialR2T=No',
    'ImmediateData=Yes',
    'MaxBurstLength=1048576',
    'DefaultTime2Wait=2',
    'DefaultTime2Retain=0',
    'MaxConnections=1',
    'ErrorRecoveryLevel=0',
    'DataPDUInOrder=Yes',
    'DataSequenceInOrder=Yes',
    'IFMarker=Reject',
    'FooBar=NotUnderstood',
    'FirstBurstLength=262144',
    'MaxOutstandingR2T=16',
  ]);
  const { parameters, initiatorAlias } = finished(step);
  assert.equal(initiatorAlias, 'a host');
  assert.deepEqual(parameters, {
    ...DEFAULT_PARAMETERS,
    headerDigest: true,
    initialR2T: false,
    initiatorMaxRecvDataSegmentLength: 4096,
    targetMaxRecvDataSegmentLength: 262_144,
    maxBurstLength: 1_048_576,
    firstBurstLength: 262_144,
    maxOutstandingR2T: 16,
    defaultTime2Retain: 0,
  });
});

for (const item of [
  'HeaderDigest=None',
  'DataDigest=CRC32C',
  'InitialR2T=No',
  'InitialR2T=Yes',
  'ImmediateData=No',
  'MaxBurstLength=65536',
  'MaxBurstLength=0',
  'IFMarkInt=1',
  'TaskReporting=RFC3720',
  'iSCSIProtocolLevel=2',
  'X-org.example.key=1',
]) {
  test(`${item} alone gets one answer (T-032, T-033)`, () => {
    const name = item.slice(0, item.indexOf('='));
    assert.deepEqual(
      answered(first([item])).map((answer) => answer.slice(0, answer.indexOf('='))),
      [name],
    );
  });
}

test('a list without a supported digest is rejected, not answered with another value (T-011)', () => {
  const step = first(['HeaderDigest=Y-org.example']);
  assert.deepEqual(answered(step), ['HeaderDigest=Reject']);
  assert.equal(finished(step).parameters.headerDigest, false);
});

for (const digest of ['None', 'CRC32C']) {
  for (const data of ['None', 'CRC32C']) {
    test(`HeaderDigest=${digest} and DataDigest=${data} are agreed on independently (T-010)`, () => {
      const { parameters } = finished(first([`HeaderDigest=${digest}`, `DataDigest=${data}`]));
      assert.deepEqual([parameters.headerDigest, parameters.dataDigest], [digest === 'CRC32C', data === 'CRC32C']);
    });
  }
}

test('what the target cannot accept by default it proposes itself, with T=0, and waits for the answer (T-031)', () => {
  const config = policy({
    headerDigest: ['CRC32C'],
    immediateData: false,
    maxBurstLength: 65_536,
    firstBurstLength: 65_536,
  });
  const proposed = first([], config);
  assert.equal(answerOf(proposed).transit, false);
  assert.deepEqual(answered(proposed), ['HeaderDigest=CRC32C', 'ImmediateData=No', 'MaxBurstLength=65536']);
  const { parameters } = finished(next(proposed, ['HeaderDigest=CRC32C', 'ImmediateData=No', 'MaxBurstLength=4096']));
  assert.deepEqual([parameters.headerDigest, parameters.immediateData, parameters.maxBurstLength], [true, false, 4096]);
});

test('own proposals wait until the initiator is ready to leave, since it may still offer (T-031)', () => {
  const config = policy({ immediateData: false });
  const waits = first([], config, { transit: false });
  assert.deepEqual(answered(waits), []);
  const offered = next(waits, ['ImmediateData=Yes']);
  assert.deepEqual(answered(offered), ['ImmediateData=No']);
  assert.equal(finished(offered).parameters.immediateData, false);
});

test('a proposal whose answer may be left out is taken as accepted, others are not (I-043)', () => {
  assert.equal(finished(next(first([], policy({ immediateData: false })))).parameters.immediateData, false);
  assertRejected(next(first([], policy({ headerDigest: ['CRC32C'] }))), '0200');
});

test('a proposal that is rejected ends the login, and so does an answer outside of it', () => {
  const proposed = first([], policy({ headerDigest: ['CRC32C'], maxBurstLength: 65_536, firstBurstLength: 65_536 }));
  assertRejected(next(proposed, ['HeaderDigest=Reject', 'MaxBurstLength=65536']), '0200');
  assertRejected(next(proposed, ['HeaderDigest=None', 'MaxBurstLength=65536']), '0200');
  assertRejected(next(proposed, ['HeaderDigest=CRC32C', 'MaxBurstLength=65537']), '0200');
  assertRejected(next(proposed, ['HeaderDigest=CRC32C', 'MaxBurstLength=NotUnderstood']), '0200');
});

test('a digest that the target requires and the initiator excludes ends the login', () => {
  assertRejected(first(['HeaderDigest=None'], policy({ headerDigest: ['CRC32C'] })), '0200');
});

test('FirstBurstLength keeps within MaxBurstLength, whatever the order of the keys (T-037)', () => {
  for (const pairs of [
    ['MaxBurstLength=8192', 'FirstBurstLength=65536'],
    ['FirstBurstLength=65536', 'MaxBurstLength=8192'],
  ]) {
    const step = first(pairs);
    assert.ok(answered(step).includes('FirstBurstLength=8192'));
    assert.equal(finished(step).parameters.firstBurstLength, 8192);
  }
});

test('FirstBurstLength that no longer fits a later MaxBurstLength ends the login (T-037)', () => {
  assertRejected(next(first(['FirstBurstLength=65536'], {}, { transit: false }), ['MaxBurstLength=8192']), '0200');
});

test('a MaxBurstLength below the default FirstBurstLength makes the target propose one (T-037)', () => {
  const proposed = first(['MaxBurstLength=8192']);
  assert.deepEqual(
    [answerOf(proposed).transit, answered(proposed)],
    [false, ['MaxBurstLength=8192', 'FirstBurstLength=8192']],
  );
  assert.equal(finished(next(proposed, ['FirstBurstLength=4096'])).parameters.firstBurstLength, 4096);
});

test('recovery with sequences in order leaves one R2T (T-038)', () => {
  const config = policy({ errorRecoveryLevel: 2 });
  const step = first(['MaxOutstandingR2T=8', 'ErrorRecoveryLevel=2', 'DataSequenceInOrder=Yes'], config);
  assert.equal(finished(step).parameters.maxOutstandingR2T, 1);
  const apart = next(first(['MaxOutstandingR2T=8'], config, { transit: false }), ['ErrorRecoveryLevel=2']);
  assertRejected(apart, '0200');
});

test('a repeated key is refused with 0200, in one text, over two, and over stages (T-039)', () => {
  assertRejected(first(['MaxBurstLength=512', 'MaxBurstLength=512']), '0200');
  assertRejected(first(['FooBar=1', 'FooBar=1']), '0200');
  assertRejected(next(first(['MaxBurstLength=65536'], {}, { transit: false }), ['MaxBurstLength=65536']), '0200');
  const security = first(['AuthMethod=None'], {}, { csg: 0, nsg: 1 });
  assertRejected(next(security, [`InitiatorName=${INITIATOR}`]), '0200');
  assertRejected(next(first([], {}, { transit: false }), ['SessionType=Normal']), '0200');
});

test('names repeated unchanged pass where that is tolerated, as for libiscsi after AuthMethod=None (T-039)', () => {
  const security = first(['AuthMethod=CHAP,None'], { tolerateRepeatedNames: true }, { csg: 0, nsg: 1 });
  finished(next(security, [...NAMES, 'MaxBurstLength=65536', 'FirstBurstLength=65536']));
  assertRejected(next(security, [`InitiatorName=${INITIATOR}2`]), '0200');
  assertRejected(
    next(first(['MaxBurstLength=65536'], { tolerateRepeatedNames: true }, { transit: false }), [
      'MaxBurstLength=65536',
    ]),
    '0200',
  );
});

test('a key that is not allowed in the stage is refused with 0200 (T-040)', () => {
  assertRejected(first(['MaxBurstLength=512'], {}, { csg: 0, nsg: 1 }), '0200');
  assertRejected(first(['AuthMethod=None']), '0200');
  assertRejected(first(['SendTargets=All']), '0200');
  assertRejected(first(['CHAP_A=5'], {}, { csg: 0, nsg: 1 }), '0200');
});

test('a key that only a target may send is refused with 0200', () => {
  for (const item of ['TargetPortalGroupTag=1', 'TargetAlias=x', 'TargetAddress=h'])
    assertRejected(first([item]), '0200');
});

test('a word that is reserved for answers is refused as a proposal', () => {
  for (const item of ['MaxBurstLength=Irrelevant', 'Foo=NotUnderstood', 'HeaderDigest=Reject'])
    assertRejected(first([item]), '0200');
});

test('leading-only keys are refused on a further connection, whose parameters are those of the session (T-041)', () => {
  const session: OperationalParameters = { ...DEFAULT_PARAMETERS, maxBurstLength: 4096, firstBurstLength: 4096 };
  const admitSession: TargetLoginConfig['admitSession'] = () => ({ ok: true, session });
  const step = first(['HeaderDigest=CRC32C', 'MaxRecvDataSegmentLength=1024'], { admitSession }, { tsih: 7, cid: 1 });
  assert.deepEqual(finished(step).parameters, {
    ...session,
    headerDigest: true,
    initiatorMaxRecvDataSegmentLength: 1024,
    targetMaxRecvDataSegmentLength: 262_144,
  });
  for (const item of ['MaxBurstLength=512', 'ErrorRecoveryLevel=0', 'InitialR2T=Yes']) {
    assertRejected(first([item], { admitSession }, { tsih: 7, cid: 1 }), '0200');
  }
  const discovery = request({ tsih: 7, text: text(`InitiatorName=${INITIATOR}`, 'SessionType=Discovery') });
  assertRejected(onLoginRequest(waiting({ admitSession }), discovery), '0200');
});

test('a Discovery session has no recovery and one connection, and calls keys irrelevant that are (T-042)', () => {
  const names = [`InitiatorName=${INITIATOR}`, 'SessionType=Discovery'];
  const offers = [
    'ErrorRecoveryLevel=2',
    'MaxConnections=8',
    'InitialR2T=No',
    'MaxBurstLength=512',
    'HeaderDigest=None',
  ];
  const step = onLoginRequest(
    waiting(policy({ errorRecoveryLevel: 2, maxConnections: 8 })),
    request({ text: text(...names, ...offers) }),
  );
  assert.deepEqual(answered(step), [
    'ErrorRecoveryLevel=0',
    'MaxConnections=Irrelevant',
    'InitialR2T=Irrelevant',
    'MaxBurstLength=Irrelevant',
    'HeaderDigest=None',
  ]);
  const { parameters, sessionType, targetName } = finished(step);
  assert.deepEqual([sessionType, targetName], ['Discovery', undefined]);
  assert.deepEqual([parameters.errorRecoveryLevel, parameters.maxConnections], [0, 1]);
});

test('numbers in hex are taken (T-045)', () => {
  assert.deepEqual(answered(first(['MaxBurstLength=0X10000', 'FirstBurstLength=0x200'])), [
    'MaxBurstLength=65536',
    'FirstBurstLength=512',
  ]);
});

test('a declared MaxRecvDataSegmentLength out of range is refused with 0200, since it cannot be rejected (T-036)', () => {
  for (const value of ['0', '511', '16777216', 'x'])
    assertRejected(first([`MaxRecvDataSegmentLength=${value}`]), '0200');
});
