import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromUtf8, utf8 } from '../../src/bytes/text.ts';
import { SecretText } from '../../src/capture/secret-text.ts';

const TEXT = 'CHAP_N=bob\0CHAP_R=0x0123456789abcdef\0CHAP_I=7\0CHAP_C=0xffee\0XCHAP_R=1\0CHAP_RX=2\0CHAP_R=last';
const BLANKED = 'CHAP_N=bob\0CHAP_R=******************\0CHAP_I=7\0CHAP_C=0xffee\0XCHAP_R=1\0CHAP_RX=2\0CHAP_R=****';

test('blank() hides the CHAP response, and nothing else, wherever the text is cut into two', () => {
  for (let cut = 0; cut <= TEXT.length; cut++) {
    const bytes = utf8(TEXT);
    const secrets = new SecretText();
    secrets.blank(bytes, 0, cut);
    secrets.blank(bytes, cut, bytes.length);
    assert.equal(fromUtf8(bytes), BLANKED, `cut at ${cut}`);
  }
});

test('blank() hides it when the text comes byte by byte, with an equals sign and zeros around', () => {
  const bytes = utf8('\0\0CHAP_R==a=b\0\0A=1\0');
  const secrets = new SecretText();
  for (let at = 0; at < bytes.length; at++) secrets.blank(bytes, at, at + 1);
  assert.equal(fromUtf8(bytes), '\0\0CHAP_R=****\0\0A=1\0');
});

test('reset() ends a value that never ended', () => {
  const [first, second] = [utf8('CHAP_R=ab'), utf8('A=1\0')];
  const secrets = new SecretText();
  secrets.blank(first, 0, first.length);
  secrets.reset();
  secrets.blank(second, 0, second.length);
  assert.deepEqual([fromUtf8(first), fromUtf8(second)], ['CHAP_R=**', 'A=1\0']);
});

test('a key of any length costs no memory', () => {
  const bytes = new Uint8Array(1_000_000).fill(0x41);
  const secrets = new SecretText();
  secrets.blank(bytes, 0, bytes.length);
  assert.equal(bytes[999_999], 0x41);
});
