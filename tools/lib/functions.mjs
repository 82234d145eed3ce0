// How long functions are, from their signature to their closing brace.
import { eachTree, SyntaxKind } from './syntax.mjs';

const FUNCTIONS = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
  SyntaxKind.ClassStaticBlockDeclaration,
]);

/** What gives its name to what lies in it. */
const NAMING = new Set([
  SyntaxKind.ClassDeclaration,
  SyntaxKind.VariableDeclaration,
  SyntaxKind.PropertyDeclaration,
  SyntaxKind.PropertyAssignment,
]);

/**
 * Every function of `sources` with a body, in order of file and line. A doc comment is no part of a function; a
 * function within another counts for itself, and for the one around it.
 *
 * @param {Readonly<Record<string, string>>} sources Text by name.
 * @returns {readonly { file: string, line: number, name: string, lines: number }[]} `name` as in `Class.method`.
 */
export function functionsIn(sources) {
  return Object.values(eachTree(sources, functionsOf)).flat();
}

function functionsOf(tree, file) {
  const found = [];
  const visit = (node, around) => {
    const name = nameOf(node);
    const path = name === undefined ? around : [around, name].filter((part) => part !== '').join('.');
    if (FUNCTIONS.has(node.kind) && node.body !== undefined) {
      const first = tree.getLineAndCharacterOfPosition(node.getStart(tree)).line;
      const last = tree.getLineAndCharacterOfPosition(node.end).line;
      found.push({
        file,
        line: first + 1,
        name: path + (isNamed(node) ? '' : ' (anonymous)'),
        lines: last - first + 1,
      });
    }
    node.forEachChild((child) => visit(child, path));
  };
  visit(tree, '');
  return found;
}

/** Whether a function has a name of its own, or that of what it is the value of. */
function isNamed(node) {
  return nameOf(node) !== undefined || (NAMING.has(node.parent?.kind) && node.parent.initializer === node);
}

/** What a node adds to the names of what lies in it: its own name, or that of what it is the value of. */
function nameOf(node) {
  if (node.kind === SyntaxKind.Constructor) return 'constructor';
  if (node.kind === SyntaxKind.ClassStaticBlockDeclaration) return 'static';
  return FUNCTIONS.has(node.kind) || NAMING.has(node.kind) ? node.name?.getText() : undefined;
}
