/**
 * A value that cannot be, given to a function that encodes or computes: a `RangeError`, with a code as all errors of
 * this library have one.
 *
 * @example
 * try {
 *   encodeLun(-1);
 * } catch (error) {
 *   error instanceof RangeError && (error as ValueError).code; // 'ISCSI_USAGE'
 * }
 */
export class ValueError extends RangeError {
  /** The stable reason. */
  readonly code = 'ISCSI_USAGE';
}
