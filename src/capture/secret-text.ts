/** The texts of a login as a capture may show them: what proves a secret is blanked, wherever PDUs cut it. */

/**
 * Keys whose values prove a secret, or are one. Of CHAP that is the response alone: together with identifier and
 * challenge it lets anybody try passwords at home. Those two, the algorithm and the name give nothing away, and tell
 * why a login failed.
 */
const SECRET_KEYS: ReadonlySet<string> = new Set(['CHAP_R', 'SRP_M', 'SRP_HM', 'KRB_AP_REQ', 'KRB_AP_REP']);
/** No key of the list above is longer. */
const LONGEST_KEY = 16;
const EQUALS = 0x3d;
/** `*`: no key, no value of ours and no number has it. */
const BLANK = 0x2a;

/**
 * Follows the text of one direction byte by byte, so that a key may be cut anywhere, and blanks the values of secret
 * keys in place. Their length stays, since all that follows counts from it.
 *
 * @example
 * const text = new TextEncoder().encode('CHAP_N=bob\0CHAP_R=0x1234\0');
 * new SecretText().blank(text, 0, text.length);
 * new TextDecoder().decode(text); // 'CHAP_N=bob\0CHAP_R=******\0'
 */
export class SecretText {
  #key = '';
  #inValue = false;
  #secret = false;

  /** Blanks what is secret in `bytes[from, to)`, which goes on where the last piece ended. */
  blank(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; at++) {
      const byte = bytes[at] ?? 0;
      if (byte === 0) this.reset();
      else if (this.#secret) bytes[at] = BLANK;
      else if (!this.#inValue) this.#takeKey(byte);
    }
  }

  /** The next byte begins a new text. */
  reset(): void {
    this.#key = '';
    this.#inValue = false;
    this.#secret = false;
  }

  #takeKey(byte: number): void {
    if (byte === EQUALS) {
      this.#inValue = true;
      this.#secret = SECRET_KEYS.has(this.#key);
    } else if (this.#key.length <= LONGEST_KEY) this.#key += String.fromCharCode(byte);
  }
}
