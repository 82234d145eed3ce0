import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { DEFAULT_PARAMETERS, OWN_LENGTH, toParameters } from '../../src/login/parameters.ts';
import { checkPolicy, INITIATOR_POLICY, type OperationalPolicy, TARGET_POLICY } from '../../src/login/policy.ts';
import { broken } from './help.ts';

const NORMAL = { role: 'initiator', sessionType: 'Normal', session: undefined } as const;

function results(values: Record<string, string>): ReadonlyMap<string, string> {
  return new Map(Object.entries(values));
}

test('DEFAULT_PARAMETERS are the defaults of RFC 7143 §13', () => {
  assert.deepEqual(DEFAULT_PARAMETERS, {
    headerDigest: false,
    dataDigest: false,
    initialR2T: true,
    immediateData: true,
    initiatorMaxRecvDataSegmentLength: 8192,
    targetMaxRecvDataSegmentLength: 8192,
    maxBurstLength: 262_144,
    firstBurstLength: 65_536,
    maxOutstandingR2T: 1,
    defaultTime2Wait: 2,
    defaultTime2Retain: 20,
    maxConnections: 1,
    errorRecoveryLevel: 0,
    dataPDUInOrder: true,
    dataSequenceInOrder: true,
    taskReporting: 'RFC3720',
    protocolLevel: 1,
    targetPortalGroupTag: undefined,
    targetAlias: undefined,
  });
});

test('toParameters() tells whose MaxRecvDataSegmentLength is whose', () => {
  const lengths = results({ MaxRecvDataSegmentLength: '4096', [OWN_LENGTH]: '262144' });
  const atInitiator = toParameters(lengths, NORMAL);
  assert.deepEqual(
    [atInitiator.initiatorMaxRecvDataSegmentLength, atInitiator.targetMaxRecvDataSegmentLength],
    [262_144, 4096],
  );
  const atTarget = toParameters(lengths, { ...NORMAL, role: 'target' });
  assert.deepEqual(
    [atTarget.initiatorMaxRecvDataSegmentLength, atTarget.targetMaxRecvDataSegmentLength],
    [4096, 262_144],
  );
});

test('toParameters() reads every agreed value', () => {
  const parameters = toParameters(
    results({
      HeaderDigest: 'CRC32C',
      DataDigest: 'CRC32C',
      InitialR2T: 'No',
      ImmediateData: 'No',
      MaxBurstLength: '0x80000',
      FirstBurstLength: '512',
      MaxOutstandingR2T: '8',
      DefaultTime2Wait: '3',
      DefaultTime2Retain: '4',
      MaxConnections: '2',
      ErrorRecoveryLevel: '2',
      DataPDUInOrder: 'No',
      DataSequenceInOrder: 'No',
      TaskReporting: 'FastAbort',
      iSCSIProtocolLevel: '2',
      TargetPortalGroupTag: '9',
      TargetAlias: 'a disk',
    }),
    NORMAL,
  );
  assert.deepEqual(parameters, {
    headerDigest: true,
    dataDigest: true,
    initialR2T: false,
    immediateData: false,
    initiatorMaxRecvDataSegmentLength: 8192,
    targetMaxRecvDataSegmentLength: 8192,
    maxBurstLength: 524_288,
    firstBurstLength: 512,
    maxOutstandingR2T: 8,
    defaultTime2Wait: 3,
    defaultTime2Retain: 4,
    maxConnections: 2,
    errorRecoveryLevel: 2,
    dataPDUInOrder: false,
    dataSequenceInOrder: false,
    taskReporting: 'FastAbort',
    protocolLevel: 2,
    targetPortalGroupTag: 9,
    targetAlias: 'a disk',
  });
});

test('toParameters() refuses an agreed FirstBurstLength above MaxBurstLength (T-037)', () => {
  const values = { MaxBurstLength: '8192', FirstBurstLength: '65536' };
  assert.throws(() => toParameters(results(values), NORMAL), broken('13.14'));
});

test('toParameters() does not mind FirstBurstLength where no unsolicited data is allowed, and cuts it to fit', () => {
  const values = { MaxBurstLength: '8192', FirstBurstLength: '65536', InitialR2T: 'Yes', ImmediateData: 'No' };
  assert.equal(toParameters(results(values), NORMAL).firstBurstLength, 8192);
});

test('toParameters() cuts a default FirstBurstLength to the MaxBurstLength', () => {
  assert.equal(toParameters(results({ MaxBurstLength: '8192' }), NORMAL).firstBurstLength, 8192);
});

test('toParameters() refuses several R2Ts with recovery and sequences in order (T-038)', () => {
  const values = { MaxOutstandingR2T: '2', ErrorRecoveryLevel: '1' };
  assert.throws(() => toParameters(results(values), NORMAL), broken('13.19'));
  assert.equal(toParameters(results({ ...values, DataSequenceInOrder: 'No' }), NORMAL).maxOutstandingR2T, 2);
});

test('toParameters() gives a Discovery session one connection and no recovery, whatever was said (T-042)', () => {
  const parameters = toParameters(results({ MaxConnections: '8', ErrorRecoveryLevel: '2' }), {
    ...NORMAL,
    sessionType: 'Discovery',
  });
  assert.deepEqual([parameters.maxConnections, parameters.errorRecoveryLevel], [1, 0]);
});

test('toParameters() of a further connection changes only what belongs to a connection', () => {
  const session = { ...DEFAULT_PARAMETERS, maxBurstLength: 4096, targetAlias: 'first' };
  const values = {
    HeaderDigest: 'CRC32C',
    MaxRecvDataSegmentLength: '1024',
    [OWN_LENGTH]: '2048',
    TargetAlias: 'second',
  };
  assert.deepEqual(toParameters(results(values), { ...NORMAL, session }), {
    ...session,
    headerDigest: true,
    initiatorMaxRecvDataSegmentLength: 2048,
    targetMaxRecvDataSegmentLength: 1024,
  });
});

test('checkPolicy() accepts the policies that come with the library', () => {
  checkPolicy(INITIATOR_POLICY);
  checkPolicy(TARGET_POLICY);
});

const WRONG: readonly Partial<OperationalPolicy>[] = [
  { maxRecvDataSegmentLength: 511 },
  { maxRecvDataSegmentLength: 16_777_216 },
  { maxBurstLength: 0 },
  { firstBurstLength: 1000.5 },
  { firstBurstLength: 1_048_577 },
  { maxOutstandingR2T: 0 },
  { maxConnections: 65_536 },
  { defaultTime2Wait: -1 },
  { defaultTime2Retain: 3601 },
  { errorRecoveryLevel: 3 },
  { protocolLevel: Number.NaN },
  { headerDigest: [] },
  { taskReporting: [] },
];
for (const policy of WRONG) {
  test(`checkPolicy() refuses ${JSON.stringify(policy)}`, () => {
    assert.throws(
      () => checkPolicy({ ...INITIATOR_POLICY, ...policy }),
      (error) => error instanceof IscsiError && error.code === 'ISCSI_USAGE',
    );
  });
}
