/**
 * Every error of the library, in one place, but for the `ValueError` of `bytes/`, which is a `RangeError`. Match on
 * `code`, which is stable, rather than on class or message.
 */

/**
 * What went wrong, one code a reason:
 *
 * | code | meaning |
 * | --- | --- |
 * | `ISCSI_USAGE` | the caller asked for something that cannot be |
 * | `ISCSI_URL` | the URL cannot be understood |
 * | `ISCSI_REFUSED` | nothing listens at the portal |
 * | `ISCSI_UNREACHABLE` | name, network or host cannot be reached |
 * | `ISCSI_TARGET_NOT_FOUND` | the portal does not know the target name |
 * | `ISCSI_AUTHENTICATION` | credentials are required, or were not accepted |
 * | `ISCSI_CHAP_ALGORITHM` | no hash for CHAP in common, or one that was not offered |
 * | `ISCSI_CHAP_STEP` | the peer does not keep to the steps of CHAP |
 * | `ISCSI_CHAP_VALUE` | the peer sent a value that CHAP does not have |
 * | `ISCSI_CHAP_REFLECTION` | the peer sent a challenge of ours back |
 * | `ISCSI_CHAP_SAME_SECRET` | initiator and target have the same secret |
 * | `ISCSI_CHAP_SHORT_SECRET` | a secret has less than 96 bits, and that was not allowed |
 * | `ISCSI_CHAP_TARGET` | the target did not prove who it is, although it was asked to |
 * | `ISCSI_CHAP_FILE` | a file of credentials cannot be read, or others than its owner can |
 * | `ISCSI_LOGIN` | login was refused for another reason, or the answers made no sense |
 * | `ISCSI_LUN_NOT_FOUND` | the target has no such logical unit |
 * | `ISCSI_PROTOCOL` | the peer broke a rule of the protocol |
 * | `ISCSI_DIGEST` | a digest did not match |
 * | `ISCSI_REJECT` | the peer rejected a PDU |
 * | `ISCSI_TARGET_FAILURE` | the target answered with an iSCSI response other than "completed" |
 * | `ISCSI_SCSI_STATUS` | the command ended with a status other than GOOD |
 * | `ISCSI_SHORT_TRANSFER` | the target moved fewer bytes than were asked for |
 * | `ISCSI_IDENTITY` | the logical unit is not the one that was opened |
 * | `ISCSI_TIMEOUT` | the deadline passed |
 * | `ISCSI_ABORTED` | the caller's signal aborted it |
 * | `ISCSI_CONNECTION_LOST` | the connection ended before the answer came |
 * | `ISCSI_CACHE_LOST` | writes that were acknowledged, but not flushed, may be gone: the session was lost meanwhile |
 * | `ISCSI_CLOSED` | the session is closed |
 */
export type ErrorCode =
  | 'ISCSI_USAGE'
  | 'ISCSI_URL'
  | 'ISCSI_REFUSED'
  | 'ISCSI_UNREACHABLE'
  | 'ISCSI_TARGET_NOT_FOUND'
  | 'ISCSI_AUTHENTICATION'
  | 'ISCSI_CHAP_ALGORITHM'
  | 'ISCSI_CHAP_STEP'
  | 'ISCSI_CHAP_VALUE'
  | 'ISCSI_CHAP_REFLECTION'
  | 'ISCSI_CHAP_SAME_SECRET'
  | 'ISCSI_CHAP_SHORT_SECRET'
  | 'ISCSI_CHAP_TARGET'
  | 'ISCSI_CHAP_FILE'
  | 'ISCSI_LOGIN'
  | 'ISCSI_LUN_NOT_FOUND'
  | 'ISCSI_PROTOCOL'
  | 'ISCSI_DIGEST'
  | 'ISCSI_REJECT'
  | 'ISCSI_TARGET_FAILURE'
  | 'ISCSI_SCSI_STATUS'
  | 'ISCSI_SHORT_TRANSFER'
  | 'ISCSI_IDENTITY'
  | 'ISCSI_TIMEOUT'
  | 'ISCSI_ABORTED'
  | 'ISCSI_CONNECTION_LOST'
  | 'ISCSI_CACHE_LOST'
  | 'ISCSI_CLOSED';

/** What an error can say besides its message. */
export interface IscsiErrorOptions extends ErrorOptions {
  /** What the reader can do about it: one sentence fragment, shown by the tools behind the message. */
  readonly hint?: string;
  /** See {@link IscsiError.commandSent}. */
  readonly commandSent?: boolean;
}

/**
 * The base of every error of this library.
 *
 * @example
 * const url = 'iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:disk/9';
 * const error: unknown = await connect(url).catch((reason: unknown) => reason);
 * error instanceof IscsiError && error.code; // 'ISCSI_LUN_NOT_FOUND'
 */
export class IscsiError extends Error {
  /** The stable reason. */
  readonly code: ErrorCode;
  /** What to do about it, where that is known. */
  readonly hint: string | undefined;
  /**
   * Of a command, or another request, that got no answer: whether it was sent. False: it never was at the target, and
   * can be sent again without harm. True: whether it took effect is not known. Undefined where that is not the
   * question.
   */
  readonly commandSent: boolean | undefined;

  constructor(code: ErrorCode, message: string, options?: IscsiErrorOptions) {
    super(message, options);
    this.name = code === 'ISCSI_ABORTED' ? 'AbortError' : new.target.name;
    this.code = code;
    this.hint = options?.hint;
    this.commandSent = options?.commandSent;
    // Until its stack is read for the first time, V8 keeps the objects that it went through: a connection, its buffers.
    void this.stack;
  }
}

/**
 * @internal The same error, of the same class, that says of its command whether it was sent. One error can be the
 *   reason for many commands, so it is not changed itself.
 */
export function withCommandSent<E extends IscsiError>(error: E, commandSent: boolean): E {
  if (error.commandSent === commandSent) return error;
  const copy = copyOf(error);
  Object.defineProperty(copy, 'commandSent', { value: commandSent, enumerable: true });
  return copy;
}

/** @internal The same error, of the same class, as a new object: an error as the platform makes them. */
export function copyOf<E extends IscsiError>(error: E): E {
  // An Error from the start, so that it is shown as one; a stack cannot be taken over by its descriptor everywhere.
  const { stack, ...own } = Object.getOwnPropertyDescriptors(error);
  const copy = Object.setPrototypeOf(new Error(error.message), Object.getPrototypeOf(error) as object) as E;
  Object.defineProperties(copy, own);
  return Object.defineProperty(copy, 'stack', { value: error.stack, writable: true, configurable: true });
}

/**
 * The peer broke a rule: of RFC 7143, and then the session cannot be trusted any more and ends; or of a SCSI standard,
 * with parameter data that cannot be read.
 *
 * @example
 * try {
 *   readInquiry(new Uint8Array(4));
 * } catch (error) {
 *   error instanceof ProtocolError && error.message; // 'Cannot read INQUIRY data of 4 bytes: at least 5 needed'
 * }
 */
export class ProtocolError extends IscsiError {
  /** The clause of RFC 7143 that was broken, such as `11.7.6`; undefined for SCSI data. */
  readonly clause: string | undefined;

  constructor(message: string, options?: IscsiErrorOptions & { readonly clause?: string }) {
    super('ISCSI_PROTOCOL', message, options);
    this.clause = options?.clause;
  }
}

/**
 * A header or data digest did not match (RFC 7143 §7.8).
 *
 * @example
 * const error: IscsiError = new DigestError('Cannot use a Data-In: its data digest is wrong');
 * error.code; // 'ISCSI_DIGEST'
 */
export class DigestError extends IscsiError {
  constructor(message: string, options?: IscsiErrorOptions) {
    super('ISCSI_DIGEST', message, options);
  }
}

/**
 * The target refused the login (RFC 7143 §11.13.5).
 *
 * @example
 * const url = 'iscsi://127.0.0.1:3260/iqn.2003-01.org.example:none/0';
 * const error: unknown = await connect(url).catch((reason: unknown) => reason);
 * error instanceof LoginError && [error.statusClass, error.statusDetail]; // [2, 3]
 */
export class LoginError extends IscsiError {
  /** 0 success, 1 redirection, 2 initiator error, 3 target error. */
  readonly statusClass: number;
  /** The detail within the class. */
  readonly statusDetail: number;

  constructor(
    code: ErrorCode,
    message: string,
    status: { readonly statusClass: number; readonly statusDetail: number },
    options?: IscsiErrorOptions,
  ) {
    super(code, message, options);
    this.statusClass = status.statusClass;
    this.statusDetail = status.statusDetail;
  }
}

/**
 * The target rejected a PDU (RFC 7143 §11.17).
 *
 * @example
 * const error: IscsiError = new RejectError('The target rejected a PDU: a field in it is invalid', 0x09);
 * error instanceof RejectError && error.reason; // 9
 */
export class RejectError extends IscsiError {
  /** The reason code of the Reject PDU. */
  readonly reason: number;

  constructor(message: string, reason: number, options?: IscsiErrorOptions) {
    super('ISCSI_REJECT', message, options);
    this.reason = reason;
  }
}

/**
 * A task management function that this session sent has ended the command (RFC 7143 §11.5.1): no answer to it comes any
 * more, and whether it took effect, wholly or in part, is not known. A command that somebody else ended is told by
 * status TASK ABORTED instead, which is a `ScsiStatusError`.
 *
 * @example
 * const error: IscsiError = new EndedByFunctionError(5, 'LOGICAL UNIT RESET');
 * error.message; // 'LOGICAL UNIT RESET, which this session sent, ended the command'
 */
export class EndedByFunctionError extends IscsiError {
  /** Which function: one of `TASK_MANAGEMENT_FUNCTIONS`. */
  readonly functionCode: number;
  /** Its name in the standard's words, such as `LOGICAL UNIT RESET`. */
  readonly functionName: string;

  constructor(functionCode: number, functionName: string) {
    super('ISCSI_ABORTED', `${functionName}, which this session sent, ended the command`, {
      hint: 'whether the command took effect is not known: look before sending it again',
      commandSent: true,
    });
    this.functionCode = functionCode;
    this.functionName = functionName;
  }
}
