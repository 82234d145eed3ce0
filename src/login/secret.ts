/** The key under which `node:util` looks for a value's own way to be shown. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

/**
 * A secret text that does not show in messages, JSON, or the output of `console.log`. Only {@link Secret.reveal} gives
 * it away.
 */
export class Secret {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** The secret itself. Keep it out of errors, logs and captures. */
  reveal(): string {
    return this.#text;
  }

  /** Does not give it away. */
  toString(): string {
    return '[redacted]';
  }

  /** Does not give it away. */
  toJSON(): string {
    return '[redacted]';
  }

  [INSPECT](): string {
    return '[redacted]';
  }
}
