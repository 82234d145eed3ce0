// How much of the sources a run of tests has executed.
//
// V8 writes what ran, one file for each process (NODE_V8_COVERAGE). Here that is laid over the syntax tree of the
// compiled files, so that what counts as a line or a branch is a property of the source, and not of what happened to
// run:
//
//   line     one on which a statement begins; it ran when every statement that begins on it did
//   branch   a way that V8 counts by itself: either side of if and ?:, the right side of &&, || and ??, the body of a
//            loop, the statements of a case, a catch clause, the body of a function
//
// Processes are united: what ran in one of them, ran. One that is killed with SIGKILL writes nothing, or stops in the
// middle of its file, and counts for nothing. A source that no process loaded counts with all its lines and branches.
import { readdirSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eachTree, SyntaxKind } from './syntax.mjs';

/**
 * @typedef {object} FileCoverage
 * @property {string} file The source, `src/pdu/bhs.ts`.
 * @property {number} lines
 * @property {number} branches
 * @property {readonly number[]} missedLines Lines of the source that did not run.
 * @property {readonly number[]} missedBranches Lines of the source on which a branch that did not run begins.
 */

/**
 * What ran of each source.
 *
 * @param {object} run
 * @param {string} run.data Directory of the files that V8 wrote.
 * @param {string} run.built Directory where the compiled files stand, `dist`.
 * @param {string} run.maps Directory where their source maps stand: the package is built without any.
 * @param {readonly string[]} run.sources Their sources, by name from the root: `src/pdu/bhs.ts` is compiled to
 *   `src/pdu/bhs.js`.
 * @returns {readonly FileCoverage[]}
 */
export function coverageOf({ data, built, maps, sources }) {
  const compiled = Object.fromEntries(sources.map((file) => [file.replace(/\.ts$/, '.js'), file]));
  const texts = Object.fromEntries(
    Object.keys(compiled).map((name) => [name, readFileSync(join(built, name), 'utf8')]),
  );
  const ran = executed(data, built, texts);
  const perFile = eachTree(texts, (tree, name) => {
    const original = originalLines(join(maps, name));
    return { file: compiled[name], ...count(tree, ran.get(name) ?? new Uint8Array(texts[name].length), original) };
  });
  return Object.values(perFile);
}

/** Of each file, a byte for each character: 1 where it ran in some process. */
function executed(data, built, texts) {
  const names = new Map(Object.keys(texts).map((name) => [pathToFileURL(join(built, name)).href, name]));
  const ran = new Map();
  for (const report of readdirSync(data)) {
    if (!report.endsWith('.json')) continue;
    for (const { url, functions } of scriptsIn(readFileSync(join(data, report), 'utf8'))) {
      const name = names.get(url);
      if (name !== undefined) unite(ran, name, painted(functions, texts[name].length));
    }
  }
  return ran;
}

/** What one process ran; nothing when its file does not end: it was killed while it wrote it. */
function scriptsIn(report) {
  try {
    return JSON.parse(report).result;
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

/** Functions come from the outside in, and so do the ranges of each: what comes later knows better. */
function painted(functions, length) {
  const paint = new Uint8Array(length);
  for (const { ranges } of functions) {
    for (const { startOffset, endOffset, count: times } of ranges)
      paint.fill(times > 0 ? 1 : 0, startOffset, endOffset);
  }
  return paint;
}

function unite(ran, name, paint) {
  const before = ran.get(name);
  if (before === undefined) ran.set(name, paint);
  else for (let at = 0; at < paint.length; at++) before[at] |= paint[at];
}

/** Counts what is in a tree, and what of it did not run. */
function count(tree, ran, original) {
  const lines = new Map();
  const branches = [];
  const missedBranches = [];
  const visit = (node) => {
    if (isStatement(node)) {
      const at = node.getStart(tree);
      const line = original(tree.getLineAndCharacterOfPosition(at));
      lines.set(line, (lines.get(line) ?? true) && ran[at] === 1);
    }
    for (const branch of branchesOf(node)) {
      const at = branch.getStart(tree);
      branches.push(at);
      if (ran[at] !== 1) missedBranches.push(original(tree.getLineAndCharacterOfPosition(at)));
    }
    node.forEachChild(visit);
  };
  visit(tree);
  const missedLines = [...lines].filter(([, whole]) => !whole).map(([line]) => line);
  return { lines: lines.size, branches: branches.length, missedLines, missedBranches };
}

/** Statements that do something where they stand: a declaration of a function or a class does not, nor does a block. */
function isStatement({ kind }) {
  const { FirstStatement, LastStatement, Block, EmptyStatement } = SyntaxKind;
  return kind >= FirstStatement && kind <= LastStatement && kind !== Block && kind !== EmptyStatement;
}

const SHORT_CIRCUITS = new Set([
  SyntaxKind.AmpersandAmpersandToken,
  SyntaxKind.BarBarToken,
  SyntaxKind.QuestionQuestionToken,
]);

/** The ways that begin at a node and that V8 counts by themselves. */
function branchesOf(node) {
  const there = (...ways) => ways.filter((way) => way !== undefined);
  switch (node.kind) {
    case SyntaxKind.IfStatement:
      return there(node.thenStatement, node.elseStatement);
    case SyntaxKind.ConditionalExpression:
      return [node.whenTrue, node.whenFalse];
    case SyntaxKind.BinaryExpression:
      return SHORT_CIRCUITS.has(node.operatorToken.kind) ? [node.right] : [];
    case SyntaxKind.ForStatement:
    case SyntaxKind.ForInStatement:
    case SyntaxKind.ForOfStatement:
    case SyntaxKind.WhileStatement:
    case SyntaxKind.DoStatement:
      return [node.statement];
    case SyntaxKind.CaseClause:
    case SyntaxKind.DefaultClause:
      return there(node.statements[0]);
    case SyntaxKind.CatchClause:
      return [node.block];
    default:
      return there(node.body);
  }
}

/** Finds the line of the source, from 1, for a place in its compiled file. */
function originalLines(path) {
  const map = new SourceMap(JSON.parse(readFileSync(`${path}.map`, 'utf8')));
  return ({ line, character }) => (map.findEntry(line, character).originalLine ?? line) + 1;
}
