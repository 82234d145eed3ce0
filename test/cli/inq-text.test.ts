import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hex } from '../../src/bytes/hex.ts';
import { showPage } from '../../src/cli/inq-pages.ts';
import { standardLines } from '../../src/cli/inq-text.ts';
import { readInquiry } from '../../src/scsi/data/inquiry.ts';

/** tgt 1.0.85, a disk. */
const STANDARD = hex(`
  00 00 05 12                                       // connected disk, not removable, SPC-3, HISUP, format 2
  3d 00 00 02                                       // 66 bytes in all, CMDQUE
  49 45 54 20 20 20 20 20                           // "IET     "
  56 49 52 54 55 41 4c 2d 44 49 53 4b 20 20 20 20   // "VIRTUAL-DISK    "
  30 30 30 31                                       // "0001"
  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  04 c0 09 60 00 00 03 00                           // SBC-3, iSCSI, nothing, SPC-3
`);

test('standardLines() prints standard INQUIRY data line for line as libiscsi does', () => {
  assert.deepEqual(standardLines(readInquiry(STANDARD), STANDARD), [
    'Peripheral Qualifier:CONNECTED',
    'Peripheral Device Type:DIRECT_ACCESS',
    'Removable:0',
    'Version:5 ANSI INCITS 408-2005 (SPC-3)',
    'NormACA:0',
    'HiSup:1',
    'ReponseDataFormat:2',
    'SCCS:0',
    'ACC:0',
    'TPGS:0',
    '3PC:0',
    'Protect:0',
    'EncServ:0',
    'MultiP:0',
    'SYNC:0',
    'CmdQue:1',
    'Vendor:IET     ',
    'Product:VIRTUAL-DISK    ',
    'Revision:0001',
    'Version Descriptor:04c0 SBC-3',
    'Version Descriptor:0960 iSCSI',
    'Version Descriptor:0300 SPC-3',
  ]);
});

test('standardLines() shows each bit where it belongs', () => {
  const all = STANDARD.slice();
  all.set(hex('7f 80 06 32'), 0); // qualifier 3, type 1Fh; removable; SPC-4; NORMACA and HISUP
  all.set(hex('f9 59 92'), 5); // SCCS ACC TPGS=3 3PC PROTECT; ENCSERV MULTIP; SYNC CMDQUE
  assert.deepEqual(standardLines(readInquiry(all), all).slice(0, 16), [
    'Peripheral Qualifier:NOT_SUPPORTED',
    'Peripheral Device Type:UNKNOWN',
    'Removable:1',
    'Version:6 unknown',
    'NormACA:1',
    'HiSup:1',
    'ReponseDataFormat:2',
    'SCCS:1',
    'ACC:1',
    'TPGS:3',
    '3PC:1',
    'Protect:1',
    'EncServ:1',
    'MultiP:1',
    'SYNC:1',
    'CmdQue:1',
  ]);
});

test('standardLines() lets no control character of a target through', () => {
  const hostile = STANDARD.slice();
  hostile.set(hex('1b 5b 32 4a 07 0a 0d 41'), 8); // ESC [ 2 J, BEL, LF, CR, A
  assert.ok(standardLines(readInquiry(hostile), hostile).includes('Vendor:.[2J...A'));
});

test('showPage() prints page 00 as libiscsi does', () => {
  const page = hex('00 00 00 04  00 80 89 b2');
  assert.deepEqual(showPage(0x00, page).lines, [
    'Page:0x00 SUPPORTED_VPD_PAGES',
    'Page:0x80 UNIT_SERIAL_NUMBER',
    'Page:0x89 unknown',
    'Page:0xb2 LOGICAL_BLOCK_PROVISIONING',
  ]);
});

test('showPage() prints the serial number with its padding', () => {
  const page = hex('00 80 00 08  20 20 62 65 61 66 31 31');
  assert.deepEqual(showPage(0x80, page).lines, ['Unit Serial Number:[  beaf11]']);
});

test('showPage() numbers designators from the end of the page and prints binary ones in hex', () => {
  const page = hex(`
    00 83 00 2a
    02 01 00 12  49 45 54 20 20 20 20 20 30 30 30 31 30 30 30 31 00 00   // ASCII, T10 vendor id, "IET     00010001"
    51 93 00 08  60 00 00 00 00 00 00 0e                                 // binary NAA of the target port, PIV, iSCSI
    01 0c 00 00                                                          // binary, type 0Ch, empty
  `);
  assert.deepEqual(showPage(0x83, page).lines, [
    'Peripheral Qualifier:CONNECTED',
    'Peripheral Device Type:DIRECT_ACCESS',
    'Page Code:(0x83) DEVICE_IDENTIFICATION',
    'DEVICE DESIGNATOR #0',
    'Code Set:(1) BINARY',
    'PIV:0',
    'Association:(0) LOGICAL_UNIT',
    'Designator Type:(12) unknown',
    'Designator:[]',
    'DEVICE DESIGNATOR #1',
    'Device Protocol Identifier:(5) ISCSI',
    'Code Set:(1) BINARY',
    'PIV:1',
    'Association:(1) TARGET_PORT',
    'Designator Type:(3) NAA',
    'Designator:[ 60 00 00 00 00 00 00 0e]',
    'DEVICE DESIGNATOR #2',
    'Code Set:(2) ASCII',
    'PIV:0',
    'Association:(0) LOGICAL_UNIT',
    'Designator Type:(1) T10_VENDORT_ID',
    'Designator:[IET     00010001]',
  ]);
});

test('showPage() prints page B0 with all 64 bits of the write same length', () => {
  const page = hex(`
    00 b0 00 3c
    01 80                      // WSNZ, compare and write 128
    00 08                      // granularity 8
    00 00 10 00  00 00 01 00   // maximum 4096, optimal 256
    00 00 00 07                // prefetch 7
    00 00 20 00  00 00 00 10   // unmap 8192 blocks, 16 descriptors
    00 00 00 40  80 00 00 05   // unmap granularity 64, UGAVALID, alignment 5
    ff ff ff ff ff ff ff ff    // write same without limit
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
  `);
  assert.deepEqual(showPage(0xb0, page).lines, [
    'wsnz:1',
    'maximum compare and write length:128',
    'optimal transfer length granularity:8',
    'maximum transfer length:4096',
    'optimal transfer length:256',
    'maximum prefetch xdread xdwrite transfer length:7',
    'maximum unmap lba count:8192',
    'maximum unmap block descriptor count:16',
    'optimal unmap granularity:64',
    'ugavalid:1',
    'unmap granularity alignment:5',
    'maximum write same length:18446744073709551615',
  ]);
});

test('showPage() prints a page B0 of SBC-2, which ends after the transfer lengths', () => {
  const page = hex('00 b0 00 0c  00 00 00 08  00 00 10 00  00 00 01 00');
  assert.equal(showPage(0xb0, page).lines.at(-1), 'maximum write same length:0');
});

test('showPage() prints the rotation rate of page B1', () => {
  assert.deepEqual(showPage(0xb1, hex('00 b1 00 04  1c 20 00 00')).lines, ['Medium Rotation Rate:7200RPM']);
});

test('showPage() prints page B2, the last bit of LBPRZ only', () => {
  assert.deepEqual(showPage(0xb2, hex('00 b2 00 04  03 e9 02 00')).lines, [
    'Threshold Exponent:3',
    'lbpu:1',
    'lbpws:1',
    'lbpws10:1',
    'lbprz:0', // 010b: a provisioning initialization pattern
    'anc_sup:0',
    'dp:1',
    'provisioning type:2',
  ]);
});

test('showPage() dumps a page that it does not know', () => {
  const shown = showPage(0xc0, hex('00 c0 00 0e  41 42 00 ff  30 31 32 33 34 35 36 37 38 39'));
  assert.equal(shown.name, undefined);
  assert.deepEqual(shown.lines, [
    'Page Code:(0xc0) unknown',
    '0000  00 c0 00 0e 41 42 00 ff 30 31 32 33 34 35 36 37  ....AB..01234567',
    '0010  38 39                                            89',
  ]);
});
