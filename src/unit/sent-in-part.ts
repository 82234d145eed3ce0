import { IscsiError, withCommandSent } from '../errors.ts';

/**
 * Watches over work that takes several commands: once one of them was, or may have been, at the target, no error of a
 * later one may say of the whole that it was not sent and can be sent again without harm.
 *
 * @example
 * const work = new SentInPart();
 * await work.step(Promise.resolve());
 * const unsent = new IscsiError('ISCSI_CLOSED', 'Over', { commandSent: false });
 * const error: unknown = await work.step(Promise.reject(unsent)).catch((reason: unknown) => work.errorOf(reason));
 * error instanceof IscsiError && error.commandSent; // true
 */
export class SentInPart {
  #sent = false;

  /** Waits for one command of the work, and passes on what comes of it. */
  async step<T>(command: Promise<T>): Promise<T> {
    try {
      const result = await command;
      this.#sent = true;
      return result;
    } catch (error) {
      if (!isUnsent(error)) this.#sent = true;
      throw error;
    }
  }

  /** The error of the whole, when no command of it is under way any more: that of one of them. */
  errorOf(error: unknown): unknown {
    return this.#sent && isUnsent(error) ? withCommandSent(error, true) : error;
  }
}

function isUnsent(error: unknown): error is IscsiError {
  return error instanceof IscsiError && error.commandSent === false;
}
