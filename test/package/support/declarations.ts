/**
 * What the package shows to the compiler of its users: the declarations in dist/types, and the names that the entrances
 * export from them.
 */
import { readFileSync } from 'node:fs';
import { join, relative, resolve, sep } from 'node:path';
import ts from 'typescript-least';
import { REPOSITORY } from '../../support/repository.ts';

/** A name that an entrance exports. */
export interface PublicName {
  readonly name: string;
  /** The first entrance that has it. */
  readonly entrance: string;
  /** Exported as a type alone: it can neither be called nor constructed. */
  readonly isType: boolean;
  readonly symbol: ts.Symbol;
}

/** The declarations, and what is public of them. */
export interface Declarations {
  readonly checker: ts.TypeChecker;
  readonly publicNames: readonly PublicName[];
}

const TYPES = join(REPOSITORY, 'dist/types');

/** Reads the declarations of all entrances of package.json. */
export function readDeclarations(): Declarations {
  const { exports } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'));
  const entrances = Object.entries<{ types?: string }>(exports).flatMap(([path, { types }]) =>
    types === undefined ? [] : [{ entrance: path.replace('.', 'tsiscsi'), file: resolve(REPOSITORY, types) }],
  );
  const program = ts.createProgram(
    entrances.map(({ file }) => file),
    {
      target: ts.ScriptTarget.ES2022,
      module: ts.ModuleKind.NodeNext,
      strict: true,
      noEmit: true,
      // Nothing is asked here about what is not ours.
      noLib: true,
      types: [],
    },
  );
  const checker = program.getTypeChecker();
  const found = new Map<ts.Symbol, PublicName>();
  for (const { entrance, file } of entrances) {
    const source = program.getSourceFile(file);
    const module = source && checker.getSymbolAtLocation(source);
    if (module === undefined) throw new Error(`${file} is not there or is no module: run "npm run build"`);
    for (const exported of checker.getExportsOfModule(module)) {
      const symbol = declared(checker, exported);
      const isType = exported.declarations?.some(isTypeOnly) ?? false;
      if (!found.has(symbol)) found.set(symbol, { name: exported.name, entrance, isType, symbol });
    }
  }
  return { checker, publicNames: [...found.values()] };
}

/** What stands behind the imports and exports that lead to it. */
export function declared(checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
}

/** The source of a declaration, as `src/client/session.ts`; undefined for what is not ours, such as Node's types. */
export function sourceOf(node: ts.Node): string | undefined {
  const path = relative(TYPES, node.getSourceFile().fileName);
  return path.startsWith('..')
    ? undefined
    : `src/${path
        .split(sep)
        .join('/')
        .replace(/\.d\.ts$/, '.ts')}`;
}

/** Whether a member is left out of what users see: private by a modifier, or by a `#name`. */
export function isHidden(node: ts.Node): boolean {
  if (ts.isClassElement(node) && node.name !== undefined && ts.isPrivateIdentifier(node.name)) return true;
  return ts.canHaveModifiers(node) && (ts.getModifiers(node)?.some(isPrivateModifier) ?? false);
}

function isPrivateModifier({ kind }: ts.Node): boolean {
  return kind === ts.SyntaxKind.PrivateKeyword;
}

function isTypeOnly(node: ts.Node): boolean {
  return ts.isExportSpecifier(node) && (node.isTypeOnly || node.parent.parent.isTypeOnly);
}
