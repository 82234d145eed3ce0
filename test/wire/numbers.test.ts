import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Deframer } from '../../src/wire/deframer.ts';
import { frame } from '../../src/wire/draft.ts';
import { InitiatorNumbers } from '../../src/wire/initiator-numbers.ts';
import { TargetNumbers } from '../../src/wire/target-numbers.ts';
import type { WirePdu } from '../../src/wire/wire-pdu.ts';

/** A header by offsets of RFC 7143 §11: opcode and flags, then 32-bit words. */
function pdu(opcode: number, flags: number, words: Readonly<Record<number, number>>): WirePdu {
  let found: WirePdu | undefined;
  const taker = new Deframer(
    (arrived) => {
      found = arrived;
    },
    () => 0,
  );
  taker.push(frame({ header: new Uint8Array(48) }, undefined, { bytes: { 0: opcode, 1: flags }, words }));
  assert.ok(found);
  return found;
}

const answer = (opcode: number, statSN: number, exp = 5, max = 9, flags = 0x80, tag = 1): WirePdu =>
  pdu(opcode, flags, { 16: tag, 24: statSN, 28: exp, 32: max });

test('every PDU that brings a status moves ExpStatSN on, R2T, pings and Data-In without status do not', () => {
  const numbers = new InitiatorNumbers();
  numbers.hear(answer(0x23, 100));
  assert.equal(numbers.expStatSN, 101);
  for (const opcode of [0x20, 0x21, 0x22, 0x24, 0x26, 0x32, 0x3f]) {
    const before: number = numbers.expStatSN;
    numbers.hear(answer(opcode, before));
    assert.equal(numbers.expStatSN, before + 1, `opcode ${opcode.toString(16)}`);
  }
  numbers.hear(answer(0x31, 108));
  numbers.hear(answer(0x20, 108, 5, 9, 0x80, 0xffff_ffff));
  numbers.hear(answer(0x25, 108, 5, 9, 0x80));
  assert.equal(numbers.expStatSN, 108);
  numbers.hear(answer(0x25, 108, 5, 9, 0x81));
  assert.equal(numbers.expStatSN, 109);
});

test('StatSN goes on over the end of its 32 bits, and an old one takes nothing back', () => {
  const numbers = new InitiatorNumbers();
  numbers.hear(answer(0x23, 0xffff_ffff));
  assert.equal(numbers.expStatSN, 0);
  numbers.hear(answer(0x21, 0xffff_fff0));
  assert.equal(numbers.expStatSN, 0);
});

test('the window follows what was reported last, never back, and never to one that must be ignored', () => {
  const numbers = new InitiatorNumbers();
  const windows = [
    [0xffff_fff0, 0xffff_ffff],
    [3, 12],
    [2, 11], // late
    [20, 18], // MaxCmdSN below ExpCmdSN - 1
    [13, 12], // closed
  ] as const;
  const seen = windows.map(([exp, max]) => {
    numbers.hear(answer(0x21, 1, exp, max));
    return [numbers.expCmdSN, numbers.maxCmdSN];
  });
  assert.deepEqual(seen, [
    [0xffff_fff0, 0xffff_ffff],
    [3, 12],
    [3, 12],
    [3, 12],
    [13, 12],
  ]);
});

test('tags never become the reserved one', () => {
  const initiator = new InitiatorNumbers();
  initiator.initiatorTaskTag = 0xffff_fffe;
  assert.deepEqual([initiator.useTag(), initiator.useTag()], [0xffff_fffe, 0]);
  const target = new TargetNumbers();
  target.targetTransferTag = 0xffff_ffff;
  assert.deepEqual([target.useTag(), target.useTag()], [0, 1]);
});

test('a target expects the CmdSN behind the one that came, of commands that are not immediate', () => {
  const numbers = new TargetNumbers({ window: 4 });
  const hear = (opcode: number, cmdSN: number): number => {
    numbers.hear(pdu(opcode, 0x80, { 24: cmdSN }));
    return numbers.expCmdSN;
  };
  assert.equal(hear(0x43, 0xffff_fffe), 0xffff_fffe, 'a login has the number of the first command');
  assert.equal(hear(0x01, 0xffff_fffe), 0xffff_ffff);
  assert.equal(hear(0x41, 0xffff_ffff), 0xffff_ffff, 'immediate');
  assert.equal(hear(0x05, 0xffff_ffff), 0xffff_ffff, 'a Data-Out has no CmdSN');
  assert.equal(hear(0x04, 1), 0xffff_ffff, 'a gap');
  assert.equal(hear(0x02, 0xffff_ffff), 0);
  assert.equal(hear(0x06, 0), 1);
  assert.equal(hear(0x00, 1), 2);
  assert.equal(numbers.maxCmdSN, 5);
  numbers.window = 0;
  assert.equal(numbers.maxCmdSN, 1, 'one below ExpCmdSN: closed');
});
