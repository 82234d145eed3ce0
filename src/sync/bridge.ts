import { existsSync } from 'node:fs';
import { MessageChannel, type MessagePort, receiveMessageOnPort, SHARE_ENV, Worker } from 'node:worker_threads';
import { IscsiError } from '../errors.ts';
import { type Above, from } from './caller.ts';
import type { CallName, Calls } from './calls.ts';
import { Channel, OUTCOME, type REQUEST, type Waited } from './channel.ts';
import { CallerMemory } from './memory.ts';
import type { Message, ThreadData } from './messages.ts';
import { readThrown, type WrittenValue } from './thrown.ts';

/** Seconds without a sign of life after which the thread is given up. */
const PATIENCE = 20;

/** Where the thread's program is, as it was built or as a source. */
const PROGRAM = import.meta.url.endsWith('.ts')
  ? new URL('./thread.ts', import.meta.url)
  : new URL('./thread.js', import.meta.url);

/**
 * The caller's end of the thread that does the work: asks it, and blocks until it has answered. It serves all
 * connections of the calling thread: one call is under way at any time, so that a second thread would only wait.
 */
export class Bridge {
  readonly memory: CallerMemory;
  readonly #channel = new Channel();
  readonly #port: MessagePort;
  readonly #worker: Worker;
  readonly #patience: number;
  #messagesWait = false;
  /** Why nothing can be asked any more. */
  #over: string | undefined;

  /** For tests: another program, and less patience. */
  constructor(program: URL = PROGRAM, patience = PATIENCE) {
    if (!existsSync(program)) {
      throw new IscsiError('ISCSI_USAGE', `Cannot start the thread of tsiscsi/sync: ${program.href} is not there`, {
        hint: 'was the program bundled into one file? Leave tsiscsi out of the bundle',
      });
    }
    const { port1, port2 } = new MessageChannel();
    const workerData: ThreadData = { shared: this.#channel.shared, port: port2 };
    this.#port = port1;
    this.#patience = patience;
    this.memory = new CallerMemory((message) => this.#send(message));
    // Flags such as --input-type are the caller's own, and would keep the thread from starting.
    this.#worker = new Worker(program, { workerData, transferList: [port2], env: SHARE_ENV, execArgv: [] });
    this.#worker.unref(); // a program that forgets to close ends all the same
    this.#worker.on('error', nothing); // the call that finds out tells
  }

  /** False when the thread has ended: whatever it had open is gone. */
  get usable(): boolean {
    return this.#over === undefined;
  }

  /** Asks for a call of the asynchronous interface. @throws What it has thrown, with the stack of `above`'s caller. */
  call<N extends CallName>(above: Above, call: N, ...given: Parameters<Calls[N]>): Awaited<ReturnType<Calls[N]>> {
    this.#requireThread(above);
    this.#send({ call, given });
    this.#channel.setMessage();
    return this.#ask(above) as Awaited<ReturnType<Calls[N]>>;
  }

  /** Reads or writes at `position`: as `call`, without a message. Hot. @returns How many bytes. */
  transfer(
    above: Above,
    kind: typeof REQUEST.read | typeof REQUEST.write,
    unit: number,
    bytes: Uint8Array,
    position: number,
  ): number {
    this.#requireThread(above);
    const { id, offset } = this.memory.placeOf(bytes, kind === 2);
    this.#channel.setTransfer(kind, unit, position, id, offset, bytes.length);
    return this.#ask(above) as number;
  }

  /** Lets the thread end, when nothing is open any more. */
  end(): void {
    if (this.#over !== undefined) return;
    this.#over = 'everything was closed';
    this.#worker.postMessage(true);
    this.#port.close();
  }

  #send(message: Message): void {
    this.#port.postMessage(message);
    this.#messagesWait = true;
  }

  #ask(above: Above): unknown {
    const asleep = this.#channel.ask(this.#messagesWait);
    this.#messagesWait = false;
    if (asleep) this.#worker.postMessage(false);
    const waited = this.#channel.wait(this.#patience);
    if (waited !== 'answered') throw this.#giveUp(waited, above);
    const { outcome, result } = this.#channel;
    if (outcome === OUTCOME.number) return result;
    const message: unknown = receiveMessageOnPort(this.#port)?.message;
    if (outcome === OUTCOME.error) throw readThrown(message as WrittenValue, above);
    return message;
  }

  /** What the thread was asked for last may still take effect: it, or the target, may have it. */
  #giveUp(waited: Waited, above: Above): IscsiError {
    const why = waited === 'ended' ? 'has ended' : `has given no sign of life for ${this.#patience} seconds`;
    this.#over = `the thread that carries them ${why}`;
    void this.#worker.terminate();
    this.#port.close();
    const options = { hint: 'open the logical unit again', commandSent: true };
    return from(
      above,
      new IscsiError('ISCSI_CONNECTION_LOST', `Cannot go on: the thread of the connection ${why}`, options),
    );
  }

  #requireThread(above: Above): void {
    if (this.#over === undefined) return;
    throw from(
      above,
      new IscsiError('ISCSI_CLOSED', `Cannot use the connections: ${this.#over}`, { commandSent: false }),
    );
  }
}

function nothing(): void {
  // Told elsewhere.
}
