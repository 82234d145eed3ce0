import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32c } from '../../src/bytes/crc32c.ts';
import { concat, hex, viewOf } from '../../src/bytes/hex.ts';
import { nopIn } from '../fixtures/nop-in.ts';
import { nopOut } from '../fixtures/nop-out.ts';
import { scsiCommand } from '../fixtures/scsi-command.ts';
import { checkCapture, type OracleExpectation, type OracleReport } from './oracle.ts';
import { PcapInMemory, PcapWriter } from './pcap.ts';
import { requirePeer, type Skippable } from './peers.ts';
import type { Cleanup } from './process.ts';
import { temporaryDirectory } from './temporary.ts';

const PORT = 3260;
const PING = hex(nopOut.examples[1].bytes); // 48 bytes of header, "hello", padding
const PONG = hex(nopIn.examples[1].bytes);
const READ_10 = hex(scsiCommand.examples[1].bytes);

type Digests = 'none' | 'header' | 'data' | 'both';

/** Header and data of `pdu` with the digests that were agreed. */
function sealed(pdu: Uint8Array, digests: Digests): Uint8Array<ArrayBuffer> {
  const header = pdu.subarray(0, 48);
  const data = pdu.subarray(48);
  const withHeader = digests === 'header' || digests === 'both';
  const withData = (digests === 'data' || digests === 'both') && data.length > 0;
  return concat(
    header,
    withHeader ? digestOf(header) : new Uint8Array(),
    data,
    withData ? digestOf(data) : new Uint8Array(),
  );
}

function digestOf(bytes: Uint8Array): Uint8Array {
  const digest = new Uint8Array(4);
  viewOf(digest).setUint32(0, crc32c(bytes, 0, bytes.length), true);
  return digest;
}

/** A Login Request (0x43) or Login Response (0x23) that goes from stage 1 to full feature phase with this text. */
function login(opcode: '43' | '23', text: string): Uint8Array<ArrayBuffer> {
  const data = new TextEncoder().encode(text);
  const header = hex(`
    ${opcode} 87 00 00  00 00 00 00
    40 00 01 37 00 00  00 ${opcode === '43' ? '00' : '01'}
    00 00 00 0a  00 00 00 00
    00 00 00 01  00 00 00 01
    00 00 00 ${opcode === '43' ? '00' : '20'}  00 00 00 00
    00 00 00 00  00 00 00 00`);
  viewOf(header).setUint16(6, data.length);
  return concat(header, data, new Uint8Array(-data.length & 3));
}

/** A connection on which both sides have agreed on `digests`. */
function connection(digests: Digests, clientPort = 40_000, file = new PcapInMemory()): PcapWriter {
  const header = digests === 'header' || digests === 'both' ? 'CRC32C' : 'None';
  const data = digests === 'data' || digests === 'both' ? 'CRC32C' : 'None';
  return new PcapWriter({ clientPort, serverPort: PORT }, file)
    .fromInitiator(login('43', 'HeaderDigest=CRC32C,None\0DataDigest=CRC32C,None\0'))
    .fromTarget(login('23', `HeaderDigest=${header}\0DataDigest=${data}\0`));
}

/** `pdu` with the bits of one byte flipped. */
function damaged(pdu: Uint8Array, at: number, bits: number): Uint8Array {
  const copy = pdu.slice();
  copy[at] = (copy[at] ?? 0) ^ bits;
  return copy;
}

async function check(t: Cleanup, bytes: Uint8Array, expect?: OracleExpectation): Promise<OracleReport> {
  const file = join(await temporaryDirectory(t), 'capture.pcap');
  await writeFile(file, bytes);
  return checkCapture(file, PORT, expect === undefined ? {} : { expect });
}

/** Registers a test that needs tshark. */
function oracleTest(title: string, run: (t: Cleanup) => Promise<void>): void {
  test(title, async (t: Cleanup & Skippable) => {
    if (requirePeer(t, 'tshark', 'tshark')) await run(t);
  });
}

for (const digests of ['none', 'header', 'data', 'both'] as const) {
  oracleTest(`checkCapture() finds nothing wrong with a sound capture, digests: ${digests}`, async (t) => {
    const capture = connection(digests);
    for (let round = 0; round < 3; round++) {
      capture.fromInitiator(sealed(PING, digests)).fromTarget(sealed(PONG, digests));
    }
    const many = concat(sealed(PING, digests), sealed(READ_10, digests), sealed(PING, digests));
    capture.fromInitiator(many.subarray(0, 70)).fromInitiator(many.subarray(70)); // a PDU split over two packets
    const report = await check(t, capture.file.bytes(), {
      streams: 1,
      pdus: 11,
      opcodes: [0x00, 0x01, 0x03, 0x20, 0x23],
      headerDigest: digests === 'header' || digests === 'both',
      dataDigest: digests === 'data' || digests === 'both',
    });
    assert.deepEqual(report.problems, []);
    assert.equal(report.pdus, 11);
    assert.equal(report.streams[0]?.initiator.opcodes.get(0x00), 5);
    assert.equal(report.streams[0]?.target.pdus, 4);
  });
}

oracleTest('checkCapture() reads the negotiation of each connection by itself', async (t) => {
  const plain = connection('none', 40_001).fromInitiator(sealed(PING, 'none')).file.bytes();
  const digested = connection('both', 40_002).fromInitiator(sealed(PING, 'both')).file.bytes();
  const { problems, streams } = await check(t, concat(plain, digested.subarray(24)), { streams: 2 });
  assert.deepEqual(problems, []);
  const agreed = streams.map(({ headerDigest }) => headerDigest);
  assert.deepEqual(agreed, [false, true]);
});

oracleTest('checkCapture() takes a PDU whose header has AHS', async (t) => {
  const long = hex(scsiCommand.examples[2].bytes);
  const capture = connection('none').fromInitiator(concat(long, hex('01 02 03 04')));
  assert.deepEqual((await check(t, capture.file.bytes())).problems, []);
});

oracleTest('checkCapture() takes a data segment of a megabyte', async (t) => {
  const large = concat(PING.subarray(0, 48), new Uint8Array(0x10_0000));
  large.set([0x10, 0x00, 0x00], 5);
  const { problems } = await check(t, connection('both').fromInitiator(sealed(large, 'both')).file.bytes());
  assert.deepEqual(problems, []);
});

/** A PDU of the target with this header's first word, and `data` (a multiple of 4 long) behind it. */
function fromTarget(firstWord: string, data: Uint8Array): Uint8Array {
  const header = concat(hex(firstWord), new Uint8Array(44));
  viewOf(header).setUint32(4, data.length);
  viewOf(header).setUint32(16, 0xffff_ffff);
  return concat(header, data);
}

for (const digests of ['none', 'header', 'data', 'both'] as const) {
  oracleTest(`checkCapture() takes what tshark shows in its own way, digests: ${digests}`, async (t) => {
    const refused = hex(scsiCommand.examples[2].bytes).subarray(0, 48); // says that AHS and data follow
    const capture = connection(digests)
      .fromTarget(sealed(fromTarget('3f 80 09 00', refused), digests))
      .fromTarget(sealed(fromTarget('32 80 00 00', hex('00 00 ab cd')), digests))
      .fromTarget(sealed(fromTarget('22 80 00 00', new Uint8Array()), digests));
    const { problems } = await check(t, capture.file.bytes(), { pdus: 5, opcodes: [0x3f, 0x32, 0x22] });
    assert.deepEqual(problems, []);
  });
}

/** What is wrong, the initiator's PDU that it is done to, and what the oracle must say. */
const FAULTS: readonly [title: string, digests: Digests, bytes: Uint8Array, problem: RegExp][] = [
  ['a DataSegmentLength that is too small', 'none', damaged(PING, 7, 0x04), /add up to .* bytes, TCP carried/],
  ['a DataSegmentLength that is too large', 'none', damaged(PING, 6, 0x01), /add up to .* bytes, TCP carried/],
  ['a TotalAHSLength without AHS', 'none', damaged(READ_10, 4, 0x01), /malformed|add up to/],
  ['padding that is missing', 'none', PING.subarray(0, 53), /add up to .* bytes, TCP carried/],
  ['an opcode that does not exist', 'none', damaged(PING, 0, 0x0b), /add up to .* bytes, TCP carried/],
  ["an opcode of the other side's", 'none', PONG, /the initiator sent opcode 0x20/],
  ['a wrong header digest', 'both', damaged(sealed(PING, 'both'), 50, 0x01), /header digest .* should be 0xaba2fe03/],
  ['a wrong data digest', 'both', damaged(sealed(PING, 'both'), 63, 0x80), /data digest .* should be 0xb3ed0390/],
  ['data that does not match its digest', 'both', damaged(sealed(PING, 'both'), 52, 0x01), /data digest .* Bad/],
  ['both digests missing', 'both', PING, /add up to|digests seen/],
  ['the header digest missing', 'both', sealed(PING, 'data'), /add up to|digests seen/],
  ['the data digest missing', 'both', sealed(PING, 'header'), /add up to|digests seen/],
  ['a header digest that was not agreed', 'none', sealed(PING, 'header'), /add up to|digests seen/],
  ['a data digest that was not agreed', 'header', sealed(PING, 'both'), /add up to|digests seen/],
  ['text without its final NUL', 'none', login('43', 'MaxConnections=1'), /malformed/],
];

const PLACES = ['first', 'middle', 'last'] as const;

for (const [title, digests, bytes, problem] of FAULTS) {
  oracleTest(`checkCapture() finds ${title}, be it the first, a middle or the last PDU after the login`, async (t) => {
    const file = new PcapInMemory();
    const begins: number[] = []; // a connection for each place: the frames from which on they lie
    for (const [index, place] of PLACES.entries()) {
      begins.push(file.packets);
      const capture = connection(digests, 40_000 + index, file);
      if (place !== 'first') capture.fromInitiator(sealed(PING, digests)).fromTarget(sealed(PONG, digests));
      capture.fromInitiator(bytes);
      if (place !== 'last') capture.fromInitiator(sealed(PING, digests)).fromTarget(sealed(PONG, digests));
    }
    const { problems } = await check(t, file.bytes());
    for (const [index, place] of PLACES.entries()) {
      const found = problems.filter((line) => streamOf(line, begins) === index).some((line) => problem.test(line));
      assert.ok(found, `${place}: ${JSON.stringify(problems)}`);
    }
  });
}

/** Which connection a problem is about, for connections that lie one after the other in the capture. */
function streamOf(problem: string, begins: readonly number[]): number {
  const stream = /^Stream (\d+)/.exec(problem)?.[1];
  if (stream !== undefined) return Number(stream);
  const frame = Number(/^Frame (\d+)/.exec(problem)?.[1]);
  return begins.filter((begin) => frame > begin).length - 1;
}

oracleTest('checkCapture() says in which frame a digest is wrong', async (t) => {
  const bad = damaged(sealed(PING, 'both'), 50, 0x01);
  const capture = connection('both').fromInitiator(sealed(PING, 'both')).fromInitiator(bad);
  const frame = capture.packets;
  const { problems } = await check(t, capture.fromInitiator(sealed(PING, 'both')).file.bytes());
  assert.deepEqual(problems, [`Frame ${frame}: header digest 0xaba2ff03: Bad CRC32, should be 0xaba2fe03`]);
});

oracleTest('checkCapture() does not mind how PDUs are cut into packets', async (t) => {
  const all = concat(sealed(PING, 'both'), sealed(READ_10, 'both'), sealed(PING, 'both'));
  const lengths = [1, 3, 7, 47, 49, 71, 100];
  const file = new PcapInMemory();
  for (const [index, length] of lengths.entries()) {
    const capture = connection('both', 40_000 + index, file);
    for (let at = 0; at < all.length; at += length) capture.fromInitiator(all.subarray(at, at + length));
  }
  const { problems } = await check(t, file.bytes(), { streams: lengths.length, pdus: 5 * lengths.length });
  assert.deepEqual(problems, []);
});

oracleTest('checkCapture() takes text that goes on in the next PDU', async (t) => {
  const whole = login('43', 'TargetAlias=somewhere\0');
  const part = login('43', 'MaxBurstLen');
  part[1] = 0x44; // C, stage 1
  const capture = new PcapWriter({ clientPort: 40_000, serverPort: PORT }, new PcapInMemory())
    .fromInitiator(part)
    .fromTarget(login('23', ''))
    .fromInitiator(whole);
  assert.deepEqual((await check(t, capture.file.bytes(), { pdus: 3 })).problems, []);
});

oracleTest('checkCapture() finds digests that are missing although they were agreed', async (t) => {
  const capture = connection('both').fromInitiator(PING).fromTarget(PONG).fromInitiator(PING).fromTarget(PONG);
  const { problems } = await check(t, capture.file.bytes());
  assert.ok(
    problems.some((line) => line.startsWith('Stream 0, from the initiator')),
    JSON.stringify(problems),
  );
  assert.ok(
    problems.some((line) => line.startsWith('Stream 0, from the target')),
    JSON.stringify(problems),
  );
});

oracleTest(
  'checkCapture() finds the missing data digest of an Asynchronous Message, which tshark does not show',
  async (t) => {
    const message = sealed(fromTarget('32 80 00 00', hex('00 00 ab cd')), 'header');
    const capture = connection('both').fromTarget(sealed(PONG, 'both')).fromTarget(message);
    const { problems } = await check(t, capture.file.bytes());
    assert.equal(problems.filter((line) => line.includes('add up to')).length, 1, JSON.stringify(problems));
  },
);

oracleTest('checkCapture() takes an offer of digests that nobody answered as none', async (t) => {
  const capture = new PcapWriter({ clientPort: 40_000, serverPort: PORT }, new PcapInMemory())
    .fromInitiator(login('43', 'HeaderDigest=CRC32C\0'))
    .fromTarget(login('23', 'MaxBurstLength=65536\0'))
    .fromInitiator(PING);
  const { problems, streams } = await check(t, capture.file.bytes(), { headerDigest: false, dataDigest: false });
  assert.deepEqual(problems, []);
  assert.equal(streams[0]?.headerDigest, false);
});

oracleTest('checkCapture() finds a connection that ends within a PDU', async (t) => {
  const { problems } = await check(t, connection('none').fromInitiator(PING.subarray(0, 30)).file.bytes());
  assert.deepEqual(problems, ['Stream 0, from the initiator: 1 PDUs add up to 96 bytes, TCP carried 126']);
});

oracleTest('checkCapture() finds a capture without iSCSI', async (t) => {
  const { problems } = await check(
    t,
    new PcapWriter({ clientPort: 40_000, serverPort: PORT }, new PcapInMemory()).file.bytes(),
  );
  assert.deepEqual(problems, ['No iSCSI PDU was found at port 3260']);
});

oracleTest('checkCapture() says which expectation is not met', async (t) => {
  const expect = { streams: 2, pdus: 4, opcodes: [0x03, 0x31], headerDigest: true, dataDigest: false };
  const { problems } = await check(t, connection('none').fromInitiator(PING).file.bytes(), expect);
  assert.deepEqual(problems, [
    '1 connections found, 2 expected',
    '3 PDUs found, 4 expected',
    'No PDU with opcode 0x31 found',
    'Stream 0: headerDigest is off, expected on',
  ]);
});

oracleTest('checkCapture() fails on a file that is no capture', async (t) => {
  await assert.rejects(
    check(t, new TextEncoder().encode('This is no capture at all, whatever its name')),
    /tshark cannot read/,
  );
});
