/**
 * A scripted iSCSI target on a loopback port, for what an agreeable one never does. It serves a small disk; a test
 * steps in wherever it wants to: at a PDU, at a command, or with bytes of its own.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { RawDisk } from '../client/raw-disk.ts';
import type { Cleanup } from './process.ts';
import { keyText, pairsOf } from './speaker/data.ts';
import { PduParser } from './speaker/parser.ts';
import { NIL, type Pdu } from './speaker/pdu.ts';
import { TargetVoice, USUAL_ANSWERS } from './speaker/target-voice.ts';

/** How a raw target differs from an agreeable one. */
export interface RawTargetOptions {
  /** Keys answered otherwise than {@link USUAL_ANSWERS}. */
  readonly answers?: Readonly<Record<string, string>>;
  readonly window?: number;
  readonly disk?: RawDisk;
  /** Sees each PDU first. True: it was dealt with. */
  readonly onPdu?: (pdu: Pdu, connection: RawConnection) => boolean | undefined;
  /** Sees each command whose data is all there, before the disk does. True: it was dealt with. */
  readonly onCommand?: (command: RawCommand, connection: RawConnection) => boolean | undefined;
  /** Called instead of anything else when a connection comes. */
  readonly onConnection?: (socket: Socket, connection: RawConnection) => void;
}

/** A SCSI command as it came, with all that it writes. */
export interface RawCommand {
  readonly pdu: Pdu;
  readonly tag: number;
  readonly cdb: Uint8Array;
  /** Expected Data Transfer Length. */
  readonly length: number;
  readonly dataOut: Uint8Array;
}

interface Gathering {
  readonly pdu: Pdu;
  readonly data: Uint8Array;
  got: number;
  r2tSN: number;
}

/** One connection of an initiator. */
export class RawConnection {
  readonly voice: TargetVoice;
  readonly socket: Socket;
  /** Every PDU that came, in order. */
  readonly sent: Pdu[] = [];
  readonly #parser = new PduParser();
  readonly #options: RawTargetOptions;
  readonly #disk: RawDisk;
  readonly #writes = new Map<number, Gathering>();

  constructor(socket: Socket, options: RawTargetOptions, disk: RawDisk) {
    this.socket = socket;
    this.#options = options;
    this.#disk = disk;
    this.voice = new TargetVoice(1, options.window ?? 64);
    socket.setNoDelay(true);
    socket.on('error', () => undefined); // resets are part of the play
    if (options.onConnection !== undefined) {
      socket.resume();
      options.onConnection(socket, this);
      return;
    }
    socket.on('data', (bytes) => {
      for (const pdu of this.#parser.push(bytes)) this.#take(pdu);
    });
  }

  /** PDUs with this opcode that came so far. */
  ofOpcode(opcode: number): Pdu[] {
    return this.sent.filter((pdu) => pdu.opcode === opcode);
  }

  send(...pdus: readonly Uint8Array[]): void {
    for (const pdu of pdus) this.socket.write(pdu);
  }

  /** Ends a command with `status`; `sense` in fixed format. */
  respond(tag: number, status: number, sense?: Uint8Array): void {
    this.send(this.voice.scsiResponse(tag, { status, ...(sense === undefined ? {} : { sense }) }));
  }

  /** Ends a command that reads with as much of `data` as it wants. */
  give(command: RawCommand, data: Uint8Array): void {
    const part = data.subarray(0, command.length);
    const missing = command.length - part.length;
    if (part.length > 0) this.send(this.voice.dataIn(command.tag, part));
    const residual = missing > 0 ? { residual: 0x02, residualCount: missing } : {};
    this.send(this.voice.scsiResponse(command.tag, { ...residual, expDataSN: part.length > 0 ? 1 : 0 }));
  }

  #take(pdu: Pdu): void {
    this.sent.push(pdu);
    this.voice.hear(pdu);
    if (this.#options.onPdu?.(pdu, this) === true) return;
    switch (pdu.opcode) {
      case 0x03:
        this.#login(pdu);
        break;
      case 0x01:
        this.#command(pdu);
        break;
      case 0x05:
        this.#dataOut(pdu);
        break;
      case 0x00:
        if (pdu.tag !== NIL) this.send(this.voice.pong(pdu.tag, pdu.data.slice()));
        break;
      case 0x02:
        this.#writes.delete(pdu.word(20));
        this.send(this.voice.taskManagementResponse(pdu.tag));
        break;
      case 0x06:
        this.send(this.voice.logoutResponse(pdu.tag));
        this.socket.end();
        break;
      default:
        break;
    }
  }

  #login(pdu: Pdu): void {
    const offered = new Set(pairsOf(pdu.data).map(([name]) => name));
    const answers = Object.fromEntries(
      Object.entries({ ...USUAL_ANSWERS, ...this.#options.answers }).filter(([name]) => offered.has(name)),
    );
    this.send(this.voice.loginResponse(pdu, keyText(answers)));
    const [header, data] = [answers['HeaderDigest'] === 'CRC32C', answers['DataDigest'] === 'CRC32C'];
    this.voice.digests = { header, data };
    this.#parser.headerDigest = header;
    this.#parser.dataDigest = data;
  }

  #command(pdu: Pdu): void {
    const writes = (pdu.flags & 0x20) !== 0;
    const gathering = { pdu, data: new Uint8Array(writes ? pdu.word(20) : 0), got: pdu.data.length, r2tSN: 0 };
    gathering.data.set(pdu.data);
    if (gathering.got >= gathering.data.length) this.#run(gathering);
    else {
      this.#writes.set(pdu.tag, gathering);
      if (pdu.final) this.#ask(gathering);
    }
  }

  #dataOut(pdu: Pdu): void {
    const gathering = this.#writes.get(pdu.tag);
    if (gathering === undefined) return; // of a command that was aborted
    gathering.data.set(pdu.data, pdu.word(40));
    gathering.got += pdu.data.length;
    if (gathering.got < gathering.data.length) {
      if (pdu.final) this.#ask(gathering);
      return;
    }
    this.#writes.delete(pdu.tag);
    this.#run(gathering);
  }

  #ask(gathering: Gathering): void {
    const { pdu, data, got } = gathering;
    const most = Number(this.#options.answers?.['MaxBurstLength'] ?? USUAL_ANSWERS['MaxBurstLength']);
    const length = Math.min(most, data.length - got);
    this.send(this.voice.r2t(pdu.tag, { r2tSN: gathering.r2tSN++, offset: got, length }));
  }

  #run({ pdu, data }: Gathering): void {
    const command = { pdu, tag: pdu.tag, cdb: pdu.header.subarray(32), length: pdu.word(20), dataOut: data };
    if (this.#options.onCommand?.(command, this) === true) return;
    const { status, dataIn, sense } = this.#disk.execute(command.cdb, data, pdu.word(8) >>> 16);
    if (dataIn !== undefined && status === 0) this.give(command, dataIn);
    else this.respond(pdu.tag, status, sense);
  }
}

/** The listening side. */
export class RawTarget {
  readonly connections: RawConnection[] = [];
  readonly disk: RawDisk;
  readonly #server: Server;

  private constructor(options: RawTargetOptions) {
    this.disk = options.disk ?? new RawDisk();
    this.#server = createServer((socket) => {
      this.connections.push(new RawConnection(socket, options, this.disk));
    });
  }

  /** Listens on a free port of 127.0.0.1, until the test has ended. */
  static async listen(t: Cleanup, options: RawTargetOptions = {}): Promise<RawTarget> {
    const target = new RawTarget(options);
    await new Promise<void>((resolve) => target.#server.listen(0, '127.0.0.1', resolve));
    t.after(() => target.close());
    return target;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** The URL of a logical unit. */
  url(lun = 0): string {
    return `iscsi://127.0.0.1:${this.port}/iqn.2003-01.org.example:target/${lun}`;
  }

  /** The only connection, or the last one. */
  get connection(): RawConnection {
    const last = this.connections.at(-1);
    if (last === undefined) throw new Error('Nobody has connected');
    return last;
  }

  close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
