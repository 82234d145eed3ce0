/** Compiles examples, all at once, runs them, and tells what is wrong with which. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Completed, runProcess } from '../process.ts';
import { REPOSITORY } from '../repository.ts';
import type { Example } from './collect.ts';
import { MARK, type Message } from './messages.ts';
import { moduleOf, sourceLine } from './module.ts';
import { lookupFor } from './names.ts';

/** Milliseconds for the compiler, and for all examples together. */
const PATIENCE = 30_000;
/** From a module to the root of the repository: it lies two folders below. */
const TO_ROOT = '../..';
const CHECKS = '../test/support/examples/check.js';
const RUNNER = join(REPOSITORY, 'dist/test/support/examples/process.js');
const COMPILER = join(REPOSITORY, 'node_modules/.bin/tsc');

/** As strict as everything else, but a result may go unused: an example has nobody to give it to. */
const CONFIGURATION = {
  extends: `${TO_ROOT}/tsconfig.base.json`,
  compilerOptions: {
    rootDir: '.',
    types: ['node'],
    composite: false,
    declaration: false,
    sourceMap: false,
    noUnusedLocals: false,
  },
};

/**
 * Every problem as `file:line: what`; empty when all is well.
 * @param portal Where a target with a disk listens, as `host:port`: it takes the place of 127.0.0.1:3260 in the
 *   examples.
 */
export async function problemsOf(examples: readonly Example[], portal: string): Promise<readonly string[]> {
  // Inside the package, so that `tsiscsi` means this package; in dist/, which nobody lists or formats.
  const directory = await mkdtemp(join(REPOSITORY, 'dist', `examples-${process.pid}-`));
  try {
    const names = examples.map((_, index) => `e${index}`);
    const files = names.map((name) => `${name}.ts`);
    await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ ...CONFIGURATION, files }));
    for (const [index, example] of examples.entries()) {
      const text = moduleOf(example, lookupFor(example.file, TO_ROOT), CHECKS, portal);
      await writeFile(join(directory, files[index] ?? ''), text);
    }
    const compiled = await runProcess(COMPILER, ['--pretty', 'false', '-p', directory], { timeout: PATIENCE });
    const { problems, faulty } = compilerProblems(compiled, examples);
    const good = [...examples.keys()].filter((index) => !faulty.has(index));
    const modules = good.map((index) => join(directory, `${names[index]}.js`));
    const ran = await runProcess(process.execPath, [RUNNER, ...modules], { timeout: PATIENCE });
    const running = good.flatMap((index) => examples[index] ?? []);
    return [...problems, ...runnerProblems(ran, running)];
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function compilerProblems(
  { code, stdout, stderr, timedOut }: Completed,
  examples: readonly Example[],
): { readonly problems: readonly string[]; readonly faulty: ReadonlySet<number> } {
  const problems: string[] = [];
  const faulty = new Set<number>();
  // Further lines of an error are indented.
  for (const error of `${stdout}${stderr}`.trim().split(/\n(?! )/)) {
    const [, path = '', at, what] = /^(.+)\((\d+),\d+\): (error .*)$/s.exec(error) ?? [];
    const index = Number(/^e(\d+)\.ts$/.exec(basename(path))?.[1]);
    const example = examples[index];
    if (example !== undefined) {
      faulty.add(index);
      problems.push(located(example, `does not compile: ${what}`, sourceLine(example, Number(at))));
    } else if (error !== '') problems.push(error);
  }
  if (timedOut) problems.push(`The compiler did not end within ${PATIENCE} ms`);
  else if (code !== 0 && problems.length === 0) problems.push(`The compiler ended with ${code} and said nothing`);
  return { problems, faulty };
}

function runnerProblems({ code, stderr, timedOut }: Completed, examples: readonly Example[]): readonly string[] {
  const problems: string[] = [];
  let current = -1;
  let done = false;
  const blame = (what: string, line?: number): void => {
    const example = examples[current];
    problems.push(example === undefined ? what : located(example, what, line));
  };
  // Messages, and whatever is between them.
  for (const part of stderr.split(new RegExp(`(${MARK}.*)\n`))) {
    const message = part.startsWith(MARK) ? (JSON.parse(part.slice(MARK.length)) as Message) : undefined;
    if (message === undefined) {
      if (part !== '') blame(`writes to stderr: ${part.trimEnd()}`);
    } else if ('begins' in message) current = message.begins;
    else if ('problem' in message) blame(message.problem, message.line);
    else done = true;
  }
  if (timedOut && done) problems.push('The process with the examples does not end: one of them leaves something open');
  else if (timedOut) blame(`does not end within ${PATIENCE} ms`);
  else if (code !== 0 || !done) {
    blame(`ends the process with ${code}, and ${examples.length - current - 1} more do not run`);
  }
  return problems;
}

function located({ file, line }: Example, what: string, at = line): string {
  return `${file}:${at}: ${what}`;
}
