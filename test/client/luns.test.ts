/** Which logical units a target has, and how they are addressed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, openSession } from '../../src/client/connect.ts';
import { RawTarget } from '../support/raw-target.ts';
import { senseData } from '../support/speaker/data.ts';
import { RawDisk, type RawResult } from './raw-disk.ts';

const NOT_SUPPORTED: RawResult = { status: 2, sense: senseData(5, 0x25, 0) };
const REPORT_LUNS = 0xa0;

/** A disk behind one LUN field alone, by its first two bytes; its list is told at another. */
class AtAddress extends RawDisk {
  readonly at: number;
  readonly listAt: number;
  readonly list: readonly number[];

  constructor(at: number, listAt: number, list: readonly number[]) {
    super();
    this.at = at;
    this.listAt = listAt;
    this.list = list;
  }

  override execute(cdb: Uint8Array, dataOut: Uint8Array, lun: number): RawResult {
    if (cdb[0] === REPORT_LUNS && lun === this.listAt) {
      const entries = this.list.flatMap((address) => [address >> 8, address & 0xff, 0, 0, 0, 0, 0, 0]);
      return { status: 0, dataIn: Uint8Array.of(0, 0, 0, entries.length, 0, 0, 0, 0, ...entries) };
    }
    return lun === this.at ? super.execute(cdb, dataOut, 0) : NOT_SUPPORTED;
  }
}

test('where there is no LUN 0, the well-known logical unit is asked for the list', async (t) => {
  const { url } = await listening(t, new AtAddress(0x0064, 0xc101, [0x0064, 0x0065]));
  const session = await openSession(url);
  t.after(() => session.close());
  const luns = await session.reportLuns();
  assert.deepEqual(
    luns.map(({ text }) => text),
    ['100', '101'],
  );
  assert.equal((await session.logicalUnit(100)).size, 256 * 512);
  await assert.rejects(session.logicalUnit(5), { code: 'ISCSI_LUN_NOT_FOUND', hint: 'it has LUN 100, 101' });
});

test('where nobody tells the list, the answer of LUN 0 is the error', async (t) => {
  const { url } = await listening(t, new AtAddress(5, 7, []));
  const session = await openSession(url);
  t.after(() => session.close());
  await assert.rejects(session.reportLuns(), { code: 'ISCSI_SCSI_STATUS', unitName: 'LUN 0' });
});

test('a LUN that the target has in another addressing method is found by its number', async (t) => {
  const { url } = await listening(t, new AtAddress(0x4001, 0, [0x4001]));
  const lun = await connect(`${url}/1`);
  t.after(() => lun.close());
  assert.deepEqual([lun.size, lun.lun.high, lun.lunText], [256 * 512, 0x4001_0000, '0x4001000000000000']);
  await lun.write(new Uint8Array(512).fill(7), { position: 0 });
  assert.equal((await lun.session.logicalUnit(1)).size, 256 * 512);
  await assert.rejects(lun.session.logicalUnit(2), { code: 'ISCSI_LUN_NOT_FOUND' });
});

test('a LUN that is written as eight bytes, or is in the list as it was asked for, is not looked for elsewhere', async (t) => {
  const bytes = await listening(t, new AtAddress(0x0001, 0, [0x0001]));
  await assert.rejects(connect(`${bytes.url}/0x4001000000000000`), { code: 'ISCSI_LUN_NOT_FOUND' });
  const both = await listening(t, new AtAddress(0x4001, 0, [0x0001, 0x4001]));
  await assert.rejects(connect(`${both.url}/1`), { code: 'ISCSI_LUN_NOT_FOUND' });
});

async function listening(t: Parameters<typeof RawTarget.listen>[0], disk: RawDisk) {
  const target = await RawTarget.listen(t, { disk });
  return { url: target.url().replace(/\/0$/, '') };
}
