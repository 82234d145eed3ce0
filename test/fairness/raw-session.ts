/** An initiator over a real socket that knows no shame: it says what it is told to, as fast as the socket takes it. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { textOf } from '../support/speaker/data.ts';
import { InitiatorVoice } from '../support/speaker/initiator-voice.ts';
import { PduParser } from '../support/speaker/parser.ts';
import type { Pdu } from '../support/speaker/pdu.ts';

const TARGET_NAME = 'iqn.2003-01.org.example:disk';
let initiators = 0;

/** Keys that let an initiator do most. */
export const GREEDY: Readonly<Record<string, string>> = {
  InitialR2T: 'No',
  ImmediateData: 'Yes',
  MaxOutstandingR2T: '16',
  FirstBurstLength: '262144',
  MaxBurstLength: '16776192',
};

export class RawSession extends InitiatorVoice {
  readonly socket: Socket;
  /** Called for each PDU that comes, unless nothing is read. */
  onPdu: (pdu: Pdu) => void = () => {};
  /** Settles when the target has ended the connection. */
  readonly ended: Promise<void>;
  readonly #parser = new PduParser();

  constructor(socket: Socket) {
    super();
    this.socket = socket;
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => socket.on('close', () => resolve()));
    socket.on('data', (chunk: Buffer) => {
      for (const pdu of this.#parser.push(chunk)) this.onPdu(pdu);
    });
  }

  static async connect(port: number): Promise<RawSession> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true });
    const session = new RawSession(socket);
    await Promise.race([once(socket, 'connect'), session.ended]);
    return session;
  }

  /** A session in full feature phase, whose unit attentions have been taken. */
  static async logIn(port: number, keys: Readonly<Record<string, string>> = {}): Promise<RawSession> {
    const session = await RawSession.connect(port);
    const status = await session.login(keys);
    if (status !== 0) throw new Error(`Cannot log in: status ${status.toString(16)}`);
    for (const lun of ['0', '1000000000000']) await session.ask(session.commandRequest('00', { flags: 0x80, lun }));
    return session;
  }

  /** Logs in and tells the status. */
  async login(keys: Readonly<Record<string, string>> = {}): Promise<number> {
    const name = `iqn.2003-01.org.example:attacker-${process.pid}-${++initiators}`;
    const text = textOf({ InitiatorName: name, TargetName: TARGET_NAME, ...keys });
    let pdu = await this.ask(this.loginRequest(0x87, text));
    while (pdu.flags === 0x04 && pdu.view.getUint16(36) === 0) pdu = await this.ask(this.loginRequest(0x87, ''));
    return pdu.view.getUint16(36);
  }

  /** Sends, and waits for the next PDU. */
  ask(request: Parameters<InitiatorVoice['encode']>[0]): Promise<Pdu> {
    return new Promise((resolve, reject) => {
      const before = this.onPdu;
      this.onPdu = (pdu) => {
        this.onPdu = before;
        resolve(pdu);
      };
      void this.ended.then(() => reject(new Error('The target has ended the connection')));
      this.socket.write(this.encode(request));
    });
  }

  /** Takes what comes and looks at nothing of it from now on. */
  blind(): this {
    this.socket.removeAllListeners('data').resume();
    return this;
  }

  /** Reads nothing from now on. */
  deaf(): this {
    this.socket.pause();
    return this;
  }

  /** Sends bytes; settles when the socket has room for more, or is gone. */
  async pour(bytes: Uint8Array): Promise<void> {
    if (this.socket.destroyed || this.socket.write(bytes)) return;
    await Promise.race([once(this.socket, 'drain'), this.ended]);
  }
}
