/** How the tools end: the exit code tells a script what to do next. */
import type { ErrorCode } from '../errors.ts';
import { IscsiError } from '../errors.ts';

/** The exit codes of all tools. 128 + n is added by the shell's convention for signal n. */
export const EXIT = {
  /** Everything was done. */
  DONE: 0,
  /** The target refused a command, or a command, a file or the connection failed on the way. */
  FAILED: 1,
  /** The command line or the URL cannot be understood. */
  USAGE: 2,
  /** No session with the target could be had. */
  CANNOT_CONNECT: 3,
  /** Credentials are missing, or were not accepted. */
  AUTHENTICATION: 4,
  /** The target, the logical unit or the file does not exist. */
  NOT_FOUND: 5,
  /** What was printed or copied is good, but something is missing. */
  PARTIAL: 6,
  /** Stopped by SIGINT (Ctrl-C). */
  INTERRUPTED: 130,
  /** Stopped by SIGTERM. */
  TERMINATED: 143,
} as const;

/** One of {@link EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What a {@link ToolError} is made of. */
export interface ToolErrorOptions {
  readonly code: string;
  readonly exitCode: ExitCode;
  readonly hint?: string | undefined;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}

/** What a tool itself has to say against going on. Library errors come as `IscsiError`. */
export class ToolError extends Error {
  /** Stable reason, in capitals, for `--json`. */
  readonly code: string;
  readonly exitCode: ExitCode;
  /** What to do about it. */
  readonly hint: string | undefined;
  /** What the JSON document shows besides. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(message: string, { code, exitCode, hint, facts = {}, cause }: ToolErrorOptions) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'ToolError';
    this.code = code;
    this.exitCode = exitCode;
    this.hint = hint;
    this.facts = facts;
  }
}

/** The command line cannot be understood. */
export function usageError(message: string, hint?: string): ToolError {
  return new ToolError(message, { code: 'USAGE', exitCode: EXIT.USAGE, hint });
}

const EXIT_OF_CODE: Partial<Record<ErrorCode, ExitCode>> = {
  ISCSI_USAGE: EXIT.USAGE,
  ISCSI_URL: EXIT.USAGE,
  ISCSI_REFUSED: EXIT.CANNOT_CONNECT,
  ISCSI_UNREACHABLE: EXIT.CANNOT_CONNECT,
  ISCSI_LOGIN: EXIT.CANNOT_CONNECT,
  ISCSI_AUTHENTICATION: EXIT.AUTHENTICATION,
  ISCSI_CHAP_ALGORITHM: EXIT.AUTHENTICATION,
  ISCSI_CHAP_STEP: EXIT.AUTHENTICATION,
  ISCSI_CHAP_VALUE: EXIT.AUTHENTICATION,
  ISCSI_CHAP_REFLECTION: EXIT.AUTHENTICATION,
  ISCSI_CHAP_SAME_SECRET: EXIT.AUTHENTICATION,
  ISCSI_CHAP_SHORT_SECRET: EXIT.AUTHENTICATION,
  ISCSI_CHAP_TARGET: EXIT.AUTHENTICATION,
  ISCSI_CHAP_FILE: EXIT.AUTHENTICATION,
  ISCSI_TARGET_NOT_FOUND: EXIT.NOT_FOUND,
  ISCSI_LUN_NOT_FOUND: EXIT.NOT_FOUND,
};

/** The exit code for an error of any kind. */
export function exitCodeOf(error: unknown): ExitCode {
  if (error instanceof ToolError) return error.exitCode;
  if (error instanceof IscsiError) return EXIT_OF_CODE[error.code] ?? EXIT.FAILED;
  return EXIT.FAILED;
}

/** Codes that mean "no connection" only while one is being made. */
const WHILE_CONNECTING = new Set<ErrorCode>([
  'ISCSI_TIMEOUT',
  'ISCSI_CONNECTION_LOST',
  'ISCSI_PROTOCOL',
  'ISCSI_REJECT',
  'ISCSI_DIGEST',
]);

/**
 * Awaits the making of a session: a deadline, a lost connection or nonsense from the peer then count as "cannot
 * connect".
 */
export async function connecting<T>(session: Promise<T>): Promise<T> {
  try {
    return await session;
  } catch (error) {
    if (!(error instanceof IscsiError) || !WHILE_CONNECTING.has(error.code)) throw error;
    const { code, hint, message } = error;
    throw new ToolError(message, { code, hint, exitCode: EXIT.CANNOT_CONNECT, cause: error });
  }
}
