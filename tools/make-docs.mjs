// `npm run docs`: the reference of the library, made from the doc comments of the published declarations, in dist/docs.
// typedoc and a TypeScript that it can use (ours has no library for JavaScript) are a package of their own in
// tools/docs, so that nobody who builds and tests needs them. They are installed on first use, and when their lock file
// has changed.
import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PACKAGE = join(ROOT, 'tools/docs');
const LOCK = join(PACKAGE, 'package-lock.json');
/** The lock file that was installed from. */
const INSTALLED = join(PACKAGE, 'node_modules/.installed-lock.json');

run('npm', ['run', '--silent', 'build'], ROOT);
if (textOf(INSTALLED) !== textOf(LOCK)) {
  console.log('docs: installing typedoc into tools/docs');
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], PACKAGE);
  writeFileSync(INSTALLED, textOf(LOCK));
}
rmSync(join(ROOT, 'dist/docs'), { recursive: true, force: true });
run(process.execPath, ['node_modules/typedoc/bin/typedoc', '--logLevel', 'Warn'], PACKAGE);
console.log('docs: dist/docs/index.html');

function run(command, args, cwd) {
  const { status, error } = spawnSync(command, args, { cwd, stdio: 'inherit' });
  if (status === 0) return;
  console.error(
    `docs: ${command} ${args.join(' ')} ${error ? `cannot be started: ${error.message}` : `ended with ${status}`}`,
  );
  process.exit(1);
}

function textOf(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
