/** What both roles say by themselves, against bytes laid out by hand from RFC 7143 §11. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import { Deframer } from '../../src/wire/deframer.ts';
import { frame, type PduDraft } from '../../src/wire/draft.ts';
import { InitiatorNumbers } from '../../src/wire/initiator-numbers.ts';
import * as initiator from '../../src/wire/initiator-pdus.ts';
import { TargetNumbers } from '../../src/wire/target-numbers.ts';
import * as target from '../../src/wire/target-pdus.ts';
import type { WirePdu } from '../../src/wire/wire-pdu.ts';

function initiatorNumbers(): InitiatorNumbers {
  const numbers = new InitiatorNumbers();
  numbers.cmdSN = 0x0c0c_0c01;
  numbers.expStatSN = 0x0e0e_0e01;
  numbers.initiatorTaskTag = 0xa0a0_a001;
  return numbers;
}

function targetNumbers(): TargetNumbers {
  const numbers = new TargetNumbers({ statSN: 0x0505_0501, window: 0x10 });
  numbers.expCmdSN = 0x0c0c_0c02;
  numbers.targetTransferTag = 0xb0b0_b001;
  return numbers;
}

/** All that an initiator's PDU answers to: tag and LUN of this command for 4096 bytes. */
const COMMAND = received(
  '01a10000 00000000 0003000000000000 a0a0a001 00001000 0c0c0c01 0e0e0e01 2a00000000000000 0800000000000000',
);

function received(header: string): WirePdu {
  const pdus: WirePdu[] = [];
  new Deframer(
    (pdu) => pdus.push(pdu),
    () => 0,
  ).push(hex(header));
  assert.ok(pdus[0]);
  return pdus[0];
}

function isFramed(draft: PduDraft, expected: string): void {
  assert.equal(toHex(frame(draft)), toHex(hex(expected)));
}

test('an initiator says, field by field, what the rules give', () => {
  const ZEROS_16 = '00'.repeat(16);
  isFramed(
    initiator.scsiCommand(initiatorNumbers(), {
      cdb: hex('28 00 00 00 00 10 00 00 08 00'),
      lun: 3,
      read: true,
      expectedDataTransferLength: 4096,
    }),
    '01c10000 00000000 0003000000000000 a0a0a001 00001000 0c0c0c01 0e0e0e01 28000000001000000800 000000000000',
  );
  isFramed(
    initiator.loginRequest(initiatorNumbers(), { pairs: [['A', 'b']], cid: 0x11 }),
    `43870000 00000004 8000000000010000 00000000 00110000 0c0c0c01 0e0e0e01 ${ZEROS_16} 413d6200`,
  );
  isFramed(
    initiator.nopOut(initiatorNumbers(), { data: hex('01 02') }),
    `40800000 00000002 0000000000000000 a0a0a001 ffffffff 0c0c0c01 0e0e0e01 ${ZEROS_16} 01020000`,
  );
  isFramed(
    initiator.textRequest(initiatorNumbers(), { pairs: [['SendTargets', '']] }),
    `04800000 0000000d 0000000000000000 a0a0a001 ffffffff 0c0c0c01 0e0e0e01 ${ZEROS_16} 53656e64546172676574733d00000000`,
  );
  isFramed(
    initiator.dataOut(initiatorNumbers(), {
      initiatorTaskTag: 9,
      bufferOffset: 0x200,
      dataSN: 2,
      data: hex('01020304'),
    }),
    '05800000 00000004 0000000000000000 00000009 ffffffff 00000000 0e0e0e01 00000000 00000002 00000200 00000000 01020304',
  );
  isFramed(
    initiator.taskManagementRequest(initiatorNumbers(), { functionCode: 1, referencedTaskTag: 9, refCmdSN: 7, lun: 3 }),
    '42810000 00000000 0003000000000000 a0a0a001 00000009 0c0c0c01 0e0e0e01 00000007 00000000 0000000000000000',
  );
  isFramed(
    initiator.logoutRequest(initiatorNumbers(), {}),
    `46800000 00000000 0000000000000000 a0a0a001 00000000 0c0c0c01 0e0e0e01 ${ZEROS_16}`,
  );
  isFramed(
    initiator.snack(initiatorNumbers(), { type: 1, begRun: 4, runLength: 2 }),
    '10810000 00000000 0000000000000000 ffffffff ffffffff 00000000 0e0e0e01 0000000000000000 00000004 00000002',
  );
});

test('a target says, field by field, what the rules give', () => {
  const NUMBERS = '05050501 0c0c0c02 0c0c0c11';
  const login = received(`43870000 00000000 8012345678900000 00000007 00010000 0c0c0c02 ${'00'.repeat(20)}`);
  isFramed(
    target.loginResponse(targetNumbers(), login, { pairs: [['A', 'b']] }),
    `23870000 00000004 8012345678900001 00000007 00000000 ${NUMBERS} 00000000 0000000000000000 413d6200`,
  );
  isFramed(
    target.scsiResponse(targetNumbers(), COMMAND, {
      status: 2,
      sense: hex('70 00 05'),
      underflow: true,
      residualCount: 9,
    }),
    `21820002 00000005 0000000000000000 a0a0a001 00000000 ${NUMBERS} 00000000 00000000 00000009 0003700005000000`,
  );
  isFramed(
    target.dataIn(targetNumbers(), COMMAND, { data: hex('01'), dataSN: 3, bufferOffset: 0x100 }),
    '25800000 00000001 0000000000000000 a0a0a001 ffffffff 00000000 0c0c0c02 0c0c0c11 00000003 00000100 00000000 01000000',
  );
  isFramed(
    target.dataIn(targetNumbers(), COMMAND, { hasStatus: true, overflow: true, residualCount: 8 }),
    `25850000 00000000 0000000000000000 a0a0a001 ffffffff ${NUMBERS} 00000000 00000000 00000008`,
  );
  isFramed(
    target.r2t(targetNumbers(), COMMAND),
    `31800000 00000000 0003000000000000 a0a0a001 b0b0b001 ${NUMBERS} 00000000 00000000 00001000`,
  );
  const ping = received(
    `40800000 00000002 0003000000000000 a0a0a001 ffffffff 0c0c0c01 0e0e0e01 ${'00'.repeat(16)} 01020000`,
  );
  isFramed(
    target.pong(targetNumbers(), ping),
    `20800000 00000002 0003000000000000 a0a0a001 ffffffff ${NUMBERS} 000000000000000000000000 01020000`,
  );
  isFramed(
    target.nopIn(targetNumbers()),
    `20800000 00000000 0000000000000000 ffffffff b0b0b001 ${NUMBERS} 000000000000000000000000`,
  );
  isFramed(
    target.textResponse(targetNumbers(), ping, { pairs: [['A', 'b']] }),
    `24800000 00000004 0000000000000000 a0a0a001 ffffffff ${NUMBERS} 000000000000000000000000 413d6200`,
  );
  isFramed(
    target.taskManagementResponse(targetNumbers(), COMMAND, { response: 5 }),
    `22800500 00000000 0000000000000000 a0a0a001 00000000 ${NUMBERS} 000000000000000000000000`,
  );
  isFramed(
    target.logoutResponse(targetNumbers(), COMMAND, { time2Wait: 2, time2Retain: 20 }),
    `26800000 00000000 0000000000000000 a0a0a001 00000000 ${NUMBERS} 00000000 00020014 00000000`,
  );
  isFramed(
    target.asyncMessage(targetNumbers(), { asyncEvent: 1, parameter3: 5 }),
    `32800000 00000000 0000000000000000 ffffffff 00000000 ${NUMBERS} 01000000 00000005 00000000`,
  );
  isFramed(
    target.reject(targetNumbers(), COMMAND, { reason: 4 }),
    `3f800400 00000030 0000000000000000 ffffffff 00000000 ${NUMBERS} 000000000000000000000000 ${toHex(COMMAND.header)}`,
  );
});

test('whatever the caller names stands on the wire, and takes nothing from the count', () => {
  const numbers = initiatorNumbers();
  const named = { cmdSN: 1, initiatorTaskTag: 2, expStatSN: 3, lunHigh: 4, lunLow: 5 };
  isFramed(
    initiator.scsiCommand(numbers, { cdb: hex('00'), lun: 9, final: false, write: true, attribute: 7, ...named }),
    `01270000 00000000 0000000400000005 00000002 00000000 00000001 00000003 ${'00'.repeat(16)}`,
  );
  assert.deepEqual([numbers.cmdSN, numbers.initiatorTaskTag], [0x0c0c_0c01, 0xa0a0_a001]);
  const answers = targetNumbers();
  target.scsiResponse(answers, COMMAND, { statSN: 1 });
  target.reject(answers, COMMAND, { reason: 4, statSN: 1 });
  target.r2t(answers, COMMAND, { targetTransferTag: 1 });
  assert.deepEqual([answers.statSN, answers.targetTransferTag], [0x0505_0501, 0xb0b0_b001]);
});

test('commands that are not immediate are counted, and the ones that are, are not', () => {
  const numbers = initiatorNumbers();
  const drafts = [
    initiator.nopOut(numbers, {}),
    initiator.nopOut(numbers, { immediate: false }),
    initiator.scsiCommand(numbers, { cdb: hex('00'), immediate: true }),
    initiator.textRequest(numbers, {}),
    initiator.logoutRequest(numbers, {}),
  ];
  assert.deepEqual(
    drafts.map(({ header }) => toHex(header.subarray(24, 28))),
    ['0c0c0c01', '0c0c0c01', '0c0c0c02', '0c0c0c02', '0c0c0c03'],
  );
});
