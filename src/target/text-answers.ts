import { ProtocolError } from '../errors.ts';
import type { ChapAccount } from '../login/chap-target.ts';
import { findKey } from '../login/keys.ts';
import { answer, type NegotiationContext } from '../login/negotiate.ts';
import type { OperationalPolicy } from '../login/policy.ts';
import { formatSendTargets, type TargetAddress } from '../login/send-targets.ts';
import type { TextPair } from '../pdu/text.ts';
import type { PortalAddress } from './portal-address.ts';
import type { TargetEntry } from './target-entry.ts';

/** What text exchanges ask about the node. */
export interface TargetDirectory {
  /** The targets of which an initiator is told. */
  targetsFor(initiatorName: string, account: ChapAccount | undefined): readonly TargetEntry[];
  readonly policy: OperationalPolicy;
  /** Where a target is reached, as seen from a connection that came in at `portal`. */
  addressesOf(entry: TargetEntry, portal: PortalAddress): readonly TargetAddress[];
}

/** Who asks. */
export interface TextAsker {
  readonly directory: TargetDirectory;
  /** Where its connection came in. */
  readonly portal: PortalAddress;
  readonly discovery: boolean;
  /** Prepared for comparison. */
  readonly initiatorName: string;
  /** Who it has proven to be. */
  readonly account: ChapAccount | undefined;
  /** The target of its session. */
  readonly entry: TargetEntry | undefined;
}

/** What a negotiation has brought so far. */
export interface NegotiationState {
  /** Keys that it has seen: each may come once (RFC 7143 §6.4). */
  readonly seen: Set<string>;
  /** The MaxRecvDataSegmentLength that the initiator has declared; in force when the exchange has ended well. */
  declaredLength: number | undefined;
}

/** The most different keys of one exchange, so that a peer cannot go on with new ones for ever. */
const KEY_LIMIT = 256;

/** The answer to all keys of one request. @throws {ProtocolError} When the exchange must be given up. */
export function answerText(asker: TextAsker, state: NegotiationState, pairs: readonly TextPair[]): TextPair[] {
  const asksForTargets = pairs.some(([name]) => name === 'SendTargets');
  return asksForTargets ? listTargets(asker, pairs) : negotiate(asker, state, pairs);
}

/** RFC 7143 appendix C. A Normal session learns of its own target only, and nobody of a target that it may not use. */
function listTargets(asker: TextAsker, pairs: readonly TextPair[]): TextPair[] {
  const { directory, portal, discovery, initiatorName, account, entry } = asker;
  const [only] = pairs;
  if (pairs.length !== 1 || only === undefined) {
    throw new ProtocolError('Cannot take SendTargets together with other keys', { clause: 'C' });
  }
  const [, asked] = only;
  if (asked === 'All' ? !discovery : asked === '' && discovery) return [['SendTargets', 'Reject']];
  const visible = discovery ? directory.targetsFor(initiatorName, account) : entry === undefined ? [] : [entry];
  const named = asked === 'All' || asked === '' ? visible : visible.filter(({ name }) => name === asked);
  return formatSendTargets(named.map((one) => ({ name: one.name, addresses: directory.addressesOf(one, portal) })));
}

/** Negotiation in full feature phase (RFC 7143 §6.4): only keys that may change then, each once. */
function negotiate(asker: TextAsker, state: NegotiationState, pairs: readonly TextPair[]): TextPair[] {
  const context: NegotiationContext = {
    role: 'target',
    sessionType: asker.discovery ? 'Discovery' : 'Normal',
    leading: false,
    policy: asker.directory.policy,
    authMethods: [],
  };
  const replies: TextPair[] = [];
  for (const [name, value] of pairs) {
    noteKey(state, name);
    const reply = answer(name, value, context, new Map());
    if (name === 'MaxRecvDataSegmentLength') state.declaredLength = Number(reply.result);
    if (reply.value !== undefined) replies.push([name, reply.value]);
  }
  return replies;
}

function noteKey({ seen }: NegotiationState, name: string): void {
  if (seen.has(name)) throw new ProtocolError(`Cannot take ${name} twice in one negotiation`, { clause: '6.4' });
  seen.add(name);
  if (seen.size > KEY_LIMIT) {
    throw new ProtocolError(`Cannot take more than ${KEY_LIMIT} keys in one negotiation`, { clause: '6.2' });
  }
  const key = findKey(name);
  if (key !== undefined && (key.use !== 'ALL' || key.sender === 'target')) {
    throw new ProtocolError(`Cannot take ${name} after the login`, { clause: key.clause });
  }
}
