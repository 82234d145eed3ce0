import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginError } from '../../src/errors.ts';
import { onLoginResponse } from '../../src/login/initiator.ts';
import { DEFAULT_PARAMETERS } from '../../src/login/parameters.ts';
import { INITIATOR_POLICY } from '../../src/login/policy.ts';
import { begun, broken, failureOf, finalResponse, response, text } from './help.ts';
import { ANSWERS, answers, finishOf } from './help-initiator.ts';

test('a login with good answers ends in full feature phase with what was agreed', () => {
  const step = onLoginResponse(begun(), finalResponse(...answers({ HeaderDigest: 'CRC32C', TargetAlias: 'a disk' })));
  const { parameters, tsih } = finishOf(step);
  assert.equal(tsih, 7);
  assert.deepEqual(step.state, { name: 'fullFeature', parameters, tsih });
  assert.deepEqual(parameters, {
    ...DEFAULT_PARAMETERS,
    headerDigest: true,
    initiatorMaxRecvDataSegmentLength: 1_048_576,
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
