/** What `iscsi-dd` copies from and to: an iSCSI URL, a file name, or `-`. */
import { usageError } from './exit.ts';
import { redact } from './redact.ts';

/** One end of a copy as the command line names it. */
export type Endpoint =
  | { readonly kind: 'lun'; readonly url: string }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stdin' }
  | { readonly kind: 'stdout' };

/**
 * Reads an operand.
 * @throws {ToolError} `USAGE` for the URL of another scheme, which nobody means as a file name.
 */
export function parseEndpoint(text: string, role: 'source' | 'destination'): Endpoint {
  if (text === '-') return { kind: role === 'source' ? 'stdin' : 'stdout' };
  if (text === '') throw usageError(`the ${role} is empty`, "give an iscsi:// URL, a file name, or '-'");
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(text)?.[1];
  if (scheme === undefined) return { kind: 'file', path: text };
  if (/^(iscsi|iser)$/i.test(scheme)) return { kind: 'lun', url: text };
  throw usageError(`cannot copy with a ${scheme}:// URL`, 'iscsi:// is the one scheme that is known here');
}

/** How messages name an endpoint; without password. */
export function titleOf(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'lun':
      return redact(endpoint.url);
    case 'file':
      return endpoint.path;
    case 'stdin':
      return 'standard input';
    case 'stdout':
      return 'standard output';
  }
}
