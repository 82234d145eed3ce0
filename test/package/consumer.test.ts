import assert from 'node:assert/strict';
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { startTarget } from '../cli/run-tool.ts';
import { REPOSITORY } from '../support/repository.ts';
import { compile, install, LEAST, NEWEST, pack, succeed, type Toolchain } from './support/installed.ts';

const PROGRAM = join(REPOSITORY, 'test/package/consumer/user.ts');
/** Strict, and no declarations are taken on trust but those that come with the compiler. */
const OPTIONS = {
  strict: true,
  target: 'ES2022',
  types: ['node'],
  skipLibCheck: false,
  skipDefaultLibCheck: true,
  outDir: 'built',
};
/** Every way of finding a package by its `exports`. */
const MODULES = [
  { module: 'node16' },
  { module: 'nodenext' },
  { module: 'esnext', moduleResolution: 'bundler' },
] as const;

const directory = await mkdtemp(join(tmpdir(), 'tsiscsi-package-'));
after(() => rm(directory, { recursive: true, force: true }));
const { tarball } = await pack(directory);

test("a user's program compiles against the packed package in every module mode, and runs", async () => {
  const project = await projectWith(NEWEST);
  for (const mode of MODULES) await compile(project, NEWEST, ['-p', await configuration(project, mode)]);
  const told = await succeed(process.execPath, ['built/user.js'], project);
  assert.deepEqual(told.split('\n'), [
    'true iscsi://user%***@[::1]/iqn.2026-11.dev:t/0',
    'iqn.2026-11.dev.tsiscsi:target at 1 portal',
    '4194304 5 hello 64',
    '512',
    'true GOOD true',
    'INQUIRY INQUIRY true',
    'true',
    '0 2',
    'true it has LUN 0, 1',
    '',
  ]);
});

test('it compiles with the least TypeScript and @types/node that README.md promises', async () => {
  const readme = await readFile(join(REPOSITORY, 'README.md'), 'utf8');
  const [, typescript, nodeTypes] = /TypeScript ([\d.]+) and `@types\/node` ([\d.]+)/.exec(readme) ?? [];
  assert.equal(await majorAndMinor(LEAST.compiler), typescript);
  assert.equal(await majorAndMinor(LEAST.nodeTypes), nodeTypes);
  const project = await projectWith(LEAST);
  await compile(project, LEAST, ['-p', await configuration(project, MODULES[0])]);
});

test('the examples of the package are programs that users can compile and run', async () => {
  const project = await projectWith(NEWEST);
  const examples = join(project, 'node_modules/tsiscsi/examples');
  const names = (await readdir(examples)).map((name) => name.replace(/\.ts$/, ''));
  assert.ok(names.includes('first'));
  // As the README has it: .mts is a module, whatever package.json says.
  for (const name of names) await copyFile(join(examples, `${name}.ts`), join(project, `${name}.mts`));
  const files = names.map((name) => `${name}.mts`);
  await compile(project, NEWEST, ['-p', await configuration(project, MODULES[0], files)]);
  const told = await succeed(process.execPath, ['built/first.mjs'], project);
  assert.equal(told, '67108864 bytes in blocks of 512, and at 1000: hello\n');
});

test('the types are checked: a program that misuses the package does not compile', async () => {
  const project = await projectWith(NEWEST);
  await writeFile(join(project, 'user.ts'), "import { connect } from 'tsiscsi';\nawait connect(5);\n");
  const config = await configuration(project, MODULES[0]);
  await assert.rejects(compile(project, NEWEST, ['-p', config]), /user\.ts\(2,15\): error TS2345/);
});

test('a program in plain JavaScript needs neither TypeScript nor types', async () => {
  const project = await mkdtemp(join(directory, 'plain-'));
  await install(tarball, project);
  await rm(join(project, 'node_modules/@types'), { recursive: true });
  const code = "const { cdb } = await import('tsiscsi/scsi'); console.log(cdb('TEST_UNIT_READY', {}).length);";
  assert.equal(await succeed(process.execPath, ['--input-type=module', '-e', code], project), '6\n');
});

test('the synchronous entrance finds its thread in the package, from a module and from a program on the command line', async (t) => {
  const project = await projectWith(NEWEST);
  const { urls } = await startTarget(t, ['--memory', '1M']);
  const program = `
    import { type ConnectSyncOptions, connectSync, discoverSync, type SyncLogicalUnit } from 'tsiscsi/sync';
    import { IscsiError } from 'tsiscsi';
    const options: ConnectSyncOptions = { timeout: 5000 };
    using lun: SyncLogicalUnit = connectSync('${urls[0]}', options);
    lun.writeSync(Buffer.from('hello'), { position: 1000 });
    try {
      lun.readSync(Buffer.alloc(5), { position: -1 });
    } catch (error) {
      console.log(error instanceof IscsiError && error.code);
    }
    console.log(lun.readSync(Buffer.alloc(5), { position: 1000 }).buffer.toString());`;
  await writeFile(join(project, 'sync.ts'), program);
  await compile(project, NEWEST, ['-p', await configuration(project, MODULES[0], ['sync.ts'])]);
  assert.equal(await succeed(process.execPath, ['built/sync.js'], project), 'ISCSI_USAGE\nhello\n');
  const code = `import { connectSync } from 'tsiscsi/sync'; const lun = connectSync('${urls[0]}'); console.log(lun.size);`;
  assert.equal(await succeed(process.execPath, ['--input-type=module', '-e', code], project), '1048576\n');
});

test('every command of the package starts, and knows its version', async () => {
  const project = await mkdtemp(join(directory, 'tools-'));
  const installed = await install(tarball, project);
  const { bin, version } = JSON.parse(await readFile(join(installed, 'package.json'), 'utf8'));
  assert.ok(Object.keys(bin).length > 5);
  for (const [name, path] of Object.entries<string>(bin)) {
    const told = await succeed(process.execPath, [join(installed, path), '--version'], project);
    assert.equal(told.replace(' (tsiscsi)', ''), `${name} ${version}\n`);
  }
});

async function projectWith(toolchain: Toolchain): Promise<string> {
  const project = await mkdtemp(join(directory, 'user-'));
  await install(tarball, project, toolchain);
  await copyFile(PROGRAM, join(project, 'user.ts'));
  return project;
}

/** Writes a tsconfig with these settings. @returns Its path. */
async function configuration(
  project: string,
  mode: (typeof MODULES)[number],
  files: readonly string[] = ['user.ts'],
): Promise<string> {
  const path = join(project, `tsconfig.${mode.module}.json`);
  await writeFile(path, JSON.stringify({ compilerOptions: { ...OPTIONS, ...mode }, files }));
  return path;
}

async function majorAndMinor(name: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(REPOSITORY, 'node_modules', name, 'package.json'), 'utf8'));
  return version.split('.').slice(0, 2).join('.');
}
