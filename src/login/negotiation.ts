/**
 * The record of one login, the same for both roles: which keys were sent and received, which proposals wait for an
 * answer, what is agreed. It is never changed: each step returns a new one.
 */
import { ValueError } from '../bytes/value-error.ts';
import { ProtocolError } from '../errors.ts';
import type { TextPair } from '../pdu/text.ts';
import { findKey, type Key } from './keys.ts';
import { answer, digestRefused, type NegotiationContext, settle, settleUnanswered, unacceptable } from './negotiate.ts';
import { type OperationalParameters, OWN_LENGTH, type Results, toParameters } from './parameters.ts';
import { isPassedOver, mustBeHeard } from './patience.ts';
import { quote } from './values.ts';

/** The most different keys that one login may bring. RFC 7143 has about 40; a flood of unknown ones is refused. */
const KEY_LIMIT = 256;

/** Rules between keys need the others first: these are worked on last, wherever they stand in the text. */
const LATE: ReadonlySet<string> = new Set(['FirstBurstLength', 'MaxOutstandingR2T']);

/** Declarations that are let pass when repeated unchanged, where that is allowed at all. */
const NAMES: ReadonlySet<string> = new Set(['InitiatorName', 'InitiatorAlias', 'TargetName', 'SessionType']);

/** A stage in which keys are exchanged. */
export type NegotiationStage = 'security' | 'operational';

/** See the head of this file. */
export interface Negotiation {
  readonly context: NegotiationContext;
  /** What this side has sent, by key, answers included. */
  readonly sent: ReadonlyMap<string, string>;
  /** What the peer has sent, by key, answers included. */
  readonly received: ReadonlyMap<string, string>;
  /** Own proposals without an answer so far. */
  readonly open: ReadonlyMap<string, string>;
  /** What is agreed or declared. */
  readonly results: Results;
  /** True: a peer may repeat the names of the first request unchanged (libiscsi does, after AuthMethod=None). */
  readonly tolerateRepeatedNames: boolean;
}

/** An empty book. */
export function openBook(context: NegotiationContext, tolerateRepeatedNames = false): Negotiation {
  const none = new Map<string, string>();
  return { context, sent: none, received: none, open: none, results: none, tolerateRepeatedNames };
}

/** Notes what this side proposes, declares and answers. No key may be sent twice (RFC 7143 §6.3). */
export function noteSent(book: Negotiation, pairs: readonly TextPair[]): Negotiation {
  const sent = new Map(book.sent);
  const open = new Map(book.open);
  const results = new Map(book.results);
  for (const [name, value] of pairs) {
    const key = findKey(name);
    if (sent.has(name) && key?.repeatable !== true) throw new ValueError(`Cannot send ${name} twice in one login`);
    sent.set(name, value);
    if (name === 'MaxRecvDataSegmentLength') results.set(OWN_LENGTH, value);
    // What the peer brought up is an answer, and closes the matter; the keys of a method have steps of their own.
    const isProposal = key !== undefined && key.rule !== 'declare' && key.rule !== 'method';
    if (isProposal && !book.received.has(name)) open.set(name, value);
  }
  return { ...book, sent, open, results };
}

/** What a text of the peer leads to. */
export interface Intake {
  readonly book: Negotiation;
  /** The answers to what the peer proposed, not noted as sent yet. */
  readonly replies: readonly TextPair[];
  /** Those of the answered keys whose answer RFC 7143 requires. */
  readonly owed: readonly string[];
}

/**
 * Takes the pairs of one complete text of the peer: checks each key, settles own proposals, answers the peer's.
 * @throws {ProtocolError} When a key is repeated, misplaced or forbidden, or an answer is none that the proposal
 *   allows.
 * @throws {LoginError} When a digest that is required was turned down.
 */
export function takePairs(book: Negotiation, stage: NegotiationStage, pairs: readonly TextPair[]): Intake {
  const received = new Map(book.received);
  const open = new Map(book.open);
  const results = new Map(book.results);
  const replies: TextPair[] = [];
  const owed: string[] = [];
  for (const [name, value] of inOrderOfWork(admitted(book, stage, received, pairs))) {
    const key = findKey(name);
    if (key !== undefined) checkStage(name, key, stage);
    const proposed = open.get(name);
    if (proposed !== undefined) {
      open.delete(name);
      const result = settle(name, proposed, value, book.context);
      if (result !== undefined) results.set(name, result);
    } else if (!isDeclarationRefused(book, name, key, value)) {
      if (key !== undefined) checkSender(name, key, value, book.context);
      const reply = answer(name, value, book.context, results);
      if (reply.result !== undefined) results.set(name, reply.result);
      if (reply.value !== undefined) replies.push([name, reply.value]);
      if (reply.owed && mustBeHeard(book, reply)) owed.push(name);
    }
  }
  return { book: { ...book, received, open, results }, replies, owed };
}

/**
 * The end of a stage: own proposals that were not answered settle themselves or break the rule.
 * @throws {ProtocolError} When a required answer is missing (RFC 7143 §6.2.2).
 */
export function closeStage(book: Negotiation): Negotiation {
  const results = new Map(book.results);
  for (const [name, proposed] of book.open) results.set(name, settleUnanswered(name, proposed));
  return { ...book, open: new Map(), results };
}

/**
 * The end of the login: what was agreed becomes the parameters.
 * @param session For a further connection: the session's parameters.
 * @throws {ProtocolError} When rules between keys are broken.
 * @throws {LoginError} When a required digest was not agreed on.
 */
export function conclude(book: Negotiation, session: OperationalParameters | undefined): OperationalParameters {
  for (const [name, wanted] of unacceptable(book.context, book.results)) {
    if (name === 'HeaderDigest' || name === 'DataDigest') throw digestRefused(name, wanted);
  }
  return toParameters(book.results, { ...book.context, session });
}

/** The pairs to work on; checks for repeated keys and for too many of them, and adds to `received`. */
function admitted(
  book: Negotiation,
  stage: NegotiationStage,
  received: Map<string, string>,
  pairs: readonly TextPair[],
): TextPair[] {
  return pairs.filter(([name, value]) => {
    if (isPassedOver(book, stage, received, [name, value])) return false;
    if (received.has(name) && findKey(name)?.repeatable !== true) {
      if (book.tolerateRepeatedNames && NAMES.has(name) && book.results.get(name) === value) return false;
      throw new ProtocolError(`Cannot take ${name} twice in one login`, { clause: '6.3' });
    }
    received.set(name, value);
    if (received.size <= KEY_LIMIT) return true;
    throw new ProtocolError(`Cannot take more than ${KEY_LIMIT} different keys in one login`, { clause: '6.2' });
  });
}

function inOrderOfWork(pairs: readonly TextPair[]): TextPair[] {
  return [...pairs.filter(([name]) => !LATE.has(name)), ...pairs.filter(([name]) => LATE.has(name))];
}

function checkStage(name: string, key: Key, stage: NegotiationStage): void {
  if (key.use === 'FFPO') throw new ProtocolError(`Cannot take ${name} during login`, { clause: key.clause });
  if (key.stage === 'any' || key.stage === stage) return;
  throw new ProtocolError(`Cannot take ${name} in the ${stage} stage: only in the ${key.stage} stage allowed`, {
    clause: '6.3',
  });
}

function checkSender(name: string, key: Key, value: string, context: NegotiationContext): void {
  if (key.sender === context.role) {
    throw new ProtocolError(`Cannot take ${name} from the ${peerOf(context)}: only the ${key.sender} may send it`, {
      clause: key.clause,
    });
  }
  // Common initiators send SessionType=Normal on each connection; it changes nothing.
  if (key.use !== 'LO' || context.leading || (name === 'SessionType' && value === 'Normal')) return;
  const rule = 'it belongs to the first connection of a session';
  throw new ProtocolError(`Cannot take ${name}=${quote(value)} on a further connection: ${rule}`, {
    clause: key.clause,
  });
}

/** True when the peer says that it does not know a key that this side has declared. */
function isDeclarationRefused(book: Negotiation, name: string, key: Key | undefined, value: string): boolean {
  if (value !== 'NotUnderstood' || !book.sent.has(name)) return false;
  if (key === undefined || key.mayBeUnknown) return true;
  throw new ProtocolError(`Cannot accept ${name}=NotUnderstood: every peer must know this key`, { clause: '6.2' });
}

function peerOf(context: NegotiationContext): string {
  return context.role === 'initiator' ? 'target' : 'initiator';
}
