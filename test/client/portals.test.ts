/**
 * Where a target is: names, addresses, lists of portals and redirects (RFC 7143 §11.13.5, §13.8; checklist I-037,
 * I-038).
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, openSession } from '../../src/client/connect.ts';
import { discover } from '../../src/client/discover.ts';
import type { PortalLocation } from '../../src/client/options.ts';
import { TargetPortals } from '../../src/client/target-portals.ts';
import { IscsiError, LoginError } from '../../src/errors.ts';
import { RedirectError } from '../../src/initiator/login-run.ts';
import { createTarget } from '../../src/server/create-target.ts';
import { freePort } from '../support/ports.ts';
import { RawTarget } from '../support/raw-target.ts';
import { silentPortal } from '../support/silent-portal.ts';
import { keyText } from '../support/speaker/data.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { assertNoHandlesLeft } from './handles.ts';

const HOST = '127.0.0.1';
const NAME = 'iqn.2003-01.org.example:target';
const TEMPORARILY = 0x0101;

/** A target whose logins are answered with a status, and with addresses. */
function refusing(t: TestContext, status: number, addresses: () => readonly string[] = () => []): Promise<RawTarget> {
  return RawTarget.listen(t, {
    onPdu: (pdu, connection) => {
      if (pdu.opcode !== 0x03) return false;
      const parts = addresses().map((address) => keyText({ TargetAddress: address }));
      connection.send(connection.voice.loginResponse(pdu, Buffer.concat(parts), { flags: 0, status }));
      connection.socket.end();
      return true;
    },
  });
}

async function failure(work: Promise<unknown>): Promise<IscsiError> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof IscsiError, String(error));
  return error;
}

function causes(error: Error): readonly string[] {
  assert.ok(error.cause instanceof AggregateError, String(error.cause));
  return error.cause.errors.map(({ message }: Error) => message);
}

test('further portals are tried when the first refuses, and the session says where it is', async (t) => {
  const target = await RawTarget.listen(t);
  const closed = await freePort();
  const portals = [{ host: HOST, port: target.port }];
  await using session = await openSession(`iscsi://${HOST}:${closed}/${NAME}`, { portals });
  assert.equal(session.targetPortal, `${HOST}:${target.port}`);
});

test('a portal that swallows packets does not keep the next from being tried', async (t) => {
  const target = await RawTarget.listen(t);
  const silent = await silentPortal(t);
  await assertNoHandlesLeft(async () => {
    const portals = [
      { host: '127.0.0.2', port: await freePort() },
      { host: HOST, port: target.port },
    ];
    const session = await openSession(`iscsi://${HOST}:${silent}/${NAME}`, { portals });
    assert.equal(session.targetPortal, `${HOST}:${target.port}`);
    await session.close();
  });
});

test('when no portal can be reached, the error names each address with its reason', async (t) => {
  const ports = [await freePort(), await freePort()];
  const options = { portals: [{ host: '::1', port: ports[1] ?? 0 }] };
  const error = await failure(openSession(`iscsi://${HOST}:${ports[0]}/${NAME}`, options));
  assert.equal(error.code, 'ISCSI_REFUSED');
  const reasons = [`${HOST}:${ports[0]} connection refused`, `[::1]:${ports[1]} connection refused`];
  for (const reason of reasons) assert.ok(error.message.includes(reason), error.message);
  assert.deepEqual(
    causes(error),
    reasons.map((reason) => reason.replace(' connection', ': connection')),
  );

  const silent = await silentPortal(t);
  await assertNoHandlesLeft(async () => {
    const late = await failure(openSession(`iscsi://${HOST}:${silent}/${NAME}`, { ...options, connectTimeout: 600 }));
    assert.equal(late.code, 'ISCSI_TIMEOUT');
    assert.match(late.message, new RegExp(`${HOST}:${silent} no answer, \\[::1\\]:${ports[1]} connection refused`));
    assert.equal(causes(late).length, 2);
  });
});

test('a link-local address is used with its interface; without one, or with one that is not there, the error says so', async (t) => {
  const server = createServer((socket) => socket.destroy());
  const listening = await new Promise<boolean>((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(0, '::1', () => resolve(true));
  });
  if (!listening) {
    t.skip('this machine has no IPv6');
    return;
  }
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const scoped = await failure(openSession(`iscsi://[::1%25lo]:${port}/${NAME}`));
  assert.equal(scoped.code, 'ISCSI_CONNECTION_LOST', `it was reached: ${scoped.message}`);
  const nowhere = await failure(openSession(`iscsi://[fe80::1%25no-such-if]:${port}/${NAME}`));
  assert.equal(nowhere.code, 'ISCSI_UNREACHABLE');
  assert.match(nowhere.hint ?? '', /network interface of that name/);
  const bare = await failure(openSession(`iscsi://[fe80::1]:${port}/${NAME}`));
  assert.equal(bare.code, 'ISCSI_UNREACHABLE');
  assert.match(bare.hint ?? '', /%25eth0/);
});

test('I-037: every address of a redirect is tried, what cannot be read is passed over', async (t) => {
  const target = await RawTarget.listen(t);
  const closed = await freePort();
  const portal = await refusing(t, TEMPORARILY, () => [`${HOST}:${closed}`, ':::', `${HOST}:${target.port}`]);
  await using lun = await connect(portal.url());
  assert.equal(lun.session.targetPortal, `${HOST}:${target.port}`);
});

test('a portal whose target has no room, or does not know the name, is left for the next', async (t) => {
  for (const status of [0x0302, 0x0301, 0x0203]) {
    const target = await RawTarget.listen(t);
    const full = await refusing(t, status);
    const options = { portals: [{ host: HOST, port: target.port }] };
    await using session = await openSession(full.url(), options);
    assert.equal(session.targetPortal, `${HOST}:${target.port}`, `status ${status}`);
  }
});

test('a portal that takes the connection and then says nothing leaves the next its share of the time', async (t) => {
  const target = await RawTarget.listen(t);
  const mute = await RawTarget.listen(t, { onPdu: () => true });
  await assertNoHandlesLeft(async () => {
    const portals = [{ host: HOST, port: target.port }];
    const session = await openSession(mute.url(), { portals, connectTimeout: 1000 });
    assert.equal(session.targetPortal, `${HOST}:${target.port}`);
    await session.close();
  });
  const both = { portals: [{ host: HOST, port: mute.port }], connectTimeout: 300 };
  const other = await RawTarget.listen(t, { onPdu: () => true });
  const error = await failure(openSession(other.url(), both));
  assert.equal(error.code, 'ISCSI_TIMEOUT');
  assert.match(error.message, new RegExp(`${HOST}:${other.port}.*${HOST}:${mute.port}`));
});

test('what no portal would say otherwise is final: another is not tried', async (t) => {
  const target = await RawTarget.listen(t);
  const strict = await refusing(t, 0x0201);
  const error = await failure(openSession(strict.url(), { portals: [{ host: HOST, port: target.port }] }));
  assert.ok(error instanceof LoginError && error.code === 'ISCSI_AUTHENTICATION');
  assert.equal(target.connections.length, 0);
});

test('when each portal refuses the login, the error has all of them', async (t) => {
  const [one, other] = [await refusing(t, 0x0302), await refusing(t, 0x0301)];
  const error = await failure(openSession(one.url(), { portals: [{ host: HOST, port: other.port }] }));
  assert.equal(error.code, 'ISCSI_LOGIN');
  assert.match(
    error.message,
    new RegExp(`at any portal: ${HOST}:${one.port}: .*0x0302.*${HOST}:${other.port}: .*0x0301`),
  );
  assert.equal(causes(error).length, 2);
});

test('what discover() tells can be given to connect() as it is', async (t) => {
  const target = await createTarget({ luns: [{ memory: '1M' }] }).listen({ port: 0 });
  t.after(() => target.close());
  for await (const { name, portals } of discover(`iscsi://${HOST}:${target.port}`)) {
    const closed = await freePort();
    await using session = await openSession(`iscsi://${HOST}:${closed}/${name}`, { portals });
    assert.equal(session.targetPortal, `${HOST}:${target.port}`);
  }
});

test('portals that are none are refused by name', async () => {
  const bad: readonly unknown[] = [
    [{ host: '', port: 1 }],
    [{ host: 'a' }],
    'a:1',
    Array(17).fill({ host: 'a', port: 1 }),
  ];
  for (const portals of bad) {
    const error = await failure(openSession(`iscsi://${HOST}/${NAME}`, { portals: portals as PortalLocation[] }));
    assert.equal(error.code, 'ISCSI_USAGE');
    assert.match(error.message, /portals/);
  }
});

/** Where logins went, while a target at each port redirects by a table: `from port: [to ports, permanent]`. */
async function route(portals: TargetPortals, table: Readonly<Record<number, readonly [readonly number[], boolean]>>) {
  const went: number[] = [];
  await portals.logIn(async ([portal], reached) => {
    assert.ok(portal !== undefined);
    reached(portal);
    went.push(portal.port);
    const move = table[portal.port];
    if (move === undefined) return;
    const to = move[0].map((port) => ({ host: 'a', port, portalGroupTag: undefined }));
    throw new RedirectError(to[0] ?? assert.fail(), move[1], to);
  });
  return went;
}

test('D-42: a permanent redirect is remembered for the next login, a temporary one is not', async () => {
  const home = [{ host: 'a', port: 1 }];
  const table = { 1: [[2], true], 2: [[3], true], 3: [[4], false], 4: [[5], true] } as const;
  const told: string[] = [];
  const portals = new TargetPortals(home, (from, to, permanent) => {
    told.push(`${from.port} to ${to.map(({ port }) => port).join()} ${permanent ? 'for good' : 'for now'}`);
  });
  assert.deepEqual(await route(portals, table), [1, 2, 3, 4, 5]);
  assert.deepEqual(told, ['1 to 2 for good', '2 to 3 for good', '3 to 4 for now', '4 to 5 for good']);
  assert.deepEqual(portals.home, [{ host: 'a', port: 3 }], 'behind a temporary redirect nothing is for good');
  assert.deepEqual(await route(portals, table), [3, 4, 5]);
});

test('redirects in a row, and the addresses of one, are bounded', async () => {
  const portals = new TargetPortals([{ host: 'a', port: 1 }], () => undefined);
  let [logins, most] = [0, 0];
  const addresses = Array.from({ length: 5000 }, (_, at) => ({ host: 'b', port: at + 1, portalGroupTag: undefined }));
  const endless = portals.logIn(async (some, reached) => {
    logins++;
    most = Math.max(most, some.length);
    if (some[0] !== undefined) reached(some[0]);
    throw new RedirectError(addresses[0] ?? assert.fail(), true, addresses);
  });
  assert.match((await failure(endless)).message, /more than 5 redirects/);
  assert.deepEqual([logins, most], [6, 16]);
});

test('a redirect to a wildcard, or to a link-local address, is seen from where it came', async () => {
  for (const [from, told, seen] of [
    ['fe80::1%eth1', 'fe80::2', 'fe80::2%eth1'],
    ['fe80::1%eth1', 'fe80::2%eth9', 'fe80::2%eth9'],
    ['fe80::1%eth1', '2001:db8::2', '2001:db8::2'],
    ['192.0.2.1', 'fe80::2', 'fe80::2'],
    ['192.0.2.1', '0.0.0.0', '192.0.2.1'],
  ] as const) {
    const portals = new TargetPortals([{ host: from, port: 1 }], () => undefined);
    let host = '';
    await portals.logIn(async ([portal], reached) => {
      assert.ok(portal !== undefined);
      reached(portal);
      host = portal.host;
      if (portal.port === 1) throw new RedirectError({ host: told, port: 2, portalGroupTag: undefined }, false);
    });
    assert.equal(host, seen);
  }
});

test('a redirect is no failure: nothing is written for it (captureOnError)', async (t) => {
  const target = await RawTarget.listen(t);
  const portal = await refusing(t, TEMPORARILY, () => [`${HOST}:${target.port}`]);
  const captureOnError = join(await temporaryDirectory(t), 'lost.pcapng');
  const lun = await connect(portal.url(), { captureOnError });
  await lun.close();
  assert.equal(existsSync(captureOnError), false);
});

test('one by one, each portal is tried alone, and told how many the time has to suffice for', async () => {
  const home = [1, 2, 3].map((port) => ({ host: 'a', port }));
  const portals = new TargetPortals(home, () => undefined, true);
  const tried: string[] = [];
  const login = portals.logIn(async (some, _, turns) => {
    tried.push(`${some.map(({ port }) => port).join()} of ${turns}`);
    throw new IscsiError('ISCSI_TIMEOUT', 'No answer');
  });
  assert.match((await failure(login)).message, /a:1: No answer; a:2: No answer; a:3: No answer/);
  assert.deepEqual(tried, ['1 of 3', '2 of 2', '3 of 1']);
});
