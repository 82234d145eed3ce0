/** Devices as they are: answers that are not as the standard has them, and what is made of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScsiTask } from '../../src/scsi/scsi-task.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { senseData } from '../support/speaker/data.ts';
import { type GivenAnswer, RawDiskPort, type SeenCommand } from './raw-disk-port.ts';
import { RAW_WAYS } from './ways.ts';

const INQUIRY = 0x12;
const MODE_SENSE_6 = 0x1a;
const SYNCHRONIZE_CACHE_10 = 0x35;
const ascii = (text: string): number[] => [...new TextEncoder().encode(text)];
/** Standard data of a removable disk with a vendor's field: its byte 1 is the code of the serial number's page. */
const STANDARD = Uint8Array.of(
  0,
  0x80,
  6,
  2,
  51,
  0,
  0,
  2,
  ...ascii('EXAMPLE RAW DISK        0001ABCDEFGHIJKLMNOPQRST'),
);
/** CHECK CONDITION without sense data. */
const UNEXPLAINED: GivenAnswer = { status: 2 };

/** Answers INQUIRY for the pages of `pages` instead of the disk, `standard` being the standard data. */
function inquiryAnswers(
  pages: Readonly<Record<number | 'standard', GivenAnswer | undefined>> | Readonly<Record<string, GivenAnswer>>,
  asked: number[] = [],
): (command: SeenCommand, answer: (result: GivenAnswer) => void) => boolean {
  return ({ cdb, length }, answer) => {
    if (cdb[0] !== INQUIRY) return false;
    const evpd = ((cdb[1] ?? 0) & 1) !== 0;
    if (evpd) asked.push(cdb[2] ?? 0);
    const given = (pages as Readonly<Record<string, GivenAnswer | undefined>>)[evpd ? String(cdb[2]) : 'standard'];
    if (given === undefined) return false;
    const { dataIn, ...rest } = given;
    answer(dataIn === undefined ? given : { ...rest, dataIn: dataIn.subarray(0, length) });
    return true;
  };
}

for (const { name, open } of RAW_WAYS) {
  test(`${name}: a removable disk that ignores EVPD has no serial number, and no page is made of its standard data`, async (t) => {
    const same = { status: 0, dataIn: STANDARD };
    const { lun } = await open(t, {
      onCommand: inquiryAnswers({ standard: same, 0: same, 128: same, 131: same, 176: same, 178: same }),
    });
    const { identity, blockLimits, provisioning } = lun.probed;
    assert.deepEqual([identity?.serialNumber, identity?.names], [undefined, []]);
    assert.deepEqual([blockLimits, provisioning, lun.removable], [undefined, undefined, true]);
    for (const page of ['unitSerialNumber', 0x80] as const) {
      await assert.rejects(lun.inquiry(page as number), {
        code: 'ISCSI_PROTOCOL',
        message: /its standard INQUIRY data/,
      });
    }
    await lun.write(new Uint8Array(512), { position: 0 });
  });

  test(`${name}: a page that tells a wrong length is a page all the same`, async (t) => {
    const serial = (pageLength: number) => ({
      status: 0,
      dataIn: Uint8Array.of(0, 0x80, 0, pageLength, ...ascii('SERIAL-7')),
    });
    for (const [pageLength, wanted] of [
      [8, 'SERIAL-7'],
      [20, 'SERIAL-7'],
      [6, 'SERIAL'],
    ] as const) {
      const { lun } = await open(t, { onCommand: inquiryAnswers({ 128: serial(pageLength) }) });
      assert.equal(lun.probed.identity?.serialNumber, wanted);
    }
  });

  test(`${name}: pages that the list does not name are not asked for`, async (t) => {
    const asked: number[] = [];
    const list = { status: 0, dataIn: Uint8Array.of(0, 0, 0, 3, 0x00, 0x80, 0x83) };
    const { lun } = await open(t, { onCommand: inquiryAnswers({ 0: list }, asked) });
    assert.deepEqual(asked, [0x00, 0x80, 0x83]);
    assert.deepEqual([lun.probed.identity?.serialNumber, lun.probed.blockLimits], ['RAW-0001', undefined]);
  });

  test(`${name}: a list that names nothing that tells who answers is not believed, and one that cannot be had costs no page`, async (t) => {
    const refused = { status: 2, sense: senseData(5, 0x24, 0) };
    for (const list of [{ status: 0, dataIn: Uint8Array.of(0, 0, 0, 2, 0x00, 0xb0) }, refused]) {
      const { lun } = await open(t, { onCommand: inquiryAnswers({ 0: list }) });
      assert.deepEqual([lun.probed.identity?.serialNumber, lun.probed.identity?.names.length], ['RAW-0001', 1]);
      assert.notEqual(lun.probed.blockLimits, undefined);
    }
  });

  test(`${name}: standard data that leaves its length empty has its names, if they came`, async (t) => {
    const dataIn = STANDARD.slice(0, 36);
    dataIn[4] = 0;
    const { lun } = await open(t, { onCommand: inquiryAnswers({ standard: { status: 0, dataIn } }) });
    const { vendorIdentification, productIdentification, productRevisionLevel } = await lun.inquiry();
    assert.deepEqual(
      [vendorIdentification, productIdentification, productRevisionLevel],
      ['EXAMPLE', 'RAW DISK', '0001'],
    );
    assert.equal(lun.inquiryData.productIdentification, 'RAW DISK');
  });

  test(`${name}: GOOD for a READ of which less came is an error, whatever the residual says`, async (t) => {
    const { lun } = await open(t, {
      onCommand: ({ cdb }, answer) => {
        if (cdb[0] !== 0x28) return false;
        answer({ status: 0, dataIn: new Uint8Array(500) });
        return true;
      },
    });
    await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_SHORT_TRANSFER' });
  });
}

test('a page that is refused without a reason is a page that is not there; a flush or a write that is, is an error', async () => {
  const pages = { 0: UNEXPLAINED, 128: UNEXPLAINED, 178: UNEXPLAINED };
  const inquiry = inquiryAnswers(pages);
  const port = new RawDiskPort(new RawDisk(), (command, answer) => {
    if (command.cdb[0] === SYNCHRONIZE_CACHE_10 || command.cdb[0] === 0x2a) answer(UNEXPLAINED);
    else return inquiry(command, answer);
    return true;
  });
  const lun = await LogicalUnit.open(port);
  assert.deepEqual([lun.probed.identity?.serialNumber, lun.probed.provisioning], [undefined, undefined]);
  assert.equal(lun.probed.identity?.names.length, 1);
  await assert.rejects(lun.inquiry(0xb2), { code: 'ISCSI_SCSI_STATUS' });
  await assert.rejects(lun.flush(), { code: 'ISCSI_SCSI_STATUS' });
  await assert.rejects(lun.write(new Uint8Array(512), { position: 0 }), { code: 'ISCSI_SCSI_STATUS' });
});

test('whether there is a write cache must be told: a refusal without a reason does not make a flush pass', async () => {
  const port = new RawDiskPort(new RawDisk(), ({ cdb }, answer) => {
    if (cdb[0] === SYNCHRONIZE_CACHE_10) answer({ status: 2, sense: senseData(5, 0x20, 0) });
    else if (cdb[0] === MODE_SENSE_6) answer(UNEXPLAINED);
    else return false;
    return true;
  });
  await assert.rejects((await LogicalUnit.open(port)).flush(), { code: 'ISCSI_SCSI_STATUS', command: 'MODE_SENSE_6' });
});

/** A port that tells a wrong residual of everything that it reads. */
class Miscounting extends RawDiskPort {
  residual: number | undefined = undefined;

  override newTask(): ScsiTask {
    const task = super.newTask();
    const { residual } = this;
    if (residual === undefined) return task;
    let told: ScsiTask['settle'] = () => undefined;
    Object.defineProperty(task, 'settle', {
      configurable: true,
      get: () => (settled: ScsiTask, error: Parameters<typeof told>[1]) => {
        settled.residualCount = residual;
        settled.residual = residual === 0 ? 'none' : 'underflow';
        told(settled, error);
      },
      set: (settle: typeof told) => {
        told = settle;
      },
    });
    return task;
  }
}

test('parameter data is taken as far as it came, whatever residual is told; data of READ is not', async () => {
  for (const residual of [0, 1, 200, 255]) {
    const port = new Miscounting(new RawDisk());
    port.residual = residual;
    const lun = await LogicalUnit.open(port);
    assert.deepEqual([lun.size, lun.inquiryData.productIdentification], [256 * 512, 'RAW DISK']);
    assert.equal(lun.probed.identity?.serialNumber, 'RAW-0001');
    const read = lun.read(new Uint8Array(512), { position: 0 });
    if (residual === 0) await read;
    else await assert.rejects(read, { code: 'ISCSI_SHORT_TRANSFER' });
  }
  const short = new Miscounting(new RawDisk(), ({ cdb }, answer) => {
    if (cdb[0] !== 0x28) return false;
    answer({ status: 0, dataIn: new Uint8Array(500) });
    return true;
  });
  const lun = await LogicalUnit.open(short);
  short.residual = 0; // GOOD, and no residual: yet 12 bytes did not come
  await assert.rejects(lun.read(new Uint8Array(512), { position: 0 }), {
    code: 'ISCSI_SHORT_TRANSFER',
    message: /12 bytes were not moved/,
  });
});
