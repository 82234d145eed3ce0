import { ProtocolError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import { type LbaStatusDescriptor, readLbaStatus } from '../scsi/data/lba-status.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { PROVISIONING_STATUS } from '../spec/scsi-provisioning-status.ts';
import { command, type IdentityGuard, isUnsupported } from './attempts.ts';
import { readCapacity } from './capacity.ts';
import { type OptionRules, wholeNumber } from './option-rules.ts';
import { COMMAND_OPTIONS, type CommandOptions } from './options.ts';

/** A range of bytes of a logical unit, all of one kind. */
export interface Extent {
  /** First byte. */
  readonly offset: number;
  /** In bytes, at least 1. */
  readonly length: number;
  /**
   * `data`: it may hold anything. `hole`: it takes no room (deallocated). `anchored`: it holds nothing, but has its
   * room. What a hole or an anchored range reads as is told by `lbprz` of READ CAPACITY(16): zeros if it is set,
   * otherwise anything.
   */
  readonly type: 'data' | 'hole' | 'anchored';
}

/** Which part of a logical unit is looked at, and the options of each command that it takes. */
export interface ExtentOptions extends CommandOptions {
  /** First byte. Default 0. */
  readonly start?: number;
  /** The last byte, which is looked at too, as in `createReadStream`. Default: that of the device. */
  readonly end?: number;
}

/** What is needed of a logical unit. */
export interface ExtentUnit extends IdentityGuard {
  readonly port: ScsiPort;
  readonly blockSize: number;
  /** Number of logical blocks. */
  readonly blocks: number;
}

/** The rules of {@link ExtentOptions}. */
export const EXTENT_OPTIONS: OptionRules<ExtentOptions> = {
  start: wholeNumber(0),
  end: {
    allowed: 'a whole number from 0 on, or Infinity',
    is: (value) => value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && Number(value) >= 0),
  },
  ...COMMAND_OPTIONS,
};

/** Room for 256 descriptors: what one answer may bring. */
const ROOM = 8 + 16 * 256;
/** What is not named here may hold data, reserved numbers included. */
const TYPES: ReadonlyMap<number, Extent['type']> = new Map([
  [PROVISIONING_STATUS.DEALLOCATED, 'hole'],
  [PROVISIONING_STATUS.ANCHORED, 'anchored'],
] as const);

/** Blocks of one type. */
interface BlockRange {
  readonly first: number;
  readonly end: number;
  readonly type: Extent['type'];
}

/** Asks one logical unit for its extents, and remembers when it does not know the question. */
export class ExtentReader {
  readonly #unit: ExtentUnit;
  #known: boolean | undefined;

  constructor(unit: ExtentUnit) {
    this.#unit = unit;
  }

  /** Whether the device knows GET LBA STATUS; undefined before it was asked. */
  get known(): boolean | undefined {
    return this.#known;
  }

  /** The extents of a range, in order, without gaps; neighbours differ in type. */
  async *read({ start = 0, end: last, ...call }: ExtentOptions): AsyncGenerator<Extent, void, undefined> {
    const { blockSize, blocks } = this.#unit;
    const end = Math.min((last ?? Number.POSITIVE_INFINITY) + 1, blocks * blockSize);
    if (start >= end) return;
    const bounds = { first: Math.floor(start / blockSize), end: Math.ceil(end / blockSize) };
    for await (const range of merged(this.#ranges(bounds.first, bounds.end, call))) {
      const offset = Math.max(start, range.first * blockSize);
      yield { offset, length: Math.min(end, range.end * blockSize) - offset, type: range.type };
    }
  }

  /** As the device tells them, checked, up to block `end`. */
  async *#ranges(first: number, end: number, call: CommandOptions): AsyncGenerator<BlockRange> {
    for (let next = first; next < end; ) {
      const descriptors = this.#known === false ? undefined : await this.#ask(next, call);
      if (descriptors === undefined) {
        yield { first: next, end, type: 'data' };
        return;
      }
      const border = this.#unit.blocks;
      const limit = descriptors.some((one) => endOf(one) > border) ? await this.#limitNow(call) : border;
      for (const range of checked(descriptors, next, limit)) {
        if (range.first >= end) return;
        yield { ...range, end: Math.min(range.end, end) };
        next = range.end;
      }
    }
  }

  /** One answer; undefined where the device does not know the question. */
  async #ask(
    startingLogicalBlockAddress: number,
    call: CommandOptions,
  ): Promise<readonly LbaStatusDescriptor[] | undefined> {
    const { port } = this.#unit;
    const dataIn = new Uint8Array(ROOM);
    const bytes = cdb('GET_LBA_STATUS_16', { startingLogicalBlockAddress, allocationLength: ROOM });
    try {
      const { dataInLength } = await command(port, { ...call, cdb: bytes, dataIn }, this.#unit);
      this.#known = true;
      return readLbaStatus(dataIn.subarray(0, dataInLength)).descriptors;
    } catch (error) {
      // One that has answered before does not forget the command: then the refusal is about something else.
      if (this.#known === true || !isUnsupported(error)) throw error;
      this.#known = false;
      return undefined;
    }
  }

  /** A device that has grown since it was opened may speak of blocks that are not known here. */
  async #limitNow(call: CommandOptions): Promise<number> {
    return (await readCapacity(this.#unit.port, call)).blocks;
  }
}

/**
 * The ranges of one answer: each has to begin where the one before it ended, the first at `next`, and to have a block
 * at least, so that whatever a device says brings us on and ends.
 *
 * @throws {ProtocolError} When one does not.
 */
function* checked(descriptors: readonly LbaStatusDescriptor[], next: number, limit: number): Generator<BlockRange> {
  if (descriptors.length === 0) throw untrue(`it says nothing of block ${next}`);
  for (const descriptor of descriptors) {
    const { logicalBlockAddress: first, numberOfLogicalBlocks, provisioningStatus } = descriptor;
    if (first !== next) throw untrue(`a range begins at block ${first}, and not where the last one ended, at ${next}`);
    if (numberOfLogicalBlocks === 0) throw untrue(`the range at block ${first} has no blocks`);
    const end = endOf(descriptor);
    if (end > limit) throw untrue(`the range at block ${first} ends at ${end}, behind the last block, ${limit - 1}`);
    yield { first, end, type: TYPES.get(provisioningStatus) ?? 'data' };
    next = end;
  }
}

/** Joins neighbours of the same type. */
async function* merged(ranges: AsyncIterable<BlockRange>): AsyncGenerator<BlockRange> {
  let last: BlockRange | undefined;
  for await (const range of ranges) {
    if (last !== undefined && last.type !== range.type) yield last;
    last = last?.type === range.type ? { ...last, end: range.end } : range;
  }
  if (last !== undefined) yield last;
}

function endOf({ logicalBlockAddress, numberOfLogicalBlocks }: LbaStatusDescriptor): number {
  return logicalBlockAddress + numberOfLogicalBlocks;
}

function untrue(why: string): ProtocolError {
  return new ProtocolError(`Cannot use the device's answer to GET LBA STATUS: ${why}`);
}
