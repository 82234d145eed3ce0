import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { additionalSenseName, additionalSenseText, senseKeyText } from '../../src/scsi/additional-sense.ts';
import { ASC_ASCQ } from '../../src/spec/asc-ascq.ts';
import { repositoryRoot } from './root.ts';

test('src/spec/asc-ascq.ts is what its generator makes', () => {
  const tool = join(repositoryRoot(), 'tools/generate-asc-ascq.mjs');
  const { status, stderr } = spawnSync(process.execPath, [tool, '--check'], { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('every row of the list has its name and text, and no other has', () => {
  const rows = readFileSync(join(repositoryRoot(), 'tools/data/asc-ascq.tsv'), 'utf8')
    .split('\n')
    .filter((line) => /^[0-9A-F]{2}\t[0-9A-F]{2}\t/.test(line));
  assert.ok(rows.length > 700);
  assert.equal(Object.keys(ASC_ASCQ).length, rows.length);
  for (const row of rows) {
    const [asc = '', ascq = '', meaning = ''] = row.split('\t');
    const pair = [Number.parseInt(asc, 16), Number.parseInt(ascq, 16)] as const;
    assert.equal(additionalSenseText(...pair).toUpperCase(), meaning.toUpperCase(), row);
    assert.notEqual(additionalSenseName(...pair), undefined, row);
  }
});

test('the names and texts are those of the standard', () => {
  assert.deepEqual(ASC_ASCQ.INVALID_FIELD_IN_CDB, { asc: 0x24, ascq: 0x00, text: 'invalid field in CDB' });
  assert.deepEqual(ASC_ASCQ.NO_ADDITIONAL_SENSE_INFORMATION, {
    asc: 0,
    ascq: 0,
    text: 'no additional sense information',
  });
  assert.deepEqual(ASC_ASCQ.REPORTED_LUNS_DATA_HAS_CHANGED, {
    asc: 0x3f,
    ascq: 0x0e,
    text: 'reported LUNs data has changed',
  });
  assert.equal(additionalSenseName(0x2a, 0x09), 'CAPACITY_DATA_HAS_CHANGED');
});

test('additionalSenseText() puts the qualifier into the texts that ask for it', () => {
  assert.equal(additionalSenseText(0x40, 0x00), 'RAM failure (should use 40 NN)');
  assert.equal(additionalSenseText(0x40, 0x9c), 'diagnostic failure on component 9C');
  assert.equal(additionalSenseText(0x40, 0x01), 'unknown additional sense');
  assert.equal(additionalSenseText(0x4d, 0x0b), 'tagged overlapped commands (task tag 0B)');
  assert.equal(additionalSenseText(0x70, 0xff), 'decompression exception short algorithm ID of FF');
  assert.equal(additionalSenseText(0x21, 0x80), 'vendor specific additional sense');
});

test('senseKeyText() names all sixteen keys', () => {
  const names = Array.from({ length: 16 }, (_, key) => senseKeyText(key));
  assert.equal(new Set(names).size, 16);
  assert.deepEqual([names[3], names[0xb]], ['MEDIUM ERROR', 'ABORTED COMMAND']);
});
