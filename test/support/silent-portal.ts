/** A port that swallows connections: it listens, its queue is full, and nobody ever takes one. */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Cleanup } from './process.ts';

/** Its thread listens with the shortest queue that there is, and then stands still. */
const LISTENER = `
  const { parentPort } = require('node:worker_threads');
  const { createServer } = require('node:net');
  const server = createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port);
    setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
  });
`;
/** More than any queue of length 1 holds. */
const MOST_FILLERS = 16;
/** Milliseconds of silence that count as silence. */
const SILENCE = 100;

/** Starts one at 127.0.0.1, for as long as the test runs. @returns Its port. */
export async function silentPortal(t: Cleanup): Promise<number> {
  const worker = new Worker(LISTENER, { eval: true });
  const fillers: Socket[] = [];
  t.after(async () => {
    for (const socket of fillers) socket.destroy();
    await worker.terminate();
  });
  const port = await new Promise<number>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  for (;;) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    fillers.push(socket);
    const connected = new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)));
    if (!(await Promise.race([connected, sleep(SILENCE, false)]))) return port;
    if (fillers.length > MOST_FILLERS) throw new Error('Cannot fill the queue of a listening socket');
  }
}
