import { immediate } from '../pdu/bhs.ts';
import { cmdSN } from '../pdu/numbers.ts';
import { type CommandWindow, POSITION } from './command-window.ts';
import type { HeldData } from './held-data.ts';

/**
 * Acts on a request other than a SCSI Command in its turn (RFC 7143 §4.2.2.1): an immediate one now, others in CmdSN
 * order. A duplicate, or a request that the window does not allow, is dropped without a word. `act` ends the request:
 * the window opens for one more before it runs.
 * @param held Counts the `length` bytes that `act` keeps, while it waits for its turn.
 */
export function takeInOrder(
  window: CommandWindow,
  view: DataView,
  at: number,
  act: () => void,
  held?: HeldData,
  length = 0,
): void {
  if (immediate(view, at)) {
    act();
    return;
  }
  const number = cmdSN(view, at);
  const run = (): void => {
    window.complete();
    act();
  };
  switch (window.position(number)) {
    case POSITION.NEXT:
      window.advance();
      run();
      window.deliverEarly();
      return;
    case POSITION.EARLY:
      held?.take(length);
      window.hold(number, () => {
        held?.give(length);
        run();
      });
      return;
    case POSITION.OUTSIDE:
      return;
  }
}
