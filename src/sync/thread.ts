/** The thread behind `tsiscsi/sync`: serves the calls of one caller by the asynchronous interface. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { Calls } from './calls.ts';
import { Channel, OUTCOME, REQUEST } from './channel.ts';
import { Doorbell } from './doorbell.ts';
import { ThreadMemory } from './memory.ts';
import type { CallMessage, Message, ThreadData } from './messages.ts';
import { writeThrown } from './thrown.ts';

/** Milliseconds between two signs of life. */
const HEARTBEAT = 500;

const { shared, port } = workerData as ThreadData;
const channel = new Channel(shared);
const memory = new ThreadMemory();
const calls = new Calls(memory);
const doorbell = new Doorbell(channel, take);

setInterval(() => channel.beat(), HEARTBEAT).unref();
process.once('exit', () => channel.end());
parentPort?.on('message', (end: boolean) => {
  if (end)
    parentPort?.close(); // nothing is open any more, so nothing else keeps the thread
  else doorbell.rung();
});
channel.beat();
doorbell.rung(); // whoever has asked meanwhile rang before there was a bell

/** Takes the request that waits. Hot. */
function take(): void {
  const call = channel.messagesWait ? readMessages() : undefined;
  try {
    if (call !== undefined) perform(call);
    else transfer();
  } catch (error) {
    fail(error);
  }
}

/** What the caller has sent, in its order: the call comes last, if there is one. */
function readMessages(): CallMessage | undefined {
  for (;;) {
    const message = receiveMessageOnPort(port)?.message as Message | undefined;
    if (message === undefined) return undefined;
    if ('call' in message) return message;
    memory.learn(message);
  }
}

/** Hot: one promise more than the transfer itself has. */
function transfer(): void {
  const bytes = memory.bytesAt(channel.memory, channel.offset, channel.length);
  const unit = calls.unit(channel.unit);
  const where = { position: channel.position };
  if (channel.kind === REQUEST.read) unit.read(bytes, where).then(({ bytesRead }) => succeed(bytesRead), fail);
  else unit.write(bytes, where).then(({ bytesWritten }) => succeed(bytesWritten), fail);
}

function perform({ call, given }: CallMessage): void {
  const method = calls[call] as (...given: readonly unknown[]) => Promise<unknown>;
  const answered = method.apply(calls, [...given]).then((result) => {
    if (typeof result === 'number') succeed(result);
    else answer(OUTCOME.message, result);
  });
  answered.catch(fail);
}

function succeed(result: number): void {
  channel.answer(OUTCOME.number, result);
  doorbell.expectNext();
}

function fail(error: unknown): void {
  answer(OUTCOME.error, writeThrown(error));
}

function answer(outcome: number, message: unknown): void {
  port.postMessage(message);
  channel.answer(outcome, 0);
  doorbell.expectNext();
}
