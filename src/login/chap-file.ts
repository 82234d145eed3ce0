/*
  A file of names and passwords for CHAP, for both roles:

     # a comment
     user = alice                       what an initiator proves: here, and where its section says nothing else
     password = ...
     target_user = disk                 what the target proves in turn (mutual CHAP)
     target_password = "a b"            in quotes as in JSON, where blanks at its ends or a quote belong to it

     [discovery]                        for targets: what is to be proven before discovery
     auth = none                        or user and password of its own
     [iqn.2003-01.org.example:host]     for targets: an initiator that may log in; with such sections nobody else may
     user = ...                         without a user: what the file begins with; auth = none: nothing
     luns = 0, 2                        the logical units that it sees; all of them unless given

  Messages name lines, and never show what stands in them.
*/
import { IscsiError } from '../errors.ts';
import { type ChapOptions, identityOf } from './chap-options.ts';
import { checkOwnName, NAME_LIMIT } from './iscsi-name.ts';

/** An initiator of a file. */
export interface ChapFileInitiator {
  readonly name: string;
  /** False: it has to prove nothing. Undefined: what all have to prove. */
  readonly chap: ChapOptions | false | undefined;
  readonly luns: readonly number[] | undefined;
}

/** What such a file says. */
export interface ChapFile {
  readonly common: ChapOptions | undefined;
  readonly discovery: ChapOptions | false | undefined;
  readonly initiators: readonly ChapFileInitiator[];
}

type SectionKey = 'user' | 'password' | 'target_user' | 'target_password' | 'auth' | 'luns';
type Section = Map<SectionKey, string>;

/** Which keys a section may have. */
const KEYS: Readonly<Record<'common' | 'discovery' | 'initiator', readonly SectionKey[]>> = {
  common: ['user', 'password', 'target_user', 'target_password'],
  discovery: ['user', 'password', 'target_user', 'target_password', 'auth'],
  initiator: ['user', 'password', 'target_user', 'target_password', 'auth', 'luns'],
};

const LARGEST_LUN = 16_383;

/**
 * Reads the text of such a file.
 * @param path For messages.
 * @throws {IscsiError} `ISCSI_CHAP_FILE`, with the number of the line.
 */
export function parseChapFile(text: string, path: string): ChapFile {
  const common: Section = new Map();
  const sections = new Map<string, Section>();
  let [name, section] = ['', common];
  for (const [index, whole] of text.split('\n').entries()) {
    const line = whole.trim();
    const fail: Fail = (why) => problem(path, `line ${index + 1} ${why}`);
    if (line === '' || line.startsWith('#')) continue;
    if (line.startsWith('[')) {
      name = sectionName(line, fail);
      if (sections.has(name)) throw fail('begins a section that there is already');
      section = new Map();
      sections.set(name, section);
    } else {
      addEntry(section, line, KEYS[kindOf(name)], fail);
    }
  }
  return fileOf(common, sections, path);
}

function fileOf(beginning: Section, sections: ReadonlyMap<string, Section>, path: string): ChapFile {
  const common = chapOf(beginning, path, 'the beginning') || undefined;
  const discovery = sections.get(DISCOVERY);
  const initiators = [...sections].flatMap(([name, entries]) => {
    if (name === DISCOVERY) return [];
    const chap = chapOf(entries, path, `section [${name}]`);
    // Whoever forgets a user must not let everybody in who calls himself so.
    if (chap === undefined && common === undefined)
      throw problem(path, `section [${name}] has no user, and the file begins with none; auth = none goes without`);
    return [{ name, chap, luns: lunsOf(entries, path, name) }];
  });
  return { common, discovery: discovery && chapOf(discovery, path, `section [${DISCOVERY}]`), initiators };
}

const DISCOVERY = 'discovery';

type Fail = (why: string) => IscsiError;

function kindOf(name: string): keyof typeof KEYS {
  if (name === '') return 'common';
  return name === DISCOVERY ? 'discovery' : 'initiator';
}

function sectionName(line: string, fail: Fail): string {
  const name = line.endsWith(']') ? line.slice(1, -1).trim() : '';
  if (name === DISCOVERY) return name;
  try {
    if (name.length <= NAME_LIMIT) return checkOwnName(name);
  } catch {
    // The file is what the message is about.
  }
  throw fail('begins a section whose name is neither an iSCSI name nor "discovery"');
}

function addEntry(section: Section, line: string, keys: readonly SectionKey[], fail: Fail): void {
  const equals = line.indexOf('=');
  const key = keys.find((known) => known === line.slice(0, Math.max(0, equals)).trim());
  if (key === undefined) throw fail(`has none of the keys ${keys.join(', ')} before "="`);
  if (section.has(key)) throw fail(`says ${key} a second time`);
  section.set(key, readValue(line.slice(equals + 1).trim(), fail));
}

function readValue(text: string, fail: Fail): string {
  if (!text.startsWith('"')) return text;
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'string') return value;
  } catch {
    // Its message would quote the value.
  }
  throw fail('has a value that does not end with its quote');
}

function chapOf(section: Section, path: string, where: string): ChapOptions | false | undefined {
  const [user, password] = [section.get('user'), section.get('password')];
  const [targetUser, targetPassword] = [section.get('target_user'), section.get('target_password')];
  const auth = section.get('auth');
  const fail = (why: string): IscsiError => problem(path, `${where} ${why}`);
  if (auth !== undefined && auth !== 'none' && auth !== 'chap') throw fail('has an auth that is neither none nor chap');
  if ((user === undefined) !== (password === undefined))
    throw fail('has a user without password, or a password without user');
  if ((targetUser === undefined) !== (targetPassword === undefined))
    throw fail('has a target_user without target_password, or the other way round');
  if (user === undefined || password === undefined) {
    if (targetUser !== undefined) throw fail('has a target_user, but no user');
    return auth === 'none' ? false : undefined;
  }
  if (auth === 'none') throw fail('has a user, and auth = none');
  const chap =
    targetUser === undefined || targetPassword === undefined
      ? { user, password }
      : { user, password, target: { user: targetUser, password: targetPassword } };
  for (const login of [chap, chap.target]) if (login !== undefined) checked(login, fail);
  return chap;
}

/** Names and passwords that cannot be used are said here, where the place is known. */
function checked(login: { readonly user: string; readonly password: string }, fail: Fail): void {
  try {
    identityOf(login, 'a user');
  } catch {
    throw fail('has a user or a password that is empty, or a user of more than 255 bytes');
  }
}

function lunsOf(section: Section, path: string, title: string): readonly number[] | undefined {
  const text = section.get('luns');
  if (text === undefined) return undefined;
  return text.split(',').map((item) => {
    const digits = item.trim();
    const lun = /^[0-9]{1,5}$/.test(digits) ? Number(digits) : LARGEST_LUN + 1;
    if (lun > LARGEST_LUN) throw problem(path, `section [${title}] has luns that are no list of 0..${LARGEST_LUN}`);
    return lun;
  });
}

function problem(path: string, why: string): IscsiError {
  return new IscsiError('ISCSI_CHAP_FILE', `Cannot take credentials from ${path}: ${why}`, {
    hint: 'each line is key = value, [section] or # comment; docs/tools.md has an example',
  });
}
