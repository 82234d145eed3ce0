/**
 * The package as its users get it: packed by npm, unpacked into `node_modules` of a project of theirs. No network is
 * needed.
 */
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { runProcess } from '../../support/process.ts';
import { REPOSITORY } from '../../support/repository.ts';

/** Milliseconds for npm, tar or a compiler on a busy machine. */
const PATIENCE = 60_000;

/** A tarball, and the paths of the files in it, sorted. */
export interface Packed {
  readonly tarball: string;
  readonly files: readonly string[];
}

/** Which compiler and which types of Node a user has: folders of the repository's node_modules. */
export interface Toolchain {
  readonly compiler: string;
  readonly nodeTypes: string;
}

/** What we develop with. */
export const NEWEST: Toolchain = { compiler: 'typescript', nodeTypes: '@types/node' };
/** The least that README.md promises to work. */
export const LEAST: Toolchain = { compiler: 'typescript-least', nodeTypes: 'types-node-least' };

/** Runs a program that has to succeed. @returns What it wrote to stdout. */
export async function succeed(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr, timedOut } = await runProcess(command, args, { cwd, timeout: PATIENCE });
  if (code === 0) return stdout;
  const how = timedOut ? `did not end within ${PATIENCE} ms` : `ended with ${code}`;
  throw new Error(`${[command, ...args].join(' ')} ${how}:\n${stdout}${stderr}`);
}

/** Packs what is built, as `npm publish` would, into `directory`. */
export async function pack(directory: string): Promise<Packed> {
  // npm would build again first, under the feet of the other tests: what it does beyond the compiler is this one step.
  await succeed(process.execPath, ['tools/choose-packed.mjs'], REPOSITORY);
  const args = ['pack', '--ignore-scripts', '--json', '--offline', '--pack-destination', directory];
  const told: unknown = JSON.parse(await succeed('npm', args, REPOSITORY));
  // A list of packages up to npm 11, an object of them by name later.
  const [first] = Object.values(told as Record<string, { filename: string; files: { path: string }[] }>);
  if (first === undefined) throw new Error('npm pack tells of no package');
  return { tarball: join(directory, first.filename), files: first.files.map(({ path }) => path).sort() };
}

/**
 * Makes a project in `directory` that has the package of `tarball` and its dependencies installed. @returns Where the
 * package lies.
 */
export async function install(tarball: string, directory: string, { nodeTypes }: Toolchain = NEWEST): Promise<string> {
  const modules = join(directory, 'node_modules');
  const installed = join(modules, 'tsiscsi');
  await mkdir(installed, { recursive: true });
  await writeFile(join(directory, 'package.json'), '{ "type": "module", "private": true }\n');
  await succeed('tar', ['-xzf', tarball, '--strip-components=1', '-C', installed], directory);
  const { dependencies } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  for (const name of Object.keys(dependencies)) await link(name, join(modules, name));
  await link(nodeTypes, join(modules, '@types/node'));
  return installed;
}

/** Runs the compiler of `toolchain` in `directory`. @throws {Error} With what it has to say. */
export async function compile(directory: string, { compiler }: Toolchain, args: readonly string[]): Promise<void> {
  await succeed(process.execPath, [join(REPOSITORY, 'node_modules', compiler, 'bin/tsc'), ...args], directory);
}

/** Lets `path` be the package `name` that the repository has installed. */
async function link(name: string, path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await symlink(join(REPOSITORY, 'node_modules', name), path, 'dir');
}
