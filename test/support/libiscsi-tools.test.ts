import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testCuResults } from './libiscsi-tools.ts';

/** Cut from what iscsi-test-cu 1.19 printed. */
const OUTPUT = `

     CUnit - A unit testing framework for C - Version 2.1-3
     http://cunit.sourceforge.net/


Suite: CompareAndWrite
  Test: Simple ...    [SKIPPED] COMPAREANDWRITE is not implemented.
    [SKIPPED] COMPAREANDWRITE is not implemented.
passed
Suite: iSCSIResiduals
  Test: Read12Residuals ...passed
  Test: Read16Residuals ...FAILED
    1. test_read16_residuals.c:229  - CU_ASSERT_EQUAL(task->residual_status,SCSI_RESIDUAL_OVERFLOW)
Suite: OrWrite
  Test: Simple ...    [FAILED] ORWRITE command failed with status 2 / sense key ILLEGAL_REQUEST(0x05)
FAILED
    1. test_orwrite_simple.c:54  - CU_ASSERT_EQUAL(_r,0)
  Test: BeyondEol ...passed    [SKIPPED] PERSISTENT RESERVE IN is not implemented.

Suite: Read10
  Test: Async ...    [WARNING] BUSY_TIMEOUT_PERIOD is undefined.
`;

test('testCuResults() tells passed, skipped, failed and unfinished tests apart', () => {
  assert.deepEqual(
    testCuResults(OUTPUT).map(({ name, verdict }) => `${name} ${verdict}`),
    [
      'CompareAndWrite.Simple skipped',
      'iSCSIResiduals.Read12Residuals passed',
      'iSCSIResiduals.Read16Residuals failed',
      'OrWrite.Simple failed',
      'OrWrite.BeyondEol passed', // what follows comes from the suite's end
      'Read10.Async unfinished',
    ],
  );
});

test('testCuResults() keeps the reasons', () => {
  const remarks = new Map(testCuResults(OUTPUT).map((result) => [result.name, result.remarks]));
  assert.deepEqual(remarks.get('OrWrite.Simple'), [
    '[FAILED] ORWRITE command failed with status 2 / sense key ILLEGAL_REQUEST(0x05)',
    '1. test_orwrite_simple.c:54  - CU_ASSERT_EQUAL(_r,0)',
  ]);
  assert.deepEqual(remarks.get('iSCSIResiduals.Read12Residuals'), []);
});
