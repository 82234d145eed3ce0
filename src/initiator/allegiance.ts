import { ProtocolError } from '../errors.ts';
import type { InitiatorConnection } from './connection.ts';

/**
 * All PDUs of a task travel on the connection that carried its command (RFC 7143 §4.2.5.1, connection allegiance).
 * @throws {ProtocolError} When one comes on another. Hot path.
 */
export function requireAllegiance(
  task: { readonly connection: InitiatorConnection | undefined },
  connection: InitiatorConnection,
): void {
  if (task.connection !== connection) refuse();
}

/** Apart, so that the check itself stays small enough to be compiled in place. */
function refuse(): never {
  throw new ProtocolError('Cannot take a PDU of a task on another connection than that of its command', {
    clause: '4.2.5.1',
  });
}
