import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, viewOf } from '../../src/bytes/hex.ts';
import { cmdSN, expCmdSN, expStatSN, maxCmdSN, statSN, targetTransferTag } from '../../src/pdu/numbers.ts';
import { nopIn } from '../fixtures/nop-in.ts';
import { nopOut } from '../fixtures/nop-out.ts';

test("the numbers of an initiator's PDU are read from where it has them", () => {
  const { bytes, pdu } = nopOut.examples[0];
  const header = viewOf(hex(bytes));
  assert.equal(targetTransferTag(header, 0), pdu.targetTransferTag);
  assert.equal(cmdSN(header, 0), pdu.cmdSN);
  assert.equal(expStatSN(header, 0), pdu.expStatSN);
});

test("the numbers of a target's PDU are read from where it has them", () => {
  const { bytes, pdu } = nopIn.examples[0];
  const header = viewOf(hex(bytes));
  assert.equal(statSN(header, 0), pdu.statSN);
  assert.equal(expCmdSN(header, 0), pdu.expCmdSN);
  assert.equal(maxCmdSN(header, 0), pdu.maxCmdSN);
});
