/** ASCII and UTF-8 without TextEncoder and TextDecoder, which the sans-I/O rooms do not have in their types. */

/** Characters that are joined at once. */
const AT_ONCE = 1024;

/** The bytes of `text` in UTF-8. */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  const bytes: number[] = [];
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0xfffd;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x1_0000) bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    }
  }
  return Uint8Array.from(bytes);
}

/** `bytes[from, to)` read as UTF-8. What is not UTF-8 becomes U+FFFD. */
export function fromUtf8(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = '';
  let codes: number[] = [];
  let at = from;
  while (at < to) {
    const first = bytes[at] ?? 0;
    const length =
      first < 0x80
        ? 1
        : first >= 0xf0 && first < 0xf5
          ? 4
          : first >= 0xe0 && first < 0xf0
            ? 3
            : first >= 0xc2 && first < 0xe0
              ? 2
              : 0;
    const code = length === 1 ? first : length === 0 || at + length > to ? -1 : decode(bytes, at, length);
    // Many at a time: a text made one by one takes 32 bytes of memory for each character.
    if (codes.push(code < 0 ? 0xfffd : code) === AT_ONCE) {
      text += String.fromCodePoint(...codes);
      codes = [];
    }
    at += code < 0 ? 1 : length;
  }
  return text + String.fromCodePoint(...codes);
}

/** `bytes[from, to)` read as ASCII; control and other characters become `.`. For fixed-width SCSI strings. */
export function fromAscii(bytes: Uint8Array, from = 0, to = bytes.length): string {
  let text = '';
  for (let at = from; at < to; at++) {
    const code = bytes[at] ?? 0;
    text += code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '.';
  }
  return text;
}

function decode(bytes: Uint8Array, at: number, length: number): number {
  let code = (bytes[at] ?? 0) & (0x7f >> length);
  for (let next = 1; next < length; next++) {
    const byte = bytes[at + next] ?? 0;
    if ((byte & 0xc0) !== 0x80) return -1;
    code = (code << 6) | (byte & 0x3f);
  }
  const least = length === 2 ? 0x80 : length === 3 ? 0x800 : 0x1_0000;
  const surrogate = code >= 0xd800 && code <= 0xdfff;
  return code < least || code > 0x10_ffff || surrogate ? -1 : code;
}
