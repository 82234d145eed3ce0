/** What the session decides and its connections report: more than one of them, and what is said when one is lost. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isNativeError } from 'node:util/types';
import { viewOf } from '../../src/bytes/hex.ts';
import { DigestError, IscsiError } from '../../src/errors.ts';
import type { InitiatorConnection } from '../../src/initiator/connection.ts';
import { INITIATOR_POLICY } from '../../src/login/policy.ts';
import { InitiatorRig } from '../support/initiator-rig.ts';
import { keyText } from '../support/speaker/data.ts';
import { PduParser } from '../support/speaker/parser.ts';
import { TargetVoice } from '../support/speaker/target-voice.ts';

/** A second connection of the rig's session, logged in. */
function secondConnection(rig: InitiatorRig): {
  readonly connection: InitiatorConnection;
  readonly voice: TargetVoice;
} {
  const voice = new TargetVoice(500, 32);
  const connection = rig.session.addConnection({
    cid: 1,
    login: {
      initiatorName: 'iqn.2026-11.dev.tsiscsi:rig',
      sessionType: 'Normal',
      targetName: 'iqn.2003-01.org.example:target',
      isid: 0x80_1122_3344_55,
      tsih: 0x1234,
      policy: INITIATOR_POLICY,
    },
    loginTimeout: 15_000,
    keepaliveInterval: 0,
    keepaliveTimeout: 10_000,
  });
  connection.connected();
  const [request] = connection.drain().flatMap((chunk) => new PduParser().push(chunk));
  assert.ok(request !== undefined && request.opcode === 0x03);
  assert.equal(request.word(20) >>> 16, 1, 'the CID of the login request');
  voice.hear(request);
  give(
    connection,
    voice.loginResponse(
      request,
      keyText({ HeaderDigest: 'None', DataDigest: 'None', MaxRecvDataSegmentLength: '8192' }),
    ),
  );
  return { connection, voice };
}

function give(connection: InitiatorConnection, bytes: Uint8Array): void {
  connection.receive(bytes, viewOf(bytes), 0, bytes.length);
}

test('a second connection logs in beside the first: commands go on, the session stays what it was', () => {
  const rig = InitiatorRig.loggedIn();
  const before = rig.session.parameters;
  const { connection } = secondConnection(rig);
  assert.equal(rig.logins, 1);
  assert.equal(rig.session.parameters, before);
  assert.deepEqual([rig.session.phase, connection.finished], ['fullFeature', false]);
  assert.deepEqual(
    [connection.maxBurstLength, connection.immediateData, connection.maxSendDataSegmentLength],
    [rig.connection.maxBurstLength, rig.connection.immediateData, 8192],
  );
  rig.assertAlive();
});

test('I-080, I-086: the data of a write, and its abort, go out on the connection of its command', () => {
  const rig = InitiatorRig.loggedIn({ answers: { ImmediateData: 'No', InitialR2T: 'Yes' } });
  const { connection } = secondConnection(rig);
  const write = rig.submit({ dataOut: new Uint8Array(1024) });
  rig.takeOne(0x01);
  rig.give(rig.voice.r2t(write.tag, { length: 1024 }));
  assert.equal(rig.takeOne(0x05).tag, write.tag);
  rig.session.abort(write.task, write.tag, new IscsiError('ISCSI_ABORTED', 'Enough'));
  assert.equal(rig.takeOne(0x02).word(20), write.tag);
  assert.deepEqual(connection.drain(), []);
});

test('a status that comes on another connection than its command went out on ends the session', () => {
  const rig = InitiatorRig.loggedIn();
  const { connection, voice } = secondConnection(rig);
  const read = rig.submit({ dataIn: new Uint8Array(4) });
  rig.take();
  give(connection, voice.dataIn(read.tag, new Uint8Array(4), { status: 0 }));
  assert.deepEqual([read.settled, read.error?.code], [1, 'ISCSI_PROTOCOL']);
  const error = rig.assertEnded('ISCSI_PROTOCOL');
  assert.match(error.message, /another connection/);
});

test('an answer to a ping that comes on another connection than the ping went out on ends the session', () => {
  const rig = InitiatorRig.loggedIn();
  const { connection, voice } = secondConnection(rig);
  const ping = rig.ask((settle) => rig.session.nop(new Uint8Array(0), 1_000_000, settle));
  const sent = rig.takeOne(0x00);
  give(connection, voice.pong(sent.tag));
  assert.deepEqual([ping.settled, ping.error?.code], [1, 'ISCSI_PROTOCOL']);
});

test('the session ends with any of its connections (ErrorRecoveryLevel 0), and closes the others', () => {
  const rig = InitiatorRig.loggedIn();
  const { connection } = secondConnection(rig);
  connection.ended(new Error('ECONNRESET'));
  rig.assertEnded('ISCSI_CONNECTION_LOST');
  assert.equal(rig.connection.finished, true);
});

test('a lost session says of each command whether it was sent', () => {
  const rig = InitiatorRig.loggedIn({ window: 2 });
  const commands = Array.from({ length: 4 }, () => rig.submit());
  rig.take();
  rig.connection.ended(new Error('ECONNRESET'));
  assert.deepEqual(
    commands.map(({ settled, error }) => [settled, error?.code, error?.commandSent]),
    [
      [1, 'ISCSI_CONNECTION_LOST', true],
      [1, 'ISCSI_CONNECTION_LOST', true],
      [1, 'ISCSI_CONNECTION_LOST', false],
      [1, 'ISCSI_CONNECTION_LOST', false],
    ],
  );
  assert.match(commands[3]?.error?.message ?? '', /the command was not sent$/);
  assert.match(commands[0]?.error?.hint ?? '', /not known/);
  const late = rig.submit();
  assert.deepEqual([late.error?.code, late.error?.commandSent], ['ISCSI_CLOSED', false]);
});

test('the error of a command that was sent keeps its class and its stack', () => {
  const rig = InitiatorRig.loggedIn();
  const read = rig.submit();
  rig.take();
  rig.connection.fail(new DigestError('The data digest is wrong'));
  assert.ok(read.error instanceof DigestError);
  assert.deepEqual([read.error.commandSent, read.error.message], [true, 'The data digest is wrong']);
  assert.equal(rig.ends[0]?.commandSent, undefined, 'the session is no command');
  assert.equal(read.error.stack, rig.ends[0]?.stack);
  assert.ok(isNativeError(read.error), 'it is shown as an error is');
});

test('a command that is given up in the queue was not sent, and says so', () => {
  const rig = InitiatorRig.loggedIn({ window: 1 });
  rig.submit();
  const waits = rig.submit({ timeout: 400 });
  const withdrawn = rig.submit();
  rig.session.abort(withdrawn.task, withdrawn.tag, new IscsiError('ISCSI_ABORTED', 'Enough'));
  assert.deepEqual([withdrawn.error?.code, withdrawn.error?.commandSent], ['ISCSI_ABORTED', false]);
  rig.advance(400);
  assert.deepEqual([waits.error?.code, waits.error?.commandSent], ['ISCSI_TIMEOUT', false]);
  assert.deepEqual(rig.ends, []);
});
