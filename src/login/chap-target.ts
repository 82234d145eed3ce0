/** The target's steps of CHAP (RFC 7143 §12.1.3), pure: the mirror of `chap-initiator.ts`. */
import { ValueError } from '../bytes/value-error.ts';
import type { IscsiError } from '../errors.ts';
import type { TextPair } from '../pdu/text.ts';
import { LOGIN_STATUS } from '../spec/iscsi-login-status.ts';
import {
  algorithmOfNumber,
  CHAP_ALGORITHMS,
  type ChapAlgorithm,
  type ChapChallenge,
  type ChapCrypto,
  chapResponse,
} from './chap-algorithms.ts';
import { type ChapIdentity, secretBytes } from './chap-credentials.ts';
import { chapRefusal, notProven } from './chap-errors.ts';
import { type ChapText, chapText, extraKey, formatBinary, isBase64, readChallenge, valuesOf } from './chap-keys.ts';
import { parseBinary, parseList, quote } from './values.ts';

/** Who can prove what: an initiator that may log in, and the target in turn. */
export interface ChapAccount extends ChapIdentity {
  /** What this target proves to that initiator, when it is asked to. */
  readonly target?: ChapIdentity | undefined;
}

/** What an initiator has to prove. */
export interface TargetAuthentication {
  readonly crypto: ChapCrypto;
  /** One of these. None: nobody can log in, and whoever tries learns no more than with a wrong secret. */
  readonly accounts: readonly ChapAccount[];
  /** The hashes that are taken. Default: all that the platform has. */
  readonly algorithms?: readonly ChapAlgorithm[] | undefined;
}

/** What an exchange carries from step to step. */
export interface TargetChapRun {
  /** `agreed`: CHAP is the method. `challenged`: the initiator was asked. `done`: it has proven who it is. */
  readonly step: 'none' | 'agreed' | 'challenged' | 'done';
  readonly algorithm?: ChapAlgorithm;
  readonly challenge?: ChapChallenge;
  /** Who was proven. */
  readonly account?: ChapAccount;
}

/** What a text of the initiator leads to. */
export interface TargetChapStep {
  readonly run: TargetChapRun;
  readonly replies: readonly TextPair[];
  /** What of the text was not about CHAP. */
  readonly rest: readonly TextPair[];
}

/** Compared with where there is no such user, so that the answer takes about as long. */
const NOBODY = new Uint8Array(16);

/**
 * The next step, on one complete text of the initiator.
 * @throws {LoginError} With the login status that it is refused with.
 */
export function nextTargetChap(
  run: TargetChapRun,
  authentication: TargetAuthentication,
  pairs: readonly TextPair[],
): TargetChapStep {
  const text = chapText(pairs);
  if (text.repeated !== undefined) throw wrongStep(`it sends ${text.repeated} twice`);
  const { rest } = text;
  switch (run.step) {
    case 'agreed':
      return { ...challengeInitiator(authentication, text), rest };
    case 'challenged':
      return { ...checkInitiator(run, authentication, text), rest };
    default: {
      const extra = extraKey(text.keys);
      if (extra !== undefined) throw wrongStep(`it sends ${extra}, for which it is not time`);
      return { run, replies: [], rest };
    }
  }
}

/** Chooses the first hash of the initiator's list that is taken here, and asks it to prove who it is. */
function challengeInitiator({ crypto, algorithms }: TargetAuthentication, { keys }: ChapText): Chosen {
  const values = valuesOf(keys, 'CHAP_A');
  if (values === undefined) throw missing('CHAP_A');
  const extra = extraKey(keys, 'CHAP_A');
  if (extra !== undefined) throw wrongStep(`it sends ${extra} before it was asked anything`);
  const usable = (algorithms ?? crypto.algorithms).filter((name) => crypto.algorithms.includes(name));
  const algorithm = parseList(values.CHAP_A)
    .map(algorithmOfNumber)
    .find((name) => name !== undefined && usable.includes(name));
  if (algorithm === undefined) {
    const why = `it offers CHAP_A=${quote(values.CHAP_A)}, of which none is taken here`;
    throw chapRefusal('ISCSI_CHAP_ALGORITHM', LOGIN_STATUS.AUTHENTICATION_FAILURE, why);
  }
  const { number, length } = CHAP_ALGORITHMS[algorithm];
  const challenge = crypto.challenge(length);
  const replies: TextPair[] = [
    ['CHAP_A', `${number}`],
    ['CHAP_I', `${challenge.identifier}`],
    ['CHAP_C', formatBinary(challenge.bytes, false)],
  ];
  return { run: { step: 'challenged', algorithm, challenge }, replies };
}

type Chosen = Omit<TargetChapStep, 'rest'>;

/** Looks at what the initiator proves, and proves in turn who this target is, where it is asked to. */
function checkInitiator(run: TargetChapRun, { crypto, accounts }: TargetAuthentication, { keys }: ChapText): Chosen {
  const { algorithm, challenge } = run;
  if (algorithm === undefined || challenge === undefined) throw new ValueError('Cannot check who was asked nothing');
  const values = valuesOf(keys, 'CHAP_N', 'CHAP_R');
  // With a response left out, what the target proves in turn could be sent back as the initiator's (§9.2).
  if (values === undefined) throw missing('CHAP_N or CHAP_R');
  const extra = extraKey(keys, 'CHAP_N', 'CHAP_R', 'CHAP_I', 'CHAP_C');
  if (extra !== undefined) throw wrongStep(`it sends ${extra} beside its response`);
  const response = parseBinary(values.CHAP_R);
  if (response === undefined) throw badValue('a CHAP_R that is not of 1..1024 bytes');
  const asked = counterChallenge(keys, crypto);

  const isResponseOf = (secret: Uint8Array): boolean => {
    const wanted = chapResponse(crypto, algorithm, secret, challenge);
    return response.length === wanted.length && crypto.equal(response, wanted);
  };
  const named = accounts.filter(({ user }) => user === values.CHAP_N);
  if (named.length === 0) isResponseOf(NOBODY);
  const proven = named.filter((account) => isResponseOf(secretBytes(account)));
  const isOurs = named.some(({ target }) => target !== undefined && isResponseOf(secretBytes(target)));
  const [account] = proven;
  if (account === undefined || isOurs) throw notProven();
  const { target } = account;
  const done: TargetChapRun = { step: 'done', account };
  if (asked === undefined) return { run: done, replies: [] };
  if (target === undefined)
    throw chapRefusal(
      'ISCSI_CHAP_TARGET',
      LOGIN_STATUS.AUTHENTICATION_FAILURE,
      'it asks this target to prove itself, which has nothing to do that with',
    );
  const proof = formatBinary(chapResponse(crypto, algorithm, secretBytes(target), asked), isBase64(values.CHAP_R));
  return {
    run: done,
    replies: [
      ['CHAP_N', target.user],
      ['CHAP_R', proof],
    ],
  };
}

/** What the initiator asks in turn. A challenge that was made here would have us answer it for the initiator. */
function counterChallenge(keys: ChapText['keys'], crypto: ChapCrypto): ChapChallenge | undefined {
  const values = valuesOf(keys, 'CHAP_I', 'CHAP_C');
  if (values === undefined) {
    if (keys.has('CHAP_I') || keys.has('CHAP_C')) throw missing('CHAP_I or CHAP_C');
    return undefined;
  }
  const asked = readChallenge(values.CHAP_I, values.CHAP_C);
  if (asked === undefined) throw badValue('a CHAP_I that is not 0..255, or a CHAP_C not of 1..1024 bytes');
  if (!crypto.gave(asked.bytes)) return asked;
  const why = 'its challenge is one that was made here';
  throw chapRefusal('ISCSI_CHAP_REFLECTION', LOGIN_STATUS.AUTHENTICATION_FAILURE, why);
}

function missing(keys: string): IscsiError {
  return chapRefusal('ISCSI_CHAP_STEP', LOGIN_STATUS.MISSING_PARAMETER, `it leaves out ${keys}`);
}

function wrongStep(why: string): IscsiError {
  return chapRefusal('ISCSI_CHAP_STEP', LOGIN_STATUS.INITIATOR_ERROR, why);
}

function badValue(what: string): IscsiError {
  return chapRefusal('ISCSI_CHAP_VALUE', LOGIN_STATUS.INITIATOR_ERROR, `it sends ${what}`);
}
