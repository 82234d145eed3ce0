import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32c } from '../../src/bytes/crc32c.ts';
import { concat, hex, viewOf } from '../../src/bytes/hex.ts';
import { writeBidirectionalReadLengthAhs, writeExtendedCdbAhs } from '../../src/pdu/ahs.ts';
import { writeAsyncMessage } from '../../src/pdu/async-message.ts';
import { writeDataIn } from '../../src/pdu/data-in.ts';
import { writeDataOut } from '../../src/pdu/data-out.ts';
import { writeLoginRequest } from '../../src/pdu/login-request.ts';
import { writeLoginResponse } from '../../src/pdu/login-response.ts';
import { writeLogoutRequest } from '../../src/pdu/logout-request.ts';
import { writeLogoutResponse } from '../../src/pdu/logout-response.ts';
import { writeNopIn } from '../../src/pdu/nop-in.ts';
import { writeNopOut } from '../../src/pdu/nop-out.ts';
import { writeR2T } from '../../src/pdu/r2t.ts';
import { writeReject } from '../../src/pdu/reject.ts';
import { writeScsiCommand } from '../../src/pdu/scsi-command.ts';
import { writeScsiResponse } from '../../src/pdu/scsi-response.ts';
import { writeSenseSegment } from '../../src/pdu/sense-segment.ts';
import { writeSnack } from '../../src/pdu/snack.ts';
import { writeTaskManagementRequest } from '../../src/pdu/task-management-request.ts';
import { writeTaskManagementResponse } from '../../src/pdu/task-management-response.ts';
import { writeTextRequest } from '../../src/pdu/text-request.ts';
import { writeTextResponse } from '../../src/pdu/text-response.ts';
import { FIRST_TARGET_OPCODE, OPCODES } from '../../src/spec/iscsi-opcodes.ts';
import { ALL_FIXTURES } from '../fixtures/all.ts';
import { checkCapture, readFields } from '../support/oracle.ts';
import { PcapInMemory, PcapWriter } from '../support/pcap.ts';
import { requirePeer } from '../support/peers.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const PORT = 3260;

/** What tshark must show of one PDU: numbers, bits as booleans, text and bytes (hex) as they are. */
type Shown = Readonly<Record<string, number | boolean | string>>;

interface Witnessed {
  readonly title: string;
  /** Header with its AHS. */
  readonly header: Uint8Array;
  readonly data: Uint8Array;
  readonly shown: Shown;
}

/** A PDU as its writer writes it; `shown` names tshark's field for every field that tshark shows. */
function pdu<T extends object>(
  title: string,
  write: (v: DataView, at: number, p: T) => void,
  fields: T,
  shown: Shown,
  { data = new Uint8Array(), ahs = new Uint8Array() }: { data?: Uint8Array; ahs?: Uint8Array } = {},
): Witnessed {
  const header = new Uint8Array(48);
  write(viewOf(header), 0, fields);
  // Of this one response tshark does not show the lengths.
  const lengthless = shown['iscsi.opcode'] === OPCODES.TASK_MANAGEMENT_RESPONSE;
  const lengths = { 'iscsi.datasegmentlength': data.length, 'iscsi.totalahslength': ahs.length / 4 };
  return { title, header: concat(header, ahs), data, shown: { ...(lengthless ? {} : lengths), ...shown } };
}

const TEXT = new TextEncoder().encode('MaxBurstLength=262144\0InitialR2T=Yes\0');
const DIGESTS = new TextEncoder().encode('HeaderDigest=CRC32C\0DataDigest=CRC32C\0');
const NO_DIGESTS = new TextEncoder().encode('HeaderDigest=None\0DataDigest=None\0');
const SENSE = hex('70 00 05 00  00 00 00 0a  00 00 00 00  24 00 00 00  00 00');
const LUN = { lunHigh: 0x0007_0000, lunLow: 0 };
const FIXTURES = ALL_FIXTURES;

/** The fields that every target PDU of the fixtures has with the same values. */
const TARGET_NUMBERS = {
  'iscsi.initiatortasktag': 0x2122_2324,
  'iscsi.statsn': 0x4142_4344,
  'iscsi.expcmdsn': 0x5152_5354,
  'iscsi.maxcmdsn': 0x6162_6364,
};
const INITIATOR_NUMBERS = {
  'iscsi.initiatortasktag': 0x2122_2324,
  'iscsi.cmdsn': 0x4142_4344,
  'iscsi.expstatsn': 0x5152_5354,
};

function loginPdus(text: Uint8Array): Witnessed[] {
  const request = { ...FIXTURES.LOGIN_REQUEST.examples[0].pdu, tsih: 0, dataSegmentLength: text.length };
  const response = {
    ...FIXTURES.LOGIN_RESPONSE.examples[0].pdu,
    statusClass: 0,
    statusDetail: 0,
    dataSegmentLength: text.length,
  };
  const login = {
    'iscsi.login.T': true,
    'iscsi.login.C': false,
    'iscsi.login.csg': 1,
    'iscsi.login.nsg': 3,
    'iscsi.versionmax': 0xa1,
    'iscsi.isid': '80123456789a',
    'iscsi.keyvalue': new TextDecoder().decode(text).replaceAll('\0', '|').slice(0, -1),
  };
  return [
    pdu(
      'Login Request',
      writeLoginRequest,
      request,
      {
        ...INITIATOR_NUMBERS,
        ...login,
        'iscsi.opcode': 0x03,
        'iscsi.versionmin': 0xa2,
        'iscsi.tsih': 0,
        'iscsi.cid': 0xc1c2,
      },
      { data: text },
    ),
    pdu(
      'Login Response',
      writeLoginResponse,
      response,
      {
        ...TARGET_NUMBERS,
        ...login,
        'iscsi.opcode': 0x23,
        'iscsi.versionactive': 0xa2,
        'iscsi.tsih': 0xb1b2,
        'iscsi.login.status': 0,
      },
      { data: text },
    ),
  ];
}

function scsiPdus(): Witnessed[] {
  const ahs = new Uint8Array(32);
  const long = hex(FIXTURES.SCSI_COMMAND.examples[2].bytes);
  writeExtendedCdbAhs(viewOf(ahs), 0, concat(long.subarray(32, 48), long.subarray(52, 72)));
  writeBidirectionalReadLengthAhs(viewOf(ahs), 24, 0x5566_7788);
  const sense = new Uint8Array(2 + SENSE.length);
  writeSenseSegment(sense, 0, SENSE);
  return [
    pdu(
      'SCSI Command',
      writeScsiCommand,
      { ...FIXTURES.SCSI_COMMAND.examples[2].pdu, ...LUN, immediate: true, final: false, attribute: 4 },
      {
        'iscsi.opcode': 0x01,
        'iscsi.I': true,
        'iscsi.scsicommand.F': false,
        'iscsi.scsicommand.R': true,
        'iscsi.scsicommand.W': true,
        'iscsi.scsicommand.attr': 4,
        'scsi.lun': 7,
        'iscsi.initiatortasktag': 0x1111_1111,
        'iscsi.scsicommand.expecteddatatransferlength': 0x2222_2222,
        'iscsi.cmdsn': 0x3333_3333,
        'iscsi.expstatsn': 0x4444_4444,
        'scsi_sbc.opcode': 0x7f,
        'scsi.spc.addcdblen': 24,
        'scsi.spc.svcaction': 9,
        'iscsi.ahs.extended_cdb': '101112131415161718191a1b1c1d1e1f20212223',
        'iscsi.ahs.bidir.length': 0x5566_7788,
      },
      { data: hex('01 02 03 04'), ahs },
    ),
    pdu('SCSI Command READ(10)', writeScsiCommand, FIXTURES.SCSI_COMMAND.examples[1].pdu, {
      'iscsi.opcode': 0x01,
      'iscsi.I': false,
      'iscsi.scsicommand.F': true,
      'iscsi.scsicommand.R': true,
      'iscsi.scsicommand.W': false,
      'iscsi.scsicommand.attr': 0,
      'iscsi.initiatortasktag': 0x1400_0000,
      'iscsi.scsicommand.expecteddatatransferlength': 1024,
      'iscsi.cmdsn': 0x14,
      'iscsi.expstatsn': 0x18,
      'scsi_sbc.opcode': 0x28,
      'scsi_sbc.rdwr10.lba': 0,
      'scsi_sbc.rdwr10.xferlen': 2,
    }),
    pdu(
      'SCSI Response',
      writeScsiResponse,
      { ...FIXTURES.SCSI_RESPONSE.examples[0].pdu, response: 0, dataSegmentLength: sense.length },
      {
        ...TARGET_NUMBERS,
        'iscsi.opcode': 0x21,
        'iscsi.scsiresponse.o': true,
        'iscsi.scsiresponse.u': false,
        'iscsi.scsiresponse.O': false,
        'iscsi.scsiresponse.U': true,
        'iscsi.scsiresponse.response': 0,
        'iscsi.scsiresponse.status': 2,
        'iscsi.expdatasn': 0x7172_7374,
        'iscsi.scsiresponse.bidireadresidualcount': 0x8182_8384,
        'iscsi.scsiresponse.residualcount': 0x9192_9394,
        'iscsi.scsiresponse.senselength': SENSE.length,
        'scsi.sns.key': 5,
        'scsi.sns.asc': 0x24,
      },
      { data: sense },
    ),
  ];
}

function dataPdus(): Witnessed[] {
  const data = hex('de ad be ef 01'); // padded
  return [
    pdu(
      'Data-Out',
      writeDataOut,
      { ...FIXTURES.DATA_OUT.examples[0].pdu, ...LUN, dataSegmentLength: data.length },
      {
        'iscsi.opcode': 0x05,
        'iscsi.scsidata.F': true,
        'scsi.lun': 7,
        'iscsi.initiatortasktag': 0x2122_2324,
        'iscsi.targettransfertag': 0x3132_3334,
        'iscsi.expstatsn': 0x5152_5354,
        'iscsi.datasn': 0x6162_6364,
        'iscsi.bufferOffset': 0x7172_7374,
      },
      { data },
    ),
    pdu(
      'Data-In',
      writeDataIn,
      { ...FIXTURES.DATA_IN.examples[0].pdu, ...LUN, acknowledge: true, dataSegmentLength: data.length },
      {
        ...TARGET_NUMBERS,
        'iscsi.opcode': 0x25,
        'iscsi.scsidata.F': true,
        'iscsi.scsidata.A': true,
        'iscsi.scsidata.O': false,
        'iscsi.scsidata.U': true,
        'iscsi.scsidata.S': true,
        'iscsi.scsiresponse.status': 4,
        'scsi.lun': 7,
        'iscsi.datasn': 0x7172_7374,
        'iscsi.bufferOffset': 0x8182_8384,
        'iscsi.scsidata.readresidualcount': 0x9192_9394,
      },
      { data },
    ),
    pdu(
      'R2T',
      writeR2T,
      { ...FIXTURES.R2T.examples[0].pdu, ...LUN },
      {
        ...TARGET_NUMBERS,
        'iscsi.opcode': 0x31,
        'scsi.lun': 7,
        'iscsi.targettransfertag': 0x3132_3334,
        'iscsi.r2tsn': 0x7172_7374,
        'iscsi.bufferOffset': 0x8182_8384,
        'iscsi.desireddatalength': 0x9192_9394,
      },
    ),
    pdu(
      'SNACK',
      writeSnack,
      { ...FIXTURES.SNACK.examples[0].pdu, ...LUN },
      {
        'iscsi.opcode': 0x10,
        'iscsi.snack.type': 3,
        'scsi.lun': 7,
        'iscsi.initiatortasktag': 0x2122_2324,
        'iscsi.targettransfertag': 0x3132_3334,
        'iscsi.expstatsn': 0x5152_5354,
        'iscsi.snack.begrun': 0x6162_6364,
        'iscsi.snack.runlength': 0x7172_7374,
      },
    ),
  ];
}

function textPdus(): Witnessed[] {
  const text = { 'iscsi.targettransfertag': 0x3132_3334, 'scsi.lun': 7, 'iscsi.text.F': false, 'iscsi.text.C': true };
  const keys = { 'iscsi.keyvalue': 'MaxBurstLength=262144|InitialR2T=Yes' };
  return [
    pdu(
      'Text Request',
      writeTextRequest,
      { ...FIXTURES.TEXT_REQUEST.examples[0].pdu, ...LUN, dataSegmentLength: TEXT.length },
      { ...INITIATOR_NUMBERS, ...text, ...keys, 'iscsi.opcode': 0x04, 'iscsi.I': true },
      { data: TEXT },
    ),
    pdu(
      'Text Response',
      writeTextResponse,
      { ...FIXTURES.TEXT_RESPONSE.examples[0].pdu, ...LUN, dataSegmentLength: TEXT.length },
      { ...TARGET_NUMBERS, ...text, ...keys, 'iscsi.opcode': 0x24 },
      { data: TEXT },
    ),
    pdu(
      'NOP-Out',
      writeNopOut,
      { ...FIXTURES.NOP_OUT.examples[0].pdu, ...LUN, dataSegmentLength: 3 },
      {
        ...INITIATOR_NUMBERS,
        'iscsi.opcode': 0x00,
        'iscsi.I': true,
        'scsi.lun': 7,
        'iscsi.targettransfertag': 0x3132_3334,
        'iscsi.pingdata': '010203',
      },
      { data: hex('01 02 03') },
    ),
    pdu(
      'NOP-In',
      writeNopIn,
      { ...FIXTURES.NOP_IN.examples[0].pdu, ...LUN, dataSegmentLength: 3 },
      {
        ...TARGET_NUMBERS,
        'iscsi.opcode': 0x20,
        'scsi.lun': 7,
        'iscsi.targettransfertag': 0x3132_3334,
        'iscsi.pingdata': '010203',
      },
      { data: hex('01 02 03') },
    ),
  ];
}

function managementPdus(): Witnessed[] {
  const refused = hex(FIXTURES.SNACK.examples[1].bytes);
  return [
    pdu(
      'Task Management Function Request',
      writeTaskManagementRequest,
      { ...FIXTURES.TASK_MANAGEMENT_REQUEST.examples[0].pdu, ...LUN },
      {
        ...INITIATOR_NUMBERS,
        'iscsi.opcode': 0x02,
        'iscsi.I': true,
        'iscsi.taskmanfun.function': 8,
        'scsi.lun': 7,
        'iscsi.taskmanfun.referencedtasktag': 0x3132_3334,
        'iscsi.refcmdsn': 0x6162_6364,
      },
    ),
    pdu(
      'Task Management Function Response',
      writeTaskManagementResponse,
      FIXTURES.TASK_MANAGEMENT_RESPONSE.examples[0].pdu,
      { ...TARGET_NUMBERS, 'iscsi.opcode': 0x22, 'iscsi.taskmanfun.response': 5 },
    ),
    pdu('Logout Request', writeLogoutRequest, FIXTURES.LOGOUT_REQUEST.examples[0].pdu, {
      ...INITIATOR_NUMBERS,
      'iscsi.opcode': 0x06,
      'iscsi.I': true,
      'iscsi.logout.reason': 2,
      'iscsi.cid': 0xc1c2,
    }),
    pdu('Logout Response', writeLogoutResponse, FIXTURES.LOGOUT_RESPONSE.examples[0].pdu, {
      ...TARGET_NUMBERS,
      'iscsi.opcode': 0x26,
      'iscsi.logout.response': 3,
      'iscsi.time2wait': 0xf1f2,
      'iscsi.time2retain': 0xf3f4,
    }),
    pdu(
      'Asynchronous Message',
      writeAsyncMessage,
      { ...FIXTURES.ASYNC_MESSAGE.examples[0].pdu, ...LUN, dataSegmentLength: 4 },
      {
        'iscsi.opcode': 0x32,
        'scsi.lun': 7,
        'iscsi.statsn': 0x4142_4344,
        'iscsi.expcmdsn': 0x5152_5354,
        'iscsi.maxcmdsn': 0x6162_6364,
        'iscsi.asyncevent': 248,
        'iscsi.eventvendorcode': 0xa9,
        'iscsi.parameter1': 0xd1d2,
        'iscsi.parameter2': 0xe1e2,
        'iscsi.parameter3': 0xf1f2,
      },
      { data: hex('00 00 ab cd') },
    ),
    pdu(
      'Reject',
      writeReject,
      { ...FIXTURES.REJECT.examples[0].pdu, dataSegmentLength: refused.length },
      {
        'iscsi.opcode': 0x3f,
        'iscsi.reject.reason': 9,
        'iscsi.statsn': 0x4142_4344,
        'iscsi.expcmdsn': 0x5152_5354,
        'iscsi.maxcmdsn': 0x6162_6364,
        'iscsi.datasn': 0x7172_7374,
      },
      { data: refused },
    ),
  ];
}

function allPdus(loginText: Uint8Array): Witnessed[] {
  return [...loginPdus(loginText), ...scsiPdus(), ...dataPdus(), ...textPdus(), ...managementPdus()];
}

function onWire({ header, data, shown }: Witnessed, digests: boolean): Uint8Array {
  const login = shown['iscsi.opcode'] === OPCODES.LOGIN_REQUEST || shown['iscsi.opcode'] === OPCODES.LOGIN_RESPONSE;
  const padded = concat(data, new Uint8Array(-data.length & 3));
  if (login || !digests) return concat(header, padded);
  return concat(header, digestOf(header), padded, data.length > 0 ? digestOf(padded) : new Uint8Array());
}

function digestOf(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(4);
  viewOf(digest).setUint32(0, crc32c(bytes, 0, bytes.length), true);
  return digest;
}

/** tshark's occurrences of a field in the form of `expected`. */
function asShown(cells: readonly string[], expected: number | boolean | string): unknown {
  if (typeof expected === 'string') return cells.join('|');
  const [cell] = cells;
  if (cell === undefined) return undefined;
  return typeof expected === 'boolean' ? cell === '1' || cell === 'True' : Number(cell);
}

test('the examples for tshark are all 18 PDUs', () => {
  const opcodes = new Set(allPdus(NO_DIGESTS).map(({ shown }) => shown['iscsi.opcode']));
  assert.deepEqual(opcodes, new Set(Object.values(OPCODES)));
});

for (const digests of [false, true]) {
  test(`tshark reads in every PDU what its writer was given, digests ${digests ? 'on' : 'off'}`, async (t) => {
    if (!requirePeer(t, 'tshark', 'tshark')) return;
    const pdus = allPdus(digests ? DIGESTS : NO_DIGESTS);
    const writer = new PcapWriter({ clientPort: 40_000, serverPort: PORT }, new PcapInMemory());
    for (const each of pdus) {
      if (((each.header[0] ?? 0) & 0x3f) >= FIRST_TARGET_OPCODE) writer.fromTarget(onWire(each, digests));
      else writer.fromInitiator(onWire(each, digests));
    }
    const file = join(await temporaryDirectory(t), 'pdus.pcap');
    await writeFile(file, writer.file.bytes());

    const fields = [...new Set(pdus.flatMap(({ shown }) => Object.keys(shown)))];
    const rows = await readFields(file, PORT, fields);
    assert.equal(rows.length, pdus.length);
    for (const [index, { title, shown }] of pdus.entries()) {
      const seen = Object.entries(shown).map(([field, value]) => [field, asShown(rows[index]?.[field] ?? [], value)]);
      assert.deepEqual(Object.fromEntries(seen), shown, title);
    }
    const expect = { streams: 1, pdus: pdus.length, headerDigest: digests, dataDigest: digests };
    assert.deepEqual((await checkCapture(file, PORT, { expect })).problems, []);
  });
}
