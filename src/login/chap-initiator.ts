/**
 * The initiator's steps of CHAP (RFC 7143 §12.1.3), pure:
 *
 *     initiator                                target
 *     AuthMethod=CHAP                    ->
 *                                        <-    AuthMethod=CHAP
 *     CHAP_A=8,7,6,5                     ->                              listed
 *                                        <-    CHAP_A=7 CHAP_I CHAP_C
 *     CHAP_N CHAP_R [CHAP_I CHAP_C]      ->                              answered
 *                                        <-    [CHAP_N CHAP_R]           done
 */
import { ValueError } from '../bytes/value-error.ts';
import { IscsiError, type LoginError } from '../errors.ts';
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
import { type Credentials, checkCredentials, secretBytes } from './chap-credentials.ts';
import { AlgorithmsRefused, chapError } from './chap-errors.ts';
import { chapText, extraKey, formatBinary, isBase64, readChallenge, valuesOf } from './chap-keys.ts';
import { parseBinary, quote } from './values.ts';

/** How far the exchange is; while it is `listed`, nobody asks to leave the stage. */
export type ChapProgress = 'none' | 'offered' | 'listed' | 'answered' | 'done';

/** What an exchange carries from step to step. */
export interface ChapRun {
  readonly step: ChapProgress;
  /** The hashes that were offered. */
  readonly offered?: readonly ChapAlgorithm[];
  /** The one that the target chose. */
  readonly algorithm?: ChapAlgorithm;
  /** What the target has to answer. */
  readonly challenge?: ChapChallenge;
}

/** Who authenticates, with what. */
export interface ChapParty {
  readonly credentials: Credentials;
  readonly crypto: ChapCrypto | undefined;
}

/** What a text of the target leads to. */
export interface ChapStep {
  readonly run: ChapRun;
  /** What to say. */
  readonly replies: readonly TextPair[];
  /** What of the text was not about CHAP. */
  readonly rest: readonly TextPair[];
}

/**
 * The first step, when the target has chosen CHAP: which hashes there are.
 * @param leaves As in {@link nextChap}.
 * @throws {LoginError} When the credentials prove nothing: see `checkCredentials`.
 */
export function beginChap({ credentials, crypto }: ChapParty, pairs: readonly TextPair[], leaves: boolean): ChapStep {
  const { keys, rest } = chapText(pairs);
  const extra = extraKey(keys);
  if (extra !== undefined) throw chapError('ISCSI_CHAP_STEP', `the target sends ${extra}, for which it is not time`);
  if (leaves) throw chapError('ISCSI_CHAP_STEP', 'the target goes on before it has asked for anything');
  if (crypto === undefined)
    throw new IscsiError('ISCSI_USAGE', 'Cannot authenticate: the login was given no hashes', {
      hint: 'give chapCrypto together with credentials',
    });
  checkCredentials(credentials);
  const offered = (credentials.algorithms ?? crypto.algorithms).filter((name) => crypto.algorithms.includes(name));
  if (offered.length === 0) throw chapError('ISCSI_CHAP_ALGORITHM', 'this platform has none of the hashes to offer');
  const list = offered.map((name) => CHAP_ALGORITHMS[name].number).join(',');
  return { run: { step: 'listed', offered }, replies: [['CHAP_A', list]], rest };
}

/**
 * The next step, on one complete text of the target.
 * @param leaves Whether the target goes to the next stage with it.
 * @throws {LoginError} When the target breaks a rule, or does not prove who it is.
 */
export function nextChap(run: ChapRun, party: ChapParty, pairs: readonly TextPair[], leaves: boolean): ChapStep {
  const { keys, rest, repeated } = chapText(pairs);
  if (repeated !== undefined) throw chapError('ISCSI_CHAP_STEP', `the target sends ${repeated} twice`);
  if (run.step === 'listed') {
    if (leaves) throw chapError('ISCSI_CHAP_STEP', 'the target goes on before it has asked for anything');
    return { ...answerChallenge(run, party, keys), rest };
  }
  if (run.step === 'answered' && run.challenge !== undefined) {
    checkTarget(run, run.challenge, party, keys);
  } else {
    const extra = extraKey(keys);
    if (extra !== undefined) throw chapError('ISCSI_CHAP_STEP', `the target sends ${extra}, for which it is not time`);
  }
  const step = run.step === 'answered' ? 'done' : run.step;
  return { run: { ...run, step }, replies: [], rest };
}

/**
 * The error for a target that refuses in the middle of CHAP: a refusal of the hashes, or undefined when it refuses for
 * another reason. tgt chooses SHA-256 and then takes no response of that length (0200).
 * @param what What was logged in to.
 */
export function algorithmsRefused(
  run: ChapRun,
  what: string,
  status: { readonly statusClass: number; readonly statusDetail: number },
): LoginError | undefined {
  const { step, offered = [], algorithm } = run;
  const word = (status.statusClass << 8) | status.statusDetail;
  const refusesList = step === 'listed' && LIST_REFUSALS.has(word);
  const cannotUse = step === 'answered' && algorithm !== 'md5' && word === LOGIN_STATUS.INITIATOR_ERROR;
  return refusesList || cannotUse ? new AlgorithmsRefused(what, offered, status) : undefined;
}

/** Statuses with which targets refuse a list of hashes; with others they mean something else. */
const LIST_REFUSALS: ReadonlySet<number> = new Set([
  LOGIN_STATUS.INITIATOR_ERROR,
  LOGIN_STATUS.AUTHENTICATION_FAILURE,
  LOGIN_STATUS.MISSING_PARAMETER,
]);

type Keys = ReturnType<typeof chapText>['keys'];

/** Proves who we are, and asks the target to do the same where it has to. */
function answerChallenge(run: ChapRun, { credentials, crypto }: ChapParty, keys: Keys): Omit<ChapStep, 'rest'> {
  const values = valuesOf(keys, 'CHAP_A', 'CHAP_I', 'CHAP_C');
  const extra = extraKey(keys, 'CHAP_A', 'CHAP_I', 'CHAP_C');
  if (extra !== undefined) throw chapError('ISCSI_CHAP_STEP', `the target sends ${extra} beside its challenge`);
  const algorithm = chosen(run, keys.get('CHAP_A'));
  if (values === undefined || crypto === undefined)
    throw chapError('ISCSI_CHAP_STEP', 'the target sends no CHAP_A, CHAP_I and CHAP_C');
  const challenge = readChallenge(values.CHAP_I, values.CHAP_C);
  if (challenge === undefined)
    throw chapError(
      'ISCSI_CHAP_VALUE',
      'the target sends a CHAP_I that is not 0..255, or a CHAP_C not of 1..1024 bytes',
    );
  if (crypto.gave(challenge.bytes))
    throw chapError('ISCSI_CHAP_REFLECTION', 'the challenge of the target is one that was made here');
  const base64 = isBase64(values.CHAP_C);
  const response = chapResponse(crypto, algorithm, secretBytes(credentials), challenge);
  const replies: TextPair[] = [
    ['CHAP_N', credentials.user],
    ['CHAP_R', formatBinary(response, base64)],
  ];
  if (credentials.target === undefined) return { run: { ...run, step: 'answered', algorithm }, replies };
  const own = crypto.challenge(CHAP_ALGORITHMS[algorithm].length);
  replies.push(['CHAP_I', `${own.identifier}`], ['CHAP_C', formatBinary(own.bytes, base64)]);
  return { run: { ...run, step: 'answered', algorithm, challenge: own }, replies };
}

function chosen({ offered = [] }: ChapRun, value: string | undefined): ChapAlgorithm {
  const algorithm = value === undefined ? undefined : algorithmOfNumber(value);
  if (value === undefined) throw chapError('ISCSI_CHAP_STEP', 'the target chooses no hash');
  if (algorithm !== undefined && offered.includes(algorithm)) return algorithm;
  throw chapError('ISCSI_CHAP_ALGORITHM', `the target chooses CHAP_A=${quote(value)}, which was not offered`);
}

/** Holds the target to what it has to prove. */
function checkTarget(run: ChapRun, challenge: ChapChallenge, { credentials, crypto }: ChapParty, keys: Keys): void {
  const { algorithm } = run;
  const { target } = credentials;
  if (algorithm === undefined || target === undefined || crypto === undefined)
    throw new ValueError('Cannot check a target that was asked nothing');
  const extra = extraKey(keys, 'CHAP_N', 'CHAP_R');
  if (extra !== undefined) throw chapError('ISCSI_CHAP_STEP', `the target sends ${extra} beside its response`);
  const values = valuesOf(keys, 'CHAP_N', 'CHAP_R');
  if (values === undefined)
    throw chapError('ISCSI_CHAP_TARGET', 'the target does not prove who it is, although it was asked to');
  if (values.CHAP_N !== target.user)
    throw chapError('ISCSI_CHAP_TARGET', `the target calls itself ${quote(values.CHAP_N)}, which is not its user name`);
  const response = parseBinary(values.CHAP_R);
  const { length } = CHAP_ALGORITHMS[algorithm];
  if (response?.length !== length)
    throw chapError('ISCSI_CHAP_VALUE', `the target sends a CHAP_R that is not of ${length} bytes`);
  const isResponseOf = (secret: Uint8Array): boolean =>
    crypto.equal(response, chapResponse(crypto, algorithm, secret, challenge));
  if (isResponseOf(secretBytes(credentials)))
    throw chapError('ISCSI_CHAP_SAME_SECRET', 'the target proves itself with the secret of this initiator');
  if (!isResponseOf(secretBytes(target)))
    throw chapError('ISCSI_CHAP_TARGET', 'the response of the target is wrong: it does not know its secret');
}
