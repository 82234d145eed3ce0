import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../../src/bytes/hex.ts';
import { ProtocolError } from '../../../src/errors.ts';
import { readLbaStatus, writeLbaStatus } from '../../../src/scsi/data/lba-status.ts';
import { PROVISIONING_STATUS } from '../../../src/spec/scsi-provisioning-status.ts';

const TWO = `
  00 00 00 24  00 00 00 00                // PARAMETER DATA LENGTH: 36 more bytes
  00 00 00 00 00 00 10 00  00 00 08 00    // block 4096, 2048 blocks
  01 00 00 00                             // deallocated
  00 00 00 00 00 00 18 00  ff ff ff ff    // block 6144
  02 00 00 00                             // anchored
`;
const DESCRIPTORS = [
  { logicalBlockAddress: 0x1000, numberOfLogicalBlocks: 0x800, provisioningStatus: PROVISIONING_STATUS.DEALLOCATED },
  { logicalBlockAddress: 0x1800, numberOfLogicalBlocks: 0xffff_ffff, provisioningStatus: PROVISIONING_STATUS.ANCHORED },
];

/** Bytes of annotated hex. */
function bytesOf(text: string): Uint8Array {
  return hex(text.replaceAll(/\/\/.*$/gm, '').replaceAll(/\s/g, ''));
}

test('GET LBA STATUS data is read and written as SBC lays it out', () => {
  const bytes = bytesOf(TWO);
  assert.deepEqual(readLbaStatus(bytes), { descriptors: DESCRIPTORS, fullLength: 40, truncated: false });
  assert.deepEqual(writeLbaStatus(DESCRIPTORS), bytes);
});

test('of data that is cut, the descriptors that came whole are read, and nothing is read behind its own length', () => {
  const bytes = bytesOf(TWO);
  for (let length = 8; length < 40; length++) {
    const { descriptors, truncated } = readLbaStatus(bytes.subarray(0, length));
    assert.deepEqual([descriptors.length, truncated], [length < 24 ? 0 : 1, true], `${length} bytes`);
  }
  const short = bytes.slice();
  short[3] = 0x14; // one descriptor
  assert.equal(readLbaStatus(short).descriptors.length, 1);
  for (let length = 0; length < 8; length++)
    assert.throws(() => readLbaStatus(bytes.subarray(0, length)), ProtocolError);
});
