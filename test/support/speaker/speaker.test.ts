/** The witness itself: bytes laid out by hand from RFC 7143 §11, and the digest of its appendix A.4. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex, toHex } from '../../../src/bytes/hex.ts';
import { slowCrc32c } from './crc32c.ts';
import { encodePdu } from './encode.ts';
import { InitiatorVoice } from './initiator-voice.ts';
import { PduParser } from './parser.ts';

const BOTH = { header: true, data: true };

test('slowCrc32c() has the values of RFC 7143 appendix A.4', () => {
  const wire = (bytes: Uint8Array) => toHex(Uint8Array.from([0, 8, 16, 24], (shift) => slowCrc32c(bytes) >>> shift));
  assert.equal(wire(new Uint8Array(32)), 'aa36918a');
  assert.equal(wire(new Uint8Array(32).fill(0xff)), '43aba862');
  assert.equal(wire(Uint8Array.from({ length: 32 }, (_, at) => at)), '4e79dd46');
});

test('encodePdu() puts each field in its place', () => {
  const ahs = hex('00050200 00000008');
  const fields = { opcode: 0x01, immediate: true, flags: 0xe1, byte2: 2, byte3: 3, ahs, data: hex('a1'), pad: 0xee };
  const bytes = encodePdu({ ...fields, lun: 0x0001_0203_0405_0607n, tag: 0x10, words: [1, 2, 3, 4, 5, 6, 7] });
  const head = '41e10203 02000001 0001020304050607 00000010';
  const words = '00000001 00000002 00000003 00000004 00000005 00000006 00000007';
  assert.equal(toHex(bytes), toHex(hex(`${head} ${words} ${toHex(ahs)} a1eeeeee`)));
});

test('PduParser gives back what was encoded, in any pieces and with digests', () => {
  const data = hex('a1 a2 a3 a4 a5');
  const bytes = encodePdu({ opcode: 0x25, tag: 7, words: [0xffff_ffff, 1, 2, 3, 4, 5, 6], data }, BOTH);
  for (const step of [1, 7, bytes.length]) {
    const parser = new PduParser();
    parser.headerDigest = true;
    parser.dataDigest = true;
    const pdus = [];
    for (let at = 0; at < bytes.length; at += step) pdus.push(...parser.push(bytes.subarray(at, at + step)));
    const [pdu] = pdus;
    assert.ok(pdu !== undefined && pdus.length === 1 && parser.empty);
    const { opcode, tag, statSN, expCmdSN, maxCmdSN, dataSN, offset, count } = pdu;
    assert.deepEqual([opcode, tag, statSN, expCmdSN, maxCmdSN, dataSN, offset, count], [0x25, 7, 1, 2, 3, 4, 5, 6]);
    assert.deepEqual([toHex(pdu.data), toHex(pdu.pad)], ['a1a2a3a4a5', '000000']);
  }
});

test('PduParser objects to a digest that is spoilt', () => {
  for (const spoilt of [{ spoilHeader: true }, { spoilData: true }]) {
    const parser = new PduParser();
    parser.headerDigest = true;
    parser.dataDigest = true;
    const bytes = encodePdu({ opcode: 0x20, data: hex('01') }, { ...BOTH, ...spoilt });
    assert.throws(() => parser.push(bytes), assert.AssertionError);
  }
});

test('InitiatorVoice counts commands that are not immediate and bring no CmdSN of their own', () => {
  const voice = new InitiatorVoice();
  const numbers = [{}, { immediate: true }, { cmdSN: 9 }, {}].map((request) => {
    const bytes = voice.encode(voice.commandRequest('28 00', request));
    assert.equal(toHex(bytes.subarray(32, 34)), '2800');
    return new DataView(bytes.buffer).getUint32(24);
  });
  assert.deepEqual(numbers, [1, 2, 9, 2]);
});
