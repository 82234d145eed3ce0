import assert from 'node:assert/strict';
import { test } from 'node:test';
import ts from 'typescript-least';
import { isHidden, readDeclarations, sourceOf } from './support/declarations.ts';

const { publicNames } = readDeclarations();

test('everything that users can name has a doc comment: exports, and the members of classes, interfaces and object types', () => {
  const missing = publicNames
    .flatMap(({ name, symbol }) => undocumented(name, symbol.declarations ?? []))
    .map(({ path, node }) => `${sourceOf(node)}: ${path}`)
    .sort();
  assert.deepEqual(missing, [], missing.join('\n'));
});

test('what has no doc comment is found, and what has one is not', () => {
  const text = 'export interface A {\n b: number;\n /** Yes. */\n c: number;\n d(): void }';
  const file = ts.createSourceFile('a.d.ts', text, ts.ScriptTarget.ES2022, true);
  assert.deepEqual(
    undocumented('A', [...file.statements]).map(({ path }) => path),
    ['A', 'A.b', 'A.d'],
  );
});

interface Missing {
  readonly path: string;
  readonly node: ts.Node;
}

/** `path` itself, and whichever of its members, when no declaration of it has a comment. */
function undocumented(path: string, declarations: readonly ts.Node[]): readonly Missing[] {
  const [node] = declarations;
  if (node === undefined) return [];
  const own = declarations.some(hasComment) ? [] : [{ path, node }];
  const members = declarations.flatMap(membersOf);
  const names = [...new Set(members.map(nameOf))].filter((name) => name !== undefined);
  return [
    ...own,
    ...names.flatMap((name) =>
      undocumented(
        `${path}.${name}`,
        members.filter((member) => nameOf(member) === name),
      ),
    ),
  ];
}

/** What users see inside of a declaration; for a type that is a union or an intersection, of all its parts. */
function membersOf(node: ts.Node): readonly ts.Node[] {
  if (ts.isTypeAliasDeclaration(node)) return membersOf(node.type);
  if (ts.isParenthesizedTypeNode(node)) return membersOf(node.type);
  if (ts.isUnionTypeNode(node) || ts.isIntersectionTypeNode(node)) return node.types.flatMap(membersOf);
  if (ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeLiteralNode(node)) {
    return [...node.members].filter((member) => !isHidden(member));
  }
  return [];
}

/**
 * Undefined for constructors, whose class says what it is made of, and for symbols, whose meaning JavaScript defines.
 */
function nameOf(node: ts.Node): string | undefined {
  if (!ts.isClassElement(node) && !ts.isTypeElement(node)) return undefined;
  const { name } = node;
  return name === undefined || ts.isComputedPropertyName(name) ? undefined : name.getText();
}

function hasComment(node: ts.Node): boolean {
  return ts.getJSDocCommentsAndTags(node).some((comment) => ts.isJSDoc(comment) && textOf(comment) !== '');
}

function textOf({ comment }: ts.JSDoc): string {
  return ts.getTextOfJSDocComment(comment)?.trim() ?? '';
}
