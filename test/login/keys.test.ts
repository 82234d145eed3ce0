import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findKey, KEYS, type Key } from '../../src/login/keys.ts';

const ALL: readonly (readonly [string, Key])[] = Object.entries(KEYS);

// Copied from the key list of RFC 7143 §13 by hand: rule, use, scope, sender, default, range.
const STANDARD: Readonly<Record<string, string>> = {
  HeaderDigest: 'firstCommon IO connection both None',
  DataDigest: 'firstCommon IO connection both None',
  MaxConnections: 'min LO session both 1 1..65535',
  TargetName: 'declare IO session both',
  InitiatorName: 'declare IO session initiator',
  TargetAlias: 'declare ALL session target',
  InitiatorAlias: 'declare ALL session initiator',
  TargetAddress: 'declare ALL session target',
  TargetPortalGroupTag: 'declare IO session target 0..65535',
  InitialR2T: 'or LO session both Yes',
  ImmediateData: 'and LO session both Yes',
  MaxRecvDataSegmentLength: 'declare ALL connection both 8192 512..16777215',
  MaxBurstLength: 'min LO session both 262144 512..16777215',
  FirstBurstLength: 'min LO session both 65536 512..16777215',
  DefaultTime2Wait: 'max LO session both 2 0..3600',
  DefaultTime2Retain: 'min LO session both 20 0..3600',
  MaxOutstandingR2T: 'min LO session both 1 1..65535',
  DataPDUInOrder: 'or LO session both Yes',
  DataSequenceInOrder: 'or LO session both Yes',
  ErrorRecoveryLevel: 'min LO session both 0 0..2',
  SessionType: 'declare LO session initiator Normal',
  TaskReporting: 'firstCommon LO session both RFC3720',
  iSCSIProtocolLevel: 'min LO session both 1 0..31',
  'X#NodeArchitecture': 'declare LO session both None',
};

for (const [name, facts] of Object.entries(STANDARD)) {
  test(`the table has ${name} as the standard has it`, () => {
    const key = findKey(name);
    assert.ok(key !== undefined);
    const row = [key.rule, key.use, key.scope, key.sender, key.initial, key.range?.join('..')];
    assert.equal(row.filter((fact) => fact !== undefined).join(' '), facts);
  });
}

test('the keys that RFC 7143 marks Any-Stage are the ones that may stand in both stages (I-048, T-040)', () => {
  const anyStage = ALL.filter(([, key]) => key.stage === 'any').map(([name]) => name);
  assert.deepEqual(anyStage.sort(), [
    'InitiatorAlias',
    'InitiatorName',
    'SendTargets',
    'SessionType',
    'TargetAddress',
    'TargetAlias',
    'TargetName',
    'TargetPortalGroupTag',
  ]);
});

test('the keys without a use in Discovery sessions are those that RFC 7143 and RFC 7144 call irrelevant there', () => {
  const irrelevant = ALL.filter(([, key]) => !key.discovery).map(([name]) => name);
  assert.deepEqual(irrelevant.sort(), [
    'DataPDUInOrder',
    'DataSequenceInOrder',
    'FirstBurstLength',
    'ImmediateData',
    'InitialR2T',
    'MaxBurstLength',
    'MaxConnections',
    'MaxOutstandingR2T',
    'TaskReporting',
    'iSCSIProtocolLevel',
  ]);
});

test('only TargetAddress may be repeated (§6.3)', () => {
  assert.deepEqual(
    ALL.filter(([, key]) => key.repeatable).map(([name]) => name),
    ['TargetAddress'],
  );
});

test('findKey() is case sensitive and does not know what objects inherit', () => {
  assert.equal(findKey('headerdigest'), undefined);
  assert.equal(findKey('constructor'), undefined);
  assert.equal(findKey('X-org.example.key'), undefined);
});
