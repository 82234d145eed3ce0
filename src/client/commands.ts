import { IscsiError } from '../errors.ts';
import { now } from '../node/clock.ts';
import type { Lun } from '../scsi/lun.ts';
import type { AbortSignalLike, ScsiRequest, ScsiResult } from '../scsi/request.ts';
import { isUnitAttention, type Sense } from '../scsi/sense.ts';
import { scsiStatusError } from '../scsi/status-error.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';
import { aborted, whenAborted } from './abort.ts';
import type { TransferUnit } from './block-transfer.ts';
import type { Session } from './session.ts';

/** Unit attentions that are swallowed in a row before they count as a fault. */
const MOST_UNIT_ATTENTIONS = 10;
/** First and longest pause before a BUSY or TASK SET FULL command is sent again, in milliseconds. */
const FIRST_PAUSE = 10;
const LONGEST_PAUSE = 1000;

const CAPACITY_CHANGED = 0x2a09;
const INQUIRY_DATA_CHANGED = 0x3f03;
const REPORTED_LUNS_CHANGED = 0x3f0e;

/** What came in the way of a command that was not carried out, and may be sent again. */
export type Obstacle = 'unitAttention' | 'identity' | 'busy';

/**
 * Whether a command was refused before it did anything, so that sending it again is safe whatever it is: a unit attention or a full queue.
 * `identity` asks for a look at which logical unit answers before anything is sent again.
 */
export function obstacleOf(status: number, sense: Sense | undefined): Obstacle | undefined {
  if (status === SCSI_STATUS.BUSY || status === SCSI_STATUS.TASK_SET_FULL) return 'busy';
  if (status !== SCSI_STATUS.CHECK_CONDITION || !isUnitAttention(sense)) return undefined;
  const code = ((sense?.asc ?? 0) << 8) | (sense?.ascq ?? 0);
  const changed = code === CAPACITY_CHANGED || code === INQUIRY_DATA_CHANGED || code === REPORTED_LUNS_CHANGED;
  return changed ? 'identity' : 'unitAttention';
}

/** Counts what came in the way of one command and says when to stop. */
export class Retries {
  #unitAttentions = 0;
  #pause = FIRST_PAUSE;
  readonly #until: number;

  /** @param timeout Milliseconds from now until BUSY is no longer put up with. */
  constructor(timeout: number) {
    this.#until = now() + timeout;
  }

  /** Milliseconds that are left for further attempts, at least 1. */
  get remaining(): number {
    return Math.max(1, this.#until - now());
  }

  /** Waits where that helps. @returns False when it is enough. */
  async again(obstacle: Obstacle, signal: AbortSignalLike | undefined): Promise<boolean> {
    if (obstacle !== 'busy') return ++this.#unitAttentions <= MOST_UNIT_ATTENTIONS;
    if (now() + this.#pause >= this.#until) return false;
    await pause(this.#pause, signal);
    this.#pause = Math.min(LONGEST_PAUSE, this.#pause * 2);
    return true;
  }
}

/**
 * Sends a command until it is carried out: unit attentions and BUSY are swallowed within bounds.
 * @param unit Whose identity is made sure of when a unit attention puts it in doubt: for commands that change something.
 * @returns The result, whose status is GOOD or CONDITION MET.
 * @throws {ScsiStatusError} For any other status.
 */
export async function command(
  session: Session,
  lun: Lun,
  request: ScsiRequest,
  unit?: Pick<TransferUnit, 'inDoubt' | 'verifyIdentity'>,
): Promise<ScsiResult> {
  const retries = new Retries(request.timeout ?? session.timeout);
  let attempt = request;
  for (;;) {
    if (unit?.inDoubt !== undefined) await unit.inDoubt;
    const result = await session.execute(lun, attempt);
    if (result.status === SCSI_STATUS.GOOD || result.status === SCSI_STATUS.CONDITION_MET) return result;
    const obstacle = obstacleOf(result.status, result.sense);
    if (obstacle === undefined || !(await retries.again(obstacle, request.signal)))
      throw scsiStatusError(request.cdb, result);
    if (obstacle === 'identity') await unit?.verifyIdentity();
    attempt = { ...request, timeout: retries.remaining };
  }
}

/** Like {@link command}, for parameter data of unknown length: gives what came, cut to its length. */
export async function fetch(session: Session, lun: Lun, request: ScsiRequest, room: number): Promise<Uint8Array> {
  const dataIn = new Uint8Array(room);
  const result = await command(session, lun, { ...request, dataIn });
  return dataIn.subarray(0, result.dataInLength);
}

function pause(milliseconds: number, signal: AbortSignalLike | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(aborted(signal.reason));
      return;
    }
    const stop = whenAborted(signal, () => {
      clearTimeout(timer);
      reject(aborted(signal?.reason));
    });
    const timer = setTimeout(() => {
      stop();
      resolve();
    }, milliseconds);
  });
}

/** True for the answer of a logical unit that does not know what it was asked: the question had no effect. */
export function isUnsupported(error: unknown): boolean {
  if (!(error instanceof IscsiError) || error.code !== 'ISCSI_SCSI_STATUS') return false;
  const { sense } = error as { readonly sense?: Sense };
  return sense?.senseKey === 5 && (sense.asc === 0x20 || sense.asc === 0x24);
}

/** The answer to a question, or undefined where the logical unit does not know what it was asked: that is no error. */
export async function optional<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isUnsupported(error)) return undefined;
    throw error;
  }
}
