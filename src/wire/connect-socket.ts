import { connect, type Socket } from 'node:net';
import { type ErrorCode, IscsiError } from '../errors.ts';
import { parseTargetAddress } from '../login/send-targets.ts';
import type { Patience } from './expectation.ts';
import { checkPatience, DEFAULT_PATIENCE, waitAborted } from './watchers.ts';

/** Where a target listens. */
export interface WireAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * A TCP connection that ends in each direction by itself.
 * @param to As text `host:port`, IPv6 addresses in brackets; the port is 3260 when it is left out.
 * @throws {IscsiError} `ISCSI_REFUSED`, `ISCSI_UNREACHABLE`, `ISCSI_TIMEOUT`, `ISCSI_ABORTED`.
 */
export async function connectSocket(to: WireAddress | string, patience: Patience = {}): Promise<Socket> {
  const { within = DEFAULT_PATIENCE, signal } = patience;
  const address = typeof to === 'string' ? parseTargetAddress(to) : to;
  const { host, port } = address;
  checkPatience(within);
  if (signal?.aborted) throw waitAborted(signal);
  const socket = connect({ host, port, noDelay: true, allowHalfOpen: true });
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(() => reject(failure(address, 'ISCSI_TIMEOUT', `no answer within ${within} ms`)), within);
      onAbort = () => reject(waitAborted(signal));
      signal?.addEventListener('abort', onAbort);
      socket.once('connect', resolve);
      socket.once('error', (cause: NodeJS.ErrnoException) => {
        const code = cause.code === 'ECONNREFUSED' ? 'ISCSI_REFUSED' : 'ISCSI_UNREACHABLE';
        reject(failure(address, code, cause.message, cause));
      });
    });
    return socket;
  } catch (error) {
    socket.on('error', () => undefined); // one that comes later is of no interest any more
    socket.destroy();
    throw error;
  } finally {
    clearTimeout(timer);
    if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
  }
}

function failure({ host, port }: WireAddress, code: ErrorCode, why: string, cause?: Error): IscsiError {
  return new IscsiError(code, `Cannot connect to ${host}:${port}: ${why}`, { cause });
}
