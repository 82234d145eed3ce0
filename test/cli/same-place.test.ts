/** `iscsi-dd` copies nothing onto itself, whatever names lead to it. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { link, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { type OpenUnit, sameUnit } from '../../src/cli/same-place.ts';
import { parseUrl } from '../../src/client/url.ts';
import { createTarget } from '../../src/server/index.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { runInShell, runTool } from './run-tool.ts';

const NAME = 'iqn.2003-01.org.example';

test('a file is refused as its own destination, by each of its names', async (t) => {
  const directory = await temporaryDirectory(t);
  const at = (name: string): string => join(directory, name);
  const data = randomBytes(100_000);
  await writeFile(at('x'), data);
  await symlink(at('x'), at('symbolic'));
  await link(at('x'), at('hard'));
  const same = /^iscsi-dd: source and destination are the same; copy by way of a file\n$/;
  for (const name of ['x', 'symbolic', 'hard']) {
    for (const more of [[], ['--seek', '1'], ['--skip', '1', '--seek', '1']]) {
      const { code, stderr } = await runTool('iscsi-dd', [at('x'), at(name), ...more]);
      assert.equal(code, 2, `${name} ${more.join(' ')}`);
      assert.match(stderr, same);
    }
  }
  for (const script of [`"$@" - '${at('hard')}' <'${at('x')}'`, `"$@" '${at('x')}' - >>'${at('hard')}'`]) {
    const { code, stderr } = await runInShell(script, 'iscsi-dd', []);
    assert.equal(code, 2, script);
    assert.match(stderr, same);
  }
  assert.ok((await readFile(at('x'))).equals(data));
});

test('FILE.partial is refused as the source of FILE, which would be written under this name', async (t) => {
  const directory = await temporaryDirectory(t);
  const [partial, file] = [join(directory, 'x.partial'), join(directory, 'x')];
  await writeFile(partial, 'all that is left');
  const { code, stderr } = await runTool('iscsi-dd', [partial, file]);
  assert.equal(code, 2);
  assert.match(stderr, /x\.partial is the source, and the name under which .*x is written until it is complete/);
  assert.equal(await readFile(partial, 'utf8'), 'all that is left');
});

test('a logical unit is refused as its own destination, by each URL that leads to it', async (t) => {
  const target = await createTarget({
    targets: [
      { name: `${NAME}:one`, luns: [{ memory: '1M' }, { memory: '1M' }] },
      { name: `${NAME}:two`, luns: [{ sameAs: { target: `${NAME}:one`, lun: 0 } }] },
    ],
  }).listen({ port: 0 });
  t.after(() => target.close());
  const one = target.url(0, `${NAME}:one`);
  for (const [url, message] of [
    [one, /source and destination are the same; /],
    [one.replace('/0', '/0x0000000000000000'), /source and destination are the same; /],
    [
      one.replace('127.0.0.1', 'localhost'),
      /the same logical unit: both call themselves (naa|t10|eui|iqn)\..*--distinct/,
    ],
    [target.url(0, `${NAME}:two`), /the same logical unit: both call themselves /],
  ] as const) {
    const { code, stderr } = await runTool('iscsi-dd', [one, url]);
    assert.equal(code, 2, `${url}: ${stderr}`);
    assert.match(stderr, message);
  }
  const other = await runTool('iscsi-dd', [one, target.url(1, `${NAME}:one`)]);
  assert.equal(other.code, 0, other.stderr);
});

test('two targets that were set up alike are copied with --distinct', async (t) => {
  const [first, second] = [createTarget({ luns: [{ memory: '1M' }] }), createTarget({ luns: [{ memory: '1M' }] })];
  t.after(() => Promise.all([first.close(), second.close()]).then(() => undefined));
  const urls = [(await first.listen({ port: 0 })).url(0), (await second.listen({ port: 0 })).url(0)];
  assert.equal((await runTool('iscsi-dd', urls)).code, 2);
  assert.equal((await runTool('iscsi-dd', ['--distinct', ...urls])).code, 0);
});

test('sameUnit() goes by names, then by serial number, then by target and LUN', () => {
  const cases: readonly (readonly [Facts, Facts, boolean])[] = [
    [{ names: ['naa.6000', 'x'] }, { names: ['naa.6000'], url: 'b/2' }, true],
    [{ names: ['naa.6000'] }, { names: ['naa.6001'] }, false],
    [{ names: ['naa.6000'] }, { names: ['naa.6000'], blocks: 9 }, false],
    [{ names: ['disk'], serial: '1' }, { names: ['disk'], serial: '2' }, false],
    [{ serial: '1' }, { serial: '1', url: 'b/2' }, true],
    [{ serial: '1' }, { serial: '1', product: 'OTHER' }, false],
    [{}, {}, true],
    [{}, { url: 'a/2' }, false],
    [{}, { url: 'b/1' }, false],
    [{ names: ['naa.6000'] }, { serial: '1' }, true],
  ];
  for (const [a, b, same] of cases) {
    assert.equal(sameUnit(unit(a), unit(b)) !== undefined, same, JSON.stringify([a, b]));
    assert.equal(sameUnit(unit(b), unit(a)) !== undefined, same, JSON.stringify([b, a]));
  }
});

interface Facts {
  readonly names?: readonly string[];
  readonly serial?: string;
  readonly product?: string;
  readonly blocks?: number;
  readonly url?: string;
}

function unit({ names = [], serial, product = 'DISK', blocks = 8, url = 'a/1' }: Facts): OpenUnit {
  const probed = {
    inquiryData: { vendorIdentification: 'ACME', productIdentification: product },
    identity: { serialNumber: serial, names, blocks, blockSize: 512 },
  } as unknown as OpenUnit['lun']['probed'];
  return { url: parseUrl(`iscsi://host/${NAME}:${url}`), lun: { blocks, blockSize: 512, probed } };
}
