import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from '../../src/bytes/hex.ts';
import { fromUtf8 } from '../../src/bytes/text.ts';
import { CaptureDecoder } from '../../src/capture/capture-decoder.ts';
import { bothTaps, ConnectionTap, type Tap } from '../../src/capture/connection-tap.ts';
import type { CaptureEvent, PduEvent } from '../../src/capture/conversation.ts';
import { PcapngStream } from '../../src/capture/pcapng-stream.ts';
import { Recorder } from '../../src/capture/recorder.ts';
import { writeDataIn } from '../../src/pdu/data-in.ts';
import { writeScsiCommand } from '../../src/pdu/scsi-command.ts';
import { writeTextResponse } from '../../src/pdu/text-response.ts';
import { RESERVED_TAG } from '../../src/spec/iscsi-opcodes.ts';
import { Random } from '../simulated/random.ts';
import { seedOfRun } from '../support/pattern.ts';
import { COMMAND, DATA_IN, dialog, ENDS, LONG, loginRequest, loginResponse, pdu, type Said } from './dialog.ts';

const NO = { header: false, data: false };
const DIGESTS = [NO, { header: true, data: false }, { header: false, data: true }, { header: true, data: true }];

/** A clock that goes on by a millisecond at each look. */
function clock(): () => number {
  let time = 1_700_000_000_000;
  return () => time++;
}

/** Tells a tap what was said, in pieces of `step` bytes of each direction's stream. */
function tell(tap: Tap, said: readonly Said[], step = Number.POSITIVE_INFINITY): void {
  for (const { fromInitiator, bytes } of said) {
    for (let at = 0; at < bytes.length; at += step) {
      const piece = bytes.slice(at, at + step);
      if (fromInitiator) tap.sent([piece]);
      else tap.received(piece, 0, piece.length);
    }
  }
}

interface Decoded {
  readonly pdus: readonly PduEvent[];
  readonly problems: readonly string[];
}

function decode(file: Uint8Array): Decoded {
  const events: CaptureEvent[] = [];
  const decoder = new CaptureDecoder((event) => events.push(event));
  decoder.push(file);
  decoder.end();
  const pdus = events.filter((event) => event.kind === 'pdu');
  const problems = events.flatMap((event) =>
    event.kind === 'pdu' ? event.problems : event.problem ? [event.line] : [],
  );
  return { pdus, problems };
}

function recorded(said: readonly Said[], { step, capacity }: { step?: number; capacity?: number } = {}) {
  const recorder = new Recorder(clock(), capacity);
  const tap = recorder.tap();
  tap.opened(ENDS);
  tell(tap, said, step);
  tap.closed(false);
  const parts: Uint8Array[] = [];
  const summary = recorder.write((bytes) => parts.push(bytes));
  return { file: concat(...parts), summary };
}

const NAMES = [
  'Login Request: operational, on to full feature',
  'Login Response: operational, on to full feature',
  'SCSI Command: INQUIRY allocation length 96, LUN 0, reads 96 bytes',
  'SCSI Data-In: 96 bytes at 0, GOOD',
  'SCSI Command: INQUIRY evpd, page code 192, allocation length 96, LUN 0, reads 96 bytes',
  'SCSI Response: CHECK CONDITION',
  'SCSI Command: READ(10) logical block address 8, transfer length 10, LUN 0, reads 5000 bytes',
  `SCSI Data-In: ${LONG} bytes at 0, GOOD`,
  'Logout Request: close the session',
  'Logout Response: closed successfully',
];
const REFUSED = 'INQUIRY evpd, page code 192, allocation length 96';

for (const digests of DIGESTS) {
  const title = `header digest ${digests.header ? 'on' : 'off'}, data digest ${digests.data ? 'on' : 'off'}`;
  test(`a recorder gives back every PDU, however the stream was cut; ${title}`, () => {
    for (const step of [1, 3, 7, 47, 48, 49, 64, 255, 1000, Number.POSITIVE_INFINITY]) {
      const { file, summary } = recorded(dialog(digests), { step });
      const { pdus, problems } = decode(file);
      assert.deepEqual(
        pdus.map(({ line }) => line),
        NAMES,
        `pieces of ${step}`,
      );
      assert.equal(problems.length, 1);
      assert.match(problems[0] ?? '', new RegExp(`^${REFUSED} ended with CHECK CONDITION: ILLEGAL REQUEST`));
      assert.equal(summary.complete, true);
      assert.equal(pdus[3]?.pdu.data.length, 96, 'short data is kept whole');
      assert.equal(pdus[7]?.pdu.data.length, 16, 'of long data the beginning');
      assert.equal(pdus[7]?.pdu.dataLength, LONG);
      assert.equal(pdus[3]?.pdu.dataDigest, digests.data ? 'right' : 'absent');
      assert.equal(pdus[7]?.pdu.dataDigest, digests.data ? 'unknown' : 'absent');
      assert.equal(pdus[7]?.pdu.headerDigest, digests.header ? 'right' : 'absent');
    }
  });
}

test('many PDUs in one piece are many PDUs in the capture', () => {
  const [request, response, ...rest] = dialog();
  assert.ok(request && response);
  const ofInitiator = concat(...rest.filter(({ fromInitiator }) => fromInitiator).map(({ bytes }) => bytes));
  const ofTarget = concat(...rest.filter(({ fromInitiator }) => !fromInitiator).map(({ bytes }) => bytes));
  const { file } = recorded([
    request,
    response,
    { fromInitiator: true, bytes: ofInitiator },
    { fromInitiator: false, bytes: ofTarget },
  ]);
  assert.equal(decode(file).pdus.length, 10);
});

test(`reads of any length, many at once and cut anywhere, are all there; seed ${seedOfRun()}`, () => {
  const random = new Random(seedOfRun());
  for (const digests of DIGESTS) {
    for (let round = 0; round < 20; round++) {
      const lengths = Array.from({ length: 60 }, () =>
        random.onceIn(3) ? random.below(400) : ([512, 4096][random.below(2)] ?? 0),
      );
      const stream = lengths.map((length, index) => {
        const fields = { ...DATA_IN, initiatorTaskTag: index + 1, statSN: index + 2, dataSegmentLength: length };
        return pdu(writeDataIn, fields, new Uint8Array(length).fill(index), digests);
      });
      const login = dialog(digests).slice(0, 2);
      const whole = concat(...stream);
      const pieces: Said[] = [];
      for (let at = 0; at < whole.length; ) {
        const length = random.onceIn(2) ? 65_536 : 1 + random.below(9000);
        pieces.push({ fromInitiator: false, bytes: whole.subarray(at, at + length) });
        at += length;
      }
      const { pdus } = decode(recorded([...login, ...pieces], { capacity: 262_144 }).file);
      assert.deepEqual(
        pdus.slice(2).map(({ tag, pdu: { dataLength, data } }) => [tag, dataLength, data.length, data.at(-1)]),
        lengths.map((length, index) => {
          const kept = length <= 256 ? length : 16;
          return [index + 1, length, kept, kept === 0 ? undefined : index];
        }),
      );
      assert.ok(
        pdus.slice(2).every(({ pdu: { headerDigest } }) => headerDigest === (digests.header ? 'right' : 'absent')),
      );
    }
  }
});

test('a full ring forgets the oldest PDUs, says so, and keeps the login', () => {
  const [request, response] = dialog();
  assert.ok(request && response);
  const said: Said[] = [request, response];
  for (let number = 0; number < 3000; number++) {
    const tag = number + 100;
    said.push({
      fromInitiator: true,
      bytes: pdu(writeScsiCommand, { ...COMMAND, initiatorTaskTag: tag, cmdSN: 7 + number }),
    });
    const answer = {
      ...DATA_IN,
      initiatorTaskTag: tag,
      statSN: 2 + number,
      expCmdSN: 8 + number,
      maxCmdSN: 40 + number,
    };
    said.push({ fromInitiator: false, bytes: pdu(writeDataIn, answer, new Uint8Array(96)) });
  }
  const { file, summary } = recorded(said, { capacity: 16_384 });
  assert.equal(summary.complete, false);
  assert.ok(file.length < 200_000, `${file.length} bytes`);
  const { pdus } = decode(file);
  assert.deepEqual(
    pdus.slice(0, 2).map(({ line }) => line),
    NAMES.slice(0, 2),
  );
  assert.equal(pdus.at(-1)?.tag, 3099);
  const kept = pdus.length - 2;
  assert.ok(kept > 100 && kept < 400, `${kept} PDUs`);
  const tags = pdus.slice(3).map(({ tag }) => tag ?? 0);
  assert.deepEqual(
    tags,
    tags.toSorted((a, b) => a - b),
    'in their order',
  );
  assert.ok(fromUtf8(file).includes('made room for later ones'), 'a remark in the file');
});

test('the connections of a session share the ring, and each begins with its login', () => {
  const recorder = new Recorder(clock());
  for (let port = 1; port <= 2; port++) {
    const tap = recorder.tap();
    tap.opened({ ...ENDS, local: { address: '192.0.2.1', port } });
    tell(tap, dialog());
    tap.closed(port === 1);
  }
  const parts: Uint8Array[] = [];
  assert.equal(recorder.write((bytes) => parts.push(bytes)).complete, true);
  const { pdus } = decode(concat(...parts));
  assert.deepEqual([pdus.length, new Set(pdus.map(({ connection }) => connection)).size], [20, 2]);
});

test('a recorder that nothing was told writes a file without packets', () => {
  const parts: Uint8Array[] = [];
  assert.deepEqual(
    new Recorder(clock()).write((bytes) => parts.push(bytes)),
    { packets: 0, complete: true },
  );
  assert.equal(decode(concat(...parts)).pdus.length, 0);
});

test('the CHAP response is in no capture, also when it is cut over two PDUs and they over many reads', () => {
  const secret = '0x1f2e3d4c5b6a79880123456789abcdef';
  const said = [
    loginRequest('CHAP_N=bob\0CHAP_R=0x1f2e3d4c', { transit: false, continues: true, currentStage: 0, nextStage: 0 }),
    loginResponse('', { transit: false, currentStage: 0, nextStage: 0 }),
    loginRequest('5b6a79880123456789abcdef\0', { currentStage: 0, nextStage: 1 }),
    loginResponse(`CHAP_R=${secret}\0CHAP_N=target\0`, { currentStage: 0, nextStage: 1, statSN: 2 }),
    loginRequest('HeaderDigest=None\0'),
    loginResponse('HeaderDigest=None\0', { statSN: 3 }),
  ];
  for (const step of [1, 5, 1000]) {
    const text = fromUtf8(recorded(said, { step }).file);
    assert.ok(!text.includes('1f2e3d4c') && !text.includes('79880123'), `pieces of ${step}`);
    assert.ok(text.includes('CHAP_N=bob') && text.includes('CHAP_R=**********'));
    assert.ok(text.includes('CHAP_N=target'));
  }
});

test('long texts are kept whole, in the login and after it, and their keys are read', () => {
  const names = Array.from({ length: 400 }, (_, index) => `TargetName=iqn.2003-01.org.example:${index}\0`).join('');
  const text = new TextEncoder().encode(names);
  const fields = { final: true, continues: false, dataSegmentLength: text.length, lunHigh: 0, lunLow: 0 };
  const numbers = { initiatorTaskTag: 9, targetTransferTag: RESERVED_TAG, statSN: 2, expCmdSN: 8, maxCmdSN: 38 };
  const said = [
    loginRequest(`X-com.example.long=${'a'.repeat(6000)}\0HeaderDigest=None\0`),
    loginResponse('HeaderDigest=None\0'),
    { fromInitiator: false, bytes: pdu(writeTextResponse, { ...fields, ...numbers }, text) },
  ];
  for (const step of [1, 100, 1460, 100_000]) {
    const { pdus } = decode(recorded(said, { step }).file);
    assert.equal(pdus[0]?.text[0]?.length, 6019, `pieces of ${step}`);
    assert.equal(pdus[2]?.text.length, 400);
  }
});

test('with whole data a tap hands on everything behind the login', () => {
  const parts: Uint8Array[] = [];
  const file = new PcapngStream((bytes) => parts.push(bytes));
  const tap = new ConnectionTap(file.connection(), { now: clock(), wholeData: true });
  tap.opened(ENDS);
  tell(tap, dialog({ header: true, data: true }), 1000);
  tap.closed(false);
  tap.closed(true); // who says it second says nothing
  const { pdus } = decode(concat(...parts));
  assert.equal(pdus.length, 10);
  assert.equal(pdus[7]?.pdu.data.length, LONG);
  assert.equal(pdus[7]?.pdu.dataDigest, 'right');
});

test('bothTaps() tells both', () => {
  const recorders = [new Recorder(clock()), new Recorder(clock())] as const;
  const tap = bothTaps(recorders[0].tap(), recorders[1].tap());
  tap.opened(ENDS);
  tell(tap, dialog());
  tap.closed(false);
  for (const recorder of recorders) assert.equal(recorder.write(() => undefined).packets, 16);
});

const seed = seedOfRun();
test(`whatever comes and goes, in login and after it, a tap throws nothing and the file can be read; seed ${seed}`, () => {
  const random = new Random(seed);
  for (let round = 0; round < 300; round++) {
    const recorder = new Recorder(clock(), 16_384);
    const tap = recorder.tap();
    tap.opened(ENDS);
    if (random.onceIn(2)) tell(tap, dialog().slice(0, 2));
    for (let pieces = random.below(30); pieces > 0; pieces--) {
      const piece = Uint8Array.from({ length: random.below(400) }, () => random.below(256));
      if (random.onceIn(2) && piece.length > 8) piece.fill(0, 4, 7);
      if (random.onceIn(2)) tap.sent([piece]);
      else tap.received(piece, 0, piece.length);
    }
    tap.closed(random.onceIn(2));
    const parts: Uint8Array[] = [];
    recorder.write((bytes) => parts.push(bytes));
    decode(concat(...parts));
  }
});

test('nothing of a peer that announces the longest data and AHS is kept but the beginning', () => {
  const header = new Uint8Array(48).fill(0xff);
  header[0] = 0x25;
  const recorder = new Recorder(clock(), 16_384);
  const tap = recorder.tap();
  tap.opened(ENDS);
  tell(tap, dialog().slice(0, 2));
  for (let round = 0; round < 100; round++) {
    tap.received(header, 0, 48);
    const filler = new Uint8Array(65_536);
    tap.received(filler, 0, filler.length);
  }
  let length = 0;
  recorder.write((bytes) => {
    length += bytes.length;
  });
  assert.ok(length < 100_000);
});
