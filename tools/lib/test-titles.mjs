// The titles of tests, as they stand in their sources.
import { eachTree, SyntaxKind } from './syntax.mjs';

/**
 * What the sources of a test file say.
 *
 * @typedef {object} Titles
 * @property {readonly string[]} titles What is given to `test()` first, `…` for each value that a template takes in.
 * @property {ReadonlySet<string>} strings Every string of the file: what templates may take in.
 */

/**
 * @param {Readonly<Record<string, string>>} sources Text by name.
 * @returns {Record<string, Titles>} By the same names.
 */
export function testTitlesIn(sources) {
  return eachTree(sources, titlesOf);
}

/**
 * Whether a test of the file is called `title`, where `…` stands for any value of a template. A value may also be
 * written out, if it is a string of the file.
 *
 * @param {Titles} file
 * @param {string} title
 */
export function hasTitle({ titles, strings }, title) {
  return titles.some((template) => {
    const pattern = template.split('…').map(escaped).join('(.+)');
    const values = new RegExp(`^${pattern}$`, 'u').exec(title)?.slice(1);
    return values?.every((value) => value === '…' || strings.has(value)) ?? false;
  });
}

function titlesOf(tree) {
  const titles = [];
  const strings = new Set();
  const visit = (node) => {
    if (isString(node)) strings.add(node.text);
    if (node.kind === SyntaxKind.CallExpression && node.expression.getText() === 'test') {
      const title = titleOf(node.arguments[0]);
      if (title !== undefined) titles.push(title);
    }
    node.forEachChild(visit);
  };
  visit(tree);
  return { titles, strings };
}

function titleOf(node) {
  if (node === undefined) return undefined;
  if (isString(node)) return node.text;
  if (node.kind === SyntaxKind.Identifier) return '…';
  if (node.kind !== SyntaxKind.TemplateExpression) return undefined;
  return node.head.text + node.templateSpans.map(({ literal }) => `…${literal.text}`).join('');
}

function isString({ kind }) {
  return kind === SyntaxKind.StringLiteral || kind === SyntaxKind.NoSubstitutionTemplateLiteral;
}

function escaped(text) {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}
