/** Makes text of others harmless for a terminal. */

/**
 * What does not show, or changes how its surroundings show: control characters (C0, DEL, C1), bidirectional overrides
 * and isolates, zero-width and other ignorable characters, line and paragraph separators, halves of surrogate pairs.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** `text` with each unseen character as a visible escape, `\x1b` or `\u{202e}`: one line, which shows what it is. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code <= 0xff ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u{${code.toString(16)}}`;
  });
}

/** The same JSON in characters that show: each unseen one inside of its strings becomes JSON's own escape. */
export function visibleJson(json: string): string {
  return json.replace(UNSEEN, (character) => {
    if (character === '\n') return character; // between the members: inside of strings it is an escape already
    return Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join('');
  });
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
