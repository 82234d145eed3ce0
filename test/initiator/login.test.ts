/**
 * The login as a connection runs it (RFC 7143 §6.3, §11.12, §11.13; checklist I-021 to I-051). The text is tested in
 * test/login.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RedirectError } from '../../src/initiator/login-run.ts';
import { InitiatorRig, type RigOptions } from '../support/initiator-rig.ts';
import { keyText, pairsOf } from '../support/speaker/data.ts';
import type { Pdu } from '../support/speaker/pdu.ts';
import { type Override, USUAL_ANSWERS } from '../support/speaker/target-voice.ts';

const EMPTY = new Uint8Array(0);

function begun(options: RigOptions = {}): { rig: InitiatorRig; request: Pdu } {
  const rig = new InitiatorRig(options);
  const [request, ...rest] = rig.begin();
  assert.ok(request !== undefined && rest.length === 0);
  return { rig, request };
}

test('I-021, I-022, I-023, I-025, I-027: the first PDU is a Login Request with names, version 0 and TSIH 0', () => {
  const { request } = begun({ firstCmdSN: 0xffff_fffe });
  assert.deepEqual([request.opcode, request.immediate, request.header[0]], [0x03, true, 0x43]);
  assert.equal(request.flags, 0x87); // T=1, operational stage, to full feature
  assert.deepEqual([request.header[2], request.header[3]], [0, 0]);
  assert.equal(request.header.subarray(8, 14).toString(), Uint8Array.of(0x80, 0x11, 0x22, 0x33, 0x44, 0x55).toString());
  assert.equal(request.word(12) & 0xffff, 0);
  assert.equal(request.word(24), 0xffff_fffe);
  const names = pairsOf(request.data);
  assert.deepEqual(names[0], ['InitiatorName', 'iqn.2026-11.dev.tsiscsi:rig']);
  assert.ok(names.some(([name, value]) => name === 'TargetName' && value === 'iqn.2003-01.org.example:target'));
  assert.ok(names.some(([name, value]) => name === 'SessionType' && value === 'Normal'));
  assert.equal(new Set(names.map(([name]) => name)).size, names.length);
});

test('I-023: a discovery session needs no TargetName', () => {
  const { request } = begun({ login: { sessionType: 'Discovery', targetName: undefined } });
  const names = pairsOf(request.data).map(([name]) => name);
  assert.ok(!names.includes('TargetName'));
});

test('I-024, I-026, I-028, I-034: several rounds keep tag, ISID, CmdSN, repeat no key, and acknowledge each response', () => {
  const { rig, request } = begun({ firstStatSN: 0xffff_ffff, firstCmdSN: 7 });
  rig.give(rig.voice.loginResponse(request, keyText({ TargetPortalGroupTag: '1' }), { flags: 0x04 }));
  const second = rig.takeOne(0x03);
  rig.give(rig.voice.loginResponse(second, keyText({ MaxOutstandingR2T: '1' }), { flags: 0x04 }));
  const third = rig.takeOne(0x03);
  for (const [next, pdu] of [second, third].entries()) {
    assert.equal(pdu.tag, request.tag);
    assert.deepEqual([pdu.word(8), pdu.word(12), pdu.word(20)], [request.word(8), request.word(12), request.word(20)]);
    assert.equal(pdu.word(24), 7);
    assert.equal(pdu.word(28), next, 'StatSN 0xffffffff, then 0, acknowledged');
    assert.equal(pdu.flags & 0x80, 0x80, 'asks to go on');
  }
  const keys = rig.sent.flatMap(({ data }) => (data.length > 0 ? pairsOf(data).map(([name]) => name) : []));
  assert.equal(new Set(keys).size, keys.length, 'no key is said twice');
});

test('I-028, D-13: the first command takes the CmdSN of the login, and acknowledges StatSN wherever it began', () => {
  for (const firstStatSN of [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, 0xffff_ffff]) {
    const rig = InitiatorRig.loggedIn({ firstCmdSN: 0x8000_0000, firstStatSN });
    rig.submit();
    const command = rig.takeOne(0x01);
    assert.equal(command.word(24), 0x8000_0000);
    assert.equal(command.word(28), (firstStatSN + 1) >>> 0);
  }
});

test('D-29: nothing but the login goes out before it has ended', () => {
  const { rig } = begun();
  const early = rig.submit();
  assert.deepEqual([early.settled, early.error?.code], [1, 'ISCSI_USAGE']);
  const asked = rig.ask((settle) => rig.session.nop(EMPTY, 1e9, settle));
  assert.equal(asked.settled, 1);
  assert.ok(asked.error !== undefined);
  assert.deepEqual(rig.take(), []);
});

test('I-029: login text over 8192 bytes goes in several requests, each waiting for its empty answer', () => {
  const { rig, request } = begun({ login: { initiatorAlias: 'a'.repeat(9000) } });
  assert.ok(request.data.length <= 8192);
  assert.equal(request.flags & 0xc0, 0x40, 'C, not T');
  assert.deepEqual(rig.take(), []);
  rig.give(rig.voice.loginResponse(request, EMPTY, { flags: 0x04 }));
  const rest = rig.takeOne(0x03);
  assert.equal(rest.flags & 0xc0, 0x80, 'T, not C');
});

test('I-030: a text that the target splits anywhere is joined before it is read', () => {
  const text = keyText(USUAL_ANSWERS);
  for (const cut of [1, 5, 12, 13, 14, 17, 18, text.length - 1]) {
    const { rig, request } = begun();
    rig.give(rig.voice.loginResponse(request, text.subarray(0, cut), { flags: 0x44 })); // C
    const more = rig.takeOne(0x03);
    assert.deepEqual([more.data.length, more.flags & 0xc0], [0, 0]);
    rig.give(rig.voice.loginResponse(more, EMPTY, { flags: 0x04, data: text.subarray(cut) }));
    const last = rig.takeOne(0x03);
    rig.give(rig.voice.loginResponse(last, EMPTY));
    assert.equal(rig.logins, 1, `cut at ${cut}`);
  }
});

test('I-031: there is one request at a time', () => {
  const { rig } = begun();
  rig.advance(10_000);
  assert.deepEqual(rig.take(), []);
});

const REFUSED: readonly (readonly [string, Override, string])[] = [
  ['I-033: C together with T', { flags: 0xc7 }, 'ISCSI_PROTOCOL'],
  ['I-033: a jump to a reserved stage', { flags: 0x86 }, 'ISCSI_PROTOCOL'],
  ['I-033: a step back', { flags: 0x84 }, 'ISCSI_PROTOCOL'],
  ['D-02: a response of another stage than that of the request', { flags: 0x83 }, 'ISCSI_PROTOCOL'],
  ['another ISID', { lun: 0x8011_2233_4466_1234n }, 'ISCSI_PROTOCOL'],
  ['another Initiator Task Tag', { tag: 0x55 }, 'ISCSI_PROTOCOL'],
  ['another version', { byte3: 1 }, 'ISCSI_PROTOCOL'],
  ['I-035: a NOP-In', { opcode: 0x20, tag: 0xffff_ffff, data: EMPTY }, 'ISCSI_PROTOCOL'],
  ['I-035: a SCSI Response', { opcode: 0x21, data: EMPTY }, 'ISCSI_PROTOCOL'],
  ['I-035: an opcode that does not exist', { opcode: 0x2f }, 'ISCSI_PROTOCOL'],
];

for (const [title, fields, code] of REFUSED) {
  test(`${title} ends the login`, () => {
    const { rig, request } = begun();
    rig.give(rig.voice.loginResponse(request, keyText(USUAL_ANSWERS), fields));
    rig.assertEnded(code);
    assert.equal(rig.logins, 0);
  });
}

test('a target that leaves ISID, TSIH or both empty is logged in to', () => {
  for (const lun of [0n, 0x1234n, 0x8011_2233_4455_0000n]) {
    const { rig, request } = begun();
    rig.give(rig.voice.loginResponse(request, keyText(USUAL_ANSWERS), { lun }));
    assert.equal(rig.logins, 1, lun.toString(16));
    rig.assertAlive();
  }
});

test('I-033: a transition that was not asked for ends the login', () => {
  const { rig, request } = begun();
  rig.give(rig.voice.loginResponse(request, keyText({ TargetAlias: 'x' }).subarray(0, 4), { flags: 0x44 }));
  const empty = rig.takeOne(0x03);
  assert.equal(empty.flags & 0x80, 0);
  rig.give(rig.voice.loginResponse(empty, EMPTY)); // T=1
  rig.assertEnded('ISCSI_PROTOCOL');
});

test('a Login Response with the wrong StatSN ends the login', () => {
  const { rig, request } = begun();
  rig.give(rig.voice.loginResponse(request, EMPTY, { flags: 0x04 }));
  rig.give(rig.voice.loginResponse(rig.takeOne(0x03), keyText(USUAL_ANSWERS), { statSN: 77 }));
  rig.assertEnded('ISCSI_PROTOCOL');
});

for (const [status, code] of [
  [0x0201, 'ISCSI_AUTHENTICATION'],
  [0x0203, 'ISCSI_TARGET_NOT_FOUND'],
  [0x02ff, 'ISCSI_LOGIN'],
  [0x0300, 'ISCSI_LOGIN'],
  [0x0310, 'ISCSI_LOGIN'],
] as const) {
  test(`I-036, D-36: status 0x${status.toString(16).padStart(4, '0')} ends the login for good`, () => {
    const { rig, request } = begun();
    // As tgt does it: tag and ISID are empty in a refusal.
    rig.give(rig.voice.loginResponse(request, EMPTY, { flags: 0, status, tag: 0, lun: 0n, statSN: 0 }));
    const error = rig.assertEnded(code);
    assert.equal((error as { statusClass?: number }).statusClass, status >> 8);
    rig.advance(100_000);
    assert.deepEqual(rig.take(), []);
  });
}

test('I-037, D-42: a redirect names the new address, and whether it is for good', () => {
  for (const [status, permanent, address, host, port] of [
    [0x0101, false, '192.0.2.7:3261', '192.0.2.7', 3261],
    [0x0102, true, '[2001:db8::7]:860,3', '2001:db8::7', 860],
    [0x0101, false, 'storage.example', 'storage.example', 3260],
  ] as const) {
    const { rig, request } = begun();
    rig.give(rig.voice.loginResponse(request, keyText({ TargetAddress: address }), { flags: 0, status }));
    const [error] = rig.ends;
    assert.ok(error instanceof RedirectError);
    assert.deepEqual([error.address.host, error.address.port, error.permanent], [host, port, permanent]);
    assert.equal(rig.connection.finished, true);
  }
});

test('I-038: a redirect without an address ends the login', () => {
  for (const text of [EMPTY, keyText({ TargetAddress: '' }), keyText({ TargetAlias: 'x' })]) {
    const { rig, request } = begun();
    rig.give(rig.voice.loginResponse(request, text, { flags: 0, status: 0x0101 }));
    assert.equal(rig.ends.length, 1);
    assert.ok(!(rig.ends[0] instanceof RedirectError));
  }
});

for (const [title, answers] of [
  ['I-039: a MaxBurstLength above the offer', { MaxBurstLength: '16776192' }],
  ['I-039: a digest that was not offered', { HeaderDigest: 'Y-org.example.x' }],
  ['D-17: MaxRecvDataSegmentLength 0', { MaxRecvDataSegmentLength: '0' }],
  ['D-17: MaxRecvDataSegmentLength Irrelevant', { MaxRecvDataSegmentLength: 'Irrelevant' }],
  ['D-17: a MaxRecvDataSegmentLength of 2^24', { MaxRecvDataSegmentLength: '16777216' }],
  ['D-45: InitialR2T=Maybe', { InitialR2T: 'Maybe' }],
  ['D-45: an ErrorRecoveryLevel above the offer', { ErrorRecoveryLevel: '2' }],
  ['I-040: NotUnderstood for a key of the RFC', { MaxBurstLength: 'NotUnderstood' }],
] as const) {
  test(`${title} ends the login`, () => {
    const { rig, request } = begun();
    rig.give(rig.voice.loginResponse(request, keyText({ ...USUAL_ANSWERS, ...answers })));
    assert.equal(rig.logins, 0);
    assert.equal(rig.ends.length, 1);
    assert.equal(rig.connection.finished, true);
  });
}

test('I-041, I-042: unknown proposals are answered NotUnderstood, obsolete markers are turned down', () => {
  const { rig, request } = begun();
  const proposals = { FooBar: '1', IFMarker: 'Yes', OFMarker: 'No', IFMarkInt: '2048~8192' };
  rig.give(rig.voice.loginResponse(request, keyText({ ...USUAL_ANSWERS, ...proposals }), { flags: 0x04 }));
  const answers = Object.fromEntries(pairsOf(rig.takeOne(0x03).data));
  assert.equal(answers['FooBar'], 'NotUnderstood');
  assert.ok(['Reject', 'No'].includes(answers['IFMarker'] ?? ''));
  assert.ok(['Reject', 'No'].includes(answers['OFMarker'] ?? ''));
  assert.equal(answers['IFMarkInt'], 'Reject');
});

test('I-045: a repeated key ends the login', () => {
  const { rig, request } = begun();
  const twice = Uint8Array.of(...keyText(USUAL_ANSWERS), ...keyText({ MaxBurstLength: '512' }));
  rig.give(rig.voice.loginResponse(request, twice));
  rig.assertEnded('ISCSI_PROTOCOL');
});

test('I-046: numbers may be hexadecimal', () => {
  const rig = InitiatorRig.loggedIn({
    answers: { MaxBurstLength: '0x10000', FirstBurstLength: '0X400', MaxRecvDataSegmentLength: '0x200' },
  });
  assert.equal(rig.session.parameters?.maxBurstLength, 65_536);
  assert.equal(rig.session.parameters?.firstBurstLength, 1024);
  assert.equal(rig.connection.maxSendDataSegmentLength, 512);
});

test('a Login Response of more than 8192 bytes of data is refused before it is stored', () => {
  const { rig, request } = begun();
  rig.give(rig.voice.loginResponse(request, new Uint8Array(8196)).subarray(0, 48));
  rig.assertEnded('ISCSI_PROTOCOL');
});

test('a target that negotiates for ever is given up', () => {
  const { rig, request } = begun({ loginTimeout: 1e9 });
  let last = request;
  for (let round = 0; round < 100 && rig.ends.length === 0; round++) {
    rig.give(rig.voice.loginResponse(last, EMPTY, { flags: 0x04 }));
    last = rig.take()[0] ?? last;
  }
  rig.assertEnded('ISCSI_LOGIN');
});

test('a target that says C=1 for ever is given up', () => {
  const { rig, request } = begun({ loginTimeout: 1e9 });
  let last = request;
  for (let round = 0; round < 1000 && rig.ends.length === 0; round++) {
    rig.give(rig.voice.loginResponse(last, new Uint8Array(8192).fill(65), { flags: 0x44 }));
    last = rig.take()[0] ?? last;
  }
  assert.equal(rig.ends.length, 1);
});

test('a login that gets no answer ends at its deadline, not before', () => {
  const { rig } = begun({ loginTimeout: 5000 });
  rig.advance(4999);
  assert.deepEqual(rig.ends, []);
  rig.advance(1);
  rig.assertEnded('ISCSI_TIMEOUT');
});

test('a login that is answered again and again still ends at its deadline', () => {
  const { rig, request } = begun({ loginTimeout: 5000 });
  let last = request;
  for (let second = 0; second < 5; second++) {
    rig.give(rig.voice.loginResponse(last, EMPTY, { flags: 0x04 }));
    last = rig.take()[0] ?? last;
    rig.advance(1000);
  }
  rig.assertEnded('ISCSI_TIMEOUT');
});

test('a connection that ends during the login says so', () => {
  const { rig } = begun();
  rig.connection.ended();
  const error = rig.assertEnded('ISCSI_CONNECTION_LOST');
  assert.match(error.message, /during the login/);
});

test('the window of the last Login Response is the one that counts', () => {
  const { rig, request } = begun({ firstCmdSN: 50 });
  rig.give(rig.voice.loginResponse(request, EMPTY, { flags: 0x04, expCmdSN: 50, maxCmdSN: 50 }));
  rig.give(rig.voice.loginResponse(rig.takeOne(0x03), keyText(USUAL_ANSWERS), { expCmdSN: 50, maxCmdSN: 51 }));
  for (let command = 0; command < 5; command++) rig.submit();
  assert.deepEqual(
    rig.take().map((pdu) => pdu.word(24)),
    [50, 51],
  );
});

test('I-043: an answer may be left out only where the offer decides alone', () => {
  const { rig, request } = begun({ policy: { immediateData: false, initialR2T: true } });
  const { ImmediateData, InitialR2T, DataPDUInOrder, DataSequenceInOrder, ...others } = USUAL_ANSWERS;
  assert.ok([ImmediateData, InitialR2T, DataPDUInOrder, DataSequenceInOrder].every((value) => value !== undefined));
  rig.give(rig.voice.loginResponse(request, keyText(others)));
  assert.equal(rig.logins, 1);
  assert.deepEqual([rig.connection.immediateData, rig.connection.initialR2T], [false, true]);

  for (const missing of ['ImmediateData', 'InitialR2T', 'MaxBurstLength']) {
    const strict = begun();
    const answers = Object.fromEntries(Object.entries(USUAL_ANSWERS).filter(([name]) => name !== missing));
    strict.rig.give(strict.rig.voice.loginResponse(strict.request, keyText(answers)));
    assert.equal(strict.rig.logins, 0, missing);
    strict.rig.assertEnded('ISCSI_PROTOCOL');
  }
});

test('I-047: 8192 bytes of key text and a name of 223 bytes are taken', () => {
  const targetName = `iqn.2003-01.org.example:${'n'.repeat(199)}`;
  const { rig, request } = begun({ login: { targetName } });
  assert.ok(pairsOf(request.data).some(([name, value]) => name === 'TargetName' && value.length === 223));
  const padding = { 'X-org.example.padding': 'p'.repeat(200) };
  let text = keyText({ ...USUAL_ANSWERS, ...padding });
  for (let count = 0; text.length < 7900; count++)
    text = Uint8Array.of(...text, ...keyText({ [`X-org.example.p${count}`]: 'p'.repeat(200) }));
  assert.ok(text.length <= 8192);
  rig.give(rig.voice.loginResponse(request, text, { flags: 0x04 }));
  assert.deepEqual(rig.ends, []);
  rig.give(rig.voice.loginResponse(rig.takeOne(0x03), EMPTY));
  assert.equal(rig.logins, 1);
});

test('I-048, I-106, D-40: no security keys in the operational stage, recovery level 0, no session keys in discovery', () => {
  const normal = Object.fromEntries(pairsOf(begun().request.data));
  assert.equal(normal['AuthMethod'], undefined);
  assert.ok(['0', undefined].includes(normal['ErrorRecoveryLevel']));
  const discovery = pairsOf(begun({ login: { sessionType: 'Discovery', targetName: undefined } }).request.data);
  const names = discovery.map(([name]) => name);
  for (const name of ['InitialR2T', 'ImmediateData', 'MaxBurstLength', 'FirstBurstLength', 'MaxOutstandingR2T']) {
    assert.ok(!names.includes(name), name);
  }
});

test('I-051: another portal group than the one asked for ends the login', () => {
  for (const [tag, logins] of [
    ['7', 1],
    ['0x7', 1],
    ['8', 0],
  ] as const) {
    const { rig, request } = begun({ login: { portalGroupTag: 7 } });
    rig.give(rig.voice.loginResponse(request, keyText({ ...USUAL_ANSWERS, TargetPortalGroupTag: tag })));
    assert.equal(rig.logins, logins, tag);
  }
});
