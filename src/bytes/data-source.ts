/** Bytes that are on their way from a store to a socket: the seam between whoever has them and whoever sends them. */

/** Bytes that can be copied out piece by piece, such as a range of a RAM store. */
export interface DataSource {
  /** Copies `length` bytes from `offset` of this source to `into`, at `at`. */
  copyTo(offset: number, into: Uint8Array, at: number, length: number): void;
  /** Where long data is had without a copy, if it can be. */
  readonly lender?: DataLender | undefined;
}

/** Gives its bytes away for a time, in which they do not change and nobody writes to them. */
export interface DataLender {
  /** From 1 to `length` bytes from `offset` on. They stay as they are until they are taken back. */
  lend(offset: number, length: number): Uint8Array;
  /** Takes back what `lend` gave: the very same array, once. */
  takeBack(piece: Uint8Array): void;
}
