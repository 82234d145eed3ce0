import type { ChapAlgorithm } from '../login/chap-algorithms.ts';
import type { ChapOptions } from '../login/chap-options.ts';
import type { CaptureFile } from '../node/capture-file.ts';
import type { OnLoss } from '../scsi/scsi-task.ts';
import type { ProbeOptions } from '../unit/probe.ts';
import type { LogHook, LogLevel } from './log.ts';
import type { ReconnectOptions } from './reconnect-options.ts';
import type { TargetEvent } from './target-event.ts';
import type { IscsiUrl } from './url.ts';

/** How a digest is offered: alone it is required, in a list the first is preferred. */
export type DigestOffer = 'none' | 'crc32c' | 'none,crc32c' | 'crc32c,none';

/** A login that credentials are needed for. */
export interface ChapRequest {
  /** Host name or address of the portal, without brackets. */
  readonly host: string;
  /** Its TCP port. */
  readonly port: number;
  /** Undefined for discovery. */
  readonly targetName: string | undefined;
  /** The iSCSI name of this initiator. */
  readonly initiatorName: string;
  /** The signal that gives up connecting, where there is one. */
  readonly signal: AbortSignal | undefined;
}

/**
 * Gives what to authenticate with; undefined for nothing. It has as long as connecting may take, and is asked again
 * wherever a login begins anew, such as after a redirect. When it throws, connecting fails with `ISCSI_AUTHENTICATION`
 * and that as cause.
 */
export type AskForChap = (request: ChapRequest) => ChapOptions | undefined | Promise<ChapOptions | undefined>;

/** Where a portal listens; what `discover` calls a `Portal` is one. */
export interface PortalLocation {
  /** DNS name, IPv4 or IPv6 address, without brackets; a link-local one with its interface, as `fe80::1%eth0`. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
}

/** Options of `connect`, `openSession` and `discover`. */
export interface ConnectOptions {
  /** The iSCSI name of this initiator. Default: `iqn.2026-11.dev.tsiscsi:initiator`. */
  readonly initiatorName?: string;
  /** A name for people, shown by targets. */
  readonly initiatorAlias?: string;
  /**
   * The six bytes of the ISID. Default: random. With the same name and ISID a new session takes the place of an old
   * one.
   */
  readonly isid?: Uint8Array;
  /**
   * What to authenticate with (CHAP), instead of what the URL and the environment say; or a function that is asked for
   * it before each login.
   */
  readonly chap?: ChapOptions | AskForChap;
  /**
   * The hashes for CHAP that are offered, in this order. Default: the URL's, else all, the strongest first; a target
   * that refuses the list is then offered MD5 alone. Every target knows `md5` (RFC 7143 §12.1.3): leave it out only to
   * do without the others.
   */
  readonly chapAlgorithms?: readonly ChapAlgorithm[];
  /** True: secrets of less than 12 bytes are used, with a warning. Default false: they are refused. */
  readonly allowShortSecrets?: boolean;
  /**
   * Further portals of the target, such as those that `discover` tells, at most 16: tried behind the URL's, one after
   * the other, each begun when the one before has failed or was silent for 250 ms; with a function as `chap`, only when
   * the one before has failed.
   */
  readonly portals?: readonly PortalLocation[];
  /** Gives up connecting. */
  readonly signal?: AbortSignal;
  /** Milliseconds that a command may take, unless it is told otherwise. Default 30,000. */
  readonly timeout?: number;
  /**
   * Milliseconds for name resolution, TCP, login and the questions that open a logical unit, together. Default 15,000.
   */
  readonly connectTimeout?: number;
  /** Default: the URL's, else `none,crc32c`. */
  readonly headerDigest?: DigestOffer;
  /** Default: the URL's, else `none,crc32c`. */
  readonly dataDigest?: DigestOffer;
  /** Whether data may travel in the command itself. Default true. */
  readonly immediateData?: boolean;
  /** Whether the target must ask for all other data. Default false. */
  readonly initialR2T?: boolean;
  /**
   * The largest data segment that this side receives, in bytes. Default 1,048,576: long ones are read straight to their
   * place.
   */
  readonly maxRecvDataSegmentLength?: number;
  /** Bytes of one data sequence at the most. Default 1,048,576. */
  readonly maxBurstLength?: number;
  /** Bytes that go without being asked for, per command. Default 262,144. */
  readonly firstBurstLength?: number;
  /** Milliseconds of silence after which the target is pinged; 0 for never. Default 30,000. */
  readonly keepaliveInterval?: number;
  /**
   * Microseconds for which the event loop is kept awake for an answer, and between the pieces of long data, as long as
   * they do come that fast; 0 for never. It makes short round trips a good deal shorter and fast reads faster, for
   * processor time that would otherwise be spent on falling asleep and waking. Default 100; 0 where there is only one
   * processor.
   */
  readonly busyPoll?: number;
  /**
   * Told what the target says unasked (RFC 7143 §11.9), such as that it wants to be left, or that a logical unit
   * changed.
   */
  readonly onEvent?: (event: TargetEvent) => void;
  /**
   * Bytes of memory in which the last PDUs of the session are remembered for `session.capture()`, 16,384 or more; 0 for
   * none. Default 32,768: some 250 reads.
   */
  readonly recordLength?: number;
  /**
   * A file to which the last PDUs are written, as pcapng, when the session cannot be had or is lost: it is there when
   * the error is told.
   */
  readonly captureOnError?: string;
  /** A file to which everything is written while it happens. */
  readonly capture?: CaptureFile;
  /**
   * What is done when the session is lost, not by `close()`. `fail`: it is over, and all its commands fail. `wait` or
   * `retry`: it is tried to get it back, and commands wait for that; those that were sent fail, or are sent again where
   * that is safe. An object says more. Default `fail`. Not for `discover`.
   */
  readonly reconnect?: OnLoss | ReconnectOptions;
  /**
   * Is told what happens, with its level; also without it, `NODE_DEBUG=tsiscsi` (`tsiscsi:debug`, `tsiscsi:trace`)
   * shows that on standard error.
   */
  readonly log?: LogHook;
  /** How much `log` is told. Default `debug`; `trace` is told of each command and each PDU, which takes its time. */
  readonly logLevel?: LogLevel;
  /** False: ask the logical unit for nothing but its INQUIRY data: for devices that are no disks. Default true. */
  readonly probe?: boolean;
  /** Where `LIBISCSI_CHAP_USERNAME` and the like are looked up. Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * What `connect`, `openSession` and `discover` take: text, a `URL` (its `href` counts), or a URL read by `parseUrl`
 * before.
 */
export type UrlLike = string | URL | IscsiUrl;

export const DEFAULT_INITIATOR_NAME = 'iqn.2026-11.dev.tsiscsi:initiator';
export const DEFAULT_TIMEOUT = 30_000;
export const DEFAULT_CONNECT_TIMEOUT = 15_000;
export const DEFAULT_KEEPALIVE_INTERVAL = 30_000;
/** Milliseconds that the answer to a ping may take. */
export const KEEPALIVE_TIMEOUT = 10_000;
/** Milliseconds that a logout may take. */
export const LOGOUT_TIMEOUT = 5000;

/** Options of `session.logicalUnit`. `signal` and `timeout` are for all questions on the way together. */
export type OpenOptions = Omit<ProbeOptions, 'inventory'>;
