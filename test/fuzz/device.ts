/**
 * The device server for the fuzzer: whatever CDB and data come, the command gets exactly one answer and nothing is
 * thrown.
 */
import assert from 'node:assert/strict';
import { concat, hex } from '../../src/bytes/hex.ts';
import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { FakeTask, NEXUS } from '../device/fake.ts';

/** One target and inputs that it takes, to begin with. */
export interface DeviceFuzz {
  readonly name: string;
  /** Runs one command: a CDB of 16 bytes (shorter input is filled up with zeros) and the data behind it. */
  parse(bytes: Uint8Array): void;
  readonly seeds: Uint8Array[];
}

const CDB_LENGTH = 16;
const MEMORY_LIMIT = 4 * 1024 * 1024;

/** CDBs of 16 bytes with the data that goes with them. */
const SEEDS = [
  ['00', ''],
  ['03 01 00 00 ff', ''],
  ['08 00 00 00 01', ''],
  ['0a 00 00 00 01', 'aa'.repeat(512)],
  ['12 01 83 00 ff', ''],
  ['15 10 00 00 10', '00000000 0a0a000008000000 00000000'],
  ['1a 00 3f 00 ff', ''],
  ['1b 00 00 00 01', ''],
  ['1d 04', ''],
  ['1e 00 00 00 01', ''],
  ['25', ''],
  ['28 08 00000000 00 0008', ''],
  ['2a 08 00000000 00 0001', 'bb'.repeat(512)],
  ['2e 02 00000000 00 0001', 'cc'.repeat(512)],
  ['2f 06 00000000 00 0001', 'dd'.repeat(512)],
  ['35 02', ''],
  ['41 08 00000000 00 0010', '00'.repeat(512)],
  ['42 00 00000000 00 0018', '0016001000000000 0000000000000000 00000001 00000000'],
  ['55 10 000000 0000 001c', `0000000000000008 0000080000000200 08120400 ${'00'.repeat(16)}`],
  ['5a 10 3f 00 000000 00ff', ''],
  ['88 00 0000000000000000 00000008', ''],
  ['8a 00 0000000000000000 00000001', 'ee'.repeat(512)],
  ['8f 02 0000000000000000 00000001', 'ff'.repeat(512)],
  ['91 00', ''],
  ['93 09 0000000000000000 00000010', ''],
  ['9e 10 0000000000000000 00000020', ''],
  ['9e 12 0000000000000000 00000100', ''],
  ['a0 00 00 000000 000000ff', ''],
  ['a3 0c 80 00 0000 0000ffff', ''],
  ['a3 0c 02 9e 0010 0000ffff', ''],
] as const;

/** The device server as a target of the fuzzer. Its state lives on from input to input, as that of a real unit. */
export const deviceFuzz: DeviceFuzz[] = [deviceTarget('a thin unit', 512), deviceTarget('blocks of 4096 bytes', 4096)];

function deviceTarget(name: string, blockSize: number): DeviceFuzz {
  const store = new MemoryStore({ size: 2 ** 40, blockSize, memoryLimit: MEMORY_LIMIT });
  const device = new DeviceServer({ name: 'iqn.2003-01.org.example:fuzz' });
  device.attach(0, new DeviceLogicalUnit(store, { serial: 'fuzz' }));
  device.nexusStarted(NEXUS);
  const parse = (bytes: Uint8Array) => {
    runOne(device, bytes);
    assert.ok(store.memoryUsed <= MEMORY_LIMIT, `${store.memoryUsed} bytes in use`);
  };
  const seeds = SEEDS.map(([cdb, data]) => {
    const bytes = hex(cdb);
    return concat(bytes, new Uint8Array(CDB_LENGTH - bytes.length), hex(data));
  });
  return { name: `device server: ${name}`, parse, seeds };
}

/** Runs a command on LUN 0, or where the first byte is 0xee on a LUN without unit. */
export function runOne(device: DeviceServer, bytes: Uint8Array): FakeTask {
  const cdb = bytes.subarray(0, CDB_LENGTH);
  const data = bytes.subarray(CDB_LENGTH);
  const high = bytes[0] === 0xee ? 0x0007_0000 : 0;
  const probe = new FakeTask(cdb);
  const wanted = device.dataOutLength(high, 0, probe.cdb, probe.cdbLength);
  assert.ok(wanted >= 0 && wanted <= 8 * 1024 * 1024, `data-out of ${wanted} bytes asked for`);
  const task = new FakeTask(cdb, data.slice(0, wanted), NEXUS);
  task.submit(device, high, 0);
  assert.notEqual(task.outcome, undefined, 'a RAM store answers at once');
  assert.ok(task.data.length <= 8 * 1024 * 1024);
  return task;
}
