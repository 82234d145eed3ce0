// Makes the tools in dist/ executable, as npm does on install: tsc keeps the #! line, but not the permission.
import { chmodSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../dist/src/cli/bin/', import.meta.url));
for (const name of readdirSync(bin)) if (name.endsWith('.js')) chmodSync(join(bin, name), 0o755);
