import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { type TestContext, test } from 'node:test';
import { until } from './loop-time.ts';
import { type ConnectionFaults, type Relay, startRelay } from './relay.ts';

/** A server that sends back what it gets, behind a relay. */
async function echoBehindRelay(t: TestContext, faults: ConnectionFaults = {}): Promise<Relay> {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  return startRelay(t, { to: (server.address() as AddressInfo).port, faults: () => faults });
}

interface Client {
  readonly socket: Socket;
  received(): string;
  /** How the connection ended: an error code, or `end`. */
  readonly over: Promise<string>;
}

function client(t: TestContext, { port }: Relay): Client {
  const socket = connect({ host: '127.0.0.1', port, noDelay: true });
  let text = '';
  socket.setEncoding('latin1').on('data', (piece: string) => {
    text += piece;
  });
  const over = new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)));
    socket.on('end', () => resolve('end'));
  });
  t.after(() => void socket.destroy());
  return { socket, received: () => text, over };
}

test('a relay without faults passes everything, ends with the sender and records both ways', async (t) => {
  const relay = await echoBehindRelay(t);
  const { socket, received, over } = client(t, relay);
  socket.end('hello');
  assert.equal(await over, 'end');
  assert.equal(received(), 'hello');
  const [connection] = relay.connections;
  assert.equal(Buffer.from(connection?.toTarget.bytes() ?? []).toString(), 'hello');
  assert.equal(Buffer.from(connection?.toInitiator.bytes() ?? []).toString(), 'hello');
});

test('pieceLength 1 writes byte by byte and loses none', async (t) => {
  const relay = await echoBehindRelay(t, { toInitiator: { pieceLength: 1 } });
  const { socket, received, over } = client(t, relay);
  socket.end('0123456789');
  await over;
  assert.equal(received(), '0123456789');
  const pieces = [...(relay.connections[0]?.recording() ?? [])];
  const text = pieces.map(({ frame, byTarget, bytes }) => `${frame}${byTarget ? '<' : '>'}${Buffer.from(bytes)}`);
  assert.deepEqual(text, ['1>0123456789', ...[...'0123456789'].map((digit, index) => `${index + 2}<${digit}`)]);
});

test('cutAfter passes exactly that many bytes, then both sides are reset', async (t) => {
  const relay = await echoBehindRelay(t, { toTarget: { cutAfter: 3 } });
  const { socket, over } = client(t, relay);
  socket.write('hello');
  assert.equal(await over, 'ECONNRESET');
  assert.equal(Buffer.from(relay.connections[0]?.toTarget.bytes() ?? []).toString(), 'hel');
});

test('cutBy "end" closes politely', async (t) => {
  const relay = await echoBehindRelay(t, { toInitiator: { cutAfter: 3, cutBy: 'end' } });
  const { socket, received, over } = client(t, relay);
  socket.write('hello');
  assert.equal(await over, 'end');
  assert.equal(received(), 'hel');
});

test('stallAfter passes exactly that many bytes and closes nothing', async (t) => {
  const relay = await echoBehindRelay(t, { toInitiator: { stallAfter: 3 } });
  const { socket, received, over } = client(t, relay);
  socket.write('hello');
  await until(() => received() === 'hel' && relay.connections[0]?.toTarget.length === 5);
  const outcome = await Promise.race([over, new Promise((resolve) => setTimeout(resolve, 20, 'still open'))]);
  assert.equal(outcome, 'still open');
  assert.equal(received(), 'hel');
  assert.equal(relay.connections[0]?.toTarget.length, 5);
});

test('corrupt changes one byte only', async (t) => {
  const relay = await echoBehindRelay(t, { toTarget: { corrupt: { at: 1, xor: 0x20 } } });
  const { socket, received, over } = client(t, relay);
  socket.end('hello');
  await over;
  assert.equal(received(), 'hEllo');
});

test('drop leaves bytes out, duplicate passes them twice', async (t) => {
  const dropping = client(t, await echoBehindRelay(t, { toTarget: { drop: { at: 1, length: 2 } } }));
  dropping.socket.end('hello');
  await dropping.over;
  assert.equal(dropping.received(), 'hlo');
  const doubling = client(t, await echoBehindRelay(t, { toInitiator: { duplicate: { at: 1, length: 2 } } }));
  doubling.socket.end('hello');
  await doubling.over;
  assert.equal(doubling.received(), 'helello');
});

test('halfCloseAfter ends one direction, and the other lives on', async (t) => {
  const relay = await echoBehindRelay(t, { toInitiator: { halfCloseAfter: 2 } });
  const { socket, received, over } = client(t, relay);
  socket.allowHalfOpen = true;
  socket.write('hello');
  assert.equal(await over, 'end');
  assert.equal(received(), 'he');
  assert.equal(relay.connections[0]?.toTarget.length, 5);
});

test('a connection that is refused is reset, and the next one is not', async (t) => {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const relay = await startRelay(t, { to: () => port, faults: (number) => ({ refuse: number === 0 }) });
  assert.equal(await client(t, relay).over, 'ECONNRESET');
  const second = client(t, relay);
  second.socket.end('x');
  assert.equal(await second.over, 'end');
  assert.equal(second.received(), 'x');
});

test('delay holds the stream back', async (t) => {
  const relay = await echoBehindRelay(t, { toTarget: { delay: 60 }, toInitiator: { delay: 60 } });
  const { socket, received, over } = client(t, relay);
  const started = performance.now();
  socket.end('hello');
  await over;
  assert.equal(received(), 'hello');
  assert.ok(performance.now() - started >= 115, 'it took less than both delays together');
});

test('a relay whose target is not there loses its client', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  const { over } = client(t, await startRelay(t, { to: port }));
  assert.equal(await over, 'ECONNRESET');
});

test('stop() cuts what is open and refuses what comes next', async (t) => {
  const relay = await echoBehindRelay(t);
  const { socket, over } = client(t, relay);
  socket.write('hello');
  await once(socket, 'data');
  await relay.stop();
  assert.equal(await over, 'ECONNRESET');
  assert.equal(await client(t, relay).over, 'ECONNREFUSED');
});
