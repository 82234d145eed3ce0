// Sources as syntax trees, by the compiler's own parser, so that no check has to guess where a comment or a string
// ends.
//
// The compiler calls this interface unstable. It is pinned to one exact version in package.json, and this is the only
// file that knows it.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SyntaxKind } from 'typescript/unstable/ast';
import { createVirtualFileSystem } from 'typescript/unstable/fs';
import { API } from 'typescript/unstable/sync';

export { SyntaxKind };

/** The directory of package.json. */
export const REPOSITORY = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** Nothing but parsing: no library, no other files. */
const CONFIGURATION = {
  compilerOptions: { allowJs: true, noLib: true, noResolve: true, types: [], module: 'NodeNext', target: 'ES2022' },
  include: ['**/*'],
};

/** What the compiler sees of the world. */
const files = createVirtualFileSystem({});
/** Counts calls: each has a directory of its own. */
let stage = 0;
/** One process for all calls. It ends with this one. */
let compiler;

/**
 * The text of every file below the directories whose name has one of the endings, by its name from the root, with `/`
 * on every platform.
 *
 * @param {readonly string[]} directories
 * @param {readonly string[]} endings
 * @returns {Record<string, string>}
 */
export function readSources(directories, endings) {
  const names = directories.flatMap((directory) =>
    readdirSync(join(REPOSITORY, directory), { recursive: true })
      .map((name) => posix.join(directory, name.split(sep).join('/')))
      .filter((name) => !name.includes('/node_modules/') && endings.some((ending) => name.endsWith(ending)))
      .sort(),
  );
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(REPOSITORY, name), 'utf8')]));
}

/**
 * Parses sources, and gives what `look` makes of each tree. The trees die with the call.
 *
 * @template T
 * @param {Readonly<Record<string, string>>} sources Text by name.
 * @param {(tree: import('typescript/unstable/ast').SourceFile, name: string) => T} look
 * @returns {Record<string, T>} By the same names.
 */
export function eachTree(sources, look) {
  stage += 1;
  const root = `/sources-${stage}`;
  const configuration = `${root}/tsconfig.json`;
  files.writeFile(configuration, JSON.stringify(CONFIGURATION));
  for (const [name, text] of Object.entries(sources)) files.writeFile(`${root}/${name}`, text);
  compiler ??= new API({ cwd: '/', fs: files });
  const snapshot = compiler.updateSnapshot({ openProjects: [configuration] });
  try {
    const program = snapshot.getProject(configuration)?.program;
    return Object.fromEntries(
      Object.keys(sources).map((name) => [name, look(treeOf(program, `${root}/${name}`), name)]),
    );
  } finally {
    snapshot.dispose();
    for (const name of [configuration, ...Object.keys(sources).map((name) => `${root}/${name}`)])
      files.removeFile(name);
  }
}

function treeOf(program, file) {
  const tree = program?.getSourceFile(file);
  if (tree === undefined) throw new Error(`Cannot parse ${file}: the compiler leaves it out`);
  return tree;
}
