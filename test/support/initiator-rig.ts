/**
 * The initiator's session core between a scripted target and a fake clock: no socket, no timer. The target sees every
 * PDU that the initiator sends and answers with any bytes.
 */
import assert from 'node:assert/strict';
import { viewOf } from '../../src/bytes/hex.ts';
import type { IscsiError } from '../../src/errors.ts';
import type { InitiatorConnection } from '../../src/initiator/connection.ts';
import type { ConnectionConfig } from '../../src/initiator/connection-config.ts';
import type { ExchangeAnswer } from '../../src/initiator/exchange.ts';
import type { InitiatorTask } from '../../src/initiator/initiator-task.ts';
import type { LoginConfig } from '../../src/initiator/login-run.ts';
import { InitiatorSession } from '../../src/initiator/session.ts';
import type { SessionEvent } from '../../src/initiator/session-host.ts';
import { INITIATOR_POLICY, type OperationalPolicy } from '../../src/login/policy.ts';
import { keyText } from './speaker/data.ts';
import { PduParser } from './speaker/parser.ts';
import type { Pdu } from './speaker/pdu.ts';
import { TargetVoice, USUAL_ANSWERS } from './speaker/target-voice.ts';

/** What a rig starts with. */
export interface RigOptions {
  readonly policy?: Partial<OperationalPolicy>;
  readonly login?: Partial<LoginConfig>;
  readonly loginTimeout?: number;
  readonly keepaliveInterval?: number;
  readonly keepaliveTimeout?: number;
  readonly firstCmdSN?: number;
  readonly firstStatSN?: number;
  /** Commands that the target lets through at once. */
  readonly window?: number;
  /** What the target answers in the login, beside {@link USUAL_ANSWERS}. */
  readonly answers?: Readonly<Record<string, string>>;
}

/** A command that was submitted, and what came of it. */
export interface Submitted {
  readonly task: InitiatorTask;
  readonly tag: number;
  /** How often it has settled: never more than once. */
  settled: number;
  settledAt: number;
  error: IscsiError | undefined;
  status: number;
  received: number;
  residual: string;
  residualCount: number;
  sense: Uint8Array | undefined;
}

/** A ping, text, task management request, and what came of it. */
export interface Asked {
  settled: number;
  error: IscsiError | undefined;
  answer: ExchangeAnswer;
}

/** What a command asks. */
export interface Command {
  readonly cdb?: Uint8Array;
  readonly lun?: readonly [number, number];
  readonly dataIn?: Uint8Array;
  readonly dataOut?: Uint8Array;
  readonly timeout?: number;
  /** Called when it settles, after the rig has taken note. */
  readonly onSettled?: (submitted: Submitted) => void;
}

/** An ISID as six bytes in one number. */
const ISID = 0x80_1122_3344_55;

export class InitiatorRig {
  now = 1000;
  readonly session: InitiatorSession;
  readonly connection: InitiatorConnection;
  readonly voice: TargetVoice;
  readonly parser = new PduParser();
  readonly events: SessionEvent[] = [];
  /** Everything that was sent, in order. */
  readonly sent: Pdu[] = [];
  /** How the session ended: once, at the most. */
  readonly ends: (IscsiError | undefined)[] = [];
  logins = 0;
  wakes = 0;

  constructor(options: RigOptions = {}) {
    this.voice = new TargetVoice(options.firstStatSN ?? 1, options.window ?? 32);
    this.session = new InitiatorSession(
      {
        now: () => this.now,
        wake: () => {
          this.wakes++;
        },
        loggedIn: () => {
          this.logins++;
        },
        closed: (error) => {
          this.ends.push(error);
        },
        event: (event) => {
          this.events.push(event);
        },
      },
      options.firstCmdSN ?? 100,
    );
    this.connection = this.session.addConnection(configOf(options));
  }

  /** A rig whose session is in the full feature phase. */
  static loggedIn(options: RigOptions = {}): InitiatorRig {
    const rig = new InitiatorRig(options);
    const [request, ...rest] = rig.begin();
    assert.ok(request !== undefined && rest.length === 0, 'the login begins with one request');
    const answers = { ...USUAL_ANSWERS, ...options.answers };
    rig.give(rig.voice.loginResponse(request, keyText(answers)));
    assert.equal(rig.logins, 1, `logged in: ${rig.ends[0]?.message}`);
    rig.useDigests(answers['HeaderDigest'] === 'CRC32C', answers['DataDigest'] === 'CRC32C');
    return rig;
  }

  /** Connects. @returns What the initiator sends first. */
  begin(): Pdu[] {
    this.connection.connected();
    return this.take();
  }

  /** From now on both sides use these digests. */
  useDigests(header: boolean, data: boolean): void {
    this.parser.headerDigest = header;
    this.parser.dataDigest = data;
    this.voice.digests = { header, data };
  }

  /** Takes what the initiator has to send. */
  take(): Pdu[] {
    const pdus: Pdu[] = [];
    for (;;) {
      const chunks = this.connection.drain();
      if (chunks.length === 0) break;
      for (const chunk of chunks) pdus.push(...this.parser.push(chunk));
      this.connection.flushed();
    }
    for (const pdu of pdus) this.voice.hear(pdu);
    this.sent.push(...pdus);
    return pdus;
  }

  /** Takes exactly one PDU. */
  takeOne(opcode: number): Pdu {
    const pdus = this.take();
    assert.deepEqual(
      pdus.map((pdu) => pdu.opcode),
      [opcode],
    );
    return pdus[0] as Pdu;
  }

  /** Gives the initiator `pdus` in one read. */
  give(...pdus: readonly Uint8Array[]): void {
    const bytes = new Uint8Array(pdus.reduce((sum, pdu) => sum + pdu.length, 0));
    let at = 0;
    for (const pdu of pdus) {
      bytes.set(pdu, at);
      at += pdu.length;
    }
    this.connection.receive(bytes, viewOf(bytes), 0, bytes.length);
    bytes.fill(0xaa); // whoever kept a view sees it
  }

  /** Gives the initiator `bytes` in reads of `step` bytes. */
  trickle(bytes: Uint8Array, step = 1): void {
    for (let at = 0; at < bytes.length; at += step) this.give(bytes.subarray(at, at + step));
  }

  /** Lets time pass, with `tick` at every moment the core asked for. */
  advance(milliseconds: number): void {
    const end = this.now + milliseconds;
    for (let rounds = 0; ; rounds++) {
      assert.ok(rounds < 10_000, 'the core does not ask to be woken for ever');
      const next = this.connection.nextDeadline();
      if (next > end || this.connection.finished) break;
      this.now = Math.max(this.now, next);
      this.connection.tick(this.now);
    }
    this.now = end;
  }

  /** Submits a command. */
  submit(command: Command = {}): Submitted {
    const task = this.session.newTask();
    const cdb = command.cdb ?? new Uint8Array(6);
    for (let at = 0; at < 16; at++) task.cdb.setUint8(at, cdb[at] ?? 0);
    if (cdb.length > 16) task.longCdb = cdb;
    [task.lunHigh, task.lunLow] = command.lun ?? [0, 0];
    if (command.dataIn !== undefined) task.dataIn = command.dataIn;
    if (command.dataOut !== undefined) task.dataOut = command.dataOut;
    if (command.timeout !== undefined) task.timeout = command.timeout;
    const submitted: Submitted & { tag: number } = {
      task,
      tag: 0,
      settled: 0,
      settledAt: Number.NaN,
      error: undefined,
      status: -1,
      received: 0,
      residual: 'none',
      residualCount: 0,
      sense: undefined,
    };
    task.settle = (settled, error) => {
      submitted.settled++;
      submitted.settledAt = this.now;
      submitted.error = error;
      if (error === undefined) submitted.status = settled.status;
      submitted.received = settled.received;
      submitted.residual = settled.residual;
      submitted.residualCount = settled.residualCount;
      submitted.sense = settled.sense?.slice();
      command.onSettled?.(submitted);
    };
    this.session.submit(task);
    submitted.tag = task.initiatorTaskTag;
    return submitted;
  }

  /** Sends a ping, a text or the like and notes what comes of it. */
  ask(send: (settle: (error: IscsiError | undefined, answer: ExchangeAnswer) => void) => void): Asked {
    const asked: Asked = { settled: 0, error: undefined, answer: {} };
    send((error, answer) => {
      asked.settled++;
      asked.error = error;
      asked.answer = answer;
    });
    return asked;
  }

  /** Asserts that the session is alive: a command goes out, its answer is taken. */
  assertAlive(): void {
    assert.deepEqual(this.ends, []);
    const command = this.submit();
    const pdu = this.take().find(({ tag, opcode }) => opcode === 0x01 && tag === command.tag);
    assert.ok(pdu !== undefined, 'the command was sent');
    this.give(this.voice.scsiResponse(pdu.tag));
    assert.equal(command.settled, 1);
    assert.equal(command.error, undefined);
  }

  /** Asserts that the session has ended with `code`, sends nothing more and wants its socket closed. */
  assertEnded(code: string): IscsiError {
    assert.equal(this.ends.length, 1, 'the session ended, once');
    const error = this.ends[0];
    assert.equal(error?.code, code, error?.message);
    assert.equal(this.connection.finished, true);
    assert.deepEqual(this.take(), [], 'nothing more is sent');
    return error as IscsiError;
  }
}

function configOf(options: RigOptions): ConnectionConfig {
  return {
    login: {
      initiatorName: 'iqn.2026-11.dev.tsiscsi:rig',
      sessionType: 'Normal',
      targetName: 'iqn.2003-01.org.example:target',
      isid: ISID,
      policy: { ...INITIATOR_POLICY, ...options.policy },
      ...options.login,
    },
    loginTimeout: options.loginTimeout ?? 15_000,
    keepaliveInterval: options.keepaliveInterval ?? 0,
    keepaliveTimeout: options.keepaliveTimeout ?? 10_000,
  };
}
