/** What a logical unit is asked, and what is believed of its answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { capacityData, readCapacity } from '../../src/unit/capacity.ts';
import { inquiryBytes } from '../../src/unit/inquiry.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { becomeReady } from '../../src/unit/probe.ts';
import { reportLuns } from '../../src/unit/report-luns.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { senseData } from '../support/speaker/data.ts';
import { type GivenAnswer, RawDiskPort, type SeenCommand } from './raw-disk-port.ts';

const INQUIRY = 0x12;
const READ_CAPACITY_10 = 0x25;
const READ_CAPACITY_16 = 0x9e;
const SYNCHRONIZE_CACHE_10 = 0x35;
const MODE_SENSE_6 = 0x1a;
const REPORT_LUNS = 0xa0;
const UNKNOWN: GivenAnswer = { status: 2, sense: senseData(5, 0x20, 0) };

/** A port whose disk answers some operation codes as `answers` says; `asked` notes all commands with one of them. */
function answering(answers: Readonly<Record<number, (command: SeenCommand) => GivenAnswer>>) {
  const asked: SeenCommand[] = [];
  const port = new RawDiskPort(new RawDisk(), (command, answer) => {
    const given = answers[command.cdb[0] ?? 0];
    if (given === undefined) return false;
    asked.push(command);
    answer(given(command));
    return true;
  });
  return { port, asked };
}

function good(...bytes: readonly number[]): GivenAnswer {
  return { status: 0, dataIn: Uint8Array.from(bytes) };
}

test('the capacity of a device that does not know READ CAPACITY(16) comes from READ CAPACITY(10)', async () => {
  const { port, asked } = answering({
    [READ_CAPACITY_16]: () => UNKNOWN,
    [READ_CAPACITY_10]: () => good(0, 0, 0, 99, 0, 0, 2, 0),
  });
  const capacity = await readCapacity(port, {});
  assert.deepEqual(
    [capacity.blocks, capacity.blockSize, capacity.physicalBlockSize, capacity.source, capacity.details],
    [100, 512, 512, 'READ_CAPACITY_10', undefined],
  );
  assert.equal(asked.length, 2);
  assert.equal((await LogicalUnit.open(port)).size, 51_200);
});

test('a capacity that cannot be is refused by who computes with it, and given by who only asks', async () => {
  const huge = (...last: readonly number[]) => answering({ [READ_CAPACITY_16]: () => good(...last, 0, 0, 2, 0) }).port;
  const everything = huge(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  await assert.rejects(readCapacity(everything, {}), { code: 'ISCSI_PROTOCOL', message: /2\^53 blocks or more/ });
  assert.equal((await capacityData(everything, {})).bytes[0], 0xff);
  await assert.rejects(readCapacity(huge(0, 0x0f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), {}), { code: 'ISCSI_USAGE' });
  const short = answering({ [READ_CAPACITY_16]: () => good(1, 2, 3) }).port;
  await assert.rejects(readCapacity(short, {}), { code: 'ISCSI_PROTOCOL' });
});

test('INQUIRY data is asked for again when it is longer, and cut to the length that it tells of', async () => {
  const pages = new Map([
    [0xc0, [0, 0xc0, 0x01, 0x2c, ...new Array(300).fill(1)]], // 304 bytes
    [0xc1, [0, 0xc1, 0, 2, 1, 2, 9, 9, 9]], // three bytes more than it says
    [0xc2, [0, 0xc2, 0, 200, 1, 2]], // fewer than it says
  ]);
  const { port, asked } = answering({ [INQUIRY]: ({ cdb }) => good(...(pages.get(cdb[2] ?? 0) ?? [])) });
  const fetch = (pageCode: number) => inquiryBytes(port, { evpd: true, pageCode }, {});
  assert.equal((await fetch(0xc0)).length, 304);
  assert.deepEqual(
    asked.map(({ length }) => length),
    [255, 304],
  );
  assert.deepEqual([...(await fetch(0xc1))], [0, 0xc1, 0, 2, 1, 2]);
  assert.equal((await fetch(0xc2)).length, 6);
  assert.equal(asked.length, 4, 'a short answer is not asked for again');
});

test('a list of LUNs that does not fit is asked for again, with room for what there is and no more than there can be', async () => {
  const list = (fullLength: number) => (command: SeenCommand) => {
    const data = new Uint8Array(Math.min(command.length, 8 + fullLength));
    new DataView(data.buffer).setUint32(0, fullLength);
    return { status: 0, dataIn: data };
  };
  const many = answering({ [REPORT_LUNS]: list(8 * 1000) });
  assert.equal((await reportLuns(many.port, {})).length, 1000);
  assert.deepEqual(
    many.asked.map(({ length }) => length),
    [1040, 8008],
  );
  const liar = answering({ [REPORT_LUNS]: list(0xffff_fff8) });
  assert.equal((await reportLuns(liar.port, {})).length, 65_536);
  assert.equal(liar.asked.at(-1)?.length, 8 + 8 * 65_536);
});

test('flush() of a device without SYNCHRONIZE CACHE passes where there is no volatile cache, and fails where there is', async () => {
  const cachingPage = (wce: number) => good(23, 0, 0, 0, 0x08, 18, wce, ...new Array(17).fill(0));
  for (const [modeSense, passes] of [
    [UNKNOWN, true],
    [cachingPage(0), true],
    [cachingPage(4), false],
  ] as const) {
    const { port } = answering({ [SYNCHRONIZE_CACHE_10]: () => UNKNOWN, [MODE_SENSE_6]: () => modeSense });
    const flushed = (await LogicalUnit.open(port)).flush();
    if (passes) await flushed;
    else await assert.rejects(flushed, { message: /^Cannot flush LUN 0: it has a volatile write cache/ });
  }
});

test('becomeReady() tells a missing medium from a reservation and from a device that is not ready', async () => {
  const after = (answer: GivenAnswer) => answering({ 0: () => answer }).port;
  assert.equal(await becomeReady(after({ status: 0 }), {}), true);
  assert.equal(await becomeReady(after({ status: 0x18 }), {}), true);
  assert.equal(await becomeReady(after({ status: 2, sense: senseData(2, 0x3a, 0) }), {}), false);
  await assert.rejects(becomeReady(after({ status: 2, sense: senseData(2, 0x04, 0x03) }), {}), {
    code: 'ISCSI_SCSI_STATUS',
  });
});

test('a device that claims blocks of gigabytes is refused with what is allowed, before anything is allocated for one', async () => {
  const claim = (length: readonly number[]) => ({
    [READ_CAPACITY_16]: () => good(0, 0, 0, 0, 0, 0, 0, 99, ...length),
  });
  for (const [length, size] of [
    [[0xff, 0xff, 0xff, 0xff], 0xffff_ffff],
    [[0, 0x10, 0, 1], 1_048_577],
  ] as const) {
    await assert.rejects(LogicalUnit.open(answering(claim(length)).port), {
      code: 'ISCSI_USAGE',
      message: `Cannot use blocks of ${size} bytes, as the device claims: up to 1048576 are supported`,
    });
  }
  const large = await LogicalUnit.open(answering(claim([0, 0x10, 0, 0])).port);
  assert.equal(large.blockSize, 1_048_576);
});
