/**
 * The tools of the repository, as tests feed them. They are JavaScript and never built, so that `npm test` can run them
 * first.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { REPOSITORY } from './repository.ts';

/**
 * The module `tools/name`.
 *
 * @typeParam T What the test uses of it.
 */
export async function tool<T>(name: string): Promise<T> {
  return (await import(pathToFileURL(join(REPOSITORY, 'tools', name)).href)) as T;
}

/** `tools/lib/syntax.mjs`, as far as tests use it. */
export interface Syntax {
  readSources(directories: readonly string[], endings: readonly string[]): Readonly<Record<string, string>>;
}
