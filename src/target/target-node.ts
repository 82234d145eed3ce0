import { IscsiError } from '../errors.ts';
import type { ChapAccount, TargetAuthentication } from '../login/chap-target.ts';
import type { SessionType } from '../login/keys.ts';
import { type OperationalPolicy, TARGET_POLICY } from '../login/policy.ts';
import type { TargetAddress } from '../login/send-targets.ts';
import type {
  LoginRefusal,
  SessionAdmitted,
  SessionRequest,
  TargetFound,
  TargetLoginConfig,
} from '../login/target-types.ts';
import { LOGIN_STATUS } from '../spec/iscsi-login-status.ts';
import type { CommandWindow } from './command-window.ts';
import type { ReplaceHandlers } from './connection-phase.ts';
import { limitsOf, type TargetLimits } from './limits.ts';
import type { LoginFinish } from './login-phase.ts';
import { MemoryBudget } from './memory-budget.ts';
import type { PortalAddress } from './portal-address.ts';
import { Schedule } from './schedule.ts';
import { type ConnectionHost, type ConnectionOptions, TargetConnection } from './target-connection.ts';
import { type TargetDefinition, TargetEntry } from './target-entry.ts';
import { TargetSession } from './target-session.ts';

/** What a node is made of. */
export interface TargetNodeOptions {
  readonly targets?: readonly TargetDefinition[];
  /** What the targets negotiate, as far as they have a choice. Default: {@link TARGET_POLICY}. */
  readonly policy?: OperationalPolicy;
  readonly limits?: Partial<TargetLimits>;
  /** Bounds the memory that all connections take. Default: one of its own. */
  readonly budget?: MemoryBudget;
  /** Shares the time of the process between the connections. Default: one in which nobody ever waits. */
  readonly schedule?: Schedule;
  /**
   * The addresses at which the node listens, as far as they can be told: SendTargets lists them besides the one that
   * was asked.
   */
  readonly portals?: () => readonly PortalAddress[];
  /** The addresses that SendTargets lists instead, where initiators reach the node by others than it listens at. */
  readonly announced?: () => readonly PortalAddress[];
  /** What an initiator has to prove before it is told of targets. Default: nothing. */
  readonly discovery?: (initiatorName: string) => TargetAuthentication | undefined;
  /** Whether an initiator that has proven to be `account` is told of a target. Default: of what it may use. */
  readonly tells?: (targetName: string, initiatorName: string, account: ChapAccount | undefined) => boolean;
  /** For trials with faults; see {@link ReplaceHandlers}. Default: the handlers as they are. */
  readonly replaceHandlers?: ReplaceHandlers;
}

/** What this target does, and therefore agrees to, whatever it is told to negotiate (RFC 7143 §7.1.5). */
const IMPLEMENTED = {
  errorRecoveryLevel: 0,
  maxConnections: 1,
  dataPDUInOrder: true,
  dataSequenceInOrder: true,
  taskReporting: ['ResponseFence', 'RFC3720'], // with one connection responses are in order anyway
  protocolLevel: 1,
} as const satisfies Partial<OperationalPolicy>;

const LARGEST_TSIH = 0xffff;
const DEFAULT_PORTAL_GROUP_TAG = 1;

/**
 * The targets that are reached through one set of portals, with their sessions. Without I/O: whoever accepts a
 * connection asks `accept` for its core.
 */
export class TargetNode implements ConnectionHost {
  readonly limits: TargetLimits;
  readonly budget: MemoryBudget;
  readonly schedule: Schedule;
  readonly policy: OperationalPolicy;
  /** What logins ask. */
  readonly loginConfig: TargetLoginConfig;
  /** See {@link ReplaceHandlers}. */
  readonly replaceHandlers: ReplaceHandlers | undefined;
  readonly #portals: () => readonly PortalAddress[];
  readonly #announced: (() => readonly PortalAddress[]) | undefined;
  readonly #discovery: (initiatorName: string) => TargetAuthentication | undefined;
  readonly #tells: NonNullable<TargetNodeOptions['tells']>;
  readonly #entries = new Map<string, TargetEntry>();
  /** By what may exist once only. */
  readonly #sessions = new Map<string, TargetSession>();
  /** The TSIHs that they have. */
  readonly #tsihs = new Set<number>();
  readonly #connections = new Set<TargetConnection>();
  /** Those whose login has not ended, oldest first. */
  readonly #logins = new Set<TargetConnection>();
  #tsih = 0;

  /** @throws {IscsiError} `ISCSI_USAGE` when two targets have the same name, or a limit cannot be. */
  constructor(options: TargetNodeOptions = {}) {
    this.limits = limitsOf(options.limits);
    this.budget = options.budget ?? new MemoryBudget();
    this.schedule = options.schedule ?? new Schedule();
    this.policy = { ...(options.policy ?? TARGET_POLICY), ...IMPLEMENTED };
    this.replaceHandlers = options.replaceHandlers;
    this.#portals = options.portals ?? (() => []);
    this.#announced = options.announced;
    this.#discovery = options.discovery ?? (() => undefined);
    this.#tells = options.tells ?? ((target, initiator) => this.find(target)?.accessOf(initiator) !== undefined);
    this.loginConfig = {
      policy: this.policy,
      textLimit: this.limits.textLength,
      tolerateRepeatedNames: true, // libiscsi repeats them after AuthMethod=None
      resolveTarget: (...asked) => this.#resolve(...asked),
      admitSession: (request) => this.#admit(request),
    };
    for (const target of options.targets ?? []) this.add(target);
  }

  /** The targets, in the order in which they were added. */
  get targets(): readonly TargetEntry[] {
    return [...this.#entries.values()];
  }

  /** The sessions in full feature phase. */
  get sessions(): readonly TargetSession[] {
    return [...this.#sessions.values()];
  }

  /** How many connections there are, logged in or not. */
  get connectionCount(): number {
    return this.#connections.size;
  }

  /** The targets of which an initiator is told. */
  targetsFor(initiatorName: string, account: ChapAccount | undefined): readonly TargetEntry[] {
    return this.targets.filter(({ name }) => this.#tells(name, initiatorName, account));
  }

  /** Adds a target. @throws {IscsiError} `ISCSI_USAGE` when there is one of that name. */
  add(definition: TargetDefinition): void {
    const entry = new TargetEntry(definition);
    if (this.#entries.has(entry.name)) {
      throw new IscsiError('ISCSI_USAGE', `Cannot add target ${entry.name}: there is one of this name`);
    }
    this.#entries.set(entry.name, entry);
  }

  /** The target with this name. */
  find(name: string): TargetEntry | undefined {
    return this.#entries.get(name);
  }

  /**
   * The core of a connection that came in. When too many are logging in, the oldest of those that have said nothing
   * goes, or else the oldest, so that nobody can keep others out by keeping silent. Sessions have a limit of their own:
   * a login is taken, and answered, also when there is no room for another.
   * @returns Undefined when even connections that are closing are too many: then close it.
   */
  accept(options: ConnectionOptions): TargetConnection | undefined {
    const { connections, halfOpenLogins } = this.limits;
    if (this.#connections.size >= connections + 2 * halfOpenLogins) return undefined;
    if (this.#logins.size >= halfOpenLogins) this.#evictLogin();
    const connection = new TargetConnection(this, options);
    this.#connections.add(connection);
    this.#logins.add(connection);
    return connection;
  }

  /**
   * Ends all sessions and connections, and tells the initiators. What the device servers still have ends without an
   * answer.
   */
  close(): void {
    for (const connection of [...this.#connections]) {
      connection.announceEnd();
      connection.finish();
    }
  }

  /**
   * Where a target is reached, as seen from a connection that came in at `portal`: all portals of its group (RFC 7143
   * appendix C).
   */
  addressesOf(entry: TargetEntry, portal: PortalAddress): readonly TargetAddress[] {
    const { portalGroupTag } = entry;
    const announced = this.#announced?.();
    if (announced !== undefined) return announced.map(({ host, port }) => ({ host, port, portalGroupTag }));
    const others = this.#portals().filter(({ host, port }) => host !== portal.host || port !== portal.port);
    return [portal, ...others].map(({ host, port }) => ({ host, port, portalGroupTag }));
  }

  /** A connection is not logging in any more. */
  loginEnded(connection: TargetConnection): void {
    this.#logins.delete(connection);
  }

  /** A session that takes the place of another needs no room. */
  hasRoomFor(login: LoginFinish, portal: PortalAddress): boolean {
    if (this.#sessions.size < this.limits.connections) return true;
    return this.#sessions.has(sessionKey(login, login.sessionType === 'Discovery', portal));
  }

  /** The transport of a connection is gone. */
  connectionEnded(connection: TargetConnection): void {
    this.#connections.delete(connection);
  }

  /** A TSIH that no session has. Never 0. */
  allocateTsih(): number {
    do {
      this.#tsih = this.#tsih === LARGEST_TSIH ? 1 : this.#tsih + 1;
    } while (this.#tsihs.has(this.#tsih));
    return this.#tsih;
  }

  /**
   * A login has ended well: ends the session that this one reinstates (RFC 7143 §6.3.5), then opens it. Not
   * earlier than here, so that a login that fails disturbs nobody.
   */
  openSession(login: LoginFinish, tsih: number, window: CommandWindow, portal: PortalAddress): TargetSession {
    const discovery = login.sessionType === 'Discovery';
    const entry = login.targetName === undefined ? undefined : this.#entries.get(login.targetName);
    const { initiatorName, initiatorAlias, isid, parameters } = login;
    const key = sessionKey(login, discovery, portal);
    this.#sessions.get(key)?.close();

    const session = new TargetSession({
      identity: { key, initiatorName, initiatorAlias, account: login.account, isid, tsih, discovery },
      entry,
      device: entry?.accessOf(initiatorName)?.device,
      parameters,
      window,
      onClosed: () => {
        this.#sessions.delete(key);
        this.#tsihs.delete(tsih);
      },
    });
    this.#sessions.set(key, session);
    this.#tsihs.add(tsih);
    return session;
  }

  #evictLogin(): void {
    const logins = [...this.#logins];
    const victim = logins.find(({ heard }) => !heard) ?? logins[0];
    const { halfOpenLogins } = this.limits;
    victim?.evict(
      new IscsiError('ISCSI_LOGIN', `Cannot wait for more than ${halfOpenLogins} logins: this was the oldest`),
    );
  }

  #resolve(
    targetName: string | undefined,
    initiatorName: string,
    sessionType: SessionType,
  ): TargetFound | LoginRefusal {
    const told = sessionType === 'Discovery' ? this.#discovery(initiatorName) : undefined;
    if (targetName === undefined && sessionType === 'Discovery') {
      const portalGroupTag = this.targets[0]?.portalGroupTag ?? DEFAULT_PORTAL_GROUP_TAG;
      return { ok: true, portalGroupTag, authentication: told };
    }
    const entry = targetName === undefined ? undefined : this.#entries.get(targetName);
    if (entry === undefined) return { ok: false, status: LOGIN_STATUS.NOT_FOUND };
    const access = entry.accessOf(initiatorName);
    if (access === undefined) return { ok: false, status: LOGIN_STATUS.AUTHORIZATION_FAILURE };
    const authentication = sessionType === 'Discovery' ? told : access.authentication;
    return { ok: true, portalGroupTag: entry.portalGroupTag, targetAlias: entry.alias, authentication };
  }

  /** RFC 7143 §6.3.1. Sessions have one connection here, so a session that exists takes no other. */
  #admit(request: SessionRequest): SessionAdmitted | LoginRefusal {
    if (request.tsih === 0) return { ok: true };
    const { initiatorName, isid, tsih } = request;
    const known = this.sessions.some(
      ({ identity }) => identity.tsih === tsih && identity.isid === isid && identity.initiatorName === initiatorName,
    );
    const status = known ? LOGIN_STATUS.TOO_MANY_CONNECTIONS : LOGIN_STATUS.SESSION_DOES_NOT_EXIST;
    return { ok: false, status };
  }
}

/**
 * What may exist once only (RFC 7143 §6.3.1); unnamed discovery sessions to other portals are independent (§7.4.2.1).
 */
function sessionKey(login: LoginFinish, discovery: boolean, portal: PortalAddress): string {
  const where =
    login.targetName === undefined
      ? `portal ${portal.host} ${portal.port}`
      : `${login.targetName} ${login.portalGroupTag}`;
  return `${discovery ? 'Discovery' : 'Normal'} ${login.initiatorName} ${login.isid} ${where}`;
}
