/** Where names come from: the public entrances, and the files of a room. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { REPOSITORY } from '../repository.ts';
import { exportsOf } from './collect.ts';

/** Specifier of an entrance → its list of names. In the order in which a name is looked for. */
const ENTRANCES = {
  tsiscsi: 'src/index.ts',
  'tsiscsi/scsi': 'src/scsi/index.ts',
  'tsiscsi/sync': 'src/sync/index.ts',
  'tsiscsi/target': 'src/server/index.ts',
} as const;

/** A public name. */
export interface PublicName {
  readonly name: string;
  /** The file that declares it. */
  readonly file: string;
  readonly entrance: string;
  /** Whether the list gives it as a type. */
  readonly isType: boolean;
}

/** How a name is imported. */
export interface Import {
  readonly specifier: string;
  readonly isType: boolean;
}

/** Finds names for the examples of one file; undefined for what nobody exports. */
export type Lookup = (name: string) => Import | undefined;

/** The names of all entrances. */
export const PUBLIC_NAMES: readonly PublicName[] = Object.entries(ENTRANCES).flatMap(([entrance, list]) =>
  namesIn(readSource(list), entrance, posix.dirname(list)),
);

/** All sources, from the root of the repository. */
export function sources(): readonly string[] {
  return readdirSync(join(REPOSITORY, 'src'), { recursive: true })
    .map((name) => posix.join('src', String(name).replaceAll('\\', '/')))
    .filter((name) => name.endsWith('.ts'))
    .sort();
}

/** The text of a source. */
export function readSource(file: string): string {
  return readFileSync(join(REPOSITORY, file), 'utf8');
}

/** The public functions and classes: what can be called, and so has an example. */
export function callable(): readonly PublicName[] {
  return PUBLIC_NAMES.filter(({ name, file, isType }) => {
    const kind = exportsOf(readSource(file)).find((declaration) => declaration.name === name)?.kind;
    return !isType && (kind === 'function' || kind === 'class');
  });
}

/**
 * How the examples of `file` import. Where an entrance takes names from the file, its readers have the entrances and
 * nothing else, and so have its examples: one that needs a name from inside does not compile. Elsewhere the file and
 * its room come first.
 *
 * @param toRoot The way from the module to the root of the repository.
 */
export function lookupFor(file: string, toRoot: string): Lookup {
  const near = PUBLIC_NAMES.filter((known) => known.file === file).map(({ entrance }) => entrance);
  const ranked = [...PUBLIC_NAMES].sort(
    (a, b) => Number(near.includes(b.entrance)) - Number(near.includes(a.entrance)),
  );
  const found = new Map<string, Import>();
  const add = (name: string, specifier: string, isType: boolean): void => {
    if (!found.has(name)) found.set(name, { specifier, isType });
  };
  if (near.length === 0) {
    for (const neighbour of [file, ...roomOf(file)]) {
      for (const { name, kind } of exportsOf(readSource(neighbour)))
        add(name, posix.join(toRoot, 'dist', neighbour.replace(/\.ts$/, '.js')), kind === 'type');
    }
  }
  for (const { name, entrance, isType } of ranked) add(name, entrance, isType);
  return (name) => found.get(name);
}

function roomOf(file: string): readonly string[] {
  const [, room = ''] = file.split('/');
  return sources().filter((name) => name.startsWith(`src/${room}/`));
}

function namesIn(list: string, entrance: string, directory: string): readonly PublicName[] {
  return [...list.matchAll(/^export (type )?\{([^}]*)\} from '([^']+)'/gm)].flatMap(([, all, names = '', from = '']) =>
    names
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name !== '')
      .map((name) => ({
        name: name.replace(/^type /, ''),
        file: posix.join(directory, from),
        entrance,
        isType: all !== undefined || name.startsWith('type '),
      })),
  );
}
