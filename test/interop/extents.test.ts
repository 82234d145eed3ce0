/**
 * Extents, held against what others know: tgtd tells the holes of its file as the file system has them, and QEMU asks
 * the file system itself, or a target by GET LBA STATUS.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { connect, type Extent, type IscsiLogicalUnit } from '../../src/index.ts';
import { createTarget } from '../../src/server/index.ts';
import { type SeededRandom, seededRandom } from '../pdu/random.ts';
import { qemuImg } from '../support/libiscsi-tools.ts';
import { requirePeer } from '../support/peers.ts';
import { temporaryDirectory } from '../support/temporary.ts';
import { startTgtd } from '../support/tgtd.ts';

const MiB = 2 ** 20;
const SIZE = 8 * MiB;
const NAME = 'iqn.2003-01.org.example:sparse';
/** What file systems have as holes is a multiple of this. */
const STEP = 65_536;

async function extentsOf(lun: IscsiLogicalUnit): Promise<Extent[]> {
  const extents: Extent[] = [];
  for await (const extent of lun.extents()) extents.push(extent);
  return extents;
}

/** What QEMU finds in a file, or behind a URL: joined, as ours are. */
async function mapOf(place: string): Promise<Extent[]> {
  const { code, stdout, stderr } = await qemuImg(['map', '-U', '-f', 'raw', '--output=json', place]);
  assert.equal(code, 0, stderr);
  const extents: Extent[] = [];
  for (const { start, length, data } of JSON.parse(stdout) as { start: number; length: number; data: boolean }[]) {
    const last = extents.at(-1);
    const type = data ? 'data' : 'hole';
    if (last?.type === type) extents.splice(-1, 1, { ...last, length: last.length + length });
    else extents.push({ offset: start, length, type });
  }
  return extents;
}

/** Writes here, gives back there. */
async function scribble(lun: IscsiLogicalUnit, random: SeededRandom): Promise<void> {
  for (let round = 0; round < 12; round++) {
    const position = random.below(SIZE / STEP) * STEP;
    const length = Math.min((1 + random.below(8)) * STEP, SIZE - position);
    if (random.below(3) > 0) await lun.write(new Uint8Array(length).fill(1 + round), { position });
    else await lun.trim({ position, length });
  }
  await lun.flush();
}

/** Whether both tools are here that a test needs. */
function qemuIsHere(t: TestContext): boolean {
  return requirePeer(t, 'qemu-img', 'qemu-utils');
}

test("tgtd's answers are the holes of its file, as the file system has them", async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt') || !qemuIsHere(t)) return;
  const luns = [{ sizeMiB: SIZE / MiB, params: { thin_provisioning: '1' } }];
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns }] });
  await using lun = await connect(tgtd.url(NAME, 1));
  const random = seededRandom();
  for (let round = 0; round < 5; round++) {
    await scribble(lun, random);
    const extents = await extentsOf(lun);
    assert.deepEqual(extents, await mapOf(tgtd.backingFile(NAME, 1)), random.note);
    assert.ok(extents.length > 2, random.note);
  }
  assert.equal(lun.knowsExtents, true);
});

test('our target on a sparse file calls a hole nothing that is none, and tells QEMU what it tells us', async (t) => {
  if (!qemuIsHere(t)) return;
  const file = join(await temporaryDirectory(t), 'disk');
  await using target = await createTarget({ name: NAME, luns: [{ file, size: SIZE }] }).listen({ port: 0 });
  await using lun = await connect(target.url(0));
  assert.deepEqual(await extentsOf(lun), [{ offset: 0, length: SIZE, type: 'hole' }]);
  const random = seededRandom();
  for (let round = 0; round < 5; round++) {
    await scribble(lun, random);
    const extents = await extentsOf(lun);
    const real = (await mapOf(file)).filter(({ type }) => type === 'hole');
    for (const { offset, length } of extents.filter(({ type }) => type === 'hole')) {
      const inside = real.some((hole) => hole.offset <= offset && offset + length <= hole.offset + hole.length);
      assert.ok(inside, `${random.note}: ${length} bytes at ${offset} are no hole`);
    }
    assert.deepEqual(await mapOf(target.url(0)), extents, random.note);
  }
});
