import type { ScsiRequest, ScsiResult } from '../scsi/request.ts';
import type { CommandOptions, PositionOptions } from './options.ts';

/** What `read` gives. */
export interface BytesRead<B extends ArrayBufferView> {
  /** How much of `buffer` was filled, in bytes: less than all of it only at the end of the device. */
  readonly bytesRead: number;
  /** The buffer that was given. */
  readonly buffer: B;
}

/** What `write` gives. */
export interface BytesWritten<B extends ArrayBufferView> {
  /** All of `buffer`, in bytes. */
  readonly bytesWritten: number;
  /** The buffer that was given. */
  readonly buffer: B;
}

/** A range of bytes, and the options of a command. */
export interface RangeOptions extends CommandOptions {
  /** First byte. */
  readonly position: number;
  /** In bytes. */
  readonly length: number;
}

/**
 * A block device: what streams, copies and front ends take. `LogicalUnit` is one.
 *
 * All positions, lengths and sizes are bytes. Buffers given to it belong to it until the promise settles.
 */
export interface BlockDevice {
  /** What messages call it, such as `LUN 0`. */
  readonly name: string;
  /** Bytes of the whole device. */
  readonly size: number;
  /** Bytes of one logical block; 0 for a device without blocks. */
  readonly blockSize: number;
  /** Fills `buffer` from `position` on. At the end of the device fewer bytes are read, behind it none. */
  read<B extends Uint8Array>(buffer: B, options: PositionOptions): Promise<BytesRead<B>>;
  /** Writes all of `buffer` at `position`, or fails. */
  write<B extends Uint8Array>(buffer: B, options: PositionOptions): Promise<BytesWritten<B>>;
  /** Ends when everything written before is on stable storage. */
  flush(options?: CommandOptions): Promise<void>;
  /** Gives back the room of the whole blocks in a range. */
  trim(options: RangeOptions): Promise<void>;
  /** Sends one SCSI command. A status other than GOOD is a result, not an error. */
  execute(request: ScsiRequest): Promise<ScsiResult>;
}
