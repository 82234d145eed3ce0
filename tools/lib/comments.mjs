// Comments that are wider than a page.
import { eachTree, SyntaxKind } from './syntax.mjs';

/** Nodes that may hold what looks like a comment and is none. */
const LITERALS = new Set([
  SyntaxKind.StringLiteral,
  SyntaxKind.RegularExpressionLiteral,
  SyntaxKind.NoSubstitutionTemplateLiteral,
  SyntaxKind.TemplateHead,
  SyntaxKind.TemplateMiddle,
  SyntaxKind.TemplateTail,
]);

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

/**
 * Every line of a comment, alone or behind code, that ends beyond column `most`.
 *
 * @param {Readonly<Record<string, string>>} sources Text by name.
 * @param {number} most
 * @returns {readonly { file: string, line: number, width: number }[]}
 */
export function wideComments(sources, most) {
  const suspects = Object.entries(sources).filter(([, text]) => text.split('\n').some((line) => line.length > most));
  const found = eachTree(Object.fromEntries(suspects), (tree, file) =>
    wideIn(tree, most).map((wide) => ({ file, ...wide })),
  );
  return Object.values(found).flat();
}

function wideIn(tree, most) {
  const wide = new Map();
  for (const { index, 0: comment } of withoutLiterals(tree).matchAll(COMMENT)) {
    const { line: first, character } = tree.getLineAndCharacterOfPosition(index);
    for (const [at, text] of comment.split('\n').entries()) {
      const width = (at === 0 ? character : 0) + text.length;
      if (width > most) wide.set(first + at + 1, width);
    }
  }
  return [...wide].map(([line, width]) => ({ line, width }));
}

/** The text with every literal blanked out, each sign at its place. */
function withoutLiterals(tree) {
  const parts = [];
  let end = 0;
  const visit = (node) => {
    if (LITERALS.has(node.kind)) {
      const start = node.getStart(tree);
      parts.push(tree.text.slice(end, start), tree.text.slice(start, node.end).replace(/[^\n]/g, ' '));
      end = node.end;
    }
    node.forEachChild(visit);
  };
  visit(tree);
  return parts.join('') + tree.text.slice(end);
}
