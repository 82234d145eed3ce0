import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Syntax, tool } from '../support/tool.ts';

type Sources = Readonly<Record<string, string>>;

interface Fn {
  readonly file: string;
  readonly line: number;
  readonly name: string;
  readonly lines: number;
}

interface Wide {
  readonly file: string;
  readonly line: number;
  readonly width: number;
}

const { functionsIn } = await tool<{ functionsIn(sources: Sources): readonly Fn[] }>('lib/functions.mjs');
const { wideComments } = await tool<{ wideComments(sources: Sources, most: number): readonly Wide[] }>(
  'lib/comments.mjs',
);
const { readSources } = await tool<Syntax>('lib/syntax.mjs');

/** Lines of a function, from its signature to its closing brace. */
const MOST_LINES = 40;
/** Columns of a line that ends in a comment. */
const MOST_COLUMNS = 120;

test('functionsIn() counts from the signature to the closing brace, and finds every kind of function', () => {
  const text = `/** Not counted. */
export function plain(
  a: number,
): number {
  return a;
}
const arrow = (): void => {
  list.map((one) => {
    one();
  });
};
class Box {
  handler = () => 1;
  #value = 0;
  constructor() {}
  static {
  }
  get value(): number {
    return this.#value;
  }
  #hidden(): string {
    // } is no end
    return '}';
  }
  declared(): void;
  declared(a?: number): void {}
}
const table = { READ: { run() {} } };
`;
  assert.deepEqual(
    functionsIn({ 'a.ts': text }).map(({ name, line, lines }) => `${line} ${name} ${lines}`),
    [
      '2 plain 5',
      '7 arrow 5',
      '8 arrow (anonymous) 3',
      '13 Box.handler 1',
      '15 Box.constructor 1',
      '16 Box.static 2',
      '18 Box.value 3',
      '21 Box.#hidden 4',
      '26 Box.declared 1',
      '28 table.READ.run 1',
    ],
  );
});

test('wideComments() finds wide comments of every kind, and nothing that is in a literal', () => {
  const wide = 'x'.repeat(20);
  const text = [
    `// ${wide}`,
    `/* short`,
    ` * ${wide}`,
    ` */ const a = 1; // ${wide}`,
    `const b = '// ${wide}'; // b`,
    `const c = /[/]\\/\\/ ${wide}/; const d = \`// ${wide} \${'// a' /* ${wide} */} // ${wide}\``,
    `const e = ${wide};`,
    `// ${wide.slice(0, 17)}`,
  ];
  assert.deepEqual(
    wideComments({ 'a.ts': text.join('\n'), 'b.ts': '// short' }, 20).map(({ line }) => line),
    [1, 3, 4, 5, 6],
  );
});

test(`no function of src/ has more than ${MOST_LINES} lines`, () => {
  const long = functionsIn(readSources(['src'], ['.ts']))
    .filter(({ lines }) => lines > MOST_LINES)
    .map(({ file, name, lines }) => `${file}: ${name} has ${lines} lines`);
  assert.deepEqual(long, []);
});

test(`no comment goes beyond column ${MOST_COLUMNS}`, () => {
  const sources = readSources(['src', 'test', 'bench', 'tools', 'examples'], ['.ts', '.mjs']);
  const wide = wideComments(sources, MOST_COLUMNS);
  assert.deepEqual(
    wide.map(({ file, line, width }) => `${file}:${line} ${width} columns`),
    [],
  );
});
