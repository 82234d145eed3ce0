import type { IscsiError } from '../errors.ts';
import type { InitiatorTask } from '../initiator/initiator-task.ts';
import type { InitiatorSession } from '../initiator/session.ts';
import type { SessionEvent } from '../initiator/session-host.ts';
import type { ConnectLimit } from './connect-limit.ts';

/** One login that has ended well: what carries a session from now on, until it is lost. */
export interface Login {
  readonly core: InitiatorSession;
  /** Where it is connected to, as `host:port`. */
  readonly targetPortal: string;
  /** Resolves when the socket is closed and nothing is left: with the error that ended it, if one did. */
  readonly ended: Promise<IscsiError | undefined>;
}

/** Whom a login reports to, once it has ended well. */
export interface LoginOwner {
  /** The target said something unasked. */
  tell(event: SessionEvent): void;
  /** See `SessionHost.takeOver`. */
  takeOver(task: InitiatorTask, error: IscsiError): boolean;
  /** The core has ended; its commands are settled or taken over. */
  over(core: InitiatorSession, error: IscsiError | undefined): void;
}

/** Takes a login over, at once: whatever the target says next is told to whom this gives. */
export type TakeLogin<O extends LoginOwner> = (login: Login) => O;

/** Logs in, again and again, as the same initiator port: same name, ISID and credentials. */
export interface LoginRoute {
  /** @throws {IscsiError} Each way to fail is one clear error. */
  logIn<O extends LoginOwner>(limit: ConnectLimit, take: TakeLogin<O>): Promise<O>;
}
