/** Every way in which connecting can fail is one clear error, in time, and leaves nothing behind. */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect, openSession } from '../../src/client/connect.ts';
import { discover } from '../../src/client/discover.ts';
import { IscsiError } from '../../src/errors.ts';
import { createTarget } from '../../src/server/create-target.ts';
import { loopTime } from '../support/loop-time.ts';
import { freePort } from '../support/ports.ts';
import { RawTarget, type RawTargetOptions } from '../support/raw-target.ts';
import { keyText } from '../support/speaker/data.ts';
import { assertNoHandlesLeft } from './handles.ts';
import { RawDisk, type RawResult } from './raw-disk.ts';

const NAME = 'iqn.2003-01.org.example:target';

/** Asserts that `work` fails with `code`. @returns The error. */
async function refused(work: Promise<unknown>, code: string): Promise<IscsiError> {
  const error = await work.then(
    () => assert.fail('it worked'),
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof IscsiError, String(error));
  assert.equal(error.code, code, error.message);
  return error;
}

/** A port of 127.0.0.1 where `onSocket` is all that happens. */
async function listen(t: TestContext, onSocket: (socket: Socket) => void): Promise<number> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    onSocket(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('connect() to a port where nothing listens is ISCSI_REFUSED and says where', async () => {
  const port = await freePort();
  await assertNoHandlesLeft(async () => {
    const error = await refused(connect(`iscsi://127.0.0.1:${port}/${NAME}/0`), 'ISCSI_REFUSED');
    assert.match(error.message, new RegExp(`127\\.0\\.0\\.1:${port}: connection refused`));
    assert.ok(error.hint !== undefined);
  });
});

test('connect() to a host name that does not exist is ISCSI_UNREACHABLE', async () => {
  const error = await refused(connect(`iscsi://no-such-host.invalid/${NAME}/0`), 'ISCSI_UNREACHABLE');
  assert.match(error.message, /no-such-host\.invalid/);
});

test('D-35: connect() finds a target that listens on one address of a name only', async (t) => {
  const target = await RawTarget.listen(t); // 127.0.0.1, not ::1
  const lun = await connect(target.url().replace('127.0.0.1', 'localhost'));
  assert.equal(lun.blocks, 256);
  await lun.close();
});

for (const [title, onSocket] of [
  ['that is silent', () => undefined],
  ['that sends the half of a Login Response', (socket: Socket) => socket.write(Uint8Array.of(0x23, 0x87, 0, 0))],
] as const) {
  test(`connect() to a port ${title} is ISCSI_TIMEOUT, when its time is over`, async (t) => {
    const port = await listen(t, onSocket);
    const [started, passed] = [performance.now(), loopTime()];
    const error = await refused(
      connect(`iscsi://127.0.0.1:${port}/${NAME}/0`, { connectTimeout: 150 }),
      'ISCSI_TIMEOUT',
    );
    const took = performance.now() - started;
    assert.ok(took >= 145 && passed() < 1000, `${took} ms`);
    assert.ok(error.hint !== undefined);
  });
}

for (const [title, answer] of [
  ['speaks HTTP', 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n<html><body>Bad Request</body></html>'],
  ['speaks SSH', 'SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n'],
  ['speaks SMTP', '220 mail.example ESMTP\r\n'],
  ['says the length of a long AHS', '#\x87\0\0\xff\0\0\0'.padEnd(48, '\0')],
  ['says zeros', '\0'.repeat(96)],
] as const) {
  test(`connect() to a server that ${title} is ISCSI_PROTOCOL`, async (t) => {
    const port = await listen(t, (socket) => socket.write(answer, 'latin1'));
    await assertNoHandlesLeft(async () => {
      await refused(connect(`iscsi://127.0.0.1:${port}/${NAME}/0`), 'ISCSI_PROTOCOL');
    });
  });
}

test('connect() to a server that closes at once is ISCSI_CONNECTION_LOST', async (t) => {
  const port = await listen(t, (socket) => socket.end());
  await refused(connect(`iscsi://127.0.0.1:${port}/${NAME}/0`), 'ISCSI_CONNECTION_LOST');
  const resets = await listen(t, (socket) => socket.once('data', () => socket.resetAndDestroy()));
  await refused(connect(`iscsi://127.0.0.1:${resets}/${NAME}/0`), 'ISCSI_CONNECTION_LOST');
});

test('connect() whose login hangs in the middle is ISCSI_TIMEOUT and leaves nothing behind', async (t) => {
  const target = await RawTarget.listen(t, {
    onPdu: (pdu, connection) => {
      if (connection.sent.length === 1)
        connection.send(connection.voice.loginResponse(pdu, new Uint8Array(0), { flags: 4 }));
      return true;
    },
  });
  await assertNoHandlesLeft(async () => {
    await refused(connect(target.url(), { connectTimeout: 150 }), 'ISCSI_TIMEOUT');
  });
  assert.equal(target.connection.sent.length, 2);
});

test('connect() to a target name that the portal does not know is ISCSI_TARGET_NOT_FOUND', async (t) => {
  const target = createTarget({ luns: [{ memory: '1M' }] });
  await target.listen({ port: 0 });
  t.after(() => target.close());
  const url = `iscsi://127.0.0.1:${target.port}/iqn.2003-01.org.example:other/0`;
  const error = await refused(connect(url), 'ISCSI_TARGET_NOT_FOUND');
  assert.match(error.message, /iqn\.2003-01\.org\.example:other/);
});

test('connect() to a LUN that does not exist is ISCSI_LUN_NOT_FOUND and names those that do', async (t) => {
  const target = createTarget({ luns: [{ memory: '1M' }, { memory: '1M', lun: 7 }] });
  await target.listen({ port: 0 });
  t.after(() => target.close());
  const url = target.url().replace(/0$/, '3');
  const error = await refused(connect(url), 'ISCSI_LUN_NOT_FOUND');
  assert.match(`${error.message} ${error.hint}`, /LUN 3.*LUN 0, 7/);
  const raw = await RawTarget.listen(t); // says so by qualifier 3, type 1Fh
  await assertNoHandlesLeft(async () => {
    assert.match((await refused(connect(raw.url(9)), 'ISCSI_LUN_NOT_FOUND')).hint ?? '', /LUN 0/);
  });
});

/** The disk as a tape: a device without blocks. */
class RawTape extends RawDisk {
  override execute(cdb: Uint8Array, dataOut: Uint8Array, lun: number): RawResult {
    const result = super.execute(cdb, dataOut, lun);
    const isStandardInquiry = cdb[0] === 0x12 && cdb[1] === 0;
    if (isStandardInquiry && lun === 0) result.dataIn?.set([0x01]);
    return result;
  }
}

test('force_usn opens the logical unit of this serial number and no other, whatever else is asked of it', async (t) => {
  const disk = await RawTarget.listen(t);
  const tape = await RawTarget.listen(t, { disk: new RawTape() });
  for (const url of [disk.url(0), tape.url(0)]) {
    for (const probe of [true, false]) {
      const lun = await connect(`${url}?force_usn=RAW-0001`, { probe });
      await lun.close();
      const error = await refused(connect(`${url}?force_usn=A2`, { probe }), 'ISCSI_IDENTITY');
      assert.match(error.message, /its serial number is "RAW-0001", not "A2"/, `${url}, probe: ${probe}`);
    }
  }
});

/** A target that sends every login to `to`. */
function redirecting(t: TestContext, to: () => string, status = 0x0101): Promise<RawTarget> {
  const options: RawTargetOptions = {
    onPdu: (pdu, connection) => {
      if (pdu.opcode !== 0x03) return false;
      const text = keyText({ TargetAddress: to() });
      connection.send(connection.voice.loginResponse(pdu, text, { flags: 0, status }));
      connection.socket.end();
      return true;
    },
  };
  return RawTarget.listen(t, options);
}

for (const status of [0x0101, 0x0102]) {
  test(`I-037, D-42: a redirect with status 0x${status.toString(16).padStart(4, '0')} is followed, with the target name`, async (t) => {
    const target = await RawTarget.listen(t);
    const portal = await redirecting(t, () => `127.0.0.1:${target.port},1`, status);
    const lun = await connect(portal.url());
    assert.equal(lun.session.targetPortal, `127.0.0.1:${target.port}`);
    assert.match(new TextDecoder().decode(target.connection.sent[0]?.data), new RegExp(`TargetName=${NAME}\0`));
    assert.equal(target.connection.sent[0]?.flags, 0x87, 'D-33: the second login begins like the first');
    await lun.close();
  });
}

test('I-038: two portals that send the login to one another are given up', async (t) => {
  const portals: RawTarget[] = [];
  for (const other of [1, 0]) portals.push(await redirecting(t, () => `127.0.0.1:${portals[other]?.port}`));
  await assertNoHandlesLeft(async () => {
    const error = await refused(connect(portals[0]?.url() ?? ''), 'ISCSI_LOGIN');
    assert.match(error.message, /redirect/);
  });
  const logins = portals.reduce((sum, { connections }) => sum + connections.length, 0);
  assert.ok(logins >= 3 && logins <= 10, `${logins} logins`);
});

test('I-038: a redirect without an address is ISCSI_LOGIN', async (t) => {
  const portal = await redirecting(t, () => '');
  await refused(connect(portal.url()), 'ISCSI_LOGIN').catch(() => refused(connect(portal.url()), 'ISCSI_PROTOCOL'));
});

test('a redirect to a port where nothing listens names that port', async (t) => {
  const port = await freePort();
  const portal = await redirecting(t, () => `127.0.0.1:${port}`);
  const error = await refused(connect(portal.url()), 'ISCSI_REFUSED');
  assert.match(error.message, new RegExp(`:${port}`));
});

test('connect() gives up when its signal says so: before, while connecting, while opening the logical unit', async (t) => {
  const silent = await listen(t, () => undefined);
  const reason = new Error('no longer needed');
  const gone = AbortSignal.abort(reason);
  const early = await refused(connect(`iscsi://127.0.0.1:${silent}/${NAME}/0`, { signal: gone }), 'ISCSI_ABORTED');
  assert.equal(early.cause, reason);

  await assertNoHandlesLeft(async () => {
    const stop = new AbortController();
    const work = connect(`iscsi://127.0.0.1:${silent}/${NAME}/0`, { signal: stop.signal });
    setTimeout(() => stop.abort(reason), 30);
    await refused(work, 'ISCSI_ABORTED');
  });

  const stop = new AbortController();
  const hanging = await RawTarget.listen(t, {
    onCommand: ({ cdb }) => {
      if (cdb[0] !== 0x9e) return false;
      stop.abort(reason);
      return true;
    },
  });
  await assertNoHandlesLeft(async () => {
    await refused(connect(hanging.url(), { signal: stop.signal }), 'ISCSI_ABORTED');
  });
  assert.deepEqual(
    hanging.connection.sent.slice(-2).map(({ opcode }) => opcode),
    [0x02, 0x06],
    'ABORT TASK, then a logout',
  );
});

test('connect() to a logical unit that does not answer is ISCSI_TIMEOUT, all questions together', async (t) => {
  const slow = await RawTarget.listen(t, {
    onCommand: (command, connection) => {
      const { status, dataIn } = slow.disk.execute(command.cdb, command.dataOut, 0);
      setTimeout(() => {
        if (dataIn !== undefined) connection.give(command, dataIn);
        else connection.respond(command.tag, status);
      }, 80);
      return true;
    },
  });
  const passed = loopTime();
  await refused(connect(slow.url(), { connectTimeout: 200 }), 'ISCSI_TIMEOUT');
  assert.ok(passed() < 1000);
});

test('connect() wants a LUN, openSession() a target name', async () => {
  await refused(connect(`iscsi://127.0.0.1/${NAME}`), 'ISCSI_URL');
  await refused(openSession('iscsi://127.0.0.1'), 'ISCSI_URL');
  await refused(connect('http://127.0.0.1/'), 'ISCSI_URL');
});

test('what cannot be negotiated is ISCSI_USAGE and leaves nothing behind', async (t) => {
  const target = await RawTarget.listen(t);
  for (const options of [
    { maxBurstLength: 511 },
    { maxRecvDataSegmentLength: 2 ** 24 },
    { firstBurstLength: 1.5 },
    { isid: new Uint8Array(5) },
  ]) {
    await assertNoHandlesLeft(async () => {
      await refused(connect(target.url(), options), 'ISCSI_USAGE');
    });
  }
});

test('I-103: discover() sends nothing but login, SendTargets and logout, and gives the targets in order', async (t) => {
  const target = await RawTarget.listen(t, {
    onPdu: (pdu, connection) => {
      if (pdu.opcode !== 0x04) return false;
      const text = [
        ...keyText({ TargetName: 'iqn.2003-01.org.example:one', TargetAddress: '192.0.2.1:3260,1' }),
        ...keyText({ TargetName: 'iqn.2003-01.org.example:two' }),
      ];
      connection.send(connection.voice.textResponse(pdu.tag, Uint8Array.from(text)));
      return true;
    },
  });
  await assertNoHandlesLeft(async () => {
    const found = [];
    for await (const one of discover(`iscsi://127.0.0.1:${target.port}`)) found.push(one);
    assert.deepEqual(
      found.map(({ name, portals }) => [name, portals.map(({ host, port }) => `${host}:${port}`)]),
      [
        ['iqn.2003-01.org.example:one', ['192.0.2.1:3260']],
        ['iqn.2003-01.org.example:two', [`127.0.0.1:${target.port}`]],
      ],
    );
  });
  assert.deepEqual(
    target.connection.sent.map(({ opcode }) => opcode),
    [0x03, 0x04, 0x06],
  );
});

test('discover() from a portal that hangs up in the middle is an error and leaves nothing behind', async (t) => {
  const target = await RawTarget.listen(t, {
    onPdu: (pdu, { socket }) => {
      if (pdu.opcode !== 0x04) return false;
      socket.destroy();
      return true;
    },
  });
  await assertNoHandlesLeft(async () => {
    await refused(discover(`iscsi://127.0.0.1:${target.port}`).next(), 'ISCSI_CONNECTION_LOST');
  });
});
