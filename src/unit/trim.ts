import { IscsiError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import { writeUnmapList } from '../scsi/data/unmap-list.ts';
import { command } from './attempts.ts';
import type { TransferUnit } from './block-transfer.ts';
import type { CommandOptions } from './options.ts';
import type { Probe } from './probe.ts';
import { SentInPart } from './sent-in-part.ts';

const MOST_BLOCKS = 0xffff_ffff;

/** What trimming needs of a logical unit. */
export interface TrimmableUnit extends TransferUnit {
  readonly probed: Pick<Probe, 'blockLimits' | 'provisioning'>;
}

/**
 * Gives whole blocks back to a thinly provisioned logical unit: by UNMAP, or by WRITE SAME with the UNMAP bit where
 * only that is known. One command at a time, each within the limits that the device names.
 */
export async function trimBlocks(
  unit: TrimmableUnit,
  address: number,
  blocks: number,
  options: CommandOptions,
): Promise<void> {
  const { blockLimits, provisioning } = unit.probed;
  if (provisioning?.lbpu && (blockLimits?.maximumUnmapLbaCount ?? MOST_BLOCKS) > 0) {
    await inSteps(
      address,
      blocks,
      Math.min(blockLimits?.maximumUnmapLbaCount ?? MOST_BLOCKS, MOST_BLOCKS),
      (from, count) => unmap(unit, from, count, options),
    );
  } else if (provisioning?.lbpws) {
    const limit = blockLimits?.maximumWriteSameLength ?? 0;
    await inSteps(address, blocks, limit === 0 ? 0xffff : Math.min(limit, MOST_BLOCKS), (from, count) =>
      writeSame(unit, from, count, options),
    );
  } else {
    throw new IscsiError('ISCSI_USAGE', `Cannot trim ${unit.port.unitName}: the logical unit does not support it`, {
      hint: 'it is fully provisioned; write zeros instead if the content has to go',
    });
  }
}

async function inSteps(
  address: number,
  blocks: number,
  step: number,
  send: (from: number, count: number) => Promise<void>,
): Promise<void> {
  const whole = new SentInPart();
  try {
    for (let done = 0; done < blocks; done += step) {
      await whole.step(send(address + done, Math.min(step, blocks - done)));
    }
  } catch (error) {
    throw whole.errorOf(error);
  }
}

async function unmap(
  unit: TrimmableUnit,
  logicalBlockAddress: number,
  numberOfLogicalBlocks: number,
  options: CommandOptions,
): Promise<void> {
  const dataOut = writeUnmapList([{ logicalBlockAddress, numberOfLogicalBlocks }]);
  const request = { ...options, cdb: cdb('UNMAP', { parameterListLength: dataOut.length }), dataOut };
  await command(unit.port, request, unit);
}

async function writeSame(
  unit: TrimmableUnit,
  logicalBlockAddress: number,
  numberOfLogicalBlocks: number,
  options: CommandOptions,
): Promise<void> {
  const dataOut = new Uint8Array(unit.blockSize);
  const bytes = cdb('WRITE_SAME_16', { unmap: 1, logicalBlockAddress, numberOfLogicalBlocks });
  await command(unit.port, { ...options, cdb: bytes, dataOut }, unit);
}
