import type { Recorder } from '../capture/recorder.ts';
import type { Login, LoginRoute } from './login.ts';
import type { RecoveryPlan } from './reconnect-options.ts';
import type { SessionWatch } from './session-watch.ts';
import type { TargetEvent } from './target-event.ts';

/** What a session is made of. @internal */
export interface SessionParts {
  readonly login: Login;
  /** How to log in again. */
  readonly route: LoginRoute;
  /** Whether, and how, it comes back when it was lost. */
  readonly recovery: RecoveryPlan | undefined;
  readonly targetName: string;
  readonly timeout: number;
  readonly connectTimeout: number | undefined;
  /** Told what the target says unasked. */
  readonly onEvent: ((event: TargetEvent) => void) | undefined;
  /** What remembers the last PDUs of all its logins, unless nobody wants it. */
  readonly recorder: Recorder | undefined;
  /** Who is told of all its logins, and counts. */
  readonly watch: SessionWatch;
}
