/** The lines of `iscsi-ls` and `iscsi-readcapacity16`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../src/bytes/hex.ts';
import { shownCapacity, sizeOf } from '../../src/cli/capacity.ts';
import { targetLine, targetUrl, unitLine } from '../../src/cli/ls-text.ts';
import { capacityLines } from '../../src/cli/readcapacity16.ts';

const DISK = { lun: '1', deviceType: 0, size: undefined, mediumPresent: true, failed: false };

test('unitLine() prints a disk with its true size', () => {
  assert.equal(unitLine({ ...DISK, size: 104_857_600n }), 'Lun:1    Type:DIRECT_ACCESS (Size:100M)');
  assert.equal(unitLine({ ...DISK, size: 3n * 2n ** 40n }), 'Lun:1    Type:DIRECT_ACCESS (Size:3T)');
  assert.equal(unitLine({ ...DISK, size: 2n ** 20n }), 'Lun:1    Type:DIRECT_ACCESS (Size:1M)');
  assert.equal(unitLine({ ...DISK, size: 2n ** 20n - 512n }), 'Lun:1    Type:DIRECT_ACCESS (Size:1023k)');
  assert.equal(unitLine({ ...DISK, size: 512n }), 'Lun:1    Type:DIRECT_ACCESS (Size:512 )');
  assert.equal(unitLine({ ...DISK, size: 2n ** 54n }), 'Lun:1    Type:DIRECT_ACCESS (Size:16384T)');
});

test('unitLine() prints other devices without size', () => {
  assert.equal(unitLine({ ...DISK, lun: '0', deviceType: 0x0c }), 'Lun:0    Type:STORAGE_ARRAY_CONTROLLER');
  assert.equal(
    unitLine({ ...DISK, lun: '3', deviceType: 5, mediumPresent: false }),
    'Lun:3    Type:MMC (No media loaded)',
  );
  assert.equal(unitLine({ ...DISK, lun: '16383', deviceType: 0x13 }), 'Lun:16383 Type:SEQURITY_MANAGER');
  assert.equal(unitLine({ ...DISK, deviceType: 0x14 }), 'Lun:1    Type:unknown');
});

test('unitLine() marks what could not be asked', () => {
  assert.equal(unitLine({ ...DISK, deviceType: undefined, failed: true }), 'Lun:1    Type:unknown (Failed)');
});

test('targetLine() and targetUrl() print a target; the URL is without portal group tag', () => {
  assert.equal(
    targetLine('iqn.2003-01.org.example:t1', '127.0.0.1:3281,1'),
    'Target:iqn.2003-01.org.example:t1 Portal:127.0.0.1:3281,1',
  );
  assert.equal(
    targetUrl('iqn.2003-01.org.example:t1', '127.0.0.1:3281,1'),
    'iscsi://127.0.0.1:3281/iqn.2003-01.org.example:t1/0',
  );
  assert.equal(
    targetUrl('iqn.2003-01.org.example:t1', '[::1]:3260,17'),
    'iscsi://[::1]:3260/iqn.2003-01.org.example:t1/0',
  );
});

test('capacityLines() prints READ CAPACITY(16) data line for line as libiscsi does', () => {
  const data = hex(`
    00 00 00 00 00 03 1f ff  00 00 02 00   // last block 204799, 512 bytes
    00 03 c0 00                            // no protection, 8 blocks per physical block, LBPME, LBPRZ
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  `);
  assert.deepEqual(capacityLines(shownCapacity({ source: 'READ_CAPACITY_16', bytes: data })), [
    'RETURNED LOGICAL BLOCK ADDRESS:204799',
    'LOGICAL BLOCK LENGTH IN BYTES:512',
    'P_TYPE:0 PROT_EN:0',
    'P_I_EXPONENT:0 LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT:3',
    'LBPME:1 LBPRZ:1',
    'LOWEST ALIGNED LOGICAL BLOCK ADDRESS:0',
    'Total size:104857600',
  ]);
});

test('shownCapacity() finds every field, and the size is exact above 2^53', () => {
  const data = hex(`
    ff ff ff ff ff ff ff fe  00 00 10 00
    05 21 40 07                            // P_TYPE 2, PROT_EN; P_I_EXPONENT 2, exponent 1; LBPRZ, lowest aligned 7
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  `);
  const capacity = shownCapacity({ source: 'READ_CAPACITY_16', bytes: data });
  assert.deepEqual(capacityLines(capacity).slice(2, 6), [
    'P_TYPE:2 PROT_EN:1',
    'P_I_EXPONENT:2 LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT:1',
    'LBPME:0 LBPRZ:1',
    'LOWEST ALIGNED LOGICAL BLOCK ADDRESS:7',
  ]);
  assert.equal(sizeOf(capacity), 0xffff_ffff_ffff_ffffn * 4096n);
});

test('shownCapacity() refuses an answer without address and length', () => {
  assert.throws(() => shownCapacity({ source: 'READ_CAPACITY_16', bytes: new Uint8Array(11) }), {
    code: 'ISCSI_PROTOCOL',
  });
});
