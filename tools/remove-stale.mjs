// Removes from dist/ what was built from a source that is no more: `tsc -b` leaves it there, and then it could be
// imported, run or packed.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
/**
 * Folder of dist/ → folder of the sources that it is built from. No other folder is touched: running tests have theirs
 * in dist/.
 */
const BUILT_FROM = { src: 'src', types: 'src', test: 'test', bench: 'bench', examples: 'examples' };
const BUILT = /(\.d\.ts|\.js)(\.map)?$/;

for (const [folder, sources] of Object.entries(BUILT_FROM)) {
  const built = join(root, 'dist', folder);
  for (const name of existsSync(built) ? readdirSync(built, { recursive: true }) : []) {
    if (!BUILT.test(name) || name.split(sep).includes('node_modules')) continue;
    const isMap = name.endsWith('.map'); // none are made any more
    if (isMap || !existsSync(join(root, sources, name.replace(BUILT, '.ts')))) rmSync(join(built, name));
  }
}
