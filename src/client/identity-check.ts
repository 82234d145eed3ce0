import type { IscsiError } from '../errors.ts';
import type { InitiatorSession } from '../initiator/session.ts';
import { SessionPort } from '../initiator/session-port.ts';
import type { Lun } from '../scsi/lun.ts';
import { pinnedAt } from '../unit/pinned.ts';

/** First and longest pause before a logical unit that does not answer its questions is asked again, in milliseconds. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1000;

/** What checking needs of the session that has come back. */
export interface IdentityCheckOwner {
  /** Whether this is still the session that was logged in to. */
  isCurrent(core: InitiatorSession): boolean;
  /** Whether commands to the logical unit wait for the outcome. */
  waitsFor(lun: Lun): boolean;
  /** Commands may go to the port again; those that wait fail with `error`, if there is one. */
  admit(port: SessionPort, error: IscsiError | undefined): void;
  /** Waits. False when the session is given up meanwhile. */
  pause(milliseconds: number): Promise<boolean>;
}

/**
 * Makes sure, after a re-login, that the logical units that are open over a port are those that were opened. Nothing
 * else is sent to it before. One that cannot be asked yet, as when the target is not through with its start, is asked
 * again for as long as commands wait for it; afterwards the next one asks.
 *
 * @returns When it is admitted, or cannot be for now. Never rejects.
 */
export async function checkIdentities(
  port: SessionPort,
  core: InitiatorSession,
  owner: IdentityCheckOwner,
): Promise<void> {
  const error = await ask(port, core);
  if (!owner.isCurrent(core)) return;
  if (error === undefined || isReplaced(error) || !owner.waitsFor(port.lun)) owner.admit(port, error);
  else void keepAsking(port, core, owner);
}

async function keepAsking(port: SessionPort, core: InitiatorSession, owner: IdentityCheckOwner): Promise<void> {
  for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 2)) {
    if (!(await owner.pause(pause)) || !owner.isCurrent(core)) return;
    const error = await ask(port, core);
    if (!owner.isCurrent(core)) return;
    if (error !== undefined && !isReplaced(error) && owner.waitsFor(port.lun)) continue;
    owner.admit(port, error);
    return;
  }
}

/** Asks over a port that leads to the new session at once. @returns The first thing that is wrong. */
async function ask(port: SessionPort, core: InitiatorSession): Promise<IscsiError | undefined> {
  const { lun, deviceName: targetName, timeout, clock, device, counters } = port;
  const straight = new SessionPort(core, { lun, targetName, timeout, clock, device, counters });
  const answers = await Promise.allSettled(pinnedAt(port).map((unit) => unit.checkIdentity(straight)));
  const errors = answers.flatMap((answer) => (answer.status === 'rejected' ? [answer.reason as IscsiError] : []));
  return errors.find(isReplaced) ?? errors[0];
}

function isReplaced({ code }: IscsiError): boolean {
  return code === 'ISCSI_IDENTITY';
}
