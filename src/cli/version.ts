/** The version of the package that the tools belong to. */
import { readFileSync } from 'node:fs';

/** As in package.json, which lies two directories up in the sources and three up in the package. */
export const VERSION = readVersion(['../../package.json', '../../../package.json']);

function readVersion(places: readonly string[]): string {
  for (const place of places) {
    try {
      const description: unknown = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'));
      if (typeof description !== 'object' || description === null) continue;
      if (!('name' in description) || description.name !== 'tsiscsi') continue;
      if ('version' in description && typeof description.version === 'string') return description.version;
    } catch {
      // Not there: the next place.
    }
  }
  return 'unknown';
}
