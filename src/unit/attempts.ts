import type { Clock, ScsiPort } from '../scsi/port.ts';
import type { AbortSignalLike, ScsiRequest, ScsiResult } from '../scsi/request.ts';
import { isUnitAttention } from '../scsi/sense.ts';
import { ScsiStatusError, scsiStatusError } from '../scsi/status-error.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import { aborted, whenAborted } from './abort.ts';
import { type CallLimits, callTime, graceOf, inTime } from './call-time.ts';
import { errorOfRecalled, Recalled } from './doubt.ts';
import { execute } from './execute.ts';

/** Who knows whether it is still the same logical unit that answers. */
export interface IdentityGuard {
  /**
   * Set while it is in doubt which logical unit answers: nothing may be sent before it resolves. Rejects when it is
   * another one.
   */
  readonly inDoubt: Promise<void> | undefined;
}

/** Unit attentions that are swallowed in a row before they count as a fault. */
const MOST_UNIT_ATTENTIONS = 10;
/** First and longest pause before a BUSY or TASK SET FULL command is sent again, in milliseconds. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 1000;

/**
 * Sends a command until it is carried out: unit attentions and BUSY are swallowed within bounds. The one place where
 * commands are sent again.
 *
 * @param request Its `timeout` is for all attempts together.
 * @param guard Whose identity is made sure of when it is in doubt: for commands that change something.
 * @param refused The outcome of a first attempt that was made elsewhere; `request.timeout` then counts from now.
 * @returns The result, whose status is GOOD or CONDITION MET.
 * @throws {ScsiStatusError} For any other status.
 */
export async function command(
  port: ScsiPort,
  request: ScsiRequest,
  guard?: IdentityGuard,
  refused?: ScsiResult,
): Promise<ScsiResult> {
  const call = callTime(port, request);
  const patience = new Patience(port.clock, call.timeout);
  let result = refused ?? (await attempt(port, call, guard));
  for (;;) {
    if (result.status === SCSI_STATUS.GOOD || result.status === SCSI_STATUS.CONDITION_MET) return result;
    const obstacle = obstacleOf(result);
    if (obstacle === undefined || !(await patience.allows(obstacle, request.signal)))
      throw scsiStatusError(request.cdb, result, port);
    if (!hasTime(call)) throw scsiStatusError(request.cdb, result, port); // what the device said last says more
    port.retried?.();
    result = await attempt(port, call, guard);
  }
}

/** Whether a further command of the call may be sent: its `timeout` throws when not. */
function hasTime(call: CallLimits): boolean {
  try {
    return call.timeout !== 0;
  } catch {
    return false;
  }
}

/** Like {@link command}, for parameter data of unknown length: gives what came, cut to its length. */
export async function fetch(port: ScsiPort, request: ScsiRequest, room: number): Promise<Uint8Array> {
  const dataIn = new Uint8Array(room);
  const result = await command(port, { ...request, dataIn });
  return dataIn.subarray(0, result.dataInLength);
}

/** True for the answer of a logical unit that does not know what it was asked: the question had no effect. */
export function isUnsupported(error: unknown): boolean {
  if (!(error instanceof ScsiStatusError)) return false;
  const { sense } = error;
  return sense?.senseKey === 5 && (sense.asc === 0x20 || sense.asc === 0x24);
}

/**
 * The answer to a question, or undefined where the logical unit does not know what it was asked: that is no error.
 * Neither is a refusal without a reason, as there are devices that give none; so this is for questions whose answer can
 * be done without, and not for those on which data depends.
 */
export async function optional<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isUnsupported(error) || isUnexplained(error)) return undefined;
    throw error;
  }
}

/** CHECK CONDITION without sense data. */
function isUnexplained(error: unknown): boolean {
  return error instanceof ScsiStatusError && error.status === SCSI_STATUS.CHECK_CONDITION && error.sense === undefined;
}

/** Waits until it is certain which logical unit answers, within the call's time. Throws when it is another one. */
export async function untilCertain(guard: IdentityGuard, call: CallLimits, port: ScsiPort): Promise<void> {
  for (let doubt = guard.inDoubt; doubt !== undefined; doubt = guard.inDoubt) await inTime(doubt, call, port);
}

/** `call`: its `timeout` is what is left. */
async function attempt(port: ScsiPort, call: ScsiRequest, guard: IdentityGuard | undefined): Promise<ScsiResult> {
  if (guard === undefined) return execute(port, { ...call }, 'unit');
  for (;;) {
    await untilCertain(guard, call, port);
    try {
      return await execute(port, { ...call }, 'guarded');
    } catch (error) {
      if (!(error instanceof Recalled)) throw error;
      const final = errorOfRecalled(error, call.dataOut !== undefined);
      if (final !== undefined) throw final;
    }
  }
}

/** What came in the way of a command that was not carried out, and may be sent again. */
type Obstacle = 'unitAttention' | 'busy';

/**
 * Whether a command was refused before it did anything, so that sending it again is safe whatever it is: a unit
 * attention or a full queue.
 */
function obstacleOf({ status, sense }: ScsiResult): Obstacle | undefined {
  if (status === SCSI_STATUS.BUSY || status === SCSI_STATUS.TASK_SET_FULL) return 'busy';
  return status === SCSI_STATUS.CHECK_CONDITION && isUnitAttention(sense) ? 'unitAttention' : undefined;
}

/** Counts what came in the way of one command and says when to stop. */
class Patience {
  #unitAttentions = 0;
  #pause = FIRST_PAUSE;
  readonly #clock: Clock;
  readonly #until: number;

  /** @param timeout Milliseconds from now until BUSY is no longer put up with. */
  constructor(clock: Clock, timeout: number) {
    this.#clock = clock;
    this.#until = clock.now() + timeout - graceOf(timeout);
  }

  /** Waits where that helps. @returns False when it is enough. */
  async allows(obstacle: Obstacle, signal: AbortSignalLike | undefined): Promise<boolean> {
    if (obstacle !== 'busy') return ++this.#unitAttentions <= MOST_UNIT_ATTENTIONS;
    if (this.#timeIsUp(this.#pause)) return false;
    await pause(this.#clock, this.#pause, signal);
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
    return !this.#timeIsUp(0); // timers are late at times
  }

  #timeIsUp(pause: number): boolean {
    return this.#clock.now() + pause >= this.#until;
  }
}

function pause(clock: Clock, milliseconds: number, signal: AbortSignalLike | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(aborted(signal.reason));
      return;
    }
    const stopListening = whenAborted(signal, () => {
      stopWaiting();
      reject(aborted(signal?.reason));
    });
    const stopWaiting = clock.after(milliseconds, () => {
      stopListening();
      resolve();
    });
  });
}
