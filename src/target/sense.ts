/**
 * Sense data of conditions that this layer finds itself (RFC 7143 §11.4.7.2), in fixed format (SPC): response code 70h,
 * sense key ABORTED COMMAND, additional sense code and qualifier.
 */

/** ASC and ASCQ, as one number, of what can go wrong with the data of a command. */
export const DATA_FAILURES = {
  /** Data that was not asked for, where none was allowed. */
  UNEXPECTED_UNSOLICITED_DATA: 0x0c0c,
  /** More or less data than was announced or asked for. */
  INCORRECT_AMOUNT_OF_DATA: 0x0c0d,
  /** A data digest was wrong. */
  PROTOCOL_SERVICE_CRC_ERROR: 0x4705,
  /** Data was asked for again, which is not possible here. */
  SNACK_REJECTED: 0x1113,
} as const;

const ABORTED_COMMAND = 0x0b;
const FIXED_LENGTH = 18;

/** Sense data with key ABORTED COMMAND and `additional` as ASC and ASCQ. */
export function abortedCommandSense(additional: number): Uint8Array {
  const sense = new Uint8Array(FIXED_LENGTH);
  sense[0] = 0x70;
  sense[2] = ABORTED_COMMAND;
  sense[7] = FIXED_LENGTH - 8; // additional sense length
  sense[12] = additional >> 8;
  sense[13] = additional & 0xff;
  return sense;
}
