import { access } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DeviceLogicalUnit } from '../device/device-logical-unit.ts';
import { MemoryStore } from '../device/memory-store.ts';
import { DeviceServer } from '../device/scsi-device.ts';
import type { BlockStore } from '../device/store.ts';
import { CLOCK } from '../node/clock.ts';
import { type FileStoreOptions, openFileStore } from '../node/file-store.ts';
import { LOOP_PACE } from '../node/pace.ts';
import { isOwn, numbered, originOf } from './numbering.ts';
import type { FileLun, MemoryLun, OwnLun, TargetSpec } from './options.ts';
import { sizeInBytes } from './size.ts';

/** A target whose stores are open. */
export interface OpenTarget {
  readonly spec: TargetSpec;
  readonly device: DeviceServer;
  /** Those that it has made, by number; not those of other targets that it shares. */
  readonly units: ReadonlyMap<number, DeviceLogicalUnit>;
}

/**
 * Opens the stores of targets and puts them into devices. When one of them fails, those that are open are closed again.
 * Shared logical units must have been checked.
 */
export async function openTargets(specs: readonly TargetSpec[]): Promise<readonly OpenTarget[]> {
  const open: OpenTarget[] = [];
  try {
    for (const spec of specs) open.push(await openTarget(spec));
    for (const target of open) attachShared(target, open);
    return open;
  } catch (error) {
    await abandonUnits(open.flatMap(({ units }) => [...units.values()]));
    throw error;
  }
}

async function openTarget(spec: TargetSpec): Promise<OpenTarget> {
  const device = new DeviceServer({ name: spec.name });
  const units = new Map<number, DeviceLogicalUnit>();
  try {
    for (const [lun, definition] of numbered(spec.luns)) {
      if (!isOwn(definition)) continue;
      const unit = await openUnit(spec.name, lun, definition);
      units.set(lun, unit);
      device.attach(lun, unit);
    }
  } catch (error) {
    await abandonUnits(units.values());
    throw error;
  }
  return { spec, device, units };
}

function attachShared({ spec, device }: OpenTarget, all: readonly OpenTarget[]): void {
  for (const [number, definition] of numbered(spec.luns)) {
    if (isOwn(definition)) continue;
    const { target, lun } = originOf(definition);
    const unit = all.find((other) => other.spec.name === target)?.units.get(lun);
    if (unit !== undefined) device.attach(number, unit);
  }
}

/** Closes logical units, all of them, whatever happens on the way. @throws The first error. */
export async function closeUnits(units: Iterable<DeviceLogicalUnit>): Promise<void> {
  const results = await Promise.allSettled([...units].map((unit) => unit.close()));
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/**
 * Closes logical units of a target that did not come to listen, all of them, and takes away what opening them has made,
 * such as image files. What fails by it is not told: why it did not listen is what the caller wants to know.
 */
export async function abandonUnits(units: Iterable<DeviceLogicalUnit>): Promise<void> {
  await Promise.allSettled([...units].map((unit) => unit.abandon()));
}

async function openUnit(name: string, lun: number, options: OwnLun): Promise<DeviceLogicalUnit> {
  const store = await openStore(options);
  try {
    return new DeviceLogicalUnit(store, {
      ...namesOf(options),
      serial: options.serial ?? serialOf(name, lun, options),
      pace: LOOP_PACE,
      clock: CLOCK,
    });
  } catch (error) {
    await (store.abandon === undefined ? store.close() : store.abandon());
    throw error;
  }
}

async function openStore(lun: OwnLun): Promise<BlockStore> {
  if ('store' in lun) return lun.store;
  return 'memory' in lun ? memoryStore(lun) : await fileStore(lun);
}

function memoryStore({ memory, blockSize, readOnly }: MemoryLun): MemoryStore {
  return new MemoryStore({
    size: sizeInBytes(memory),
    ...(blockSize === undefined ? {} : { blockSize }),
    ...(readOnly === undefined ? {} : { readOnly }),
  });
}

async function fileStore(lun: FileLun): Promise<BlockStore> {
  const { file, size, create = true, blockSize, readOnly, writeCache } = lun;
  if (!create) await access(file);
  const options: FileStoreOptions = {
    ...(size === undefined ? {} : { size: sizeInBytes(size) }),
    ...(blockSize === undefined ? {} : { blockSize }),
    ...(readOnly === undefined ? {} : { readOnly }),
    ...(writeCache === undefined ? {} : { writeCache }),
  };
  return await openFileStore(file, options);
}

function namesOf({ vendor, product, revision }: OwnLun): {
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

/**
 * A serial number that is the same whenever the same file, or place in RAM, is served under the same name: 16 hex
 * digits.
 */
function serialOf(name: string, lun: number, options: OwnLun): string {
  const what = 'file' in options ? `file ${resolve(options.file)}` : 'memory' in options ? 'memory' : 'store';
  let hash = FNV_OFFSET;
  for (const byte of new TextEncoder().encode(`${name}\n${lun}\n${what}`)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME);
  }
  return hash.toString(16).padStart(16, '0');
}
