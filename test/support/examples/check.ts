/** The checks that an example makes while it runs. */
import assert from 'node:assert/strict';
import { inspect } from 'node:util';
import { toHex } from '../../../src/bytes/hex.ts';

/** An example has another value than it says. */
export class WrongValue extends Error {
  /** The line of the source. */
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** The checks of one example. All throw a {@link WrongValue}. */
export interface Checks {
  /** That the two are deeply and strictly equal. */
  hasValue(met: unknown, written: unknown, line: number): void;
  /**
   * That `met` is an array of these bytes.
   * @param written Hex digits, blanks between them; `...` at the end for any further bytes.
   */
  hasBytes(met: unknown, written: string, line: number): void;
  /** That all of `lines` were checked: a value in a branch that is never taken proves nothing. */
  allRan(lines: readonly number[]): void;
}

/** Checks that remember which lines they were called from. */
export function newChecks(): Checks {
  const ran = new Set<number>();
  return {
    hasValue(met, written, line) {
      ran.add(line);
      try {
        assert.deepEqual(met, written);
      } catch {
        throw new WrongValue(line, `is ${inspected(met)}, not ${inspected(written)}`);
      }
    },
    hasBytes(met, written, line) {
      ran.add(line);
      if (!(met instanceof Uint8Array)) throw new WrongValue(line, `is ${inspected(met)}, not bytes`);
      const digits = toHex(met);
      const [, start = '', more] = /^([\da-f]*)(\.\.\.)?$/.exec(written.replaceAll(' ', '').toLowerCase()) ?? [];
      if (start !== '' && (more === undefined ? digits === start : digits.startsWith(start))) return;
      throw new WrongValue(line, `is hex ${digits.replace(/(..)(?=.)/g, '$1 ')}, not hex ${written}`);
    },
    allRan(lines) {
      const missed = lines.find((line) => !ran.has(line));
      if (missed !== undefined) throw new WrongValue(missed, 'is never reached');
    },
  };
}

function inspected(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY });
}
