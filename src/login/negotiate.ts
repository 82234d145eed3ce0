/**
 * The negotiation rules of single keys (RFC 7143 §6.2, §13), pure and the same for both roles: what to offer, how to
 * answer an offer, and whether an answer is one that the offer allows.
 */
import { LoginError, ProtocolError } from '../errors.ts';
import type { TextPair } from '../pdu/text.ts';
import { findKey, KEYS, type Key, type KeyName, type SessionType } from './keys.ts';
import { effective, effectiveNumber, oneR2TOnly, type Results, unsolicitedDataAllowed } from './parameters.ts';
import { type OperationalPolicy, wantedValues } from './policy.ts';
import { parseBoolean, parseList, parseNumber, quote } from './values.ts';

/** What is fixed for a login before it starts. */
export interface NegotiationContext {
  readonly role: 'initiator' | 'target';
  readonly sessionType: SessionType;
  /** False for a further connection of a session, which cannot carry leading-only keys (§13). */
  readonly leading: boolean;
  readonly policy: OperationalPolicy;
  /** The authentication methods that this side can use, best first. */
  readonly authMethods: readonly string[];
}

/**
 * Values that mean something else than a value, and are never proposed (§6.2). `None` is left out: lists may offer it.
 */
const RESERVED: ReadonlySet<string> = new Set(['NotUnderstood', 'Irrelevant', 'Reject']);

/** Whether a value is one of the three that only answers have. */
export function isAnswerOnly(value: string): boolean {
  return RESERVED.has(value);
}

/** Operational keys that an initiator sends in a Discovery session: the ones that mean something there. */
const DISCOVERY_OFFER: ReadonlySet<KeyName> = new Set<KeyName>([
  'HeaderDigest',
  'DataDigest',
  'MaxRecvDataSegmentLength',
  'DefaultTime2Wait',
  'DefaultTime2Retain',
  'ErrorRecoveryLevel',
]);

/**
 * What an initiator proposes and declares in the operational stage. A Discovery session gets only what has a meaning
 * there, and no digest unless one is required: some targets fail such sessions over it.
 */
export function offer(context: NegotiationContext): TextPair[] {
  const pairs: TextPair[] = [];
  for (const [name, value] of wantedValues(context.policy)) {
    const key: Key = KEYS[name];
    if (key.use === 'LO' && !context.leading) continue;
    if (context.sessionType === 'Discovery' && !DISCOVERY_OFFER.has(name)) continue;
    // Not offered is better than answered NotUnderstood; the value is the default anyway.
    if (key.mayBeUnknown && value === key.initial) continue;
    pairs.push([name, offered(name, value, context)]);
  }
  return pairs;
}

/** The answer to one proposal, and what it makes of the result. */
export interface Answer {
  /** The value to send, or undefined when the key is a declaration. */
  readonly value: string | undefined;
  /** What is in force from now on, or undefined for "as before". */
  readonly result: string | undefined;
  /** False when RFC 7143 lets the answer be left out. */
  readonly owed: boolean;
}

/**
 * Answers one key that the other side proposed or declared.
 *
 * @param results What has been agreed so far: FirstBurstLength and MaxOutstandingR2T depend on it.
 * @throws {ProtocolError} When the value may not be proposed, or is not a value of a declared key.
 */
export function answer(name: string, value: string, context: NegotiationContext, results: Results): Answer {
  if (isAnswerOnly(value)) {
    throw new ProtocolError(`Cannot take ${name}=${value} as a proposal: the word is reserved for answers`, {
      clause: '6.2',
    });
  }
  const key = findKey(name);
  // A key that is not understood may also be ignored (§6.2).
  if (key === undefined) return { value: 'NotUnderstood', result: undefined, owed: false };
  if (key.rule === 'method') {
    throw new ProtocolError(`Cannot take ${name}: no authentication is under way`, { clause: key.clause });
  }
  if (key.rule === 'declare') return { value: undefined, result: declared(name, key, value), owed: false };
  if (!key.discovery && context.sessionType === 'Discovery')
    return { value: 'Irrelevant', result: undefined, owed: true };
  const chosen = choose(name as KeyName, key, value, context, results);
  if (chosen === undefined) return { value: 'Reject', result: undefined, owed: true };
  return { value: chosen, result: chosen, owed: !settledByOffer(key, value) };
}

/**
 * Checks the answer to a proposal of ours.
 * @returns The value in force, or undefined when it stays as it was (Reject, Irrelevant, and NotUnderstood for later
 *   keys).
 * @throws {ProtocolError} When the answer is none that the proposal allows.
 */
export function settle(
  name: string,
  proposed: string,
  answered: string,
  context: NegotiationContext,
): string | undefined {
  const key = findKey(name);
  if (answered === 'NotUnderstood') {
    if (key === undefined || key.mayBeUnknown) return undefined;
    throw new ProtocolError(`Cannot accept ${name}=NotUnderstood: every peer must know this key`, { clause: '6.2' });
  }
  if (answered === 'Irrelevant' || answered === 'Reject' || key === undefined) return undefined;
  const refusal = refuse(key, proposed, answered);
  if (refusal === undefined) return answered;
  if (key.rule === 'firstCommon' && answered === 'None' && isDigest(name)) return doneWithout(name, proposed, context);
  throw new ProtocolError(`Cannot accept ${name}=${quote(answered)} for an offer of ${proposed}: ${refusal}`, {
    clause: key.rule === 'firstCommon' ? '6.2.1' : '6.2.2',
  });
}

/**
 * What comes of a proposal that was never answered: its own value where the rule allows to say nothing.
 * @throws {ProtocolError} When an answer was required.
 */
export function settleUnanswered(name: string, proposed: string): string {
  const key = findKey(name);
  if (key !== undefined && settledByOffer(key, proposed)) return proposed;
  throw new ProtocolError(`Cannot go on without an answer to ${name}=${proposed}`, { clause: '6.2.2' });
}

/**
 * The keys whose value in force this side cannot accept, with what it has to propose instead. Empty when all is well.
 */
export function unacceptable(context: NegotiationContext, results: Results): TextPair[] {
  const pairs: TextPair[] = [];
  for (const [name, wanted] of wantedValues(context.policy)) {
    const key: Key = KEYS[name];
    if (key.use === 'LO' && !context.leading) continue;
    if (!key.discovery && context.sessionType === 'Discovery') continue;
    if (!accepts(name, key, wanted, context, results)) pairs.push([name, bounded(name, wanted, results)]);
  }
  return pairs;
}

function accepts(name: KeyName, key: Key, wanted: string, context: NegotiationContext, results: Results): boolean {
  const value = effective(name, results);
  switch (key.rule) {
    case 'firstCommon':
      return parseList(wanted).includes(value) || !isDigest(name) || context.policy.digestsOptional;
    case 'and':
      return wanted === 'Yes' || value === 'No';
    case 'or':
      return wanted === 'No' || value === 'Yes';
    case 'min':
      if (name === 'FirstBurstLength') return acceptsFirstBurst(Number(wanted), results);
      return Number(value) <= Number(wanted);
    case 'max':
      return Number(value) >= Number(wanted);
    default:
      return true;
  }
}

function acceptsFirstBurst(wanted: number, results: Results): boolean {
  if (!unsolicitedDataAllowed(results)) return true;
  return effectiveNumber('FirstBurstLength', results) <= Math.min(wanted, effectiveNumber('MaxBurstLength', results));
}

function bounded(name: KeyName, wanted: string, results: Results): string {
  if (name !== 'FirstBurstLength') return wanted;
  return `${Math.min(Number(wanted), effectiveNumber('MaxBurstLength', results))}`;
}

function offered(name: KeyName, value: string, context: NegotiationContext): string {
  const { policy, sessionType } = context;
  if (sessionType === 'Discovery') {
    if (name === 'ErrorRecoveryLevel') return '0';
    if (isDigest(name) && parseList(value).includes('None')) return 'None';
  }
  // Offering more would only be cut down again (§13.19).
  if (name === 'MaxOutstandingR2T' && policy.errorRecoveryLevel > 0 && policy.dataSequenceInOrder) return '1';
  return value;
}

function choose(
  name: KeyName,
  key: Key,
  value: string,
  context: NegotiationContext,
  results: Results,
): string | undefined {
  const wanted = name === 'AuthMethod' ? context.authMethods.join(',') : wantedValues(context.policy).get(name);
  switch (key.rule) {
    case 'firstCommon': {
      const usable = parseList(wanted ?? '');
      return parseList(value).find((item) => usable.includes(item));
    }
    case 'and':
      return parseBoolean(value) === undefined ? undefined : value === 'Yes' && wanted === 'Yes' ? 'Yes' : 'No';
    case 'or':
      return parseBoolean(value) === undefined ? undefined : value === 'Yes' || wanted === 'Yes' ? 'Yes' : 'No';
    case 'min':
    case 'max': {
      const number = inRange(key, value);
      if (number === undefined) return undefined;
      return `${key.rule === 'max' ? Math.max(number, Number(wanted)) : Math.min(number, most(name, Number(wanted), context, results))}`;
    }
    default:
      return undefined; // The markers of RFC 3720, which §13.25 wants rejected.
  }
}

/** The most that this side may choose for a key of the minimum rule, the integrity rules included. */
function most(name: KeyName, wanted: number, context: NegotiationContext, results: Results): number {
  if (name === 'FirstBurstLength') return Math.min(wanted, effectiveNumber('MaxBurstLength', results));
  if (name === 'MaxOutstandingR2T' && oneR2TOnly(results)) return 1;
  if (name === 'ErrorRecoveryLevel' && context.sessionType === 'Discovery') return 0;
  return wanted;
}

function declared(name: string, key: Key, value: string): string | undefined {
  if (key.range === undefined) return value;
  const number = inRange(key, value);
  if (number !== undefined) return `${number}`;
  if (key.mayBeUnreadable) return undefined;
  throw new ProtocolError(`Cannot accept ${name}=${quote(value)}: ${key.range[0]}..${key.range[1]} allowed`, {
    clause: key.clause,
  });
}

/** Why `answered` is no answer to `proposed`; undefined when it is one. */
function refuse(key: Key, proposed: string, answered: string): string | undefined {
  switch (key.rule) {
    case 'firstCommon':
      return parseList(proposed).includes(answered) ? undefined : 'it was not offered';
    case 'and':
    case 'or':
      if (parseBoolean(answered) === undefined) return 'Yes or No allowed';
      return settledByOffer(key, proposed) && answered !== proposed ? `only ${proposed} allowed` : undefined;
    case 'min':
    case 'max': {
      const number = inRange(key, answered);
      if (number === undefined) return `${key.range?.join('..')} allowed`;
      const bound = Number(proposed);
      if (key.rule === 'min') return number > bound ? `at most ${bound} allowed` : undefined;
      return number < bound ? `at least ${bound} allowed` : undefined;
    }
    default:
      return 'the key takes no answer';
  }
}

function inRange(key: Key, value: string): number | undefined {
  const number = parseNumber(value);
  const [least, greatest] = key.range ?? [0, Number.MAX_SAFE_INTEGER];
  return number !== undefined && number >= least && number <= greatest ? number : undefined;
}

/** True when the offered boolean leaves the answerer no choice, and so no duty to answer (§6.2.2). */
function settledByOffer(key: Key, value: string): boolean {
  return (key.rule === 'and' && value === 'No') || (key.rule === 'or' && value === 'Yes');
}

function isDigest(name: string): boolean {
  return name === 'HeaderDigest' || name === 'DataDigest';
}

/**
 * A target has answered None although the list did not offer it, as some do. A digest that was only preferred is given
 * up then; without one that is required there is no login.
 */
function doneWithout(name: string, proposed: string, context: NegotiationContext): string {
  if (context.policy.digestsOptional) return 'None';
  throw digestRefused(name, proposed);
}

/** The error of a login that needs a digest and does not get it. */
export function digestRefused(name: string, proposed: string): LoginError {
  return new LoginError(
    'ISCSI_LOGIN',
    `Cannot log in with ${name}=${proposed}: the other side does without`,
    { statusClass: 2, statusDetail: 0 },
    { hint: 'allow a login without this digest, or turn the digest on at the other side' },
  );
}
