import assert from 'node:assert/strict';
import test from 'node:test';
import { concat, hex } from '../../../src/bytes/hex.ts';
import { ProtocolError } from '../../../src/errors.ts';
import {
  readCapacity10,
  readCapacity16,
  writeCapacity10,
  writeCapacity16,
} from '../../../src/scsi/data/read-capacity.ts';

const TEN = hex('00 03 1f ff  00 00 02 00');
const SIXTEEN = hex(`
  00 00 00 01 00 00 00 05  // last block
  00 00 10 00              // 4096 bytes
  17 23 c5 06              // RC BASIS 1, P_TYPE 3, PROT_EN; P_I_EXPONENT 2, 2^3 blocks; LBPME, LBPRZ, aligned at 506h
  ${'00'.repeat(16)}
`);

test('READ CAPACITY(10) data is read and written', () => {
  const fields = { returnedLogicalBlockAddress: 0x3_1fff, logicalBlockLength: 512 };
  assert.deepEqual(readCapacity10(TEN), { ...fields, fullLength: 8, truncated: false });
  assert.deepEqual(writeCapacity10(fields), TEN);
  assert.throws(() => readCapacity10(TEN.slice(0, 7)), ProtocolError);
});

test('writeCapacity10() sends the reader on to READ CAPACITY(16)', () => {
  const bytes = writeCapacity10({ returnedLogicalBlockAddress: 0x1_0000_0000, logicalBlockLength: 512 });
  assert.deepEqual(bytes, hex('ff ff ff ff 00 00 02 00'));
  assert.throws(() => writeCapacity10({ returnedLogicalBlockAddress: -1 }), RangeError);
});

test('READ CAPACITY(16) data is read and written', () => {
  const fields = {
    returnedLogicalBlockAddress: 0x1_0000_0005,
    logicalBlockLength: 4096,
    rcBasis: 1,
    pType: 3,
    protEn: true,
    pIExponent: 2,
    lbppbe: 3,
    lbpme: true,
    lbprz: true,
    lowestAlignedLogicalBlockAddress: 0x506,
  };
  assert.deepEqual(readCapacity16(SIXTEEN), { ...fields, fullLength: 32, truncated: false });
  assert.deepEqual(writeCapacity16(fields), SIXTEEN);
});

test('readCapacity16() needs address and block length, and marks what else is missing', () => {
  for (let length = 0; length < 12; length++)
    assert.throws(() => readCapacity16(SIXTEEN.slice(0, length)), ProtocolError);
  const short = readCapacity16(SIXTEEN.slice(0, 12));
  assert.deepEqual([short.logicalBlockLength, short.lbpme, short.truncated], [4096, false, true]);
});

test('readCapacity16() refuses a device that is larger than can be counted', () => {
  const rest = SIXTEEN.slice(8);
  const largest = readCapacity16(concat(hex('00 1f ff ff ff ff ff fe'), rest));
  assert.equal(largest.returnedLogicalBlockAddress, Number.MAX_SAFE_INTEGER - 1);
  for (const text of ['00 1f ff ff ff ff ff ff', '00 20 00 00 00 00 00 00', 'ff ff ff ff ff ff ff ff']) {
    assert.throws(() => readCapacity16(concat(hex(text), rest)), ProtocolError, text);
  }
});
