import { IscsiError } from '../errors.ts';
import type { InitiatorTask } from '../initiator/initiator-task.ts';
import type { InitiatorSession } from '../initiator/session.ts';
import type { Carrier, SessionPort } from '../initiator/session-port.ts';
import { CLOCK, now } from '../node/clock.ts';
import { HeldCommands } from '../recovery/held-commands.ts';
import {
  afterEvent,
  connectedState,
  type Outage,
  type RecoveryEvent,
  type RecoveryState,
} from '../recovery/recovery-state.ts';
import type { Lun } from '../scsi/lun.ts';
import { WriteLog } from '../scsi/write-log.ts';
import { noteNewSession } from '../unit/doubt.ts';
import { pinnedAt } from '../unit/pinned.ts';
import { checkIdentities, type IdentityCheckOwner } from './identity-check.ts';
import type { Login, LoginOwner, LoginRoute } from './login.ts';
import { DEFAULT_CONNECT_TIMEOUT } from './options.ts';
import type { RecoveryPlan } from './reconnect-options.ts';
import type { SessionEventName, SessionEvents } from './session-events.ts';
import type { SessionPorts } from './session-ports.ts';
import type { SessionWatch } from './session-watch.ts';

/** An attempt has this much time at least, in milliseconds, also when little is left of all. */
const LEAST_CONNECT_TIME = 1000;

/** What getting a session back needs of it. */
export interface RecoveryOwner extends LoginOwner {
  readonly ports: SessionPorts;
  /** Tells whoever listens. */
  announce<N extends SessionEventName>(name: N, ...details: SessionEvents[N]): void;
  /** A new login carries the session from now on. */
  adopt(login: Login): void;
  /** It is given up. */
  giveUp(error: IscsiError): void;
}

/** What a recovery is made of. */
export interface RecoveryParts {
  readonly plan: RecoveryPlan;
  readonly route: LoginRoute;
  readonly owner: RecoveryOwner;
  /** The first one. */
  readonly login: Login;
  /** Milliseconds that one attempt may take. */
  readonly connectTimeout: number | undefined;
  /** That of the session. */
  readonly watch: SessionWatch;
}

/** Drives the state machine of `recovery/`: timers, logins, and where the ports of the session lead. */
export class SessionRecovery implements IdentityCheckOwner {
  readonly #parts: RecoveryParts;
  readonly #held: HeldCommands;
  #state: RecoveryState = connectedState(now());
  #login: Login;
  /** The ports that still wait to be admitted after a login. */
  readonly #waiting = new Set<SessionPort>();
  #timer: NodeJS.Timeout | undefined;
  #stopAttempt = new AbortController();
  readonly #stopPauses = new Set<() => void>();
  #sorting = false;
  /** The attempt under way, if there is one. */
  #attempting: Promise<void> = Promise.resolve();

  constructor(parts: RecoveryParts) {
    const { plan, login, owner, watch } = parts;
    this.#parts = parts;
    this.#login = login;
    this.#held = new HeldCommands({
      now,
      usual: plan.usual,
      writesOf: (task) => owner.ports.of({ high: task.lunHigh, low: task.lunLow }).writes ?? new WriteLog(),
      wake: () => this.#arm(),
      abortElsewhere: (task, tag, reason) => this.#login.core.abort(task, tag, reason),
      counters: watch.counters,
      observer: watch,
    });
  }

  /** Where it is. */
  get state(): RecoveryState['name'] {
    return this.#state.name;
  }

  /** The commands that wait for the session. */
  get held(): HeldCommands {
    return this.#held;
  }

  /** Where the commands of a port that is new go. */
  get carrier(): Carrier {
    const { name } = this.#state;
    return name === 'connected' || name === 'checking' || name === 'closed' ? this.#login.core : this.#held;
  }

  /** See `SessionHost.takeOver`. */
  takeOver(task: InitiatorTask, error: IscsiError): boolean {
    if (this.#state.name === 'closed' || this.#state.name === 'givenUp') return false;
    this.#held.takeOver(task, error);
    if (!this.#sorting) queueMicrotask(() => this.#sort());
    this.#sorting = true;
    return true;
  }

  /** The target wants the session to end: what is not sent yet, and what comes, waits for the next one. */
  logoutRequested(): void {
    this.#handle({ kind: 'logoutRequested' });
  }

  /** The session is over, not by its owner. */
  over(core: InitiatorSession, why: IscsiError | undefined): void {
    if (core !== this.#login.core) return;
    const error = why ?? new IscsiError('ISCSI_CONNECTION_LOST', 'The target ended the session');
    const time2Wait = (core.time2Wait ?? core.parameters?.defaultTime2Wait ?? 0) * 1000;
    this.#handle({ kind: 'lost', at: now(), error, time2Wait });
    this.#sort();
  }

  /** Whether nothing is under way but questions who answers: no command of the caller's is to be waited for. */
  get onlyAsks(): boolean {
    const asked = [...this.#waiting].map(({ lun }) => lun);
    let only = asked.length > 0;
    this.#login.core.tasks.forEach((entry) => {
      if (entry.kind !== 'scsi') return;
      only &&= asked.some(({ high, low }) => high === entry.lunHigh && low === entry.lunLow);
    });
    return only;
  }

  /** Makes an attempt at once, where one is waited for. */
  reconnectNow(): void {
    this.#handle({ kind: 'reconnectNow' });
  }

  /** Gives up whatever is under way to get it back, and waits for the end of that. */
  close(): Promise<void> {
    this.#handle({ kind: 'close' });
    return this.#attempting;
  }

  // What checking identities uses: see IdentityCheckOwner.

  isCurrent(core: InitiatorSession): boolean {
    return core === this.#login.core && core.phase === 'fullFeature';
  }

  waitsFor({ high, low }: Lun): boolean {
    return this.#held.has(high, low);
  }

  admit(port: SessionPort, error: IscsiError | undefined): void {
    const { high, low } = port.lun;
    const { core } = this.#login;
    this.#waiting.delete(port);
    if (error !== undefined) this.#held.fail(high, low, error);
    port.carryBy(core);
    this.#held.release(high, low, core);
    this.#arm();
  }

  pause(milliseconds: number): Promise<boolean> {
    return new Promise((resolve) => {
      const end = (goOn: boolean): void => {
        this.#stopPauses.delete(giveUp);
        resolve(goOn);
      };
      const stop = CLOCK.after(milliseconds, () => end(true));
      const giveUp = (): void => {
        stop();
        end(false);
      };
      this.#stopPauses.add(giveUp);
    });
  }

  #handle(event: RecoveryEvent): void {
    const after = afterEvent(this.#state, event, this.#parts.plan.limits);
    if (after === this.#state) return;
    const before = this.#state;
    this.#state = after;
    this.#enter(after, before);
    this.#arm();
  }

  #enter(state: RecoveryState, before: RecoveryState): void {
    const { owner } = this.#parts;
    switch (state.name) {
      case 'connected':
        if (before.name === 'checking') this.#tellReconnected(before.outage);
        return;
      case 'leaving':
        this.#holdAll();
        return;
      case 'lost':
        if (before.name !== 'lost') this.#lose(state.outage);
        return;
      case 'waiting':
        this.#tellReconnecting(state.outage, state.until);
        return;
      case 'connecting':
        this.#attempting = this.#attempt(state.outage);
        return;
      case 'checking':
        void this.#check();
        return;
      case 'closed':
        this.#shut(new IscsiError('ISCSI_CLOSED', 'Cannot finish the command: the session was closed'), undefined);
        return;
      case 'givenUp':
        this.#shut(state.error, state.error);
        this.#parts.watch.givenUp(this.#login.targetPortal, state.error);
        owner.giveUp(state.error);
    }
  }

  #tellReconnecting({ attempts, error }: Outage, until: number): void {
    const { owner, watch } = this.#parts;
    const delay = Math.max(0, Math.round(until - now()));
    const attempt = attempts + 1;
    watch.reconnecting(this.#login.targetPortal, { attempt, delay }, error);
    owner.announce('reconnecting', { attempt, delay, when: new Date(Date.now() + delay), error });
  }

  #tellReconnected({ attempts, since }: Outage): void {
    const { owner, watch } = this.#parts;
    const away = Math.round(now() - since);
    watch.reconnected(this.#login.targetPortal, { attempts, away });
    owner.announce('reconnected', { attempts, away });
  }

  #lose({ error }: Outage): void {
    const { owner } = this.#parts;
    this.#holdAll();
    this.#endPauses();
    owner.ports.forEach((port) => {
      port.writes?.lost();
    });
    owner.announce('lost', error);
    void this.#login.ended.then(() => this.#handle({ kind: 'socketClosed', at: now(), random: Math.random() }));
  }

  async #attempt({ since }: Outage): Promise<void> {
    const { route, owner, plan, connectTimeout = DEFAULT_CONNECT_TIMEOUT } = this.#parts;
    const stop = new AbortController();
    this.#stopAttempt = stop;
    const left = Math.max(LEAST_CONNECT_TIME, since + plan.limits.maxTime - now());
    try {
      await route.logIn({ deadline: now() + Math.min(connectTimeout, left), signal: stop.signal }, (login) => {
        const before = this.#login.core.parameters?.targetPortalGroupTag;
        this.#login = login;
        owner.adopt(login);
        this.#requireSameGroup(before, login.core.parameters?.targetPortalGroupTag);
        this.#handle({ kind: 'loggedIn' });
        return owner;
      });
    } catch (cause) {
      const error = cause instanceof IscsiError ? cause : new IscsiError('ISCSI_LOGIN', String(cause), { cause });
      this.#handle({ kind: 'failed', at: now(), random: Math.random(), error, final: isFinal(error.code) });
    }
  }

  /** In another portal group the old session, and what it still does, is not ended by the new one. */
  #requireSameGroup(before: number | undefined, tag: number | undefined): void {
    if (before === undefined || tag === undefined || before === tag) return;
    this.#held.failSent(
      new IscsiError(
        'ISCSI_CONNECTION_LOST',
        `Cannot send the command again: portal group ${tag} answers, not ${before}`,
        {
          hint: 'the old session may still carry it out: whether it took effect is not known',
        },
      ),
    );
  }

  /** Logged in: lets commands to each logical unit go on as soon as it is known to be the right one. */
  async #check(): Promise<void> {
    const { owner } = this.#parts;
    const { core } = this.#login;
    owner.announce('connected');
    const pinned: SessionPort[] = [];
    this.#waiting.clear();
    owner.ports.forEach((port) => {
      if (pinnedAt(port).length === 0) return;
      pinned.push(port);
      this.#waiting.add(port);
    });
    owner.ports.forEach((port) => {
      if (this.#waiting.has(port)) return;
      noteNewSession(port); // a logical unit may be in the middle of being opened
      this.admit(port, undefined);
    });
    await Promise.all(pinned.map((port) => checkIdentities(port, core, this)));
    if (this.isCurrent(core)) this.#handle({ kind: 'checked', at: now() });
  }

  #holdAll(): void {
    this.#parts.owner.ports.forEach((port) => {
      port.carryBy(this.#held);
    });
  }

  /** What was handed over is decided upon when all of it is here. */
  #sort(): void {
    this.#sorting = false;
    this.#held.sort();
  }

  #shut(error: IscsiError, why: IscsiError | undefined): void {
    this.#stopAttempt.abort();
    this.#endPauses();
    this.#held.shut(error, why);
  }

  #endPauses(): void {
    for (const giveUp of [...this.#stopPauses]) giveUp();
  }

  /** One timer, for the next attempt and for the deadlines of the commands that wait. */
  #arm(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const until = this.#state.name === 'waiting' ? this.#state.until : Number.POSITIVE_INFINITY;
    const next = Math.min(until, this.#held.nextDeadline);
    if (next === Number.POSITIVE_INFINITY) return;
    this.#timer = setTimeout(this.#tick, Math.min(Math.max(0, Math.ceil(next - now())), 0x7fff_ffff));
  }

  readonly #tick = (): void => {
    this.#timer = undefined;
    this.#held.look(now());
    this.#handle({ kind: 'tick', at: now() });
    this.#arm();
  };
}

/** Logins that failed so do not go better the next time; and too many of them can lock an account. */
const FINAL: ReadonlySet<string> = new Set(['ISCSI_AUTHENTICATION', 'ISCSI_USAGE', 'ISCSI_URL']);

function isFinal(code: string): boolean {
  return FINAL.has(code) || code.startsWith('ISCSI_CHAP_');
}
