/** URLs and options on their way to the thread: what a structured clone would lose is packed, or refused by name. */
import { IscsiError } from '../errors.ts';
import { Secret } from '../login/secret.ts';
import { SIGNAL } from '../unit/option-rules.ts';
import { type Above, from } from './caller.ts';

/** How deep options are looked at. */
const DEEPEST = 8;
/** The key of a packed secret. */
const SECRET = 'tsiscsi:secret';

/**
 * Options as they can be sent to the thread.
 *
 * @param above What was called.
 * @throws {IscsiError} `ISCSI_USAGE` for what would have to run while the caller waits: signals and functions.
 */
export function packOptions<O>(above: Above, options: O): O {
  return pack(above, options, 'options', 0) as O;
}

/** A URL as it can be sent to the thread: text, or what `parseUrl` gave. */
export function packUrl(above: Above, url: unknown): unknown {
  return url instanceof URL ? url.href : pack(above, url, 'URL', 0);
}

/** What was packed, as it was. */
export function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(unpack);
  const members = Object.entries(value).map(([name, member]) => [name, unpack(member)] as const);
  const [first] = members;
  if (members.length === 1 && first?.[0] === SECRET) return new Secret(String(first[1]));
  return Object.fromEntries(members);
}

function pack(above: Above, value: unknown, name: string, depth: number): unknown {
  if (typeof value === 'function' || SIGNAL.is(value)) {
    const message = `Cannot use option "${name}" of ${above.name}: nothing of the program runs while it waits`;
    const hint = 'limit the call by timeout; for signals and functions there is the asynchronous interface';
    throw from(above, new IscsiError('ISCSI_USAGE', message, { hint }));
  }
  if (typeof value === 'symbol' || depth > DEEPEST) {
    throw from(above, new IscsiError('ISCSI_USAGE', `Cannot use ${name} of ${above.name}: plain values allowed`));
  }
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (value instanceof Secret) return { [SECRET]: value.reveal() };
  if (Array.isArray(value)) return value.map((one) => pack(above, one, name, depth + 1));
  const packed: Record<string, unknown> = {};
  for (const member in value) {
    packed[member] = pack(above, (value as Readonly<Record<string, unknown>>)[member], member, depth + 1);
  }
  return packed;
}
