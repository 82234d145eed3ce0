// Says what of dist/ is published: the modules and declarations that the entrances and commands of package.json reach,
// and nothing else. npm reads the list as dist/.npmignore. So no test, no demo, no stale file and no room that only we
// use gets into the package.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SPECIFIER = /\b(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g;
/** A module that a thread is started with. */
const THREAD = /\bnew URL\('(\.[^']+\.js)', import\.meta\.url\)/g;

/** What of dist/ is published, sorted, from the root of the repository. */
export function packedFiles(root = ROOT) {
  const { exports, bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const entries = Object.values(exports).flatMap((entry) => (typeof entry === 'string' ? [] : Object.values(entry)));
  const reached = new Set();
  const waiting = [...entries, ...Object.values(bin)].map((path) => resolve(root, path));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue;
    if (!existsSync(file))
      throw new Error(`${relative(root, file)} is not there: remove dist/ and run "npm run build"`);
    reached.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, specifier] of [...text.matchAll(SPECIFIER), ...text.matchAll(THREAD)]) {
      waiting.push(resolve(dirname(file), file.endsWith('.d.ts') ? specifier.replace(/\.[jt]s$/, '.d.ts') : specifier));
    }
  }
  return [...reached].map((file) => relative(root, file).split(sep).join('/')).sort();
}

/** dist/.npmignore that leaves `files` and the folders on the way to them. */
export function npmIgnore(files) {
  const inside = files.map((file) => file.replace(/^dist\//, ''));
  const folders = new Set(inside.flatMap((file) => file.split('/').slice(0, -1).map(folderUpTo(file))));
  return [
    '# Made by tools/choose-packed.mjs',
    '*',
    ...[...folders, ...inside].sort().map((path) => `!/${path}`),
    '',
  ].join('\n');
}

function folderUpTo(file) {
  return (_, depth) =>
    `${file
      .split('/')
      .slice(0, depth + 1)
      .join('/')}/`;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const list = join(ROOT, 'dist/.npmignore');
  // In one step: npm may be reading the list for somebody else.
  writeFileSync(`${list}.${process.pid}`, npmIgnore(packedFiles()));
  renameSync(`${list}.${process.pid}`, list);
}
