import assert from 'node:assert/strict';
import { test } from 'node:test';
import { redact } from '../../src/cli/redact.ts';

test('redact() hides passwords however they are written', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['iscsi://alice%secret@host/iqn.x:y/1', 'iscsi://alice%***@host/iqn.x:y/1'],
    ['iscsi://alice:secret@host/iqn.x:y/1', 'iscsi://alice%***@host/iqn.x:y/1'],
    ['ISCSI://alice%secret@host', 'ISCSI://alice%***@host'],
    ['iser://alice%a/b?c@d@host:3260', 'iser://alice%***@host:3260'],
    ['iscsi://alice%my pass@host', 'iscsi://alice%***@host'],
    ['iscsi://%secret@host', 'iscsi://%***@host'],
    [`from 'iscsi://a%x@h/t/0' to 'iscsi://b%y@h/t/1'`, `from 'iscsi://a%***@h/t/0' to 'iscsi://b%***@h/t/1'`],
    ['iscsi://h/t/0?target_user=u&target_password=pw&x=1', 'iscsi://h/t/0?target_user=u&target_password=***&x=1'],
  ];
  for (const [text, redacted] of cases) assert.equal(redact(text), redacted);
});

test('redact() leaves everything else alone', () => {
  for (const text of [
    'iscsi://alice@host/iqn.x/1',
    'iscsi://[::1]:3260/iqn.x:y/0',
    'no URL: a%b@c',
    'iscsi://host:3260/t%40x/0',
  ]) {
    assert.equal(redact(text), text);
  }
});
