/** What `CaptureDecoder` makes of connections: problems, gaps, beginnings that are missing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat } from '../../src/bytes/hex.ts';
import { CaptureDecoder, type CaptureTotals } from '../../src/capture/capture-decoder.ts';
import type { CaptureEvent } from '../../src/capture/conversation.ts';
import { PcapngStream } from '../../src/capture/pcapng-stream.ts';
import { beginsPdu } from '../../src/capture/pdu-stream.ts';
import type { TcpEnds } from '../../src/capture/sink.ts';
import { writeAsyncMessage } from '../../src/pdu/async-message.ts';
import { writeDataIn } from '../../src/pdu/data-in.ts';
import { writeDataOut } from '../../src/pdu/data-out.ts';
import { writeNopIn } from '../../src/pdu/nop-in.ts';
import { writeR2T } from '../../src/pdu/r2t.ts';
import { writeReject } from '../../src/pdu/reject.ts';
import { writeScsiCommand } from '../../src/pdu/scsi-command.ts';
import { writeScsiResponse } from '../../src/pdu/scsi-response.ts';
import { writeTaskManagementRequest } from '../../src/pdu/task-management-request.ts';
import { writeTaskManagementResponse } from '../../src/pdu/task-management-response.ts';
import { cdb } from '../../src/scsi/cdb.ts';
import { RESERVED_TAG } from '../../src/spec/iscsi-opcodes.ts';
import { COMMAND, cdbView, DATA_IN, dialog, ENDS, loginResponse, pdu, RESPONSE, type Said, SENSE } from './dialog.ts';

interface Options {
  /** Leaves the handshake out, and so many PDUs of the beginning. */
  readonly from?: number;
  readonly ends?: TcpEnds;
  readonly port?: number;
  /** Bytes of each PDU that are not in the capture, at its end. */
  readonly hidden?: (index: number) => number;
  /** PDUs that are not in the capture at all. */
  readonly missing?: ReadonlySet<number>;
}

interface Told {
  readonly events: readonly CaptureEvent[];
  readonly problems: readonly string[];
  readonly lines: readonly string[];
  readonly totals: CaptureTotals;
}

/** Decodes a capture of what was said, a packet a PDU. */
function told(said: readonly Said[], { from = 0, ends = ENDS, port, hidden, missing }: Options = {}): Told {
  const parts: Uint8Array[] = [];
  const connection = new PcapngStream((bytes) => parts.push(bytes)).connection();
  connection.opened(1000, ends);
  for (const [index, { fromInitiator, bytes }] of said.entries()) {
    const part = parts.length;
    const end = bytes.length - (hidden?.(index) ?? 0);
    connection.add(fromInitiator ? 0 : 1, 1001 + index, bytes, 0, end, bytes.length - end);
    if (index < from || missing?.has(index)) parts.length = part;
  }
  if (from > 0) parts.splice(1, 3);
  const events: CaptureEvent[] = [];
  const decoder = new CaptureDecoder((event) => events.push(event), { port });
  decoder.push(concat(...parts));
  const totals = decoder.end();
  const problems = events.flatMap((event) =>
    event.kind === 'pdu' ? event.problems : event.problem ? [event.line] : [],
  );
  const lines = events.filter(({ kind }) => kind === 'pdu').map(({ line }) => line);
  return { events, problems, lines, totals };
}

const BOTH = { header: true, data: true };
const target = <T>(write: (view: DataView, at: number, fields: T) => void, fields: T, data?: Uint8Array): Said => ({
  fromInitiator: false,
  bytes: pdu(write, fields, data),
});
const initiator = <T>(write: (view: DataView, at: number, fields: T) => void, fields: T): Said => ({
  fromInitiator: true,
  bytes: pdu(write, fields),
});
const LOGIN = dialog().slice(0, 2);
const READ = initiator(writeScsiCommand, {
  ...COMMAND,
  expectedDataTransferLength: 1024,
  cdb: cdbView(cdb('READ_10', { logicalBlockAddress: 8, transferLength: 2 })),
});

test('a capture that begins in the middle is read, with whatever digests there are', () => {
  for (const digests of [
    BOTH,
    { header: true, data: false },
    { header: false, data: true },
    { header: false, data: false },
  ]) {
    const { lines, problems, totals } = told(dialog(digests), { from: 2 });
    assert.equal(lines.length, 8, JSON.stringify(digests));
    assert.equal(problems.length, 1, 'the refused INQUIRY');
    assert.equal(totals.connections, 1);
  }
});

test('data that the capture does not show is no fault, and its digest is not judged', () => {
  const { lines, problems } = told(dialog(BOTH), { hidden: (index) => (index === 7 ? 4900 : 0) });
  assert.deepEqual([lines.length, problems.length], [10, 1]);
});

test('a PDU that is missing is told of, and reading goes on where the next one begins', () => {
  const { lines, problems } = told(dialog(), { missing: new Set([3]) });
  assert.equal(lines.length, 9);
  assert.ok(problems.includes('144 bytes of the target could not be read'), problems.join('\n'));
});

test('a login is found at any port; at the port that is named alone when one is named', () => {
  const ends = { ...ENDS, remote: { address: '192.0.2.2', port: 860 } };
  assert.equal(told(dialog(), { ends }).lines.length, 10);
  assert.equal(told(dialog(), { ends, port: 860 }).lines.length, 10);
  assert.equal(told(dialog(), { ends, port: 861 }).lines.length, 0);
  assert.equal(
    told([{ fromInitiator: true, bytes: new TextEncoder().encode(`GET / HTTP/1.1\r\n${'x'.repeat(99)}`) }], { ends })
      .totals.connections,
    0,
  );
});

test('a connection that ends without a logout, and a command without an answer, are told of', () => {
  const parts: Uint8Array[] = [];
  const connection = new PcapngStream((bytes) => parts.push(bytes)).connection();
  connection.opened(1000, ENDS);
  for (const { fromInitiator, bytes } of [...LOGIN, READ]) {
    connection.add(fromInitiator ? 0 : 1, 1001, bytes, 0, bytes.length, 0);
  }
  connection.closed(1002, true);
  const events: string[] = [];
  const decoder = new CaptureDecoder((event) => events.push(event.line));
  decoder.push(concat(...parts));
  decoder.end();
  assert.deepEqual(events.slice(-2), [
    'the initiator resets the connection without a logout',
    'READ(10) logical block address 8, transfer length 2 has no answer',
  ]);
});

test('connections that are over make room for others, and their ports may come again', () => {
  const parts: Uint8Array[] = [];
  const file = new PcapngStream((bytes) => parts.push(bytes));
  for (let number = 0; number < 1300; number++) {
    const connection = file.connection();
    connection.opened(number, { ...ENDS, local: { address: '192.0.2.1', port: 2000 + (number % 1200) } });
    for (const { fromInitiator, bytes } of LOGIN) {
      connection.add(fromInitiator ? 0 : 1, number, bytes, 0, bytes.length, 0);
    }
    connection.closed(number, number % 2 === 0);
  }
  const decoder = new CaptureDecoder(() => undefined);
  for (const part of parts) decoder.push(part);
  const { connections, pdus, unreadable } = decoder.end();
  assert.deepEqual([connections, pdus, unreadable], [1300, 2600, []]);
});

test('connections beyond those that can be followed are told of', () => {
  const parts: Uint8Array[] = [];
  const file = new PcapngStream((bytes) => parts.push(bytes));
  for (let number = 0; number < 1100; number++) {
    const connection = file.connection();
    connection.opened(number, { ...ENDS, local: { address: '192.0.2.1', port: 2000 + number } });
    for (const { bytes } of LOGIN.slice(0, 1)) connection.add(0, number, bytes, 0, bytes.length, 0);
  }
  const decoder = new CaptureDecoder(() => undefined);
  for (const part of parts) decoder.push(part);
  const { connections, unreadable } = decoder.end();
  assert.deepEqual([connections, unreadable], [1024, ['connections beyond 1024 at a time']]);
});

/** Each is wrong in one respect. */
const WRONG: readonly (readonly [title: string, said: readonly Said[], problem: RegExp])[] = [
  [
    'a refused login',
    [LOGIN[0] as Said, loginResponse('', { statusClass: 2, statusDetail: 3 })],
    /^login refused: not found/,
  ],
  [
    'a redirected login',
    [LOGIN[0] as Said, loginResponse('', { statusClass: 1, statusDetail: 1 })],
    /^redirected: target moved/,
  ],
  [
    'a CmdSN that leaves one out',
    [...LOGIN, initiator(writeScsiCommand, { ...COMMAND, cmdSN: 8 })],
    /^CmdSN 8 comes where 7 should \(1 missing\)/,
  ],
  [
    'a CmdSN that came before',
    [...LOGIN, initiator(writeScsiCommand, { ...COMMAND, cmdSN: 6 })],
    /^CmdSN 6 comes where 7 should \(again\)/,
  ],
  [
    'a CmdSN outside of the window',
    [...LOGIN, initiator(writeScsiCommand, { ...COMMAND, cmdSN: 99 })],
    /^CmdSN 99 is outside of the window, which ends at 38/,
  ],
  [
    'a StatSN that leaves one out',
    [
      ...LOGIN,
      READ,
      target(writeScsiResponse, { ...RESPONSE, initiatorTaskTag: 1, status: 0, statSN: 5, dataSegmentLength: 0 }),
    ],
    /^StatSN 5 comes where 2 should \(3 missing\)/,
  ],
  [
    'an answer to nothing',
    [...LOGIN, target(writeScsiResponse, { ...RESPONSE, status: 0, statSN: 2, dataSegmentLength: 0 })],
    /^there is no command with tag 0x00000002/,
  ],
  [
    'a tag that is in use',
    [...LOGIN, READ, initiator(writeScsiCommand, { ...COMMAND, cmdSN: 8 })],
    /^tag 0x00000001 is in use already/,
  ],
  [
    'a DataSN that leaves one out',
    [...LOGIN, READ, target(writeDataIn, { ...DATA_IN, dataSN: 3 }, new Uint8Array(96))],
    /^DataSN 3 comes where 0 should/,
  ],
  [
    'data for another place',
    [...LOGIN, READ, target(writeDataIn, { ...DATA_IN, bufferOffset: 512 }, new Uint8Array(96))],
    /^data for 512 comes where 0 should/,
  ],
  [
    'more data than asked for',
    [...LOGIN, READ, target(writeDataIn, { ...DATA_IN, dataSegmentLength: 2000 }, new Uint8Array(2000))],
    /^data up to 2000 of a command that reads 1024 bytes/,
  ],
  [
    'a response other than completed',
    [
      ...LOGIN,
      READ,
      target(writeScsiResponse, { ...RESPONSE, initiatorTaskTag: 1, statSN: 2, response: 1, dataSegmentLength: 0 }),
    ],
    /^the target could not carry out READ\(10\)/,
  ],
  [
    'an opcode that there is not',
    [...LOGIN, { fromInitiator: false, bytes: new Uint8Array(48).fill(0x2a, 0, 1) }],
    /^there is no opcode 0x2a/,
  ],
  [
    "a PDU that is the other side's",
    [
      ...LOGIN,
      { fromInitiator: true, bytes: pdu(writeScsiResponse, { ...RESPONSE, status: 0, dataSegmentLength: 0 }) },
    ],
    /^it is the target's to send a SCSI Response/,
  ],
  [
    'a header that breaks a rule',
    [...LOGIN, initiator(writeScsiCommand, { ...COMMAND, initiatorTaskTag: RESERVED_TAG })],
    /reserved Initiator Task Tag .*\(RFC 7143 §11.2.1.8\)/,
  ],
  [
    'a Reject',
    [
      ...LOGIN,
      READ,
      target(
        writeReject,
        { reason: 9, dataSegmentLength: 48, statSN: 2, expCmdSN: 8, maxCmdSN: 38, dataSN: 0 },
        READ.bytes,
      ),
    ],
    /^the target rejects "SCSI Command: READ\(10\).*": a tag, offset/,
  ],
  [
    'an event',
    [
      ...LOGIN,
      target(writeAsyncMessage, {
        dataSegmentLength: 0,
        lunHigh: 0,
        lunLow: 0,
        statSN: 2,
        expCmdSN: 7,
        maxCmdSN: 38,
        asyncEvent: 1,
        asyncVCode: 0,
        parameter1: 0,
        parameter2: 0,
        parameter3: 10,
      }),
    ],
    /logout within 10 seconds/,
  ],
  [
    'a SCSI event',
    [
      ...LOGIN,
      target(
        writeAsyncMessage,
        {
          dataSegmentLength: 20,
          lunHigh: 0,
          lunLow: 0,
          statSN: 2,
          expCmdSN: 7,
          maxCmdSN: 38,
          asyncEvent: 0,
          asyncVCode: 0,
          parameter1: 0,
          parameter2: 0,
          parameter3: 0,
        },
        SENSE,
      ),
    ],
    /SCSI Async Event/i,
  ],
  [
    'a task management function that is refused',
    [
      ...LOGIN,
      initiator(writeTaskManagementRequest, {
        immediate: true,
        functionCode: 1,
        lunHigh: 0,
        lunLow: 0,
        initiatorTaskTag: 5,
        referencedTaskTag: 4,
        cmdSN: 7,
        expStatSN: 2,
        refCmdSN: 6,
        expDataSN: 0,
      }),
      target(writeTaskManagementResponse, { response: 1, initiatorTaskTag: 5, statSN: 2, expCmdSN: 7, maxCmdSN: 38 }),
    ],
    /task does not exist/i,
  ],
  [
    'an R2T for more than is written',
    [
      ...LOGIN,
      READ,
      target(writeR2T, {
        lunHigh: 0,
        lunLow: 0,
        initiatorTaskTag: 1,
        targetTransferTag: 7,
        statSN: 2,
        expCmdSN: 8,
        maxCmdSN: 38,
        r2tSN: 0,
        bufferOffset: 0,
        desiredDataTransferLength: 9999,
      }),
    ],
    /^asks for data up to 9999 of a command that writes 1024 bytes/,
  ],
  [
    'sense data that says to be longer than it is',
    [
      ...LOGIN,
      READ,
      target(
        writeScsiResponse,
        { ...RESPONSE, initiatorTaskTag: 1, statSN: 2, dataSegmentLength: 4 },
        Uint8Array.of(0, 99, 1, 2),
      ),
    ],
    /cannot take 99 bytes of sense data/,
  ],
  [
    'sense data of no format',
    [
      ...LOGIN,
      READ,
      target(
        writeScsiResponse,
        { ...RESPONSE, initiatorTaskTag: 1, statSN: 2, dataSegmentLength: 4 },
        Uint8Array.of(0, 2, 1, 2),
      ),
    ],
    /sense data that cannot be read: 0102/,
  ],
];

for (const [title, said, problem] of WRONG) {
  test(`it is told of ${title}`, () => {
    const { problems } = told(said);
    assert.ok(
      problems.some((one) => problem.test(one)),
      problems.join('\n'),
    );
  });
}

test('what is in order is called wrong by nothing: pings, a write with R2T, task management', () => {
  const write = { ...COMMAND, read: false, write: true, expectedDataTransferLength: 512 };
  const said = [
    ...LOGIN,
    initiator(writeScsiCommand, { ...write, cdb: cdbView(cdb('WRITE_10', { transferLength: 1 })) }),
    target(writeR2T, {
      lunHigh: 0,
      lunLow: 0,
      initiatorTaskTag: 1,
      targetTransferTag: 7,
      statSN: 2,
      expCmdSN: 8,
      maxCmdSN: 38,
      r2tSN: 0,
      bufferOffset: 0,
      desiredDataTransferLength: 512,
    }),
    {
      fromInitiator: true,
      bytes: pdu(
        writeDataOut,
        {
          final: true,
          dataSegmentLength: 512,
          lunHigh: 0,
          lunLow: 0,
          initiatorTaskTag: 1,
          targetTransferTag: 7,
          expStatSN: 2,
          dataSN: 0,
          bufferOffset: 0,
        },
        new Uint8Array(512),
      ),
    },
    target(writeScsiResponse, { ...RESPONSE, initiatorTaskTag: 1, status: 0, statSN: 2, dataSegmentLength: 0 }),
    target(writeNopIn, {
      dataSegmentLength: 0,
      lunHigh: 0,
      lunLow: 0,
      initiatorTaskTag: RESERVED_TAG,
      targetTransferTag: 9,
      statSN: 3,
      expCmdSN: 8,
      maxCmdSN: 38,
    }),
    target(writeNopIn, {
      dataSegmentLength: 0,
      lunHigh: 0,
      lunLow: 0,
      initiatorTaskTag: RESERVED_TAG,
      targetTransferTag: 9,
      statSN: 3,
      expCmdSN: 8,
      maxCmdSN: 38,
    }),
    initiator(writeTaskManagementRequest, {
      immediate: true,
      functionCode: 5,
      lunHigh: 0,
      lunLow: 0,
      initiatorTaskTag: 5,
      referencedTaskTag: RESERVED_TAG,
      cmdSN: 8,
      expStatSN: 3,
      refCmdSN: 0,
      expDataSN: 0,
    }),
    target(writeTaskManagementResponse, { response: 0, initiatorTaskTag: 5, statSN: 3, expCmdSN: 8, maxCmdSN: 38 }),
  ];
  const { problems, lines } = told(said);
  assert.deepEqual(problems, []);
  assert.deepEqual(lines.slice(2, 5), [
    'SCSI Command: WRITE(10) transfer length 1, LUN 0, writes 512 bytes',
    'Ready To Transfer: asks for 512 bytes at 0',
    'SCSI Data-Out: 512 bytes at 0, last of the sequence',
  ]);
});

test('wrong digests are told of', () => {
  const said = dialog(BOTH).map(({ fromInitiator, bytes }) => ({ fromInitiator, bytes: bytes.slice() }));
  const [, , command, dataIn] = said;
  assert.ok(command && dataIn);
  command.bytes[50] = (command.bytes[50] ?? 0) ^ 1;
  dataIn.bytes[60] = (dataIn.bytes[60] ?? 0) ^ 1;
  const { problems } = told(said);
  assert.ok(problems.includes('the header digest is wrong'));
  assert.ok(problems.includes('the data digest is wrong'));
});

test('beginsPdu() takes PDUs, and neither text nor zeros for ever', () => {
  for (const { bytes } of dialog()) assert.equal(beginsPdu(bytes), true);
  assert.equal(beginsPdu(new TextEncoder().encode('GET / HTTP/1.1\r\n'.repeat(4))), false);
  assert.equal(beginsPdu(new Uint8Array(47)), false);
  assert.equal(beginsPdu(new Uint8Array(48).fill(0xff)), false);
});

/** Synthetic connections, whose number is the port of the initiator. */
function flood(connections: number, perConnection: (connection: ReturnType<PcapngStream['connection']>) => void) {
  const parts: Uint8Array[] = [];
  const file = new PcapngStream((bytes) => parts.push(bytes));
  for (let number = 0; number < connections; number++) {
    const connection = file.connection();
    connection.opened(1000, { ...ENDS, local: { ...ENDS.local, port: 10_000 + number } });
    perConnection(connection);
  }
  return concat(...parts);
}

test('commands that are never answered take a bounded memory, however many connections they are spread over', () => {
  const bytes = new Uint8Array(48 * 4096);
  for (let tag = 0; tag < 4096; tag++) {
    bytes.set(pdu(writeScsiCommand, { ...COMMAND, initiatorTaskTag: tag, cmdSN: 1 + tag }), 48 * tag);
  }
  const waiting: number[] = [];
  const decoder = new CaptureDecoder((event) => {
    const more = event.kind === 'remark' ? /has no answer(?:, and (\d+) more)?$/.exec(event.line) : null;
    if (more !== null) waiting.push(1 + Number(more[1] ?? 0));
  });
  decoder.push(flood(20, (connection) => connection.add(0, 1001, bytes, 0, bytes.length, 0)));
  assert.equal(decoder.end().connections, 20);
  assert.equal(
    waiting.reduce((sum, one) => sum + one, 0),
    65_536,
  );
});

test('connections that only begin cost the same each, however many there were', () => {
  const decoder = new CaptureDecoder(() => undefined);
  decoder.push(flood(0, () => undefined));
  const parts: Uint8Array[] = [];
  const file = new PcapngStream((bytes) => parts.push(bytes));
  file.connection().opened(1000, ENDS);
  const [, , syn = new Uint8Array(0)] = parts;
  const view = new DataView(syn.buffer, syn.byteOffset);
  const at = syn.findIndex(
    (_, index) => index > 0 && view.getUint16(Math.min(index, syn.length - 2)) === ENDS.local.port,
  );
  assert.ok(at > 0);
  const half = (from: number): number => {
    const { user } = process.cpuUsage();
    for (let number = from; number < from + 80_000; number++) {
      view.setUint32(at - 8, number); // the address of the initiator
      decoder.push(syn);
    }
    return process.cpuUsage().user - user;
  };
  const [first, , third] = [half(0), half(80_000), half(160_000)] as const;
  assert.ok(third < 3 * first, `the first 80,000 took ${first} us, the third ${third} us`);
});
