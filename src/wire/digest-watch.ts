import { concat } from '../bytes/hex.ts';
import { fromUtf8 } from '../bytes/text.ts';
import type { LoginResponse } from '../pdu/login-response.ts';
import { TEXT_LIMIT } from '../pdu/text.ts';
import { type Digests, NO_DIGESTS } from './draft.ts';

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
  readonly #texts = { initiator: new GatheredText(), target: new GatheredText() };
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
    const gathered = this.#texts[speaker];
    gathered.add(text);
    if (continues) return;
    for (const item of gathered.take().split('\0')) this.#note(item);
  }

  #note(item: string): void {
    const on = item.endsWith('=CRC32C');
    if (item.startsWith('HeaderDigest=')) this.#agreed = { ...this.#agreed, header: on };
    if (item.startsWith('DataDigest=')) this.#agreed = { ...this.#agreed, data: on };
  }
}

/** The pieces of one text, as far as anybody would read it. */
class GatheredText {
  #pieces: Uint8Array[] = [];
  #length = 0;

  add(piece: Uint8Array): void {
    this.#length += piece.length;
    if (piece.length > 0 && this.#length <= TEXT_LIMIT) this.#pieces.push(piece);
  }

  /** The text; nothing when it was too long, because nobody agrees on anything in such a one. */
  take(): string {
    const text = this.#length <= TEXT_LIMIT ? fromUtf8(concat(...this.#pieces)) : '';
    this.#pieces = [];
    this.#length = 0;
    return text;
  }
}

/** Whether a Login Response is the last of a login that succeeded. */
export function endsLogin(response: LoginResponse): boolean {
  return response.statusClass === 0 && response.transit && response.nextStage === FULL_FEATURE;
}
