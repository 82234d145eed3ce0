import assert from 'node:assert/strict';
import { test } from 'node:test';
import { examplesIn, exportsOf } from './collect.ts';

const SOURCE = `/** The head of a file. */
import { a } from './a.ts';

/**
 * Adds.
 *
 * @param a One.
 * @example
 * const sum = add(1, 2);
 *
 * if (sum > 2) {
 *   sum; // 3
 * }
 *
 * @example
 * add(0, 0); // 0
 * @returns The sum.
 */
export function add(a: number, b: number): number {
  return a + b;
}

export class Counter {
  /** @example counter.next(); // 1 */
  next(): number {
    return 1;
  }
}

/** @example new Thing(); */
export abstract class Thing {}
`;

test('examplesIn() finds every block up to the next tag or the end of the comment, with its first line', () => {
  assert.deepEqual(examplesIn('src/add.ts', SOURCE), [
    {
      file: 'src/add.ts',
      line: 9,
      code: ['const sum = add(1, 2);', '', 'if (sum > 2) {', '  sum; // 3', '}'],
      declares: 'add',
    },
    { file: 'src/add.ts', line: 16, code: ['add(0, 0); // 0'], declares: 'add' },
    { file: 'src/add.ts', line: 24, code: ['counter.next(); // 1'], declares: undefined },
    { file: 'src/add.ts', line: 30, code: ['new Thing();'], declares: 'Thing' },
  ]);
});

test('an example without code is found as such', () => {
  assert.deepEqual(examplesIn('src/a.ts', '/**\n * @example\n */\nexport const a = 1;\n')[0]?.code, []);
});

test('exportsOf() names what a file declares, and of which kind', () => {
  const text = [
    'export async function* discover() {}',
    'export interface Portal {',
    'function inner() {}',
    '  export function indented() {}',
    'export const TABLE = 1;',
    "export { other } from './other.ts';",
  ].join('\n');
  assert.deepEqual(exportsOf(text), [
    { kind: 'function', name: 'discover' },
    { kind: 'type', name: 'Portal' },
    { kind: 'const', name: 'TABLE' },
  ]);
});
