import { IscsiError } from '../errors.ts';

/** What one target lets its initiators take. Every limit is an option of the public target. */
export interface TargetLimits {
  /** Commands that a session may have outstanding: the size of its CmdSN window. */
  readonly commands: number;
  /** Immediate SCSI commands that a session may have outstanding besides; more are rejected with reason 0x06. */
  readonly immediateCommands: number;
  /** Task management functions of a session that wait for something; more are answered "function rejected". */
  readonly taskManagementFunctions: number;
  /** Bytes of text in one negotiation, over all its PDUs. */
  readonly textLength: number;
  /** Milliseconds from accepting a connection to the end of its login. */
  readonly loginTime: number;
  /** Sessions; a login that would make another is refused with status 0302h. */
  readonly connections: number;
  /** Connections whose login has not ended, besides; with one more, the oldest that has said nothing goes. */
  readonly halfOpenLogins: number;
  /** Bytes of write data that a connection may have asked for by R2T; further R2Ts wait. */
  readonly writeBufferBytes: number;
  /**
   * Bytes that are being read for a connection or wait to be sent on it; beyond them no command is started and nothing
   * more is read.
   */
  readonly unsentBytes: number;
  /**
   * Milliseconds in which an initiator must take something of what is sent to it, for each 4 MiB that the socket has;
   * otherwise the connection is given up. Infinity for any time.
   */
  readonly sendPatience: number;
  /**
   * Milliseconds in which an initiator must send something of the data of a write; otherwise the connection is given
   * up. Infinity for any time.
   */
  readonly dataPatience: number;
  /** Milliseconds that a task management function waits for data that the initiator was asked for and does not send. */
  readonly abortPatience: number;
  /**
   * Milliseconds of silence after which the target pings; after the same time again it gives the connection up.
   * Discovery sessions, which know no ping, are ended when they were silent for twice that time. Infinity for never.
   */
  readonly keepAlive: number;
}

/** The limits that hold where none are given. */
export const DEFAULT_LIMITS: TargetLimits = {
  commands: 128,
  immediateCommands: 32,
  taskManagementFunctions: 32,
  textLength: 64 * 1024,
  loginTime: 15_000,
  connections: 1024,
  halfOpenLogins: 64,
  writeBufferBytes: 64 * 1024 * 1024,
  unsentBytes: 8 * 1024 * 1024,
  sendPatience: 30_000,
  dataPatience: 30_000,
  abortPatience: 5_000,
  keepAlive: 30_000,
};

/** Limits without which nothing would go at all. */
const AT_LEAST_ONE: ReadonlySet<string> = new Set([
  'commands',
  'connections',
  'halfOpenLogins',
  'unsentBytes',
  'loginTime',
  'sendPatience',
  'dataPatience',
  'keepAlive',
]);

/**
 * The limits with defaults where none are given.
 * @throws {IscsiError} `ISCSI_USAGE` when one is no number, negative, or 0 where that would keep everybody out.
 */
export function limitsOf(given: Partial<TargetLimits> = {}): TargetLimits {
  const limits: { -readonly [K in keyof TargetLimits]: TargetLimits[K] } = { ...DEFAULT_LIMITS };
  for (const [name, value] of Object.entries(given) as [keyof TargetLimits, number | undefined][]) {
    if (value === undefined) continue;
    const least = AT_LEAST_ONE.has(name) ? 1 : 0;
    if (!(value >= least))
      throw new IscsiError('ISCSI_USAGE', `Cannot use ${value} as limit ${name}: at least ${least} allowed`);
    limits[name] = value;
  }
  return limits;
}
