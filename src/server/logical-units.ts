import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DeviceLogicalUnit } from '../device/device-logical-unit.ts';
import { MemoryStore } from '../device/memory-store.ts';
import { DeviceServer } from '../device/scsi-device.ts';
import type { BlockStore } from '../device/store.ts';
import { type FileStoreOptions, openFileStore } from '../node/file-store.ts';
import type { FileLun, LunDefinition, MemoryLun, TargetSpec } from './options.ts';
import { parseSize } from './size.ts';

/** A target whose stores are open. */
export interface OpenTarget {
  readonly spec: TargetSpec;
  readonly device: DeviceServer;
  readonly units: ReadonlyMap<number, DeviceLogicalUnit>;
}

/** Opens the stores of a target and puts them into a device. When one of them fails, those that are open are closed again. */
export async function openTarget(spec: TargetSpec): Promise<OpenTarget> {
  const device = new DeviceServer({ name: spec.name });
  const units = new Map<number, DeviceLogicalUnit>();
  try {
    for (const [lun, options] of numbered(spec.luns)) {
      const unit = await openUnit(spec.name, lun, options);
      units.set(lun, unit);
      device.attach(lun, unit);
    }
  } catch (error) {
    await closeUnits(units.values());
    throw error;
  }
  return { spec, device, units };
}

/** Closes logical units, all of them, whatever happens on the way. @throws The first error. */
export async function closeUnits(units: Iterable<DeviceLogicalUnit>): Promise<void> {
  const results = await Promise.allSettled([...units].map((unit) => unit.close()));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** Gives each logical unit its number: the one that it asks for, or the next free one. */
function numbered(luns: readonly LunDefinition[]): readonly (readonly [number, LunDefinition])[] {
  const taken = new Set(luns.map(({ lun }) => lun));
  let next = 0;
  return luns.map((options) => {
    if (options.lun !== undefined) return [options.lun, options] as const;
    while (taken.has(next)) next++;
    taken.add(next);
    return [next, options] as const;
  });
}

async function openUnit(name: string, lun: number, options: LunDefinition): Promise<DeviceLogicalUnit> {
  const store = await openStore(options);
  try {
    return new DeviceLogicalUnit(store, {
      ...namesOf(options),
      serial: options.serial ?? serialOf(name, lun, options),
    });
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openStore(lun: LunDefinition): Promise<BlockStore> {
  if ('store' in lun) return lun.store;
  return 'memory' in lun ? memoryStore(lun) : await fileStore(lun);
}

function memoryStore({ memory, blockLength, readOnly }: MemoryLun): MemoryStore {
  return new MemoryStore({
    size: parseSize(memory),
    ...(blockLength === undefined ? {} : { blockLength }),
    ...(readOnly === undefined ? {} : { readOnly }),
  });
}

async function fileStore(lun: FileLun): Promise<BlockStore> {
  const { file, size, create = true, blockLength, readOnly, writeCache } = lun;
  if (!create) await access(file);
  const options: FileStoreOptions = {
    ...(size === undefined ? {} : { size: parseSize(size) }),
    ...(blockLength === undefined ? {} : { blockLength }),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(writeCache === undefined ? {} : { writeCache }),
  };
  return await openFileStore(file, options);
}

function namesOf({ vendor, product, revision }: LunDefinition): {
  vendor?: string;
  product?: string;
  revision?: string;
} {
  return {
    ...(vendor === undefined ? {} : { vendor }),
    ...(product === undefined ? {} : { product }),
    ...(revision === undefined ? {} : { revision }),
  };
}

const FNV_OFFSET = 0xcbf2_9ce4_8422_2325n;
const FNV_PRIME = 0x100_0000_01b3n;

/** A serial number that is the same whenever the same file, or place in RAM, is served under the same name: 16 hex digits. */
function serialOf(name: string, lun: number, options: LunDefinition): string {
  const what = 'file' in options ? `file ${resolve(options.file)}` : 'memory' in options ? 'memory' : 'store';
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(`${name}\n${lun}\n${what}`)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  }
  return hash.toString(16).padStart(16, '0');
}
