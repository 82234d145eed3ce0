/** Errors on their way between threads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ValueError } from '../../src/bytes/value-error.ts';
import { DigestError, IscsiError, LoginError, ProtocolError, RejectError } from '../../src/errors.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import { parseSense } from '../../src/scsi/sense.ts';
import { ScsiStatusError, scsiStatusError } from '../../src/scsi/status-error.ts';
import { readThrown, writeThrown } from '../../src/sync/thrown.ts';
import { senseData } from '../support/speaker/data.ts';

/** There and back, as a message between threads goes. */
function sent(thrown: unknown, above?: (...given: never[]) => unknown): unknown {
  return readThrown(structuredClone(writeThrown(thrown)), above);
}

const BUSY = scsiStatusError(cdb('READ_10', { logicalBlockAddress: 7 }), {
  status: 2,
  sense: parseSense(senseData(3, 0x11, 0)),
});
const ERRORS: readonly (readonly [abstract new (...given: never) => Error, Error])[] = [
  [IscsiError, new IscsiError('ISCSI_TIMEOUT', 'Too late', { hint: 'wait', commandSent: true })],
  [IscsiError, new IscsiError('ISCSI_ABORTED', 'Stopped', { cause: new TypeError('because') })],
  [ProtocolError, new ProtocolError('Against the rules', { clause: '11.7', cause: BUSY })],
  [DigestError, new DigestError('Wrong')],
  [LoginError, new LoginError('ISCSI_LOGIN', 'No', { statusClass: 2, statusDetail: 1 })],
  [RejectError, new RejectError('No', 9)],
  [ScsiStatusError, BUSY],
  [ValueError, new ValueError('Too much')],
  [TypeError, new TypeError('No type')],
  [AggregateError, new AggregateError([new RangeError('one'), 'two', BUSY], 'Several')],
];

for (const [kind, error] of ERRORS) {
  test(`${kind.name}: "${error.message}" arrives as it was`, () => {
    const arrived = sent(error);
    assert.ok(arrived instanceof kind && arrived instanceof Error);
    assert.equal(Object.getPrototypeOf(arrived), Object.getPrototypeOf(error));
    assert.deepEqual(arrived, error);
    assert.equal(arrived.stack, error.stack);
    assert.deepEqual(Object.keys(arrived).sort(), Object.keys(error).sort());
  });
}

test('an error that is thrown has the stack of its caller, and its causes keep theirs', () => {
  const cause = new IscsiError('ISCSI_TIMEOUT', 'underneath');
  const arrived = (function called(): unknown {
    return sent(new IscsiError('ISCSI_LOGIN', 'above', { cause }), called);
  })();
  assert.ok(arrived instanceof Error && arrived.cause instanceof Error);
  assert.match(arrived.stack ?? '', /^IscsiError: above\n\s+at .*thrown\.test/);
  assert.doesNotMatch(arrived.stack ?? '', /called/);
  assert.equal(arrived.cause.stack, cause.stack);
});

test('a fault of the library itself says where in the thread it happened, too', () => {
  const fault = new TypeError('x is not a function');
  const arrived = sent(fault, sent);
  assert.ok(arrived instanceof TypeError && arrived.stack?.includes(`in the thread of tsiscsi/sync:\n${fault.stack}`));
});

test('a class that is not known here becomes the nearest that it extends', () => {
  class Special extends ProtocolError {}
  const arrived = sent(new Special('special'));
  assert.equal(Object.getPrototypeOf(arrived), ProtocolError.prototype);
});

test('what is no error arrives as it is, or as text where it cannot be cloned', () => {
  for (const thrown of ['text', 5, undefined, null, { a: [1] }]) assert.deepEqual(sent(thrown), thrown);
  assert.equal(sent(Symbol('a')), 'Symbol(a)');
  assert.equal(
    sent(() => 1),
    '() => 1',
  );
});

test('members that cannot be cloned are left out, and endless chains of causes end', () => {
  const error = Object.assign(new Error('first'), { call: () => 1, code: 'E', symbol: Symbol('s') });
  error.cause = error;
  let depth = 0;
  for (let one: unknown = sent(error); one instanceof Error; one = one.cause) {
    assert.deepEqual(Object.keys(one), ['code']);
    depth++;
  }
  assert.equal(depth, 16);
});
