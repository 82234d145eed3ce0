import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { DigestError } from '../../src/errors.ts';
import { connect } from '../../src/index.ts';
import { Listener, type ListenerOptions } from '../../src/node/listener.ts';
import { TargetNode } from '../../src/target/target-node.ts';
import { assertNoHandlesLeft } from '../client/handles.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const LENGTH = 65_536;
const DIGESTS = { headerDigest: 'crc32c', dataDigest: 'crc32c' } as const;

/** Stands between a socket and whoever serves it, and sends on what `change` makes of each piece that goes out. */
class Between extends Duplex {
  readonly #socket: Socket;
  readonly #change: (piece: Uint8Array) => Uint8Array;

  constructor(socket: Socket, change: (piece: Uint8Array) => Uint8Array) {
    super();
    this.#socket = socket;
    this.#change = change;
    socket.on('data', (piece) => {
      if (!this.push(piece)) socket.pause();
    });
    socket.on('end', () => this.push(null));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => this.destroy());
  }

  override _read(): void {
    this.#socket.resume();
  }

  override _write(piece: Uint8Array, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(this.#change(piece), done);
  }

  override _final(done: () => void): void {
    this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}

async function listening(t: TestContext, options: ListenerOptions): Promise<string> {
  const device = new DeviceServer({ name: NAME });
  device.attach(0, new DeviceLogicalUnit(new MemoryStore({ size: 2 ** 20 }), { serial: 'wrapped' }));
  const node = new TargetNode({ targets: [{ name: NAME, device }] });
  const listener = await Listener.open(node, { host: '127.0.0.1', port: 0 }, options);
  t.after(async () => {
    listener.stop();
    node.close();
    await listener.closed();
  });
  return `iscsi://127.0.0.1:${listener.address.port}/${NAME}/0`;
}

test('a stream between socket and driver may flip a bit: the digest finds it', async (t) => {
  let flips = 0;
  const url = await listening(t, {
    wrap: (socket) =>
      new Between(socket, (piece) => {
        if (piece.length < LENGTH / 2 || flips > 0) return piece;
        flips++;
        const changed = Uint8Array.from(piece);
        changed[piece.length - 100] = (piece[piece.length - 100] ?? 0) ^ 0x10;
        return changed;
      }),
  });
  const lun = await connect(url, DIGESTS);
  await lun.write(new Uint8Array(LENGTH).fill(0x5a), { position: 0 });
  await assert.rejects(lun.read(new Uint8Array(LENGTH), { position: 0 }), DigestError);
  assert.equal(flips, 1);
  await lun.close().catch(() => {});
});

test('a stream that changes nothing is not noticed, and leaves nothing behind', async (t) => {
  await assertNoHandlesLeft(async () => {
    const url = await listening(t, { wrap: (socket) => new Between(socket, (piece) => piece) });
    await using lun = await connect(url, DIGESTS);
    const data = Uint8Array.from({ length: LENGTH }, (_, at) => at * 7);
    await lun.write(data, { position: 0 });
    assert.deepEqual((await lun.read(new Uint8Array(LENGTH), { position: 0 })).buffer, data);
  });
});

test('a stream may cut the connection: the session is gone', async (t) => {
  const streams: Between[] = [];
  const url = await listening(t, {
    wrap: (socket) => {
      const stream = new Between(socket, (piece) => piece);
      streams.push(stream);
      return stream;
    },
  });
  const lun = await connect(url);
  const [stream] = streams;
  assert.ok(stream);
  const closed = once(stream, 'close');
  stream.destroy();
  await closed;
  await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }));
  await lun.close().catch(() => {});
});
