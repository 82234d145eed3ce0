/** `iscsi-doctor`: what works between here and a logical unit, what is unusual, and what to change. */
import { openSession } from '../client/connect.ts';
import { type ConnectOptions, DEFAULT_CONNECT_TIMEOUT, DEFAULT_INITIATOR_NAME } from '../client/options.ts';
import type { IscsiLogicalUnit, Session } from '../client/session.ts';
import type { IscsiUrl } from '../client/url.ts';
import { LoginError } from '../errors.ts';
import {
  CONNECT_OPTIONS,
  connectOptions,
  EXIT_HELP,
  JSON_OPTION,
  readUrl,
  URL_HELP,
  withChapFile,
} from './connect-options.ts';
import { adviceFor, type Examined } from './doctor-advice.ts';
import { offers, reach, resolve } from './doctor-network.ts';
import { type ExaminedStep, type StepOutcome, stepLines, widthOf } from './doctor-report.ts';
import { inventory, negotiated, readSome, roundTrips } from './doctor-session.ts';
import { capacity, identity, limits } from './doctor-unit.ts';
import { connecting, EXIT, type ExitCode, exitCodeOf } from './exit.ts';
import { describe, errorDocument, type Printer } from './print.ts';
import { redact } from './redact.ts';
import { type Host, tool } from './tool.ts';

/** Steps that are done while no session stands: what fails there is that none can be had. */
const BEFORE_SESSION: ReadonlySet<string> = new Set(['resolve', 'connect', 'login']);

/** The tool `iscsi-doctor`. */
export const doctor = tool({
  name: 'iscsi-doctor',
  summary: 'Examine the way to a logical unit, step by step, and say what to change',
  operands: { url: { value: 'URL', help: 'the logical unit' } },
  options: {
    ...CONNECT_OPTIONS,
    json: JSON_OPTION,
    debug: { kind: 'flag', short: 'd', help: 'Say more about errors' },
  },
  epilog: `It reads, and writes nothing. Where a step fails, the line below says what to do; notes are what is unusual.

${URL_HELP}

${EXIT_HELP}`,
  async run({ operands, options, print, host }): Promise<ExitCode> {
    const url = readUrl(operands.url, 'full', print, await withChapFile(options, host));
    const examination = new Examination(url, connectOptions(options, host), print, host);
    const exitCode = await examination.run();
    if (print.json) print.document({ url: redact(operands.url), ...examination.document() });
    return exitCode;
  },
});

/** One examination: the steps so far, and what stopped it. */
class Examination {
  readonly #url: IscsiUrl;
  readonly #options: ConnectOptions;
  readonly #print: Printer;
  readonly #host: Host;
  readonly #steps: ExaminedStep[] = [];
  #offered: readonly string[] | undefined;
  #failed: unknown;

  constructor(url: IscsiUrl, options: ConnectOptions, print: Printer, host: Host) {
    this.#url = url;
    this.#options = options;
    this.#print = print;
    this.#host = host;
  }

  /** Does every step, until one fails that the next ones need. */
  async run(): Promise<ExitCode> {
    const session = await this.#reachTarget();
    if (session === undefined) return this.#conclude();
    try {
      await this.#examine(session);
    } finally {
      await session.close();
    }
    return this.#conclude();
  }

  /** The steps and what came of them. */
  document(): Readonly<Record<string, unknown>> {
    const steps = this.#steps.map(({ name, status, text, milliseconds, findings, facts }) => ({
      step: name,
      status,
      text,
      milliseconds: Math.round(milliseconds * 1000) / 1000,
      ...(status === 'failed' ? { advice: findings.map(({ advice }) => advice) } : { notes: findings }),
      facts,
    }));
    const error = this.#failed === undefined ? {} : { error: errorDocument(this.#failed) };
    return { steps, healthy: this.#failed === undefined, ...error };
  }

  async #reachTarget(): Promise<Session | undefined> {
    const { signal } = this.#host;
    const timeout = this.#options.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT;
    if ((await this.#step('resolve', () => resolve(this.#url, signal))) === undefined) return undefined;
    if ((await this.#step('connect', () => reach(this.#url, { signal, timeout }))) === undefined) return undefined;
    const login = await this.#step('login', () => this.#login());
    if (login === undefined) return undefined;
    return login.value;
  }

  async #login(): Promise<StepOutcome<Session>> {
    try {
      const session = await openSession(this.#url, this.#options);
      const text = `${session.targetName} lets ${this.#place.initiatorName} in`;
      return { text, facts: { targetName: session.targetName, portal: session.targetPortal }, value: session };
    } catch (error) {
      // Who refuses by name may tell the names that there are; who says nothing will not say that either.
      if (error instanceof LoginError) {
        this.#offered = await offers(this.#url, this.#options).then(
          ({ value }) => value,
          () => undefined,
        );
      }
      throw error;
    }
  }

  async #examine(session: Session): Promise<void> {
    const { signal } = this.#host;
    const options = { signal };
    await this.#step('settled', async () => negotiated(session));
    await this.#optional('targets', () => offers(this.#url, this.#options));
    await this.#step('luns', () => inventory(session, options));
    const unit = await this.#step('unit', async () => this.#open(session));
    if (unit !== undefined) {
      await this.#step('capacity', async () => capacity(unit.value));
      if (unit.value.isBlockDevice) {
        await this.#step('limits', () => limits(unit.value, options));
        await this.#step('read', () => readSome(unit.value, options));
      }
    }
    if (session.open) await this.#step('distance', () => roundTrips(session, options));
  }

  async #open(session: Session): Promise<StepOutcome<IscsiLogicalUnit>> {
    const { lun } = this.#url;
    const unit = await session.logicalUnit(lun ?? 0, { signal: this.#host.signal });
    return { ...identity(unit), value: unit };
  }

  /** What may be missing without harm. */
  async #optional(name: string, work: () => Promise<StepOutcome<unknown>>): Promise<void> {
    const started = performance.now();
    try {
      this.#done(name, await work(), started);
    } catch (error) {
      this.#host.signal.throwIfAborted();
      this.#add({ name, status: 'skipped', text: `the portal does not tell: ${describe(error)}`, ...empty(started) });
    }
  }

  async #step<T>(name: string, work: () => Promise<StepOutcome<T>>): Promise<StepOutcome<T> | undefined> {
    const started = performance.now();
    try {
      const outcome = await work();
      this.#done(name, outcome, started);
      return outcome;
    } catch (thrown) {
      this.#host.signal.throwIfAborted();
      const findings = adviceFor(thrown, name, this.#place);
      const error = BEFORE_SESSION.has(name)
        ? await connecting(Promise.reject(thrown)).catch((one: unknown) => one)
        : thrown;
      this.#failed ??= error;
      const { message, ...facts } = errorDocument(thrown);
      this.#add({ name, status: 'failed', text: message, ...empty(started), findings, facts });
      return undefined;
    }
  }

  #done(name: string, { text, facts = {}, findings = [] }: StepOutcome<unknown>, started: number): void {
    const status = findings.length === 0 ? 'ok' : 'unusual';
    this.#add({ name, status, text, facts, findings, milliseconds: performance.now() - started });
  }

  #add(step: ExaminedStep): void {
    this.#steps.push(step);
    if (!this.#print.json) for (const line of stepLines(step, widthOf(this.#host))) this.#print.line(line);
  }

  get #place(): Examined {
    const { host, port, targetName, credentials, headerDigest, dataDigest } = this.#url;
    const initiatorName = this.#options.initiatorName ?? DEFAULT_INITIATOR_NAME;
    const digests = (headerDigest ?? dataDigest) !== undefined;
    const offered = this.#offered;
    return { host, port, targetName, initiatorName, offered, credentials: credentials !== undefined, digests };
  }

  #conclude(): ExitCode {
    const notes = this.#steps.reduce(
      (sum, { status, findings }) => sum + (status === 'failed' ? 0 : findings.length),
      0,
    );
    const failed = this.#steps.filter(({ status }) => status === 'failed').map(({ name }) => name);
    const unusual = notes === 0 ? 'nothing is unusual' : `${notes} ${notes === 1 ? 'thing is' : 'things are'} unusual`;
    const text = failed.length === 0 ? `it works; ${unusual}` : `it does not work: ${failed.join(', ')} failed`;
    if (!this.#print.json) this.#print.line(text);
    return this.#failed === undefined ? EXIT.DONE : exitCodeOf(this.#failed);
  }
}

function empty(started: number): Pick<ExaminedStep, 'milliseconds' | 'findings' | 'facts'> {
  return { milliseconds: performance.now() - started, findings: [], facts: {} };
}
