import { fileURLToPath } from 'node:url';

/** Where this checkout is built. */
export const DIST = fileURLToPath(new URL('../..', import.meta.url));
