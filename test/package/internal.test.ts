import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript-least';
import { REPOSITORY } from '../support/repository.ts';
import { readDeclarations, sourceOf } from './support/declarations.ts';

/**
 * Classes whose constructor is internal and thereby gone from the declarations: `new` with no arguments then compiles,
 * and fails when it runs. Give them a private constructor, or export them as types. Empty is what this is to become.
 */
const CONSTRUCTIBLE: readonly string[] = [];

const sources = typescriptBelow('src');
const internal = sources.flatMap((file) => namesIn(file, file, isInternal));

test('no name that is marked as internal is in the published declarations', () => {
  assert.ok(internal.length > 10, 'the mark must be found where it stands');
  const marked = new Set(internal);
  const published = typescriptBelow('dist/types').flatMap((file) =>
    namesIn(file, file.replace('dist/types/', 'src/').replace(/\.d\.ts$/, '.ts'), () => true),
  );
  assert.ok(published.length > 500, 'the names of declarations must be found');
  assert.deepEqual(
    published.filter((name) => marked.has(name) && !name.endsWith('.constructor')),
    [],
  );
});

test('the mark itself is not in the published declarations', () => {
  const marked = typescriptBelow('dist/types').filter((file) => read(file).includes('@internal'));
  assert.deepEqual(marked, []);
});

test('no class that users can name can be constructed only because its constructor was stripped', () => {
  const classes = readDeclarations().publicNames.flatMap(({ isType, symbol }) =>
    isType ? [] : (symbol.declarations?.filter(ts.isClassDeclaration) ?? []),
  );
  assert.ok(classes.length > 3);
  const names = classes.map((declaration) => `${sourceOf(declaration)}: ${declaration.name?.text}`);
  const stripped = names.filter((name) => internal.includes(`${name}.constructor`)).sort();
  assert.deepEqual(stripped, CONSTRUCTIBLE);
});

/** Names of declarations and their members in `file` that `wanted` accepts, as `source: Class.member`. */
function namesIn(file: string, source: string, wanted: (node: ts.Node) => boolean): readonly string[] {
  const found: string[] = [];
  const visit = (node: ts.Node, path: readonly string[]): void => {
    const name = nameOf(node);
    const here = name === undefined ? path : [...path, name];
    if (name !== undefined && wanted(node)) found.push(`${source}: ${here.join('.')}`);
    // What is inside of a function is nobody's to see.
    if (!ts.isBlock(node)) ts.forEachChild(node, (child) => visit(child, here));
  };
  visit(ts.createSourceFile(file, read(file), ts.ScriptTarget.ES2022, true), []);
  return found;
}

function nameOf(node: ts.Node): string | undefined {
  if (ts.isConstructorDeclaration(node)) return 'constructor';
  const named = ts.isClassElement(node) || ts.isTypeElement(node) || ts.isDeclarationStatement(node);
  if (!named && !ts.isVariableDeclaration(node)) return undefined;
  const { name } = node as { readonly name?: ts.Node };
  return name === undefined || ts.isPrivateIdentifier(name) ? undefined : name.getText();
}

function isInternal(node: ts.Node): boolean {
  return ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal');
}

function typescriptBelow(directory: string): readonly string[] {
  return readdirSync(join(REPOSITORY, directory), { recursive: true })
    .map((name) => `${directory}/${String(name).replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.ts'));
}

function read(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8');
}
