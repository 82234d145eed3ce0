/**
 * What a target may say in a login although RFC 7143 does not provide for it, because nothing depends on it: the table
 * is in `docs/peers.md`. An initiator would otherwise lose a session that nothing is wrong with. A target has no such
 * patience: its initiator gets an answer to everything.
 */
import type { TextPair } from '../pdu/text.ts';
import { findKey, type Key } from './keys.ts';
import { type Answer, isAnswerOnly } from './negotiate.ts';

/** What is known of a login so far: see `Negotiation`. */
export interface LoginRecord {
  readonly context: { readonly role: 'initiator' | 'target' };
  readonly sent: ReadonlyMap<string, string>;
  readonly open: ReadonlyMap<string, string>;
}

/** Reasons to pass a pair over that answers no open proposal of ours; each with its reason. */
const REASONS: readonly ((record: LoginRecord, stage: string, pair: TextPair, key: Key | undefined) => boolean)[] = [
  // An answer to what nobody asked: there is nothing that it could change.
  ({ sent }, _stage, [name, value]) => isAnswerOnly(value) && !sent.has(name),
  // A name for people, ours: who does not want it does without.
  (_record, _stage, [name, value]) => isAnswerOnly(value) && name === 'InitiatorAlias',
  // Our own declaration, sent back as it was.
  ({ sent }, _stage, [name, value], key) => key?.sender === 'initiator' && sent.get(name) === value,
  // A declaration before its stage: what it would have allowed is not used. It may be said again in its place.
  (_record, stage, _pair, key) => stage === 'security' && key?.rule === 'declare' && key.stage === 'operational',
  // No authentication, when none was talked of.
  ({ sent }, stage, [name, value]) =>
    stage === 'operational' && name === 'AuthMethod' && value === 'None' && !sent.has(name),
];

/**
 * Whether a pair that a target sends is passed over as if it had not been said.
 * @param received What came before it.
 */
export function isPassedOver(
  record: LoginRecord,
  stage: string,
  received: ReadonlyMap<string, string>,
  pair: TextPair,
): boolean {
  const [name, value] = pair;
  if (record.context.role !== 'initiator') return false;
  const key = findKey(name);
  // A declaration said again, unchanged, as in the response that ends each stage.
  if (received.has(name)) return key?.rule === 'declare' && received.get(name) === value && key.repeatable !== true;
  return !record.open.has(name) && REASONS.some((holds) => holds(record, stage, pair, key));
}

/**
 * Whether the peer has to hear an answer that RFC 7143 requires, even when it leaves no time for it: for an initiator
 * only one with a value. Irrelevant and Reject leave all as it was, and so does saying nothing.
 */
export function mustBeHeard(record: LoginRecord, answer: Answer): boolean {
  return record.context.role === 'target' || answer.result !== undefined;
}
