import assert from 'node:assert/strict';
import test from 'node:test';
import { hex, toHex } from '../../src/bytes/hex.ts';
import type { Sense } from '../../src/scsi/sense.ts';
import {
  describeSense,
  isBecomingReady,
  isMediumNotPresent,
  isUnitAttention,
  parseSense,
} from '../../src/scsi/sense.ts';
import { descriptorSense, fixedSense } from '../../src/scsi/sense-write.ts';
import { ASC_ASCQ } from '../../src/spec/asc-ascq.ts';
import { SENSE_KEY } from '../../src/spec/scsi-sense-keys.ts';

const OUT_OF_RANGE = hex(`
  f0 00 05            // fixed, current, VALID; ILLEGAL REQUEST
  00 00 12 34         // INFORMATION 1234h
  0a                  // ten more bytes
  00 00 00 00         // COMMAND-SPECIFIC INFORMATION
  21 00 00            // LOGICAL BLOCK ADDRESS OUT OF RANGE, no FRU
  ca 00 02            // SKSV, C/D, BPV, bit 2 of byte 2
`);

const MEDIUM_ERROR_DESCRIPTORS = hex(`
  73 03 11 04 80 00 00 3e  // descriptor, deferred; MEDIUM ERROR 11/04; SDAT_OVFL; 62 more bytes
  00 0a 80 00              // information, valid
     00 00 00 01 00 00 00 02
  01 0a 00 00              // command specific
     00 00 00 00 00 00 00 07
  02 06 00 00 80 00 03 00  // sense key specific: 3 retries
  03 02 00 09              // FRU 9
  04 02 00 c0              // stream: FILEMARK and EOM
  05 02 00 20              // block: ILI
  09 0c 01 84 00 10        // ATA status return: EXTEND, ERROR 84h, COUNT 16
     03 06 02 05 01 04     //   LBA 010203040506h, old and new registers interleaved
     40 51                 //   DEVICE, STATUS
  80 02 aa bb              // vendor specific
`);

function parsed(bytes: Uint8Array): Sense {
  const sense = parseSense(bytes);
  assert.ok(sense, `no sense in ${toHex(bytes)}`);
  return sense;
}

test('parseSense() decodes the fixed format', () => {
  const { text, ...sense } = parsed(OUT_OF_RANGE);
  assert.equal(text, 'logical block address out of range');
  assert.deepEqual(sense, {
    responseCode: 0x70,
    deferred: false,
    senseKey: 5,
    key: 'ILLEGAL_REQUEST',
    asc: 0x21,
    ascq: 0,
    information: 0x1234,
    commandSpecific: 0,
    filemark: false,
    eom: false,
    ili: false,
    sdatOvfl: false,
    fieldReplaceableUnit: undefined,
    fieldPointer: 2,
    bitPointer: 2,
    inCdb: true,
    progress: undefined,
    retryCount: undefined,
    queueOverflow: undefined,
    descriptors: [],
    truncated: false,
  });
});

test('parseSense() decodes the descriptor format with all its descriptors', () => {
  const { descriptors, ...sense } = parsed(MEDIUM_ERROR_DESCRIPTORS);
  assert.deepEqual(sense, {
    responseCode: 0x73,
    deferred: true,
    senseKey: 3,
    key: 'MEDIUM_ERROR',
    asc: 0x11,
    ascq: 4,
    text: 'unrecovered read error - auto reallocate failed',
    information: 0x1_0000_0002,
    commandSpecific: 7,
    filemark: true,
    eom: true,
    ili: true,
    sdatOvfl: true,
    fieldReplaceableUnit: 9,
    fieldPointer: undefined,
    bitPointer: undefined,
    inCdb: undefined,
    progress: undefined,
    retryCount: 3,
    queueOverflow: undefined,
    truncated: false,
  });
  const kinds = descriptors.map((descriptor) => descriptor.kind);
  assert.deepEqual(kinds, [
    'information',
    'commandSpecific',
    'senseKeySpecific',
    'fieldReplaceableUnit',
    'stream',
    'block',
    'ataStatus',
    'other',
  ]);
  const ata = descriptors.find((descriptor) => descriptor.kind === 'ataStatus');
  assert.ok(ata?.kind === 'ataStatus');
  assert.deepEqual(
    [ata.extend, ata.error, ata.count, ata.logicalBlockAddress, ata.device, ata.status],
    [true, 0x84, 16, 0x0102_0304_0506, 0x40, 0x51],
  );
  assert.deepEqual(descriptors.at(-1)?.bytes, hex('80 02 aa bb'));
});

test('parseSense() decodes progress, forwarded sense, referrals and the descriptor of block devices', () => {
  const { descriptors, ...sense } = parsed(
    hex(`
      72 02 04 04 00 00 00 40
      0a 06 02 04 09 00 80 00  // another progress: NOT READY 04/09, half done
      0b 06 01 00 11 22 33 44  // referral: not all
      0c 0c 83 02              // forwarded from source 3, cut, CHECK CONDITION
         72 05 20 00 00 00 00 00 00 00
      0d 1e a0 00 c0 00 04 07  // direct-access block device: VALID, ILI; SKSV; FRU 7
         00 00 00 00 00 00 00 09 00 00 00 00 00 00 00 0a 00 00 00 00 00 00 00 00
      ff 00
    `),
  );
  const [progress, referral, forwarded] = descriptors;
  assert.ok(progress?.kind === 'anotherProgress' && referral?.kind === 'referral' && forwarded?.kind === 'forwarded');
  assert.deepEqual([progress.senseKey, progress.asc, progress.ascq, progress.progressIndication], [2, 4, 9, 0x8000]);
  assert.equal(referral.notAllReferrals, true);
  assert.deepEqual([forwarded.truncated, forwarded.source, forwarded.status], [true, 3, 2]);
  assert.equal(parsed(forwarded.sense).text, 'invalid command operation code');
  assert.deepEqual(
    [sense.information, sense.commandSpecific, sense.ili, sense.fieldReplaceableUnit, sense.progress],
    [9, 10, true, 7, 4 / 65_536],
  );
});

test('parseSense() reads the sense-key-specific bytes as the sense key asks', () => {
  const specific = (key: number, bytes: string) =>
    parsed(hex(`70 00 0${key.toString(16)} 00000000 0a 00000000 00 00 00 ${bytes}`));
  assert.equal(specific(SENSE_KEY.NOT_READY, '80 40 00').progress, 0.25);
  assert.equal(specific(SENSE_KEY.NO_SENSE, '80 80 00').progress, 0.5);
  assert.equal(specific(SENSE_KEY.RECOVERED_ERROR, '80 00 05').retryCount, 5);
  assert.equal(specific(SENSE_KEY.HARDWARE_ERROR, '80 01 00').retryCount, 256);
  assert.equal(specific(SENSE_KEY.UNIT_ATTENTION, '81 00 00').queueOverflow, true);
  assert.equal(specific(SENSE_KEY.UNIT_ATTENTION, '80 00 00').queueOverflow, false);
  const copy = specific(SENSE_KEY.COPY_ABORTED, '80 00 08');
  assert.deepEqual([copy.fieldPointer, copy.bitPointer, copy.inCdb], [8, undefined, undefined]);
  const list = specific(SENSE_KEY.ILLEGAL_REQUEST, '80 00 08');
  assert.deepEqual([list.fieldPointer, list.bitPointer, list.inCdb], [8, undefined, false]);
  assert.equal(
    specific(SENSE_KEY.ILLEGAL_REQUEST, '4a 00 08').fieldPointer,
    undefined,
    'without SKSV nothing is valid',
  );
  assert.equal(specific(SENSE_KEY.MISCOMPARE, '80 00 08').retryCount, undefined);
});

test('parseSense() takes from fixed sense that is cut what is there', () => {
  const rows: readonly (readonly [number, number, number | undefined, number | undefined])[] = [
    [18, 0x21, 0x1234, 2],
    [17, 0x21, 0x1234, undefined],
    [13, 0x21, 0x1234, undefined],
    [12, 0, 0x1234, undefined],
    [7, 0, 0x1234, undefined],
    [6, 0, undefined, undefined],
    [3, 0, undefined, undefined],
  ];
  for (const [length, asc, information, fieldPointer] of rows) {
    const sense = parsed(OUT_OF_RANGE.slice(0, length));
    assert.deepEqual(
      [sense.asc, sense.information, sense.fieldPointer],
      [asc, information, fieldPointer],
      `${length} bytes`,
    );
    assert.equal(sense.senseKey, 5);
    assert.equal(sense.truncated, length < 18);
  }
  for (let length = 0; length < 3; length++) assert.equal(parseSense(OUT_OF_RANGE.slice(0, length)), undefined);
});

test('parseSense() leaves a cut descriptor out and trusts no length', () => {
  for (let length = 0; length <= MEDIUM_ERROR_DESCRIPTORS.length; length++) {
    const sense = parseSense(MEDIUM_ERROR_DESCRIPTORS.slice(0, length));
    assert.equal(sense === undefined, length < 2, `${length} bytes`);
    const whole = sense?.descriptors.reduce((sum, descriptor) => sum + descriptor.bytes.length, 8) ?? 0;
    assert.ok(whole <= Math.max(length, 8), `${length} bytes`);
  }
  // The additional length ends inside of the second descriptor.
  const short = parsed(hex('72 05 24 00 00 00 00 0c  02 06 00 00 c0 00 01 00  00 0a 80 00 00 00 00 00 00 00 00 01'));
  assert.deepEqual([short.descriptors.length, short.information, short.fieldPointer], [1, undefined, 1]);
});

test('parseSense() does not look behind the additional sense length', () => {
  const sense = parsed(hex('70 00 06 00 00 00 00 04 00 00 00 00 29 00'));
  assert.deepEqual([sense.asc, sense.ascq, sense.truncated], [0, 0, false]);
});

test('parseSense() knows the four response codes only', () => {
  for (const code of ['00', '6f', '74', '7f', 'ff']) {
    assert.equal(parseSense(hex(`${code} 00 05 00 00 00 00 0a 00 00 00 00 21 00 00 00 00 00`)), undefined, code);
  }
});

test('describeSense() says it in one line', () => {
  const line = (text: string) => describeSense(parsed(hex(text)));
  assert.equal(
    line('70 00 05 00000000 0a 00000000 21 00 00 00 00 00'),
    'ILLEGAL REQUEST, logical block address out of range (05/21/00)',
  );
  assert.equal(
    line('70 00 05 00000000 0a 00000000 24 00 00 c8 00 01'),
    'ILLEGAL REQUEST, invalid field in CDB (05/24/00), byte 1 bit 0 of the CDB',
  );
  assert.equal(
    line('70 00 05 00000000 0a 00000000 26 00 00 80 00 0c'),
    'ILLEGAL REQUEST, invalid field in parameter list (05/26/00), byte 12 of the parameter list',
  );
  assert.equal(
    line('72 02 04 04 00 00 00 08 02 06 00 00 80 6b 86 00'),
    'NOT READY, logical unit not ready, format in progress (02/04/04), 42% done',
  );
  assert.equal(
    line('71 00 03 00000000 0a 00000000 0c 00 00 00 00 00'),
    'deferred: MEDIUM ERROR, write error (03/0C/00)',
  );
  assert.equal(
    line('70 00 04 00000000 0a 00000000 40 85 00 00 00 00'),
    'HARDWARE ERROR, diagnostic failure on component 85 (04/40/85)',
  );
  assert.equal(
    line('70 00 09 00000000 0a 00000000 80 01'),
    'VENDOR SPECIFIC, vendor specific additional sense (09/80/01)',
  );
  assert.equal(line('70 00 05 00000000 0a 00000000 7f 01'), 'ILLEGAL REQUEST, unknown additional sense (05/7F/01)');
});

test('the predicates look at key and code', () => {
  const sense = (key: number, asc: number, ascq: number) => parsed(fixedSense({ senseKey: key, asc, ascq }));
  assert.equal(isUnitAttention(sense(6, 0x29, 0)), true);
  assert.equal(isUnitAttention(sense(5, 0x29, 0)), false);
  assert.equal(isBecomingReady(sense(2, 0x04, 0x01)), true);
  assert.equal(isBecomingReady(sense(2, 0x04, 0x0a)), true);
  assert.equal(isBecomingReady(sense(2, 0x04, 0x02)), false, 'it waits for START');
  assert.equal(isBecomingReady(sense(6, 0x04, 0x01)), false);
  assert.equal(isMediumNotPresent(sense(2, 0x3a, 0x02)), true);
  assert.equal(isMediumNotPresent(sense(2, 0x04, 0x01)), false);
  for (const predicate of [isUnitAttention, isBecomingReady, isMediumNotPresent])
    assert.equal(predicate(undefined), false);
});

test('fixedSense() writes 18 bytes', () => {
  const outOfRange = { senseKey: SENSE_KEY.ILLEGAL_REQUEST, ...ASC_ASCQ.LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE };
  assert.deepEqual(
    fixedSense({ ...outOfRange, information: 0x1234, fieldPointer: 2, bitPointer: 2, inCdb: true }),
    OUT_OF_RANGE,
  );
  assert.deepEqual(
    fixedSense({ senseKey: 6, asc: 0x29, ascq: 0 }),
    hex('70 00 06 00000000 0a 00000000 29 00 00 00 00 00'),
  );
  assert.deepEqual(
    fixedSense({ senseKey: 5, asc: 0x26, ascq: 0, fieldPointer: 0x102, inCdb: false, deferred: true }),
    hex('71 00 05 00000000 0a 00000000 26 00 00 80 01 02'),
  );
  assert.equal(toHex(fixedSense({ senseKey: 2, asc: 4, ascq: 4, progress: 0.5 })).slice(-6), '808000');
  assert.equal(toHex(fixedSense({ senseKey: 2, asc: 4, ascq: 4, progress: 1 })).slice(-6), '80ffff');
  assert.equal(
    toHex(fixedSense({ senseKey: 0, asc: 0, ascq: 1, filemark: true, eom: true, ili: true })).slice(4, 6),
    'e0',
  );
});

test('fixedSense() leaves an information out that has no room, and refuses what is wrong', () => {
  const key = { senseKey: 5, asc: 0x21, ascq: 0 };
  assert.equal(parsed(fixedSense({ ...key, information: 0xffff_ffff })).information, 0xffff_ffff);
  assert.equal(parsed(fixedSense({ ...key, information: 0x1_0000_0000 })).information, undefined);
  for (const bad of [
    { senseKey: 16 },
    { asc: 256 },
    { bitPointer: 8, fieldPointer: 0 },
    { progress: 2 },
    { information: -1 },
  ]) {
    assert.throws(() => fixedSense({ ...key, ...bad }), RangeError, JSON.stringify(bad));
  }
});

test('descriptorSense() writes the descriptors that are needed', () => {
  assert.equal(toHex(descriptorSense({ senseKey: 6, asc: 0x29, ascq: 0 })), '7206290000000000');
  assert.deepEqual(
    descriptorSense({
      senseKey: 5,
      asc: 0x21,
      ascq: 0,
      information: 0x1_0000_0002,
      commandSpecific: 7,
      fieldPointer: 2,
      ili: true,
      deferred: true,
    }),
    hex(`
      73 05 21 00 00 00 00 24
      00 0a 80 00 00 00 00 01 00 00 00 02
      01 0a 00 00 00 00 00 00 00 00 00 07
      02 06 00 00 c0 00 02 00
      05 02 00 20
    `),
  );
  assert.equal(
    toHex(descriptorSense({ senseKey: 0, asc: 0, ascq: 1, filemark: true, ili: true })),
    '7200000100000004040200a0',
  );
  assert.throws(() => descriptorSense({ senseKey: 16, asc: 0, ascq: 0 }), RangeError);
  assert.throws(() => descriptorSense({ senseKey: 5, asc: 0, ascq: 0, information: 2 ** 53 }), RangeError);
});

test('both formats say the same', () => {
  const fields = { senseKey: 2, asc: 4, ascq: 4, information: 77, progress: 0.75, ili: true };
  // The fixed format has COMMAND-SPECIFIC INFORMATION always.
  const common = { responseCode: 0, descriptors: [], commandSpecific: undefined };
  assert.deepEqual({ ...parsed(fixedSense(fields)), ...common }, { ...parsed(descriptorSense(fields)), ...common });
});

test('INFORMATION is a difference, and can be negative, where a tape met another length, a filemark or the end', () => {
  const fixed = (flags: string, information: string) =>
    parseSense(hex(`f0 00 ${flags} ${information} 0a 00000000 00 00 00 00 00 00`))?.information;
  assert.equal(fixed('20', 'ffffffe0'), -32); // ILI: the block was 32 bytes longer than asked for
  assert.equal(fixed('20', '00000020'), 32);
  assert.equal(fixed('40', 'fffffff9'), -7); // EOM: spacing backwards met the beginning
  assert.equal(fixed('80', '00000003'), 3); // FILEMARK
  assert.equal(fixed('03', 'ffffffe0'), 0xffff_ffe0); // MEDIUM ERROR: an address
  const descriptor = (marks: string, information: string) =>
    parseSense(hex(`72 00 00 00 00 00 00 10 00 0a 80 00 ${information} ${marks}`))?.information;
  assert.equal(descriptor('04 02 00 20', 'ffffffffffffffe0'), -32);
  assert.equal(descriptor('05 02 00 20', 'ffffffffffffffe0'), -32);
  assert.equal(descriptor('04 02 00 00', 'ffffffffffffffe0'), Number.MAX_SAFE_INTEGER);
  assert.equal(descriptor('04 02 00 40', '8000000000000000'), -Number.MAX_SAFE_INTEGER);
  const block = parseSense(
    hex('72 00 00 00 00 00 00 20 0d 1e a0 00 000000 00 ffffffffffffffe0 0000000000000000 0000000000000000'),
  );
  assert.equal(block?.information, -32);
});
