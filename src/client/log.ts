import { createRequire } from 'node:module';

// To import it opens the standard streams in Node 26, which a library has no right to: it is had when a session begins.
const require = createRequire(import.meta.url);
const util = (): typeof import('node:util') => require('node:util');

/**
 * How much a log says. `error`: what went wrong. `info`: what a session does, a few lines of it. `debug`: each attempt
 * to connect, and each command that failed. `trace`: each command and each PDU.
 */
export type LogLevel = 'error' | 'info' | 'debug' | 'trace';

/** What belongs to a message. Never a secret, and never data of commands. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/**
 * Is told what happens. It is called in the middle of the work: what takes time, or throws, belongs elsewhere. What it
 * throws is an uncaught exception of the process, and does not touch the session.
 */
export type LogHook = (level: LogLevel, message: string, fields: LogFields) => void;

/** The levels, the least talkative first. */
export const LOG_LEVELS: readonly LogLevel[] = ['error', 'info', 'debug', 'trace'];

/** What turns a level on in `NODE_DEBUG`, and those before it. */
const SECTIONS: readonly (readonly [section: string, level: LogLevel])[] = [
  ['tsiscsi:trace', 'trace'],
  ['tsiscsi:debug', 'debug'],
  ['tsiscsi', 'info'],
];

/** Says what happens to standard error, by `NODE_DEBUG`, and to whoever asked for it, by the option `log`. */
export class Log {
  readonly #hook: LogHook | undefined;
  readonly #hookRank: number;
  readonly #nodeRank: number;
  readonly #toNode: (format: string, ...values: readonly string[]) => void;

  constructor(hook: LogHook | undefined, level: LogLevel = 'debug') {
    this.#hook = hook;
    this.#hookRank = hook === undefined ? -1 : rankOf(level);
    const { debuglog } = util();
    const [section, upTo] = SECTIONS.find(([name]) => debuglog(name).enabled) ?? [];
    this.#nodeRank = upTo === undefined ? -1 : rankOf(upTo);
    this.#toNode = section === undefined ? ignore : debuglog(section);
  }

  /** Whether anybody hears this level. Cheap: asked before a message is made. */
  hears(level: LogLevel): boolean {
    const rank = rankOf(level);
    return rank <= this.#hookRank || rank <= this.#nodeRank;
  }

  write(level: LogLevel, message: string, fields: LogFields = {}): void {
    const rank = rankOf(level);
    if (rank <= this.#nodeRank) this.#toNode('%s: %s%s', level, message, inText(fields));
    if (this.#hook === undefined || rank > this.#hookRank) return;
    try {
      this.#hook(level, message, fields);
    } catch (error) {
      process.nextTick(rethrow, error);
    }
  }
}

function rankOf(level: LogLevel): number {
  return LOG_LEVELS.indexOf(level);
}

function inText(fields: LogFields): string {
  const pairs = Object.entries(fields).filter(([, value]) => value !== undefined);
  return pairs.length === 0 ? '' : ` (${pairs.map(([name, value]) => `${name}: ${util().inspect(value)}`).join(', ')})`;
}

function rethrow(error: unknown): never {
  throw error;
}

function ignore(): void {
  // NODE_DEBUG does not name us.
}
