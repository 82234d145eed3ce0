import type { ScsiPort } from '../scsi/port.ts';
import type { ScsiRequest, ScsiResult } from '../scsi/request.ts';
import type { BlockDevice, BytesRead, BytesWritten, RangeOptions } from './block-device.ts';
import { type FlushableUnit, synchronizeCache } from './flush.ts';
import type { CommandOptions, PositionOptions } from './options.ts';

/**
 * A logical unit as one of several writers sees it who know nothing of each other, such as streams: what one flush was
 * told of a lost session, the flush of another is told as well. Over a port that does not come back after a loss there
 * is nothing to tell, and it is the unit itself.
 */
export function withOwnFlush(unit: BlockDevice & FlushableUnit): BlockDevice {
  return unit.port.writes === undefined ? unit : new OwnFlush(unit, unit.port.writes.losses);
}

class OwnFlush implements BlockDevice, FlushableUnit {
  lossesTold: number;
  readonly #unit: BlockDevice & FlushableUnit;

  constructor(unit: BlockDevice & FlushableUnit, losses: number) {
    this.#unit = unit;
    this.lossesTold = losses;
  }

  get name(): string {
    return this.#unit.name;
  }

  get size(): number {
    return this.#unit.size;
  }

  get blockSize(): number {
    return this.#unit.blockSize;
  }

  get blocks(): number {
    return this.#unit.blocks;
  }

  get port(): ScsiPort {
    return this.#unit.port;
  }

  get inDoubt(): Promise<void> | undefined {
    return this.#unit.inDoubt;
  }

  read<B extends Uint8Array>(buffer: B, options: PositionOptions): Promise<BytesRead<B>> {
    return this.#unit.read(buffer, options);
  }

  write<B extends Uint8Array>(buffer: B, options: PositionOptions): Promise<BytesWritten<B>> {
    return this.#unit.write(buffer, options);
  }

  flush(options: CommandOptions = {}): Promise<void> {
    return synchronizeCache(this, options);
  }

  trim(options: RangeOptions): Promise<void> {
    return this.#unit.trim(options);
  }

  execute(request: ScsiRequest): Promise<ScsiResult> {
    return this.#unit.execute(request);
  }
}
