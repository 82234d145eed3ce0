/** Exit codes, error lines and JSON documents. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connecting, EXIT, exitCodeOf, ToolError } from '../../src/cli/exit.ts';
import { label, PROTOCOL_LABELS, VERSION_DESCRIPTOR_LABELS } from '../../src/cli/labels.ts';
import { describe, errorDocument, toJson } from '../../src/cli/print.ts';
import { IscsiError, LoginError } from '../../src/errors.ts';
import { parseSense } from '../../src/scsi/sense.ts';
import { ScsiStatusError } from '../../src/scsi/status-error.ts';

test('exitCodeOf() tells a script why there is no result', () => {
  const cases = [
    ['ISCSI_USAGE', 2],
    ['ISCSI_URL', 2],
    ['ISCSI_REFUSED', 3],
    ['ISCSI_UNREACHABLE', 3],
    ['ISCSI_LOGIN', 3],
    ['ISCSI_AUTHENTICATION', 4],
    ['ISCSI_TARGET_NOT_FOUND', 5],
    ['ISCSI_LUN_NOT_FOUND', 5],
    ['ISCSI_SCSI_STATUS', 1],
    ['ISCSI_TIMEOUT', 1],
    ['ISCSI_CONNECTION_LOST', 1],
  ] as const;
  for (const [code, exit] of cases) assert.equal(exitCodeOf(new IscsiError(code, 'x')), exit, code);
  assert.equal(exitCodeOf(new Error('x')), 1);
  assert.equal(exitCodeOf('x'), 1);
});

test('connecting() turns a deadline into "cannot connect", but not what has a code of its own', async () => {
  const timeout = new IscsiError('ISCSI_TIMEOUT', 'No answer', { hint: 'is it on?' });
  await assert.rejects(connecting(Promise.reject(timeout)), (error: ToolError) => {
    assert.deepEqual([error.code, error.exitCode, error.hint], ['ISCSI_TIMEOUT', EXIT.CANNOT_CONNECT, 'is it on?']);
    return true;
  });
  const denied = new IscsiError('ISCSI_AUTHENTICATION', 'No');
  await assert.rejects(connecting(Promise.reject(denied)), denied);
});

test('describe() is one line: what, then what to do, names in capitals left alone', () => {
  assert.equal(
    describe(new IscsiError('ISCSI_REFUSED', 'Cannot connect to x', { hint: 'Is it on?' })),
    'cannot connect to x; is it on?',
  );
  assert.equal(describe(new Error('LUN 3 is gone')), 'LUN 3 is gone');
  assert.equal(describe(new Error('Bad iscsi://u%pw@h')), 'bad iscsi://u%***@h');
});

test('errorDocument() carries what the error knows', () => {
  assert.deepEqual(errorDocument(new LoginError('ISCSI_LOGIN', 'No', { statusClass: 3, statusDetail: 1 })), {
    code: 'ISCSI_LOGIN',
    message: 'No',
    statusClass: 3,
    statusDetail: 1,
  });
  const sense = parseSense(Uint8Array.from([0x70, 0, 0x03, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0x11, 0, 0, 0, 0, 0]));
  const status = new ScsiStatusError('READ_10', { status: 2, sense });
  const wrapped = new ToolError('Copy failed', { code: 'X', exitCode: 1, facts: { bytesComplete: 5 }, cause: status });
  const { command, statusName, bytesComplete, sense: shown } = errorDocument(wrapped);
  assert.deepEqual([command, statusName, bytesComplete], ['READ_10', 'CHECK_CONDITION', 5]);
  assert.deepEqual(shown, {
    senseKey: 3,
    key: 'MEDIUM_ERROR',
    asc: 0x11,
    ascq: 0,
    text: 'unrecovered read error',
  });
});

test('toJson() begins with the schema version, keeps 64-bit numbers exact and writes bytes as hex', () => {
  const text = toJson({ small: 5n, limit: 2n ** 53n - 1n, large: 2n ** 64n - 1n, bytes: Uint8Array.of(0, 0xab) });
  assert.deepEqual(JSON.parse(text), {
    schemaVersion: 1,
    small: 5,
    limit: Number.MAX_SAFE_INTEGER,
    large: '18446744073709551615',
    bytes: '00ab',
  });
  assert.match(text, /^\{\n {2}"schemaVersion": 1,/);
});

test('label() spells as libiscsi does, and says unknown where it does', () => {
  assert.equal(label(VERSION_DESCRIPTOR_LABELS, 0x0278), 'SPC-2 ISO.IEC 14776-452');
  assert.equal(label(VERSION_DESCRIPTOR_LABELS, 0x1747), 'UAS T10/2095-D revision 04');
  assert.equal(label(VERSION_DESCRIPTOR_LABELS, 0x01fb), 'unknown');
  assert.equal(Object.keys(VERSION_DESCRIPTOR_LABELS).length, 34);
  assert.equal(label(PROTOCOL_LABELS, 7), 'ADT');
});
