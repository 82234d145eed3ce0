import { DeviceServer } from '../device/scsi-device.ts';
import { IscsiError } from '../errors.ts';
import type { ChapAlgorithm } from '../login/chap-algorithms.ts';
import { CHAP_ALGORITHM_NAMES } from '../login/chap-algorithms.ts';
import { haveSameSecret, isShortSecret } from '../login/chap-credentials.ts';
import { chapError } from '../login/chap-errors.ts';
import { type ChapOptions, identityOf } from '../login/chap-options.ts';
import type { ChapAccount, TargetAuthentication } from '../login/chap-target.ts';
import { checkOwnName } from '../login/iscsi-name.ts';
import { TARGET_CHAP } from '../node/chap-crypto.ts';
import { warnSharedSecret, warnShortSecret } from '../node/chap-warnings.ts';
import type { InitiatorAccess } from '../target/target-entry.ts';
import type { AccessOptions } from './access-options.ts';
import { numbered } from './numbering.ts';
import type { TargetOptions, TargetSpec } from './options.ts';

/** What an initiator may do with one target. */
interface Grant {
  /** What it has to prove; undefined when that is nothing. */
  readonly account: ChapAccount | undefined;
  /** Whether that was given to this initiator alone: then it proves its name too. */
  readonly own: boolean;
  /** The logical units that it sees; undefined for all. */
  readonly luns: readonly number[] | undefined;
}

/** The grants of one target, by the prepared iSCSI name. */
export type GrantOf = (initiatorName: string) => Grant | undefined;

/** Who may use what, over all targets of one server. */
export interface ServerAccess {
  /** By the name of the target. */
  readonly grants: ReadonlyMap<string, GrantOf>;
  readonly authentication: (accounts: readonly ChapAccount[]) => TargetAuthentication;
  /** What an initiator has to prove before it is told of targets; undefined when that is nothing. */
  readonly discovery: (initiatorName: string) => TargetAuthentication | undefined;
  /** Whether an initiator that has proven to be `account` is told of a target. */
  readonly tells: (targetName: string, initiatorName: string, account: ChapAccount | undefined) => boolean;
}

/**
 * Reads who may use what, and checks names and secrets.
 *
 * @throws {IscsiError} `ISCSI_USAGE`; `ISCSI_CHAP_SHORT_SECRET` and `ISCSI_CHAP_SAME_SECRET` for secrets that prove
 *   nothing. No message has a secret in it.
 */
export function accessOf(specs: readonly TargetSpec[], options: TargetOptions): ServerAccess {
  const accounts: ChapAccount[] = [];
  const read = (chap: ChapOptions, what: string): ChapAccount => {
    const account = accountOf(chap, what);
    accounts.push(account);
    return account;
  };
  const grants = new Map(specs.map((spec) => [spec.name, grantsOf(spec, read)]));
  const { discoveryChap, chapAlgorithms } = options;
  const told =
    discoveryChap === undefined || discoveryChap === false ? undefined : read(discoveryChap, 'discoveryChap');
  checkAlgorithms(chapAlgorithms);
  checkSecrets(accounts, options.allowShortSecrets === true);
  const authentication = (some: readonly ChapAccount[]): TargetAuthentication => {
    return { crypto: TARGET_CHAP, accounts: some, algorithms: chapAlgorithms };
  };
  const discovery = (initiatorName: string): TargetAuthentication | undefined => {
    if (discoveryChap === false || accounts.length === 0) return undefined;
    if (told !== undefined) return authentication([told]);
    const usable = [...grants.values()].map((grantOf) => grantOf(initiatorName)).filter((grant) => grant !== undefined);
    const own = usable.flatMap(({ account }) => (account === undefined ? [] : [account]));
    // Whoever may use something, and has nothing to prove there, has nothing to prove here; strangers are told nothing.
    return usable.length > 0 && own.length === 0 ? undefined : authentication(own);
  };
  const tells = (targetName: string, initiatorName: string, account: ChapAccount | undefined): boolean => {
    const grant = grants.get(targetName)?.(initiatorName);
    if (grant === undefined || account === undefined || account === told) return grant !== undefined;
    // What several know proves no name: whoever took another's is told no more than under his own.
    const isKnown = grant.account === undefined || isSame(grant.account, account);
    return isKnown || [...grants.values()].some((grantOf) => isOwn(grantOf(initiatorName), account));
  };
  return { grants, authentication, discovery, tells };
}

/** What an initiator gets of a target, with a device of its own where it sees a part of the logical units only. */
export function deviceAccess(
  { grants, authentication }: ServerAccess,
  { name }: TargetSpec,
  device: DeviceServer,
): (initiatorName: string) => InitiatorAccess | undefined {
  const parts = new Map<string, DeviceServer>();
  const partOf = (luns: readonly number[]): DeviceServer => {
    const key = luns.join();
    const part = parts.get(key) ?? partialDevice(name, device, luns);
    parts.set(key, part);
    return part;
  };
  return (initiatorName) => {
    const grant = grants.get(name)?.(initiatorName);
    if (grant === undefined) return undefined;
    const { account, luns } = grant;
    return {
      device: luns === undefined ? device : partOf(luns),
      authentication: account === undefined ? undefined : authentication([account]),
    };
  };
}

/** The same logical units, with one order of their commands, behind fewer numbers. */
function partialDevice(name: string, device: DeviceServer, luns: readonly number[]): DeviceServer {
  const part = new DeviceServer({ name });
  for (const lun of luns) {
    const unit = device.logicalUnit(lun);
    if (unit !== undefined) part.attach(lun, unit);
  }
  return part;
}

type ReadAccount = (chap: ChapOptions, what: string) => ChapAccount;

function grantsOf(spec: TargetSpec, read: ReadAccount): GrantOf {
  const { chap, initiators }: AccessOptions = spec;
  const common = chap === undefined ? undefined : read(chap, `the chap of ${spec.name}`);
  if (initiators === undefined) return () => ({ account: common, own: false, luns: undefined });
  const byName = new Map<string, Grant>();
  for (const { name: given, chap: own = chap, luns } of initiators) {
    const name = checkOwnName(given);
    if (byName.has(name)) throw usage(`Cannot allow ${name} at ${spec.name}: it is allowed twice`);
    const account =
      own === false || own === undefined ? undefined : own === chap ? common : read(own, `the chap of ${name}`);
    const isOwnAccount = account !== undefined && account !== common;
    byName.set(name, {
      account,
      own: isOwnAccount,
      luns: luns === undefined ? undefined : checkedLuns(luns, name, spec),
    });
  }
  return (initiatorName) => byName.get(initiatorName);
}

function isOwn(grant: Grant | undefined, account: ChapAccount): boolean {
  return grant?.own === true && grant.account === account;
}

function isSame(one: ChapAccount, other: ChapAccount): boolean {
  return one.user === other.user && haveSameSecret(one, other);
}

function checkedLuns(luns: readonly number[], name: string, spec: TargetSpec): readonly number[] {
  const known = numbered(spec.luns).map(([lun]) => lun);
  for (const lun of luns) {
    if (!known.includes(lun))
      throw usage(`Cannot allow ${name} LUN ${lun} of ${spec.name}: it has ${known.join(', ')}`);
  }
  return [...new Set(luns)].sort((a, b) => a - b);
}

function accountOf(chap: ChapOptions, what: string): ChapAccount {
  const identity = identityOf(chap, what);
  return chap.target === undefined
    ? identity
    : { ...identity, target: identityOf(chap.target, `the target of ${what}`) };
}

/** RFC 7143 §9.2.1: long enough, never the same in both directions, and one for each initiator. */
function checkSecrets(accounts: readonly ChapAccount[], allowShort: boolean): void {
  const targets = accounts.flatMap(({ target }) => (target === undefined ? [] : [target]));
  const short = [...accounts, ...targets].find(isShortSecret);
  if (short !== undefined && !allowShort)
    throw chapError('ISCSI_CHAP_SHORT_SECRET', `the secret of "${short.user}" has less than 12 bytes (96 bits)`);
  if (short !== undefined) warnShortSecret(short.user);
  for (const account of accounts) {
    if (targets.some((target) => haveSameSecret(account, target)))
      throw chapError('ISCSI_CHAP_SAME_SECRET', `a target has the secret of the initiator "${account.user}"`);
    const twin = accounts.find((other) => other.user !== account.user && haveSameSecret(account, other));
    if (twin !== undefined) warnSharedSecret(account.user, twin.user);
  }
}

function checkAlgorithms(algorithms: readonly ChapAlgorithm[] | undefined): void {
  if (algorithms === undefined) return;
  const unknown = algorithms.find((name) => !CHAP_ALGORITHM_NAMES.includes(name));
  if (unknown === undefined && algorithms.length > 0) return;
  throw usage(`Cannot use chapAlgorithms "${algorithms}": one or more of ${CHAP_ALGORITHM_NAMES.join(', ')} allowed`);
}

function usage(message: string): IscsiError {
  return new IscsiError('ISCSI_USAGE', message);
}
