/** Parameter data on its way out. */
import type { DeviceTask } from './task.ts';

/**
 * GOOD with as much of `bytes` as the allocation length has room for. Less room than data is no error (SPC, "Allocation
 * length").
 */
export function dataInUpTo(task: DeviceTask, bytes: Uint8Array, allocationLength: number): void {
  const length = Math.min(bytes.length, allocationLength);
  if (length === 0) task.good();
  else task.dataIn(bytes, length);
}
