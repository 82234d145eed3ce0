import { OPCODES } from '../spec/iscsi-opcodes.ts';
import { AbortedTags } from './aborted-tags.ts';
import type { ConnectionPhase } from './connection-phase.ts';
import { DataCollector } from './data-collector.ts';
import { DataOutHandler } from './data-out.ts';
import { KeepAlive } from './keep-alive.ts';
import type { TargetLimits } from './limits.ts';
import { LogoutHandler } from './logout.ts';
import { NopOutHandler } from './nop-out.ts';
import type { PortalAddress } from './portal-address.ts';
import { type HandlerTable, OPCODE_COUNT, type RequestHandler } from './request-handler.ts';
import { ScsiCommandHandler } from './scsi-command.ts';
import type { Sender } from './sender.ts';
import { SnackHandler } from './snack.ts';
import { Stalls } from './stalls.ts';
import type { TargetSession } from './target-session.ts';
import type { TargetTask, TaskConnection } from './target-task.ts';
import { TaskManagementHandler } from './task-management.ts';
import { TextHandler } from './text.ts';
import type { TargetDirectory } from './text-answers.ts';
import { LateLoginHandler, UnsupportedHandler } from './unexpected.ts';
import type { WriteBuffers } from './write-buffers.ts';

/** What the phase needs of its connection. */
export interface FullFeatureOptions {
  readonly session: TargetSession;
  readonly sender: Sender;
  readonly limits: TargetLimits;
  readonly now: () => number;
  readonly directory: TargetDirectory;
  readonly portal: PortalAddress;
  /** Where write data is collected. */
  readonly buffers: WriteBuffers;
  /** Connection ID, chosen by the initiator. */
  readonly cid: number;
  /** Gives the connection up, and with it the session. */
  readonly fail: (error: unknown) => void;
}

/** Full feature phase of one connection: its handlers, and what they share. */
export class FullFeaturePhase implements ConnectionPhase, TaskConnection {
  readonly name = 'fullFeature';
  readonly sender: Sender;
  readonly handlers: HandlerTable;
  readonly fail: (error: unknown) => void;
  readonly #session: TargetSession;
  readonly #collector: DataCollector;
  readonly #abortedTags = new AbortedTags();
  readonly #keepAlive: KeepAlive;
  readonly #stalls: Stalls;
  readonly #taskManagement: TaskManagementHandler;

  constructor(options: FullFeatureOptions) {
    const { session, sender, limits, now } = options;
    this.sender = sender;
    this.fail = options.fail;
    this.#session = session;
    this.#collector = new DataCollector(options.buffers, sender.share, limits.writeBufferBytes);
    this.#keepAlive = new KeepAlive(sender, limits.keepAlive, now, !session.identity.discovery);
    this.#taskManagement = new TaskManagementHandler(sender, session, limits, now);
    this.#stalls = new Stalls({
      outbox: sender.outbox,
      tasks: () => session.tasks.all(),
      sendPatience: limits.sendPatience,
      dataPatience: limits.dataPatience,
      now,
    });
    this.handlers = this.#table(options);
    this.#keepAlive.start();
    this.#stalls.start();
  }

  get deadline(): number {
    return Math.min(this.#keepAlive.deadline, this.#taskManagement.deadline, this.#stalls.deadline);
  }

  tick(now: number): void {
    this.#taskManagement.tick(now);
    this.#keepAlive.tick(now);
    this.#stalls.tick(now);
    this.#session.rest();
  }

  heard(): void {
    this.#keepAlive.heard();
  }

  close(): void {
    this.#keepAlive.stop();
    this.#stalls.stop();
    this.#taskManagement.close(); // whoever may stand in its place: no deadline is left
    this.#session.close();
  }

  resume(): void {
    this.#collector.resume();
    this.#session.runWaiting();
  }

  releaseRoom(task: TargetTask): void {
    this.#collector.release(task);
  }

  dropDataOf(initiatorTaskTag: number): void {
    this.#abortedTags.add(initiatorTaskTag);
  }

  /** Who takes what. A Discovery session is for Text and Logout only (RFC 7143 §4.3). */
  #table({ session, sender, limits, directory, portal, cid }: FullFeatureOptions): HandlerTable {
    const { window, entry, identity } = session;
    const { discovery, initiatorName, account } = identity;
    const table: RequestHandler[] = new Array(OPCODE_COUNT).fill(new UnsupportedHandler(sender));
    table[OPCODES.LOGIN_REQUEST] = new LateLoginHandler(sender);
    table[OPCODES.LOGOUT_REQUEST] = new LogoutHandler(sender, session, cid);
    table[OPCODES.TEXT_REQUEST] = new TextHandler(sender, {
      window,
      asker: { directory, portal, discovery, initiatorName, account, entry },
      textLength: limits.textLength,
    });
    if (discovery) return table;
    table[OPCODES.NOP_OUT] = new NopOutHandler(sender, window, this.#keepAlive);
    table[OPCODES.SCSI_COMMAND] = new ScsiCommandHandler({
      session,
      connection: this,
      collector: this.#collector,
      abortedTags: this.#abortedTags,
      immediateCommands: limits.immediateCommands,
    });
    table[OPCODES.DATA_OUT] = new DataOutHandler(sender, session, this.#collector, this.#abortedTags);
    table[OPCODES.TASK_MANAGEMENT_REQUEST] = this.#taskManagement;
    table[OPCODES.SNACK] = new SnackHandler(sender, session, this.#collector);
    return table;
  }
}
