/**
 * iSCSI names (RFC 7143 §4.2.7, RFC 3721, RFC 3722): `iqn.` and a date and a reversed domain, `eui.` or `naa.` and hex
 * digits. At most 223 bytes, compared byte for byte after normalisation.
 */
import { utf8 } from '../bytes/text.ts';
import { IscsiError, ProtocolError } from '../errors.ts';
import { quote } from './values.ts';

/** The longest iSCSI name in bytes (RFC 7143 §4.2.7.1). */
export const NAME_LIMIT = 223;

/** Which of the three forms a name has. */
export type NameForm = 'iqn' | 'eui' | 'naa';

const FORMS: Readonly<Record<NameForm, RegExp>> = {
  iqn: /^iqn\.[0-9]{4}-(?:0[1-9]|1[0-2])\.[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?(?::.+)?$/u,
  eui: /^eui\.[0-9a-f]{16}$/,
  naa: /^naa\.(?:[0-9a-f]{16}|[0-9a-f]{32})$/,
};

/** Characters that stringprep maps to nothing (RFC 3454 table B.1, and the variation selectors that came later). */
const MAPPED_TO_NOTHING = /\u034f|[\p{Variation_Selector}\u00ad\u1806\u200b-\u200d\u2060\ufeff]/gu;

/** ASCII besides `a-z 0-9 - . :` (RFC 3722 §6.2). */
const PROHIBITED_ASCII = /[^\P{ASCII}a-z0-9.:-]/u;

/**
 * RFC 3454 tables C.1 to C.9: space, control, private use, non-characters, surrogates, inappropriate characters, tags;
 * and U+3002, the ideographic full stop. Those that NFKC replaces are not listed: this is applied after it.
 */
const PROHIBITED_OTHER =
  /[\p{Z}\p{Cc}\p{Co}\p{Cs}\p{Noncharacter_Code_Point}\u06dd\u070f\u180e\u200e\u200f\u202a-\u202e\u2061-\u2063\u206a-\u206f\u2ff0-\u2ffb\u3002\ufff9-\ufffd\u{1d173}-\u{1d17a}\u{e0001}\u{e0020}-\u{e007f}]/u;

/**
 * What no peer may send in a name: control characters, lone surrogates, and U+FFFD, by which the decoder marks broken
 * UTF-8.
 */
const NOT_TEXT = /[\p{Cc}\p{Cs}\ufffd]/u;

/** The form of a name that has been prepared, or undefined when it has none of the three. */
export function nameForm(name: string): NameForm | undefined {
  if (name.length > NAME_LIMIT) return undefined;
  for (const form of ['iqn', 'eui', 'naa'] as const) {
    if (FORMS[form].test(name)) return form;
  }
  return undefined;
}

/**
 * Checks a name of our own, strictly, and returns it in the form in which it is sent and compared.
 * @throws {IscsiError} `ISCSI_USAGE` when it is not of one of the three forms, too long, or has a character that names
 *   cannot have.
 */
export function checkOwnName(name: string): string {
  const prepared = prepare(name);
  const fault =
    lengthFault(prepared) ??
    characterFault(prepared, PROHIBITED_ASCII) ??
    characterFault(prepared, PROHIBITED_OTHER) ??
    (nameForm(prepared) === undefined ? 'it has none of the three forms' : undefined);
  if (fault === undefined) return prepared;
  throw new IscsiError('ISCSI_USAGE', `Cannot use ${quote(name)} as an iSCSI name: ${fault}`, {
    hint: 'write it like iqn.2004-10.org.example:host1, or eui. with 16, or naa. with 16 or 32 hexadecimal digits',
  });
}

/**
 * Prepares a name that the peer sent, leniently: names in use do not always have one of the three forms, and many have
 * characters, such as `_`, that RFC 3722 prohibits. What is not text (control characters, broken UTF-8) is refused all
 * the same.
 * @returns The name as it is compared.
 * @throws {ProtocolError} When it is empty, too long, or not text.
 */
export function prepareReceivedName(name: string): string {
  // Looked at before the work of preparing it: what is so long cannot become short enough by folding.
  const prepared = name.length > 4 * NAME_LIMIT ? name : prepare(name);
  const fault = lengthFault(prepared) ?? characterFault(prepared, NOT_TEXT);
  if (fault === undefined) return prepared;
  throw new ProtocolError(`Cannot take ${quote(name)} as an iSCSI name: ${fault}`, { clause: '4.2.7' });
}

function lengthFault(prepared: string): string | undefined {
  if (prepared === '') return 'it is empty';
  const length = utf8(prepared).length;
  return length > NAME_LIMIT ? `it has ${length} bytes, ${NAME_LIMIT} allowed` : undefined;
}

function characterFault(prepared: string, prohibited: RegExp): string | undefined {
  const code = prohibited.exec(prepared)?.[0].codePointAt(0);
  if (code === undefined) return undefined;
  return `U+${code.toString(16).toUpperCase().padStart(4, '0')} is not allowed in names`;
}

/**
 * Stringprep as RFC 3722 has it: map (B.1, fold case as B.2), normalise to NFKC. Folding can undo a normal form, so it
 * is done twice.
 */
function prepare(name: string): string {
  return fold(fold(name.replace(MAPPED_TO_NOTHING, '')).normalize('NFKC')).normalize('NFKC');
}

function fold(name: string): string {
  if (/^\p{ASCII}*$/u.test(name)) return name.toLowerCase();
  // RFC 3722 folds each character for itself. JavaScript's toLowerCase() of a whole text does not: how it folds a
  // capital sigma depends on the letters beside it. The way through upper case is what turns "ß" into "ss".
  return [...name].map((character) => (character === 'ı' ? character : character.toUpperCase().toLowerCase())).join('');
}
