/** What `iscsi-dd --ignore-errors` has to overlook. */
import { ScsiStatusError } from '../scsi/status-error.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';

/** Sense keys that tell of these blocks, not of the whole device. */
const OF_THE_BLOCKS = new Set<number>([SENSE_KEY.MEDIUM_ERROR, SENSE_KEY.HARDWARE_ERROR, SENSE_KEY.BLANK_CHECK]);

/** Counts unreadable bytes. */
export function unreadableReport(): {
  readonly total: number;
  readonly report: (position: number, length: number) => void;
  readonly isUnreadable: (error: unknown) => boolean;
} {
  let total = 0;
  return {
    get total() {
      return total;
    },
    report(_position, length) {
      total += length;
    },
    isUnreadable: (error) => error instanceof ScsiStatusError && OF_THE_BLOCKS.has(error.sense?.senseKey ?? -1),
  };
}
