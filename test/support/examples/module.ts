/**
 * An example as a module: its imports, and then its own lines, each where it was, so that a line of the module is a
 * line of the source. `expression; // value` becomes a check that the expression has the value; see
 * docs/architecture.md, "Conventions".
 */
import type { Example } from './collect.ts';
import type { Lookup } from './names.ts';

/** What is in front of the first line of the example. */
const HEADER_LINES = 1;
/** The address in examples: the port that iSCSI has, which a test must not need. */
const WRITTEN_PORTAL = '127.0.0.1:3260';
const VALUE = /^(\s*)(.+);\s+\/\/ (.+)$/;

/**
 * @param checks Where the module finds check.ts.
 * @param portal Where the target of the test listens, as `host:port`.
 */
export function moduleOf(example: Example, lookup: Lookup, checks: string, portal: string): string {
  const code = example.code.map((line) => line.replaceAll(WRITTEN_PORTAL, portal));
  const numbers = code.flatMap((line, at) => (VALUE.test(line) ? [example.line + at] : []));
  const header = [
    `import { newChecks } from '${checks}';`,
    ...importsOf(code, lookup),
    'const { hasValue, hasBytes, allRan } = newChecks();',
  ];
  // In a block of its own, so that an example may call a variable like something that is imported.
  return [
    `${header.join(' ')} {`,
    ...code.map((line, at) => checked(line, example.line + at)),
    `} allRan([${numbers.join(', ')}]);`,
    '',
  ].join('\n');
}

/** The line of the source that became line `line` of the module. */
export function sourceLine(example: Example, line: number): number {
  const at = Math.max(0, Math.min(line - HEADER_LINES - 1, example.code.length - 1));
  return example.line + at;
}

/** Every word that is the name of something is imported, be it in a string: too many imports do no harm. */
function importsOf(code: readonly string[], lookup: Lookup): readonly string[] {
  const words = new Set(code.join('\n').match(/[A-Za-z_$][\w$]*/g));
  return [...words].flatMap((word) => {
    const found = lookup(word);
    return found === undefined ? [] : [`import { ${found.isType ? 'type ' : ''}${word} } from '${found.specifier}';`];
  });
}

function checked(line: string, at: number): string {
  const [, indent, expression, value = ''] = VALUE.exec(line) ?? [];
  if (expression === undefined) return line;
  const bytes = /^hex\b(.*)$/.exec(value)?.[1];
  return bytes === undefined
    ? `${indent}hasValue((${expression}), (${value}), ${at});`
    : `${indent}hasBytes((${expression}), '${bytes.trim()}', ${at});`;
}
