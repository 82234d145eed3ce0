import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LoginError, ProtocolError } from '../../src/errors.ts';
import { KEYS } from '../../src/login/keys.ts';
import {
  answer,
  type NegotiationContext,
  offer,
  settle,
  settleUnanswered,
  unacceptable,
} from '../../src/login/negotiate.ts';
import { INITIATOR_POLICY, type OperationalPolicy, TARGET_POLICY } from '../../src/login/policy.ts';
import { broken } from './help.ts';

function target(policy: Partial<OperationalPolicy> = {}, fields: Partial<NegotiationContext> = {}): NegotiationContext {
  return {
    role: 'target',
    sessionType: 'Normal',
    leading: true,
    policy: { ...TARGET_POLICY, ...policy },
    authMethods: ['None'],
    ...fields,
  };
}

function initiator(
  policy: Partial<OperationalPolicy> = {},
  fields: Partial<NegotiationContext> = {},
): NegotiationContext {
  return { ...target(), role: 'initiator', policy: { ...INITIATOR_POLICY, ...policy }, ...fields };
}

/** What the target answers to `name=value`. */
function reply(
  name: string,
  value: string,
  context = target(),
  results: Record<string, string> = {},
): string | undefined {
  return answer(name, value, context, new Map(Object.entries(results))).value;
}

test('offer() names every key once, with the values wanted, and no obsolete marker key', () => {
  assert.deepEqual(
    offer(initiator()).map(([name, value]) => `${name}=${value}`),
    [
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
    ],
  );
});

test('offer() in a Discovery session names only what has a meaning there, and no digest', () => {
  assert.deepEqual(
    offer(initiator({ errorRecoveryLevel: 2 }, { sessionType: 'Discovery' })).map(
      ([name, value]) => `${name}=${value}`,
    ),
    [
      'HeaderDigest=None',
      'DataDigest=None',
      'MaxRecvDataSegmentLength=1048576',
      'DefaultTime2Wait=0',
      'DefaultTime2Retain=0',
      'ErrorRecoveryLevel=0',
    ],
  );
});

test('offer() in a Discovery session keeps a digest that is required', () => {
  const pairs = offer(initiator({ headerDigest: ['CRC32C'] }, { sessionType: 'Discovery' }));
  assert.deepEqual(pairs.slice(0, 2), [
    ['HeaderDigest', 'CRC32C'],
    ['DataDigest', 'None'],
  ]);
});

test('offer() on a further connection leaves out the leading-only keys', () => {
  assert.deepEqual(
    offer(initiator({}, { leading: false })).map(([name]) => name),
    ['HeaderDigest', 'DataDigest', 'MaxRecvDataSegmentLength'],
  );
});

test('offer() names TaskReporting and iSCSIProtocolLevel on request only', () => {
  const pairs = offer(initiator({ taskReporting: ['FastAbort', 'ResponseFence', 'RFC3720'], protocolLevel: 2 }));
  assert.deepEqual(pairs.slice(-2), [
    ['TaskReporting', 'FastAbort,ResponseFence,RFC3720'],
    ['iSCSIProtocolLevel', '2'],
  ]);
});

test('offer() asks for one R2T when sequences are in order and recoverable (§13.19)', () => {
  const asked = (policy: Partial<OperationalPolicy>): string | undefined =>
    new Map(offer(initiator(policy))).get('MaxOutstandingR2T');
  assert.equal(asked({ errorRecoveryLevel: 1 }), '1');
  assert.equal(asked({ errorRecoveryLevel: 1, dataSequenceInOrder: false }), '16');
});

test('answer() chooses the first entry of the offer that is allowed, and skips unknown ones (T-034)', () => {
  assert.equal(reply('HeaderDigest', 'Y-org.example,CRC32C,None'), 'CRC32C');
  assert.equal(reply('HeaderDigest', 'None,CRC32C'), 'None');
  assert.equal(reply('DataDigest', 'CRC32C,None', target({ dataDigest: ['None'] })), 'None');
  assert.equal(reply('TaskReporting', 'FastAbort,ResponseFence,RFC3720'), 'RFC3720');
  assert.equal(
    reply('TaskReporting', 'FastAbort,RFC3720', target({ taskReporting: ['RFC3720', 'FastAbort'] })),
    'FastAbort',
  );
});

test('answer() rejects a list without an entry that is allowed, instead of choosing another (T-011)', () => {
  assert.equal(reply('HeaderDigest', 'Y-org.example'), 'Reject');
  assert.equal(reply('HeaderDigest', 'CRC32C', target({ headerDigest: ['None'] })), 'Reject');
  assert.equal(reply('DataDigest', ''), 'Reject');
});

// key, offer, policy, answer: every result function with the offer below, at and above what the policy says
// (T-035, I-044)
const TABLE: readonly (readonly [string, string, Partial<OperationalPolicy>, string])[] = [
  ['InitialR2T', 'Yes', { initialR2T: true }, 'Yes'],
  ['InitialR2T', 'Yes', { initialR2T: false }, 'Yes'],
  ['InitialR2T', 'No', { initialR2T: true }, 'Yes'],
  ['InitialR2T', 'No', { initialR2T: false }, 'No'],
  ['ImmediateData', 'Yes', { immediateData: true }, 'Yes'],
  ['ImmediateData', 'Yes', { immediateData: false }, 'No'],
  ['ImmediateData', 'No', { immediateData: true }, 'No'],
  ['ImmediateData', 'No', { immediateData: false }, 'No'],
  ['DataPDUInOrder', 'No', { dataPDUInOrder: true }, 'Yes'],
  ['DataPDUInOrder', 'No', { dataPDUInOrder: false }, 'No'],
  ['DataSequenceInOrder', 'Yes', { dataSequenceInOrder: false }, 'Yes'],
  ['MaxBurstLength', '512', {}, '512'],
  ['MaxBurstLength', '16777215', { maxBurstLength: 65_536, firstBurstLength: 512 }, '65536'],
  ['MaxBurstLength', '0x10000', {}, '65536'],
  ['FirstBurstLength', '65536', {}, '65536'],
  ['FirstBurstLength', '16777215', { firstBurstLength: 8192 }, '8192'],
  ['MaxOutstandingR2T', '1', {}, '1'],
  ['MaxOutstandingR2T', '65535', { maxOutstandingR2T: 4 }, '4'],
  ['MaxConnections', '8', { maxConnections: 2 }, '2'],
  ['DefaultTime2Wait', '0', { defaultTime2Wait: 5 }, '5'],
  ['DefaultTime2Wait', '3600', { defaultTime2Wait: 5 }, '3600'],
  ['DefaultTime2Retain', '0', {}, '0'],
  ['DefaultTime2Retain', '3600', { defaultTime2Retain: 60 }, '60'],
  ['ErrorRecoveryLevel', '2', { errorRecoveryLevel: 1 }, '1'],
  ['ErrorRecoveryLevel', '0', { errorRecoveryLevel: 2 }, '0'],
  ['iSCSIProtocolLevel', '2', { protocolLevel: 1 }, '1'],
  ['iSCSIProtocolLevel', '1', { protocolLevel: 2 }, '1'],
];
for (const [name, value, policy, expected] of TABLE) {
  test(`answer() gives ${name}=${expected} to an offer of ${value} with ${JSON.stringify(policy)} (T-035, I-044, T-045)`, () => {
    assert.equal(reply(name, value, target(policy)), expected);
  });
}

for (const [name, value] of [
  ['MaxBurstLength', '0'],
  ['MaxBurstLength', '511'],
  ['FirstBurstLength', '16777216'],
  ['FirstBurstLength', '-1'],
  ['MaxOutstandingR2T', '0'],
  ['MaxOutstandingR2T', '65536'],
  ['MaxConnections', '0'],
  ['DefaultTime2Wait', '3601'],
  ['DefaultTime2Retain', 'soon'],
  ['DefaultTime2Retain', ''],
  ['ErrorRecoveryLevel', '3'],
  ['iSCSIProtocolLevel', '32'],
  ['InitialR2T', 'yes'],
  ['ImmediateData', 'Maybe'],
] as const) {
  test(`answer() rejects ${name}=${value} and leaves the value as it was (T-036)`, () => {
    assert.deepEqual(answer(name, value, target(), new Map()), { value: 'Reject', result: undefined, owed: true });
  });
}

test('answer() keeps FirstBurstLength within the MaxBurstLength that was agreed (T-037)', () => {
  assert.equal(reply('FirstBurstLength', '65536', target(), { MaxBurstLength: '8192' }), '8192');
});

test('answer() keeps MaxOutstandingR2T at 1 with recovery and sequences in order (T-038)', () => {
  const context = target({ errorRecoveryLevel: 1 });
  assert.equal(reply('MaxOutstandingR2T', '8', context, { ErrorRecoveryLevel: '1' }), '1');
  assert.equal(reply('MaxOutstandingR2T', '8', context, { ErrorRecoveryLevel: '1', DataSequenceInOrder: 'No' }), '8');
});

test('answer() in a Discovery session calls keys irrelevant that are, and has no recovery (T-042)', () => {
  const discovery = target({ errorRecoveryLevel: 2 }, { sessionType: 'Discovery' });
  assert.equal(reply('MaxConnections', '4', discovery), 'Irrelevant');
  assert.equal(reply('InitialR2T', 'No', discovery), 'Irrelevant');
  assert.equal(reply('ErrorRecoveryLevel', '2', discovery), '0');
  assert.equal(reply('HeaderDigest', 'CRC32C,None', discovery), 'CRC32C');
});

test('answer() says NotUnderstood to unknown and private keys, and to no key of RFC 7143 (I-040, I-041, T-033)', () => {
  assert.equal(reply('FooBar', '1'), 'NotUnderstood');
  assert.equal(reply('X-org.example.key', 'a,b'), 'NotUnderstood');
  assert.equal(reply('RDMAExtensions', 'Yes'), 'NotUnderstood');
  for (const name of Object.keys(KEYS)) {
    if (name.startsWith('CHAP_') || name === 'TargetPortalGroupTag' || name === 'MaxRecvDataSegmentLength') continue;
    for (const value of ['1', 'Yes', 'None', 'x', ''])
      assert.notEqual(reply(name, value), 'NotUnderstood', `${name}=${value}`);
  }
});

test('answer() rejects the four marker keys (I-042, T-033)', () => {
  for (const name of ['IFMarker', 'OFMarker']) assert.equal(reply(name, 'No'), 'Reject');
  for (const name of ['IFMarkInt', 'OFMarkInt']) assert.equal(reply(name, '2048~8192'), 'Reject');
});

test('answer() leaves declarations unanswered and notes their value', () => {
  assert.deepEqual(answer('InitiatorAlias', 'a b=c', target(), new Map()), {
    value: undefined,
    result: 'a b=c',
    owed: false,
  });
  assert.deepEqual(answer('MaxRecvDataSegmentLength', '0x200', target(), new Map()).result, '512');
  assert.deepEqual(answer('TargetPortalGroupTag', '0xffff', initiator(), new Map()).result, '65535');
  assert.equal(reply('X#NodeArchitecture', 'ExampleOS/1'), undefined);
});

test('a declared length out of range is a broken rule, since a declaration cannot be rejected (D-17)', () => {
  for (const value of ['0', '511', '16777216', 'Irrelevant', 'Reject', 'x', '']) {
    const clause = value === 'Irrelevant' || value === 'Reject' ? '6.2' : '13.12';
    assert.throws(() => answer('MaxRecvDataSegmentLength', value, initiator(), new Map()), broken(clause), value);
  }
});

test('answer() refuses the words that are reserved for answers, for unknown keys too', () => {
  for (const value of ['NotUnderstood', 'Irrelevant', 'Reject']) {
    assert.throws(() => answer('MaxBurstLength', value, target(), new Map()), broken('6.2'));
    assert.throws(() => answer('Foo', value, target(), new Map()), broken('6.2'));
  }
});

test('answer() owes nothing exactly for AND with No and OR with Yes (I-043)', () => {
  const owed = (name: string, value: string): boolean => answer(name, value, target(), new Map()).owed;
  assert.deepEqual([owed('ImmediateData', 'No'), owed('ImmediateData', 'Yes')], [false, true]);
  for (const name of ['InitialR2T', 'DataPDUInOrder', 'DataSequenceInOrder']) {
    assert.deepEqual([owed(name, 'Yes'), owed(name, 'No')], [false, true], name);
  }
  assert.equal(owed('MaxBurstLength', '512'), true);
  assert.equal(owed('HeaderDigest', 'None'), true);
  assert.equal(owed('X-org.example.key', '1'), false);
});

// key, offer, answer, what is wrong with it (I-039)
for (const [name, offered, answered, clause] of [
  ['HeaderDigest', 'None', 'CRC32C', '6.2.1'],
  ['HeaderDigest', 'None,CRC32C', 'Y-org.example', '6.2.1'],
  ['DataDigest', 'None,CRC32C', 'None,CRC32C', '6.2.1'],
  ['TaskReporting', 'FastAbort,RFC3720', 'ResponseFence', '6.2.1'],
  ['TaskReporting', 'FastAbort,RFC3720', 'None', '6.2.1'],
  ['MaxBurstLength', '262144', '262145', '6.2.2'],
  ['MaxBurstLength', '262144', '511', '6.2.2'],
  ['FirstBurstLength', '262144', '0', '6.2.2'],
  ['MaxOutstandingR2T', '1', '2', '6.2.2'],
  ['MaxOutstandingR2T', '16', '0', '6.2.2'],
  ['DefaultTime2Wait', '2', '1', '6.2.2'],
  ['DefaultTime2Wait', '2', '3601', '6.2.2'],
  ['DefaultTime2Retain', '0', '1', '6.2.2'],
  ['ErrorRecoveryLevel', '0', '2', '6.2.2'],
  ['MaxConnections', '1', 'many', '6.2.2'],
  ['InitialR2T', 'Yes', 'No', '6.2.2'],
  ['InitialR2T', 'No', 'no', '6.2.2'],
  ['ImmediateData', 'No', 'Yes', '6.2.2'],
  ['DataPDUInOrder', 'Yes', 'No', '6.2.2'],
  ['DataSequenceInOrder', 'Yes', 'No', '6.2.2'],
] as const) {
  test(`settle() refuses ${name}=${answered} for an offer of ${offered} (I-039)`, () => {
    assert.throws(() => settle(name, offered, answered, initiator()), broken(clause));
  });
}

for (const [name, offered, answered] of [
  ['HeaderDigest', 'None,CRC32C', 'CRC32C'],
  ['MaxBurstLength', '262144', '262144'],
  ['MaxBurstLength', '262144', '0x200'],
  ['DefaultTime2Wait', '0', '3600'],
  ['InitialR2T', 'No', 'Yes'],
  ['InitialR2T', 'No', 'No'],
  ['ImmediateData', 'Yes', 'No'],
  ['iSCSIProtocolLevel', '2', '1'],
] as const) {
  test(`settle() accepts ${name}=${answered} for an offer of ${offered} (I-039, I-046)`, () => {
    assert.equal(settle(name, offered, answered, initiator()), answered);
  });
}

test('settle() leaves the value as it was on Reject and Irrelevant (§6.2)', () => {
  for (const word of ['Reject', 'Irrelevant']) {
    assert.equal(settle('FirstBurstLength', '65536', word, initiator()), undefined);
    assert.equal(settle('HeaderDigest', 'CRC32C', word, initiator()), undefined);
  }
});

test('settle() takes NotUnderstood for an answer only to keys that may be unknown (I-040)', () => {
  for (const name of ['TaskReporting', 'iSCSIProtocolLevel', 'X-org.example.key']) {
    assert.equal(settle(name, '2', 'NotUnderstood', initiator()), undefined, name);
  }
  for (const name of ['HeaderDigest', 'MaxBurstLength', 'ImmediateData', 'ErrorRecoveryLevel']) {
    assert.throws(() => settle(name, '2', 'NotUnderstood', initiator()), broken('6.2'), name);
  }
});

test('a digest that was required and answered None ends the login, unless digests are optional', () => {
  assert.throws(
    () => settle('HeaderDigest', 'CRC32C', 'None', initiator()),
    (error) => error instanceof LoginError && error.code === 'ISCSI_LOGIN' && /digest/.test(error.hint ?? ''),
  );
  assert.equal(settle('HeaderDigest', 'CRC32C', 'None', initiator({ digestsOptional: true })), 'None');
  assert.equal(settle('DataDigest', 'CRC32C', 'None', initiator({ digestsOptional: true })), 'None');
});

test('settleUnanswered() takes the offer itself where no answer is needed, and nothing else (I-043)', () => {
  assert.equal(settleUnanswered('ImmediateData', 'No'), 'No');
  for (const name of ['InitialR2T', 'DataPDUInOrder', 'DataSequenceInOrder'])
    assert.equal(settleUnanswered(name, 'Yes'), 'Yes');
  for (const [name, value] of [
    ['ImmediateData', 'Yes'],
    ['InitialR2T', 'No'],
    ['HeaderDigest', 'None'],
    ['MaxBurstLength', '512'],
  ] as const) {
    assert.throws(() => settleUnanswered(name, value), broken('6.2.2'), name);
  }
});

test('unacceptable() finds the defaults that a policy cannot live with', () => {
  const found = (policy: Partial<OperationalPolicy>, results: Record<string, string> = {}): string[] =>
    unacceptable(target(policy), new Map(Object.entries(results))).map(([name, value]) => `${name}=${value}`);
  assert.deepEqual(found({}), []);
  assert.deepEqual(found({ headerDigest: ['CRC32C'] }), ['HeaderDigest=CRC32C']);
  assert.deepEqual(found({ headerDigest: ['CRC32C'], digestsOptional: true }), []);
  assert.deepEqual(found({ headerDigest: ['CRC32C'] }, { HeaderDigest: 'CRC32C' }), []);
  assert.deepEqual(found({ immediateData: false }), ['ImmediateData=No']);
  assert.deepEqual(found({ initialR2T: true }, { InitialR2T: 'No' }), ['InitialR2T=Yes']);
  assert.deepEqual(found({ defaultTime2Wait: 10, defaultTime2Retain: 5 }), [
    'DefaultTime2Wait=10',
    'DefaultTime2Retain=5',
  ]);
  assert.deepEqual(found({ maxBurstLength: 65_536, firstBurstLength: 65_536 }), ['MaxBurstLength=65536']);
});

test('unacceptable() proposes a FirstBurstLength where the default does not fit the MaxBurstLength (T-037)', () => {
  const found = (results: Record<string, string>): unknown => unacceptable(target(), new Map(Object.entries(results)));
  assert.deepEqual(found({ MaxBurstLength: '8192' }), [['FirstBurstLength', '8192']]);
  assert.deepEqual(found({ MaxBurstLength: '8192', InitialR2T: 'Yes', ImmediateData: 'No' }), []);
});

test('errors about values are ProtocolErrors of one line, whatever the value', () => {
  assert.throws(
    () => settle('MaxBurstLength', '512', '\n\0\u001b[2J', initiator()),
    (error) => error instanceof ProtocolError && /^[\x20-\x7e]+$/.test(error.message),
  );
});
