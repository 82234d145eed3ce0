import type { IscsiError } from '../errors.ts';
import { COMMAND_KINDS, commandKind, SessionCounters } from '../initiator/counters.ts';
import type { InitiatorTask } from '../initiator/initiator-task.ts';
import type { SessionObserver } from '../initiator/session-observer.ts';
import type { OperationalParameters } from '../login/parameters.ts';
import { now } from '../node/clock.ts';
import type { Address } from '../node/portal-race.ts';
import { BHS_LENGTH, dataSegmentLength, initiatorTaskTag, opcode } from '../pdu/bhs.ts';
import { commandName, commandTitle } from '../scsi/cdb.ts';
import { formatLun } from '../scsi/lun.ts';
import { opcodeName } from '../spec/iscsi-opcodes.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import {
  CHANNELS,
  type CommandEndMessage,
  type CommandStartMessage,
  type PduMessage,
  type SessionCondition,
} from './diagnostics.ts';
import { Log, type LogFields, type LogHook, type LogLevel } from './log.ts';
import { portalText } from './target-portals.ts';

/** Who wants to be told of a session. */
export interface WatchOptions {
  readonly log?: LogHook | undefined;
  readonly logLevel?: LogLevel | undefined;
}

let sessions = 0;

/**
 * What is seen of a session from outside: its counters, what goes to the channels and to the log. One for the life of a
 * session, over all its connections and logins.
 */
export class SessionWatch implements SessionObserver {
  readonly counters = new SessionCounters();
  /** {@link SessionObserver} */
  watchesCommands = false;
  /** {@link SessionObserver} */
  watchesPdus = false;
  readonly log: Log;
  readonly #id = ++sessions;
  readonly #targetName: string | undefined;
  readonly #logsFailures: boolean;
  readonly #logsAll: boolean;
  #opened = false;

  constructor(targetName: string | undefined, { log, logLevel }: WatchOptions) {
    this.#targetName = targetName;
    this.log = new Log(log, logLevel);
    this.#logsFailures = this.log.hears('debug');
    this.#logsAll = this.log.hears('trace');
    this.look();
  }

  /** Looks whether somebody has subscribed: once a turn, so that a command and a PDU cost no more than a flag. */
  look(): void {
    const { commandStart, commandEnd, pduSent, pduReceived } = CHANNELS;
    this.watchesCommands = this.#logsFailures || commandStart.hasSubscribers || commandEnd.hasSubscribers;
    this.watchesPdus = this.#logsAll || pduSent.hasSubscribers || pduReceived.hasSubscribers;
  }

  /** A portal is tried. */
  connecting(targetPortal: string): void {
    this.#tell('debug', 'connecting', targetPortal, undefined);
  }

  /** One address of a portal was tried in vain. */
  addressFailed(targetPortal: string, address: string, reason: string): void {
    this.log.write('debug', 'address failed', this.#fields(targetPortal, { address, reason }));
  }

  /** The target sends the login elsewhere. */
  redirected(from: Address, to: readonly Address[], permanent: boolean): void {
    this.#tell('info', 'redirected', portalText(from), undefined, { to: to.map(portalText).join(', '), permanent });
  }

  /** The login has ended well: for the second time, the session has come back. */
  loggedIn(targetPortal: string, parameters: OperationalParameters | undefined): void {
    if (this.#opened) this.counters.reconnects++;
    this.#opened = true;
    const { headerDigest, dataDigest, maxBurstLength, targetMaxRecvDataSegmentLength } = parameters ?? {};
    const agreed = { headerDigest, dataDigest, maxBurstLength, targetMaxRecvDataSegmentLength };
    this.#tell('info', 'open', targetPortal, undefined, agreed);
  }

  /** It is over, or could not be had. */
  ended(targetPortal: string, wasOpen: boolean, error: IscsiError | undefined): void {
    if (error === undefined) this.#tell('info', 'closed', targetPortal, undefined);
    else this.#tell('error', wasOpen ? 'lost' : 'failed', targetPortal, error);
  }

  /** Another attempt to get it back is about to be made. `error`: why it is away, or why the last one failed. */
  reconnecting(
    targetPortal: string,
    when: { readonly attempt: number; readonly delay: number },
    error: IscsiError,
  ): void {
    this.#tell('info', 'reconnecting', targetPortal, error, { ...when });
  }

  /** It stands again, and it is known which logical units answer. `away`: milliseconds. */
  reconnected(targetPortal: string, outcome: { readonly attempts: number; readonly away: number }): void {
    this.#tell('info', 'reconnected', targetPortal, undefined, { ...outcome });
  }

  /** It does not come back. */
  givenUp(targetPortal: string, error: IscsiError): void {
    this.#tell('error', 'givenUp', targetPortal, error);
  }

  /** {@link SessionObserver} */
  commandStarted(task: InitiatorTask): void {
    if (CHANNELS.commandStart.hasSubscribers) CHANNELS.commandStart.publish(this.#start(task));
    if (this.#logsAll) this.log.write('trace', 'command', this.#commandFields(task));
  }

  /** {@link SessionObserver} */
  commandEnded(task: InitiatorTask, error: IscsiError | undefined): void {
    if (CHANNELS.commandEnd.hasSubscribers) CHANNELS.commandEnd.publish(this.#end(task, error));
    const failed = error !== undefined || task.status !== SCSI_STATUS.GOOD;
    if (!failed && !this.#logsAll) return;
    if (!this.#logsFailures) return;
    const what = error === undefined ? { status: task.status } : { code: error.code, reason: error.message };
    const message = failed ? 'command failed' : 'command done';
    this.log.write(failed ? 'debug' : 'trace', message, { ...this.#commandFields(task), ...what });
  }

  /** {@link SessionObserver} */
  pduSent(view: DataView, at: number): void {
    if (CHANNELS.pduSent.hasSubscribers) CHANNELS.pduSent.publish(this.#pdu(view, at));
    if (this.#logsAll) this.#logPdu('PDU sent', view, at);
  }

  /** {@link SessionObserver} */
  pduReceived(view: DataView, at: number): void {
    if (CHANNELS.pduReceived.hasSubscribers) CHANNELS.pduReceived.publish(this.#pdu(view, at));
    if (this.#logsAll) this.#logPdu('PDU received', view, at);
  }

  #tell(
    level: LogLevel,
    state: SessionCondition,
    targetPortal: string,
    error: IscsiError | undefined,
    more: LogFields = {},
  ): void {
    if (CHANNELS.sessionState.hasSubscribers) {
      const { sessionId, targetName } = { sessionId: this.#id, targetName: this.#targetName };
      CHANNELS.sessionState.publish({ sessionId, state, targetName, targetPortal, error });
    }
    const why = error === undefined ? {} : { code: error.code, reason: error.message };
    this.log.write(level, `session ${state}`, this.#fields(targetPortal, { ...more, ...why }));
  }

  #fields(targetPortal: string, more: LogFields): LogFields {
    return { session: this.#id, targetName: this.#targetName, targetPortal, ...more };
  }

  #commandFields(task: InitiatorTask): LogFields {
    return {
      session: this.#id,
      tag: task.initiatorTaskTag,
      lun: formatLun({ high: task.lunHigh, low: task.lunLow }),
      command: commandTitle(commandName(task.longCdb ?? task.cdb)),
      bytes: task.dataIn.length + task.dataOut.length,
    };
  }

  #start(task: InitiatorTask): CommandStartMessage {
    return {
      sessionId: this.#id,
      initiatorTaskTag: task.initiatorTaskTag,
      lun: { high: task.lunHigh, low: task.lunLow },
      cdb: task.longCdb?.slice() ?? new Uint8Array(task.cdb.buffer.slice(0)),
      kind: COMMAND_KINDS[commandKind(task.cdb)] ?? 'other',
      dataInLength: task.dataIn.length,
      dataOutLength: task.dataOut.length,
    };
  }

  #end(task: InitiatorTask, error: IscsiError | undefined): CommandEndMessage {
    return {
      ...this.#start(task),
      status: error === undefined ? task.status : undefined,
      error,
      bytes: task.received + task.sent,
      duration: task.submittedAt > 0 ? (now() - task.submittedAt) * 1000 : 0,
    };
  }

  #pdu(view: DataView, at: number): PduMessage {
    const header = new Uint8Array(BHS_LENGTH);
    header.set(new Uint8Array(view.buffer, view.byteOffset + at, BHS_LENGTH));
    return {
      sessionId: this.#id,
      opcode: opcode(view, at),
      name: opcodeName(opcode(view, at)),
      initiatorTaskTag: initiatorTaskTag(view, at),
      dataSegmentLength: dataSegmentLength(view, at),
      header,
    };
  }

  #logPdu(message: string, view: DataView, at: number): void {
    this.log.write('trace', message, {
      session: this.#id,
      pdu: opcodeName(opcode(view, at)),
      tag: initiatorTaskTag(view, at),
      data: dataSegmentLength(view, at),
    });
  }
}
