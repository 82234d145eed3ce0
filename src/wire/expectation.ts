/** What somebody waits for, what is seen instead, and how that is told. */
import { IscsiError } from '../errors.ts';
import { OPCODES, type OpcodeKey, opcodeName } from '../spec/iscsi-opcodes.ts';
import type { WirePdu } from './wire-pdu.ts';

/**
 * Which PDU is wanted: one with this opcode, one with this opcode and this tag, or whichever the function says yes to.
 * What an object leaves out does not matter.
 */
export type Wanted =
  | OpcodeKey
  | { readonly opcode?: OpcodeKey | undefined; readonly initiatorTaskTag?: number | undefined }
  | ((pdu: WirePdu) => boolean);

/** How a connection ended. */
export interface ConnectionEnd {
  /**
   * `closed`: the peer closed it in order (FIN). `reset`: it was torn down (RST), or the network failed. `unreadable`:
   * the peer sent a data segment beyond the limit, and where its next PDU begins is not known. `own`: this side closed
   * it.
   */
  readonly how: 'closed' | 'reset' | 'unreadable' | 'own';
  /** When: milliseconds of a monotonic clock. */
  readonly at: number;
  /** Bytes of a PDU that was cut off by it. */
  readonly cutOff: number;
  /** What the operating system or the deframer said. */
  readonly error?: Error | undefined;
}

/** What can be seen of a peer: a PDU, the end of the connection, or nothing for the time given. */
export type Observation =
  | { readonly saw: 'pdu'; readonly pdu: WirePdu }
  | { readonly saw: 'end'; readonly end: ConnectionEnd }
  | { readonly saw: 'silence'; readonly milliseconds: number };

/** How long to wait. */
export interface Patience {
  /** Milliseconds. */
  readonly within?: number | undefined;
  /** Ends the waiting with `ISCSI_ABORTED`. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Something else was seen than was expected. Its code is `ISCSI_TIMEOUT` after silence, `ISCSI_CONNECTION_LOST` after
 * an end of the connection, and `ISCSI_PROTOCOL` when a PDU came that was not wanted.
 *
 * @example
 * const error = new ExpectationError('Cannot see a Reject', { saw: 'silence', milliseconds: 50 });
 * error.message; // 'Cannot see a Reject: nothing came within 50 ms'
 * error.code; // 'ISCSI_TIMEOUT'
 */
export class ExpectationError extends IscsiError {
  /** What was seen instead. */
  readonly observation: Observation;

  /** @param also What else came meanwhile, and waits to be asked for. */
  constructor(what: string, observation: Observation, also: readonly WirePdu[] = []) {
    super(CODES[observation.saw], `${what}: ${observationText(observation)}${alsoText(observation, also)}`);
    this.observation = observation;
  }
}

const CODES = {
  pdu: 'ISCSI_PROTOCOL',
  end: 'ISCSI_CONNECTION_LOST',
  silence: 'ISCSI_TIMEOUT',
} as const satisfies Record<Observation['saw'], string>;

const ENDS = {
  closed: 'the peer closed the connection',
  reset: 'the connection was reset',
  unreadable: 'the stream cannot be read on',
  own: 'this side has closed the connection',
} as const satisfies Record<ConnectionEnd['how'], string>;

/** The most PDUs that a message names. */
const NAMED = 4;

/** Whether `pdu` is what is wanted. */
export function isWanted(wanted: Wanted, pdu: WirePdu): boolean {
  if (typeof wanted === 'function') return wanted(pdu);
  if (typeof wanted === 'string') return pdu.is(wanted);
  const { opcode, initiatorTaskTag = pdu.initiatorTaskTag } = wanted;
  return (opcode === undefined || pdu.is(opcode)) && pdu.initiatorTaskTag === initiatorTaskTag;
}

/** What is wanted, in words. */
export function wantedText(wanted: Wanted): string {
  if (typeof wanted === 'function') return 'a PDU that meets the condition';
  if (typeof wanted === 'string') return `a PDU "${opcodeName(OPCODES[wanted])}"`;
  const { opcode, initiatorTaskTag } = wanted;
  const name = opcode === undefined ? 'a PDU' : `a PDU "${opcodeName(OPCODES[opcode])}"`;
  return initiatorTaskTag === undefined ? name : `${name} with initiatorTaskTag ${initiatorTaskTag}`;
}

/** What was seen, in words. */
export function observationText(observation: Observation): string {
  switch (observation.saw) {
    case 'pdu':
      return `there came ${observation.pdu}`;
    case 'end': {
      const { how, cutOff, error } = observation.end;
      const rest = cutOff === 0 ? '' : ` ${cutOff} bytes into a PDU`;
      return `${ENDS[how]}${rest}${error === undefined ? '' : ` (${error.message})`}`;
    }
    case 'silence':
      return `nothing came within ${Math.round(observation.milliseconds)} ms`;
  }
}

function alsoText({ saw }: Observation, pdus: readonly WirePdu[]): string {
  if (pdus.length === 0) return '';
  const more = pdus.length > NAMED ? ` and ${pdus.length - NAMED} more` : '';
  return ` ${saw === 'silence' ? 'but' : 'behind'} ${pdus.slice(0, NAMED).join('; ')}${more}`;
}
