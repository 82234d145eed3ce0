import { concat } from '../bytes/hex.ts';
import { fromUtf8 } from '../bytes/text.ts';
import type { LoginResponse } from '../pdu/login-response.ts';
import { TEXT_LIMIT } from '../pdu/text.ts';
import { type Digests, NO_DIGESTS } from './draft.ts';

const NOTHING = new Uint8Array(0);
const FULL_FEATURE = 3;

/**
 * Listens to the texts of a login, whoever says them and however wrong they are, and knows which digests hold from its
 * end on (RFC 7143 §13.1). It must be asked before the next byte is read: the target's first PDU of the full feature
 * phase may stand right behind its Login Response.
 *
 * @example
 * const watch = new DigestWatch();
 * const bytes = (text: string) => new TextEncoder().encode(text);
 * watch.hear('initiator', bytes('HeaderDigest=CRC32C,None\0'), false);
 * watch.hear('target', bytes('HeaderDigest=CRC32C\0'), false);
 * watch.agreed; // { header: true, data: false }
 */
export class DigestWatch {
  readonly #texts = { initiator: NOTHING, target: NOTHING };
  #agreed = NO_DIGESTS;

  /** What the last word on each key was: an answer comes after its offer, and names one value. */
  get agreed(): Digests {
    return this.#agreed;
  }

  /**
   * One piece of text.
   * @param continues Whether the text goes on in the speaker's next PDU (C).
   */
  hear(speaker: 'initiator' | 'target', text: Uint8Array, continues: boolean): void {
    const whole = concat(this.#texts[speaker], text);
    this.#texts[speaker] = NOTHING;
    if (whole.length > TEXT_LIMIT) return; // nobody agrees on anything in such a text
    if (continues) this.#texts[speaker] = whole;
    else for (const item of fromUtf8(whole).split('\0')) this.#note(item);
  }

  #note(item: string): void {
    const on = item.endsWith('=CRC32C');
    if (item.startsWith('HeaderDigest=')) this.#agreed = { ...this.#agreed, header: on };
    if (item.startsWith('DataDigest=')) this.#agreed = { ...this.#agreed, data: on };
  }
}

/** Whether a Login Response is the last of a login that succeeded. */
export function endsLogin(response: LoginResponse): boolean {
  return response.statusClass === 0 && response.transit && response.nextStage === FULL_FEATURE;
}
