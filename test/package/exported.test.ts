import assert from 'node:assert/strict';
import { test } from 'node:test';
import ts from 'typescript-least';
import { declared, isHidden, readDeclarations, sourceOf } from './support/declarations.ts';

const { checker, publicNames } = readDeclarations();

test('every type that a public declaration names is exported by an entrance', () => {
  assert.ok(publicNames.length > 100, 'the entrances export more than that');
  const misses = unexported();
  assert.deepEqual(misses, [], misses.join('\n'));
});

/**
 * Types that can be reached from the entrances through declarations, but not be imported: each with its source and the
 * first that uses it. A value behind `typeof` needs no export, because whoever reads the type sees what it comes to;
 * the types that it names do.
 */
function unexported(): readonly string[] {
  const seen = new Set(publicNames.map(({ symbol }) => symbol));
  const waiting = [...seen];
  const misses: string[] = [];
  for (let user = waiting.shift(); user !== undefined; user = waiting.shift()) {
    for (const used of namesIn(user)) {
      const [place] = used.declarations?.map(sourceOf).filter((path) => path !== undefined) ?? [];
      if (seen.has(used) || place === undefined) continue;
      seen.add(used);
      waiting.push(used);
      if (used.flags & ts.SymbolFlags.Type) misses.push(`${place}: ${used.name}, used by ${user.name}`);
    }
  }
  return misses.sort();
}

/** What the declarations of `symbol` name: types, base classes, and values behind `typeof`. */
function namesIn(symbol: ts.Symbol): readonly ts.Symbol[] {
  const found: ts.Symbol[] = [];
  const visit = (node: ts.Node): void => {
    if (isHidden(node)) return;
    const name = nameIn(node);
    const target = name && checker.getSymbolAtLocation(name);
    if (target) {
      const used = declared(checker, target);
      if (!(used.flags & ts.SymbolFlags.TypeParameter)) found.push(used);
    }
    ts.forEachChild(node, visit);
  };
  for (const declaration of symbol.declarations ?? []) visit(declaration);
  return found;
}

function nameIn(node: ts.Node): ts.Node | undefined {
  if (ts.isTypeReferenceNode(node)) return node.typeName;
  if (ts.isExpressionWithTypeArguments(node)) return node.expression;
  if (ts.isTypeQueryNode(node)) return node.exprName;
  if (ts.isImportTypeNode(node)) return node.qualifier;
  return undefined;
}
