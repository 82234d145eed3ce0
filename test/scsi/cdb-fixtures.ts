/** One CDB for every command of the table, written by hand from the byte maps of the standards. */
import { hex } from '../../src/bytes/hex.ts';
import type { CdbInput, CommandName } from '../../src/scsi/commands.ts';

/** A command with the fields it was built from and the bytes that must come out. */
export interface CdbFixture {
  readonly name: CommandName;
  readonly values: Readonly<Record<string, number | boolean | undefined>>;
  readonly bytes: Uint8Array;
}

function row<N extends CommandName>(name: N, values: CdbInput<N>, text: string): CdbFixture {
  return { name, values: values as CdbFixture['values'], bytes: hex(text) };
}

export const CDB_FIXTURES: readonly CdbFixture[] = [
  // SPC
  row('TEST_UNIT_READY', {}, '00 00 00 00 00 00'),
  row('TEST_UNIT_READY', { control: 0x04 }, '00 00 00 00 00 04 // CONTROL: NACA'),
  row('REQUEST_SENSE', { desc: true, allocationLength: 252 }, '03 01 00 00 fc 00'),
  row('INQUIRY', { evpd: true, pageCode: 0x83, allocationLength: 0x1234 }, '12 01 83 12 34 00'),
  row('MODE_SELECT_6', { pf: true, sp: true, parameterListLength: 24 }, '15 11 00 00 18 00'),
  row('MODE_SELECT_6', { rtd: true }, '15 02 00 00 00 00'),
  row('MODE_SELECT_10', { pf: true, parameterListLength: 0x0102 }, '55 10 00 00 00 00 00 01 02 00'),
  row(
    'MODE_SENSE_6',
    { dbd: true, pageControl: 2, pageCode: 0x0a, subpageCode: 0x01, allocationLength: 255 },
    '1a 08 8a 01 ff 00',
  ),
  row(
    'MODE_SENSE_10',
    { llbaa: true, pageControl: 3, pageCode: 0x3f, subpageCode: 0xff, allocationLength: 1024 },
    '5a 10 ff ff 00 00 00 04 00 00',
  ),
  row('RESERVE_6', {}, '16 00 00 00 00 00'),
  row('RELEASE_6', {}, '17 00 00 00 00 00'),
  row('RESERVE_10', {}, '56 00 00 00 00 00 00 00 00 00'),
  row('RELEASE_10', {}, '57 00 00 00 00 00 00 00 00 00'),
  row('PREVENT_ALLOW_MEDIUM_REMOVAL', { prevent: 1 }, '1e 00 00 00 01 00'),
  row('START_STOP_UNIT', { immed: true, loej: true }, '1b 01 00 00 02 00'),
  row(
    'START_STOP_UNIT',
    { powerConditionModifier: 2, powerCondition: 3, noFlush: true, start: true },
    '1b 00 00 02 35 00',
  ),
  row('REPORT_LUNS', { selectReport: 2, allocationLength: 0x10000 }, 'a0 00 02 00 00 00 00 01 00 00 00 00'),
  row('PERSISTENT_RESERVE_IN', { serviceAction: 3, allocationLength: 0x2000 }, '5e 03 00 00 00 00 00 20 00 00'),
  row(
    'PERSISTENT_RESERVE_OUT',
    { serviceAction: 1, scope: 0, type: 5, parameterListLength: 24 },
    '5f 01 05 00 00 00 00 00 18 00',
  ),
  row(
    'LOG_SENSE',
    { sp: true, pageControl: 1, pageCode: 0x0d, subpageCode: 1, parameterPointer: 0x0203, allocationLength: 0x0405 },
    '4d 01 4d 01 00 02 03 04 05 00',
  ),
  row('LOG_SELECT', { pcr: true, pageControl: 3, parameterListLength: 7 }, '4c 02 c0 00 00 00 00 00 07 00'),
  row('SEND_DIAGNOSTIC', { selfTest: true }, '1d 04 00 00 00 00'),
  row(
    'SEND_DIAGNOSTIC',
    { selfTestCode: 5, pf: true, devOffL: true, unitOffL: true, parameterListLength: 0x0102 },
    '1d b3 00 01 02 00',
  ),
  row('RECEIVE_DIAGNOSTIC_RESULTS', { pcv: true, pageCode: 2, allocationLength: 512 }, '1c 01 02 02 00 00'),
  row(
    'WRITE_BUFFER',
    { modeSpecific: 1, mode: 0x0e, bufferId: 3, bufferOffset: 0x010203, parameterListLength: 0x040506 },
    '3b 2e 03 01 02 03 04 05 06 00',
  ),
  row('READ_BUFFER_10', { mode: 3, bufferId: 1, allocationLength: 4 }, '3c 03 01 00 00 00 00 00 04 00'),
  row(
    'READ_BUFFER_16',
    { mode: 2, bufferOffset: 0x1_0000_0000, allocationLength: 0x800, bufferId: 9 },
    '9b 02 00 00 00 01 00 00 00 00 00 00 08 00 09 00',
  ),
  row(
    'SECURITY_PROTOCOL_IN',
    { securityProtocol: 0xee, securityProtocolSpecific: 0x0102, inc512: true, allocationLength: 1 },
    'a2 ee 01 02 80 00 00 00 00 01 00 00',
  ),
  row('SECURITY_PROTOCOL_OUT', { securityProtocol: 1, transferLength: 0x200 }, 'b5 01 00 00 00 00 00 00 02 00 00 00'),
  row(
    'REPORT_TARGET_PORT_GROUPS',
    { parameterDataFormat: 1, allocationLength: 8 },
    'a3 2a 00 00 00 00 00 00 00 08 00 00',
  ),
  row(
    'REPORT_SUPPORTED_OPERATION_CODES',
    {
      rctd: true,
      reportingOptions: 2,
      requestedOperationCode: 0x9e,
      requestedServiceAction: 0x12,
      allocationLength: 0x100,
    },
    'a3 0c 82 9e 00 12 00 00 01 00 00 00',
  ),
  row(
    'REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS',
    { repd: true, allocationLength: 16 },
    'a3 0d 80 00 00 00 00 00 00 10 00 00',
  ),
  row('REPORT_TIMESTAMP', { allocationLength: 12 }, 'a3 0f 00 00 00 00 00 00 00 0c 00 00'),
  row('SET_TARGET_PORT_GROUPS', { parameterListLength: 8 }, 'a4 0a 00 00 00 00 00 00 00 08 00 00'),
  row('SET_TIMESTAMP', { parameterListLength: 12 }, 'a4 0f 00 00 00 00 00 00 00 0c 00 00'),
  row('EXTENDED_COPY', { parameterListLength: 0x54 }, '83 00 00 00 00 00 00 00 00 00 00 00 00 54 00 00'),
  row(
    'POPULATE_TOKEN',
    { listIdentifier: 7, parameterListLength: 0x30, groupNumber: 1 },
    '83 10 00 00 00 00 00 00 00 07 00 00 00 30 01 00',
  ),
  row(
    'WRITE_USING_TOKEN',
    { listIdentifier: 7, parameterListLength: 0x228 },
    '83 11 00 00 00 00 00 00 00 07 00 00 02 28 00 00',
  ),
  row(
    'RECEIVE_ROD_TOKEN_INFORMATION',
    { listIdentifier: 7, allocationLength: 0x400 },
    '84 07 00 00 00 07 00 00 00 00 00 00 04 00 00 00',
  ),
  row(
    'RECEIVE_COPY_RESULTS',
    { serviceAction: 3, listIdentifier: 9, allocationLength: 0x400 },
    '84 03 09 00 00 00 00 00 00 00 00 00 04 00 00 00',
  ),
  row(
    'SERVICE_ACTION_IN_16',
    { serviceAction: 0x1f, allocationLength: 4 },
    '9e 1f 00 00 00 00 00 00 00 00 00 00 00 04 00 00',
  ),

  // SBC
  row('READ_6', { logicalBlockAddress: 0x1f_fffe, transferLength: 1 }, '08 1f ff fe 01 00'),
  row('WRITE_6', { logicalBlockAddress: 0x01_0203, transferLength: 0 }, '0a 01 02 03 00 00 // 256 blocks'),
  row(
    'READ_10',
    { rdprotect: 5, dpo: true, fua: true, logicalBlockAddress: 0x0102_0304, groupNumber: 0x15, transferLength: 0x0506 },
    '28 b8 01 02 03 04 15 05 06 00',
  ),
  row('READ_10', { rarc: true, fuaNv: true }, '28 06 00 00 00 00 00 00 00 00'),
  row(
    'READ_12',
    { fua: true, logicalBlockAddress: 0xffff_fffe, transferLength: 0x0102_0304, groupNumber: 2, streaming: true },
    'a8 08 ff ff ff fe 01 02 03 04 82 00',
  ),
  row(
    'READ_16',
    {
      rdprotect: 1,
      dpo: true,
      logicalBlockAddress: 0x1f_ffff_ffff_ffff,
      transferLength: 0xffff_ffff,
      groupNumber: 0x1f,
    },
    '88 30 00 1f ff ff ff ff ff ff ff ff ff ff 1f 00',
  ),
  row('READ_16', { rarc: true, dld2: true, dld1: true, dld0: true }, '88 05 00 00 00 00 00 00 00 00 00 00 00 00 c0 00'),
  row(
    'READ_32',
    {
      control: 4,
      groupNumber: 3,
      rdprotect: 1,
      dpo: true,
      fua: true,
      rarc: true,
      logicalBlockAddress: 0x0000_0001_0203_0405,
      expectedInitialLogicalBlockReferenceTag: 0x0607_0809,
      expectedLogicalBlockApplicationTag: 0x0a0b,
      logicalBlockApplicationTagMask: 0x0c0d,
      transferLength: 0x0e0f_1011,
    },
    `7f 04 00 00 00 00 03 18  // CONTROL, GROUP NUMBER, ADDITIONAL CDB LENGTH 24
     00 09 3c 00              // service action 0009, RDPROTECT 1, DPO, FUA, RARC
     00 00 00 01 02 03 04 05  // LBA
     06 07 08 09 0a 0b 0c 0d  // tags and mask
     0e 0f 10 11`,
  ),
  row(
    'WRITE_10',
    { wrprotect: 3, fua: true, logicalBlockAddress: 8, transferLength: 1 },
    '2a 68 00 00 00 08 00 00 01 00',
  ),
  row(
    'WRITE_12',
    { dpo: true, logicalBlockAddress: 8, transferLength: 0x1_0000 },
    'aa 10 00 00 00 08 00 01 00 00 00 00',
  ),
  row(
    'WRITE_16',
    { fuaNv: true, logicalBlockAddress: 0x1_0000_0000, transferLength: 8 },
    '8a 02 00 00 00 01 00 00 00 00 00 00 00 08 00 00',
  ),
  row(
    'WRITE_32',
    { wrprotect: 7, fua: true, logicalBlockAddress: 0x10, transferLength: 2 },
    '7f 00 00 00 00 00 00 18 00 0b e8 00 00 00 00 00 00 00 00 10 00 00 00 00 00 00 00 00 00 00 00 02',
  ),
  row(
    'WRITE_ATOMIC_16',
    {
      wrprotect: 1,
      dpo: true,
      fua: true,
      logicalBlockAddress: 0x20,
      atomicBoundary: 0x0102,
      transferLength: 0x0304,
      groupNumber: 5,
    },
    '9c 38 00 00 00 00 00 00 00 20 01 02 03 04 05 00',
  ),
  row(
    'ORWRITE_16',
    { orprotect: 1, fua: true, logicalBlockAddress: 1, transferLength: 2 },
    '8b 28 00 00 00 00 00 00 00 01 00 00 00 02 00 00',
  ),
  row(
    'COMPARE_AND_WRITE',
    { dpo: true, logicalBlockAddress: 0x0102_0304_0506, numberOfLogicalBlocks: 255, groupNumber: 1 },
    '89 10 00 00 01 02 03 04 05 06 00 00 00 ff 01 00',
  ),
  row(
    'VERIFY_10',
    { vrprotect: 1, dpo: true, bytchk: 3, logicalBlockAddress: 5, groupNumber: 1, verificationLength: 6 },
    '2f 36 00 00 00 05 01 00 06 00',
  ),
  row(
    'VERIFY_12',
    { bytchk: 1, logicalBlockAddress: 5, verificationLength: 6, groupNumber: 1 },
    'af 02 00 00 00 05 00 00 00 06 01 00',
  ),
  row(
    'VERIFY_16',
    { bytchk: 2, logicalBlockAddress: 5, verificationLength: 6, groupNumber: 1 },
    '8f 04 00 00 00 00 00 00 00 05 00 00 00 06 01 00',
  ),
  row(
    'VERIFY_32',
    { vrprotect: 1, dpo: true, bytchk: 1, logicalBlockAddress: 5, verificationLength: 6 },
    '7f 00 00 00 00 00 00 18 00 0a 32 00 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00 00 00 00 00 06',
  ),
  row(
    'WRITE_AND_VERIFY_10',
    { wrprotect: 1, dpo: true, bytchk: 1, logicalBlockAddress: 5, groupNumber: 1, transferLength: 6 },
    '2e 32 00 00 00 05 01 00 06 00',
  ),
  row(
    'WRITE_AND_VERIFY_12',
    { logicalBlockAddress: 5, transferLength: 6, groupNumber: 1 },
    'ae 00 00 00 00 05 00 00 00 06 01 00',
  ),
  row(
    'WRITE_AND_VERIFY_16',
    { logicalBlockAddress: 5, transferLength: 6, groupNumber: 1 },
    '8e 00 00 00 00 00 00 00 00 05 00 00 00 06 01 00',
  ),
  row(
    'WRITE_AND_VERIFY_32',
    { bytchk: 3, logicalBlockAddress: 5, transferLength: 6 },
    '7f 00 00 00 00 00 00 18 00 0c 06 00 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00 00 00 00 00 06',
  ),
  row(
    'WRITE_SAME_10',
    { wrprotect: 1, anchor: true, unmap: true, logicalBlockAddress: 5, groupNumber: 1, numberOfLogicalBlocks: 6 },
    '41 38 00 00 00 05 01 00 06 00',
  ),
  row(
    'WRITE_SAME_16',
    { unmap: true, ndob: true, logicalBlockAddress: 5, numberOfLogicalBlocks: 6, groupNumber: 1 },
    '93 09 00 00 00 00 00 00 00 05 00 00 00 06 01 00',
  ),
  row(
    'WRITE_SAME_32',
    { groupNumber: 1, anchor: true, unmap: true, ndob: true, logicalBlockAddress: 5, numberOfLogicalBlocks: 6 },
    '7f 00 00 00 00 00 01 18 00 0d 19 00 00 00 00 00 00 00 00 05 00 00 00 00 00 00 00 00 00 00 00 06',
  ),
  row('UNMAP', { anchor: true, groupNumber: 2, parameterListLength: 24 }, '42 01 00 00 00 00 02 00 18 00'),
  row(
    'PRE_FETCH_10',
    { immed: true, logicalBlockAddress: 5, groupNumber: 1, transferLength: 6 },
    '34 02 00 00 00 05 01 00 06 00',
  ),
  row(
    'PRE_FETCH_16',
    { immed: true, logicalBlockAddress: 5, transferLength: 6, groupNumber: 1 },
    '90 02 00 00 00 00 00 00 00 05 00 00 00 06 01 00',
  ),
  row(
    'SYNCHRONIZE_CACHE_10',
    { syncNv: true, immed: true, logicalBlockAddress: 5, groupNumber: 1, numberOfLogicalBlocks: 6 },
    '35 06 00 00 00 05 01 00 06 00',
  ),
  row(
    'SYNCHRONIZE_CACHE_16',
    { immed: true, logicalBlockAddress: 5, numberOfLogicalBlocks: 6 },
    '91 02 00 00 00 00 00 00 00 05 00 00 00 06 00 00',
  ),
  row('READ_CAPACITY_10', { logicalBlockAddress: 5, pmi: true }, '25 00 00 00 00 05 00 00 01 00'),
  row('READ_CAPACITY_16', { allocationLength: 32 }, '9e 10 00 00 00 00 00 00 00 00 00 00 00 20 00 00'),
  row('READ_CAPACITY_16', { logicalBlockAddress: 5, pmi: true }, '9e 10 00 00 00 00 00 00 00 05 00 00 00 00 01 00'),
  row(
    'READ_LONG_16',
    { logicalBlockAddress: 5, byteTransferLength: 520, pblock: true, corrct: true },
    '9e 11 00 00 00 00 00 00 00 05 00 00 02 08 03 00',
  ),
  row(
    'GET_LBA_STATUS_16',
    { startingLogicalBlockAddress: 5, allocationLength: 24, reportType: 1 },
    '9e 12 00 00 00 00 00 00 00 05 00 00 00 18 01 00',
  ),
  row(
    'REPORT_REFERRALS',
    { logicalBlockAddress: 5, allocationLength: 64, oneSeg: true },
    '9e 13 00 00 00 00 00 00 00 05 00 00 00 40 01 00',
  ),
  row(
    'READ_LONG_10',
    { pblock: true, corrct: true, logicalBlockAddress: 5, byteTransferLength: 520 },
    '3e 06 00 00 00 05 00 02 08 00',
  ),
  row(
    'WRITE_LONG_10',
    { corDis: true, wrUncor: true, pblock: true, logicalBlockAddress: 5, byteTransferLength: 520 },
    '3f e0 00 00 00 05 00 02 08 00',
  ),
  row(
    'WRITE_LONG_16',
    { wrUncor: true, logicalBlockAddress: 5, byteTransferLength: 520 },
    '9f 51 00 00 00 00 00 00 00 05 00 00 02 08 00 00',
  ),
  row(
    'READ_DEFECT_DATA_10',
    { reqPlist: true, reqGlist: true, defectListFormat: 5, allocationLength: 8 },
    '37 00 1d 00 00 00 00 00 08 00',
  ),
  row(
    'READ_DEFECT_DATA_12',
    { reqPlist: true, reqGlist: true, defectListFormat: 5, addressDescriptorIndex: 1, allocationLength: 8 },
    'b7 1d 00 00 00 01 00 00 00 08 00 00',
  ),
  row('REASSIGN_BLOCKS', { longLba: true, longList: true }, '07 03 00 00 00 00'),
  row(
    'FORMAT_UNIT',
    { fmtpinfo: 2, longList: true, fmtdata: true, cmplst: true, defectListFormat: 6, ffmt: 1 },
    '04 be 00 00 01 00',
  ),
  row(
    'SANITIZE',
    { immed: true, znr: true, ause: true, serviceAction: 1, parameterListLength: 8 },
    '48 e1 00 00 00 00 00 00 08 00',
  ),
  row(
    'READ_TOC',
    { msf: true, format: 2, trackSessionNumber: 1, allocationLength: 0x0304 },
    '43 02 02 00 00 00 01 03 04 00',
  ),
];
