import { IscsiError } from '../errors.ts';
import { now } from '../node/clock.ts';
import { Listener } from '../node/listener.ts';
import { limitsOf } from '../target/limits.ts';
import type { MemoryBudget } from '../target/memory-budget.ts';
import type { PortalAddress } from '../target/portal-address.ts';
import { Schedule } from '../target/schedule.ts';
import { TargetNode } from '../target/target-node.ts';
import type { TargetSession } from '../target/target-session.ts';
import { checkOptions, type OptionRules, SIGNAL, TEXT, wholeNumber } from '../unit/option-rules.ts';
import { accessOf, deviceAccess, type ServerAccess } from './access.ts';
import { abandonUnits, closeUnits, type OpenTarget, openTargets } from './logical-units.ts';
import { checkShared } from './numbering.ts';
import { checkTargetOptions } from './option-rules.ts';
import {
  announcedOf,
  budgetOf,
  busyPollOf,
  isWildcard,
  policyOf,
  type TargetOptions,
  type TargetSpec,
  targetsOf,
} from './options.ts';

/** The time of the process is shared between all targets in it. */
const COMMON_SCHEDULE = new Schedule({ now, defer: (then) => void setImmediate(then) });

/** Where and how long to listen. */
export interface ListenOptions {
  /** The address, or a wildcard such as `0.0.0.0` or `::`. Default `127.0.0.1`, which nobody else can reach. */
  readonly host?: string;
  /** Default 3260; 0 for any free one. */
  readonly port?: number;
  /** Closes the target when it is aborted. */
  readonly signal?: AbortSignal;
}

const LISTEN_RULES: OptionRules<ListenOptions> = { host: TEXT, port: wholeNumber(0, 65_535), signal: SIGNAL };

/** What can be told about a session. */
export interface SessionInfo {
  /** The iSCSI name of the initiator. */
  readonly initiatorName: string;
  /** Its alias, where it told one. */
  readonly initiatorAlias: string | undefined;
  /** The user name that it has proven with CHAP; undefined where it had to prove nothing. */
  readonly user: string | undefined;
  /** Twelve hex digits. */
  readonly isid: string;
  /** The target's handle of the session (TSIH). */
  readonly tsih: number;
  /** Undefined in a Discovery session that names none. */
  readonly targetName: string | undefined;
  /** Whether it is a Discovery session, which has no SCSI commands. */
  readonly discovery: boolean;
  /** Commands that are not answered yet. */
  readonly outstandingCommands: number;
}

/** An iSCSI target in this process. Made by `createTarget()`. */
export class Target implements AsyncDisposable {
  readonly #specs: readonly TargetSpec[];
  readonly #options: TargetOptions;
  readonly #budget: MemoryBudget;
  readonly #access: ServerAccess;
  #turn: Promise<void> = Promise.resolve();
  #open: readonly OpenTarget[] = [];
  #node: TargetNode | undefined;
  #listeners: Listener[] = [];
  #closing: Promise<void> | undefined;
  readonly #unhook: (() => void)[] = [];

  /** @internal Use `createTarget()`. */
  constructor(options: TargetOptions) {
    checkTargetOptions(options);
    this.#specs = targetsOf(options);
    policyOf(options.parameters); // whatever is wrong is said now, not when it is opened
    limitsOf(options.limits);
    checkShared(this.#specs);
    busyPollOf(options);
    announcedOf(options);
    this.#budget = budgetOf(options);
    this.#access = accessOf(this.#specs, options);
    this.#options = options;
  }

  /** The names of its targets. */
  get names(): readonly string[] {
    return this.#specs.map(({ name }) => name);
  }

  /** Every address on which it listens, with the real port. */
  get portals(): readonly PortalAddress[] {
    return this.#listeners.map(({ address }) => address);
  }

  /** The port of the first portal. @throws {IscsiError} `ISCSI_USAGE` before `listen()`. */
  get port(): number {
    return this.#firstPortal().port;
  }

  /** The sessions at this moment. */
  get sessions(): readonly SessionInfo[] {
    return (this.#node?.sessions ?? []).map(describe);
  }

  /**
   * Opens the stores and begins to listen. May be called again for a further portal.
   * @returns This target.
   * @throws {IscsiError} When a store cannot be opened, the options contradict each other, or `signal` is aborted
   *   already; the error of the operating system, such as `EADDRINUSE`, when the address cannot be had.
   */
  listen(options: ListenOptions = {}): Promise<this> {
    // One after the other: an attempt that fails closes what it has opened.
    const turn = this.#turn.then(() => {
      checkOptions(options, LISTEN_RULES, 'listen');
      return this.#listen(options);
    });
    this.#turn = turn.then(ignore, ignore);
    return turn;
  }

  /**
   * The URL of a logical unit at the first portal: `iscsi://127.0.0.1:3260/iqn.2003-01.org.example:disk/0`.
   * @param target Name of the target. Default: the first one.
   * @throws {IscsiError} `ISCSI_USAGE` before `listen()`, or when there is no such target.
   */
  url(lun = 0, target = this.#specs[0]?.name): string {
    const { host, port } = this.#firstPortal();
    if (target === undefined || !this.names.includes(target)) {
      throw new IscsiError('ISCSI_USAGE', `Cannot tell the URL of target ${target}: there is none of this name`);
    }
    return `iscsi://${authority(reachable(host), port)}/${target}/${lun}`;
  }

  /**
   * Ends everything: tells the initiators, closes their connections, waits for the commands in flight, flushes and
   * closes the stores. Leaves no socket, timer or file open. May be called more than once.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** See {@link close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #listen({ host = '127.0.0.1', port = 3260, signal }: ListenOptions): Promise<this> {
    if (this.#closing !== undefined) throw new IscsiError('ISCSI_CLOSED', 'Cannot listen: the target is closed');
    if (signal?.aborted) {
      throw new IscsiError('ISCSI_ABORTED', 'Cannot listen: the signal is aborted', { cause: signal.reason });
    }
    try {
      this.#node ??= await this.#openStores();
      const busyPoll = busyPollOf(this.#options);
      const { capture } = this.#options;
      const options = { ...(busyPoll !== undefined && { busyPoll }), ...(capture && { capture }) };
      this.#listeners.push(await Listener.open(this.#node, { host, port }, options));
    } catch (error) {
      if (this.#listeners.length === 0) await this.#abandon();
      throw error;
    }
    if (signal !== undefined) this.#closeOn(signal);
    return this;
  }

  async #openStores(): Promise<TargetNode> {
    const open = await openTargets(this.#specs);
    this.#open = open;
    const announced = announcedOf(this.#options);
    return new TargetNode({
      targets: open.map(({ spec, device }) => ({ ...spec, device, access: deviceAccess(this.#access, spec, device) })),
      discovery: this.#access.discovery,
      tells: this.#access.tells,
      policy: policyOf(this.#options.parameters),
      limits: limitsOf(this.#options.limits),
      budget: this.#budget,
      schedule: COMMON_SCHEDULE,
      portals: () => this.portals.filter(({ host }) => !isWildcard(host)),
      ...(announced === undefined ? {} : { announced: () => announced.map((one) => ({ port: this.port, ...one })) }),
    });
  }

  /** A target that could not listen holds nothing open, and may try again. */
  async #abandon(): Promise<void> {
    const open = this.#open;
    this.#open = [];
    this.#node = undefined;
    await abandonUnits(open.flatMap(({ units }) => [...units.values()]));
  }

  async #close(): Promise<void> {
    for (const unhook of this.#unhook) unhook();
    await this.#turn;
    const listeners = this.#listeners;
    for (const listener of listeners) listener.stop();
    this.#node?.close();
    await Promise.all(listeners.map((listener) => listener.closed()));
    this.#listeners = [];
    await closeUnits(this.#open.flatMap(({ units }) => [...units.values()]));
  }

  #closeOn(signal: AbortSignal): void {
    const close = (): void => {
      this.close().catch(ignore); // whoever calls close() hears of it
    };
    signal.addEventListener('abort', close, { once: true });
    this.#unhook.push(() => signal.removeEventListener('abort', close));
  }

  #firstPortal(): PortalAddress {
    const [first] = this.#listeners;
    if (first === undefined)
      throw new IscsiError('ISCSI_USAGE', 'Cannot tell the address of a target that does not listen');
    return first.address;
  }
}

function describe({ identity, entry, tasks }: TargetSession): SessionInfo {
  const { initiatorName, initiatorAlias, account, isid, tsih, discovery } = identity;
  return {
    initiatorName,
    initiatorAlias,
    user: account?.user,
    isid,
    tsih,
    discovery,
    targetName: entry?.name,
    outstandingCommands: tasks.size,
  };
}

function authority(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** An address with which this machine reaches a listener. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}

function ignore(): void {
  // Reported elsewhere.
}
