/** Credentials where a target is at several portals, or sends the login elsewhere: who is asked for them, and when. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { CaptureDecoder } from '../../src/capture/capture-decoder.ts';
import { connect, openSession } from '../../src/client/connect.ts';
import type { ChapRequest } from '../../src/client/options.ts';
import { IscsiError } from '../../src/errors.ts';
import { createTarget } from '../../src/server/index.ts';
import { until } from '../support/loop-time.ts';
import { freePort } from '../support/ports.ts';
import { RawTarget } from '../support/raw-target.ts';
import { startRelay } from '../support/relay.ts';
import { silentPortal } from '../support/silent-portal.ts';
import { keyText } from '../support/speaker/data.ts';
import { temporaryDirectory } from '../support/temporary.ts';

const HOST = '127.0.0.1';
const NAME = 'iqn.2026-11.dev.tsiscsi:target';
const CHAP = { user: 'alice', password: 'secret-of-alice-1', target: { user: 'disk', password: 'secret-of-disk-22' } };
const FAST = { firstDelay: 1, maxDelay: 20 } as const;
const TEMPORARILY = 0x0101;
const FOR_GOOD = 0x0102;

/** A target that authenticates both ways. */
async function serve(t: TestContext): Promise<number> {
  const target = await createTarget({ name: NAME, luns: [{ memory: '1M' }], chap: CHAP }).listen({ port: 0 });
  t.after(() => target.close());
  return target.port;
}

/** A portal that sends every login elsewhere, however it begins. */
function sendingTo(t: TestContext, port: number, status: number): Promise<RawTarget> {
  return RawTarget.listen(t, {
    onPdu: (pdu, connection) => {
      if (pdu.opcode !== 0x03) return false;
      const text = keyText({ TargetAddress: `${HOST}:${port}` });
      connection.send(connection.voice.loginResponse(pdu, text, { flags: 0, status }));
      connection.socket.end();
      return true;
    },
  });
}

const urlOf = (port: number): string => `iscsi://${HOST}:${port}/${NAME}/0`;
const at = (...ports: readonly number[]): { host: string; port: number }[] =>
  ports.map((port) => ({ host: HOST, port }));

/** A function for `chap` that notes which ports it was asked about. */
function asking() {
  const ports: number[] = [];
  const chap = ({ host, port, targetName }: ChapRequest): typeof CHAP => {
    assert.deepEqual([host, targetName], [HOST, NAME]);
    ports.push(port);
    return CHAP;
  };
  return { ports, chap };
}

async function failure(work: Promise<unknown>): Promise<IscsiError> {
  const error = await work.catch((reason: unknown) => reason);
  assert.ok(error instanceof IscsiError, String(error));
  return error;
}

test('plain credentials go to whichever portal answers', async (t) => {
  const port = await serve(t);
  const portals = at(await silentPortal(t), port);
  await using session = await openSession(urlOf(await freePort()), { chap: CHAP, portals });
  assert.equal(session.targetPortal, `${HOST}:${port}`);
});

test('a function is asked for each portal that is tried, in turn, and for no further one', async (t) => {
  const port = await serve(t);
  const [closed, unused] = [await freePort(), await freePort()];
  const { ports, chap } = asking();
  await using session = await openSession(urlOf(closed), { chap, portals: at(port, unused) });
  assert.equal(session.targetPortal, `${HOST}:${port}`);
  assert.deepEqual(ports, [closed, port]);
});

test('with a function, a silent portal has its share of the time, and then the next one is tried', async (t) => {
  const port = await serve(t);
  const silent = await silentPortal(t);
  const { ports, chap } = asking();
  const portals = at(port);
  await using session = await openSession(urlOf(silent), { chap, portals, connectTimeout: 4000 });
  assert.equal(session.targetPortal, `${HOST}:${port}`);
  assert.deepEqual(ports, [silent, port]);
});

test('with a function, too, the error names each portal with its reason and its own time', async (t) => {
  const silent = await silentPortal(t);
  const closed = await freePort();
  const { ports, chap } = asking();
  const error = await failure(openSession(urlOf(silent), { chap, portals: at(closed), connectTimeout: 600 }));
  assert.deepEqual(ports, [silent, closed]);
  assert.equal(error.code, 'ISCSI_REFUSED');
  assert.match(
    error.message,
    new RegExp(`${HOST}:${silent}: .*no answer within (?!600)\\d{1,3} ms.*${closed}.*refused`),
  );
});

test('credentials that a target does not accept are not sent round to its other portals', async (t) => {
  const port = await serve(t);
  const other = await RawTarget.listen(t);
  const wrong = { ...CHAP, password: 'wrong-wrong-wrong' };
  for (const chap of [wrong, (): typeof CHAP => wrong]) {
    const error = await failure(openSession(urlOf(port), { chap, portals: at(other.port) }));
    assert.equal(error.code, 'ISCSI_AUTHENTICATION');
    assert.equal(other.connections.length, 0);
  }
});

for (const [status, how] of [
  [TEMPORARILY, 'a temporary redirect is asked about again'],
  [FOR_GOOD, 'a permanent redirect is gone straight to'],
] as const) {
  test(`after a loss ${how}, and the function is told where the login goes`, async (t) => {
    const port = await serve(t);
    const relay = await startRelay(t, { to: port });
    const portal = await sendingTo(t, relay.port, status);
    const { ports, chap } = asking();
    const session = await openSession(urlOf(portal.port), { chap, reconnect: FAST });
    t.after(() => session.close());
    assert.deepEqual(ports, [portal.port, relay.port]);
    assert.equal(session.targetPortal, `${HOST}:${relay.port}`);
    const back = once(session, 'reconnected');
    relay.connections[0]?.cut();
    await back;
    const again = status === FOR_GOOD ? [relay.port] : [portal.port, relay.port];
    assert.deepEqual(ports.slice(2), again);
    assert.equal(portal.connections.length, status === FOR_GOOD ? 1 : 2);
    assert.equal(session.targetPortal, `${HOST}:${relay.port}`);
  });
}

test('a session that was lost is looked for at all portals of its target, with its credentials', async (t) => {
  const port = await serve(t);
  const relays = [await startRelay(t, { to: port }), await startRelay(t, { to: port })] as const;
  const portals = at(relays[1].port);
  const lun = await connect(urlOf(relays[0].port), { chap: CHAP, portals, reconnect: FAST });
  t.after(() => lun.close());
  await lun.write(new Uint8Array(512).fill(7), { position: 0 });
  await relays[0].stop();
  const back = new Uint8Array(512);
  await lun.read(back, { position: 0 });
  assert.equal(back[0], 7);
  assert.equal(lun.session.targetPortal, `${HOST}:${relays[1].port}`);
  assert.equal(lun.session.statistics().reconnects, 1);
});

test('D-04: a session that comes back offers the hashes that it was told to offer, and no weaker one', async (t) => {
  const port = await serve(t);
  const relay = await startRelay(t, { to: port });
  const chapAlgorithms = ['sha-256'] as const;
  const session = await openSession(urlOf(relay.port), { chap: CHAP, chapAlgorithms, reconnect: FAST });
  t.after(() => session.close());
  const back = once(session, 'reconnected');
  relay.connections[0]?.cut();
  await back;
  const offers = [0, 1].map((connection) => {
    const sent = Buffer.from(relay.connections[connection]?.toTarget.bytes() ?? []).toString('latin1');
    return [...sent.matchAll(/CHAP_A=([^\0]+)/g)].map(([, offered]) => offered);
  });
  assert.deepEqual(offers, [['7'], ['7']], 'SHA-256, in the first login and in the second');
});

test('D-04: the login after a loss offers the hashes that the first one offered, MD5 last', async (t) => {
  const relay = await startRelay(t, { to: await serve(t) });
  const session = await openSession(urlOf(relay.port), { chap: CHAP, reconnect: FAST });
  t.after(() => session.close());
  const back = once(session, 'reconnected');
  relay.connections[0]?.cut();
  await back;
  const [first, second] = relay.connections.map((connection) => {
    const sent = Buffer.from(connection.toTarget.bytes()).toString('latin1');
    return [...sent.matchAll(/CHAP_A=([^\0]+)/g)].map(([, hashes]) => hashes);
  });
  assert.match(String(first), /^(?:\d,)+5$/);
  assert.deepEqual(second, first);
});

test('a recording that goes on over a reconnect has both logins, and neither response to a challenge', async (t) => {
  const port = await serve(t);
  const relay = await startRelay(t, { to: port });
  const lun = await connect(urlOf(relay.port), { chap: CHAP, reconnect: FAST });
  t.after(() => lun.close());
  const back = once(lun.session, 'reconnected');
  relay.connections[0]?.cut();
  await back;
  const file = join(await temporaryDirectory(t), 'both.pcapng');
  await lun.session.capture(file);
  const bytes = await readFile(file);
  const events: { readonly line: string; readonly details: string }[] = [];
  const decoder = new CaptureDecoder((event) => events.push({ line: event.line, details: JSON.stringify(event) }));
  decoder.push(bytes);
  decoder.end();
  await until(() => events.length > 0);
  assert.equal(events.filter(({ line }) => /^Login Request: security/.test(line)).length >= 4, true);
  const sent = [0, 1].map((connection) =>
    Buffer.from(relay.connections[connection]?.toTarget.bytes() ?? []).toString('latin1'),
  );
  for (const stream of sent) {
    const [, response = ''] = /CHAP_R=([^\0]+)/.exec(stream) ?? [];
    assert.ok(response.length > 16, 'each login had a response');
    assert.ok(!bytes.includes(response), 'which is not in the capture');
  }
});
