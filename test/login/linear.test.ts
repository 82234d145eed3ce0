/**
 * Whatever text a peer sends, reading it takes time in proportion to its length (promise 8). Each reader gets its worst
 * inputs once at a long and often at a short length, the same bytes in all: the ratio of the two times of the processor
 * does not depend on the machine.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/text.ts';
import { parseChapFile } from '../../src/login/chap-file.ts';
import { onLoginResponse } from '../../src/login/initiator.ts';
import { nameForm, prepareReceivedName } from '../../src/login/iscsi-name.ts';
import { answer, type NegotiationContext, settle } from '../../src/login/negotiate.ts';
import { openBook, takePairs } from '../../src/login/negotiation.ts';
import { INITIATOR_POLICY, TARGET_POLICY } from '../../src/login/policy.ts';
import { checkMethodAnswer, checkMethodOffer } from '../../src/login/security.ts';
import { parseSendTargets, parseTargetAddress } from '../../src/login/send-targets.ts';
import { onLoginRequest } from '../../src/login/target.ts';
import {
  parseBinary,
  parseBoolean,
  parseList,
  parseNumber,
  parseNumericalValue,
  quote,
} from '../../src/login/values.ts';
import { appendText, parseText, TextAssembler, type TextPair } from '../../src/pdu/text.ts';
import { begun, NAMES, request, response, waiting } from './help.ts';
import { demanding, fixedCrypto, MUTUAL } from './help-chap.ts';

const SHORTER = 16;
const LONG = 64 * 1024 - 256;
const SHORT = LONG / SHORTER;
/** A reader whose time grows with the length takes as long either way; with the square of the length, 16 times. */
const MOST_RATIO = 6;
/** Below this, in milliseconds, a time says nothing but that it is short. */
const NEGLIGIBLE = 20;
const TRIALS = 4;

/** Texts on which matchers that backtrack, or look behind their own end, are slow. */
const WORST: Readonly<Record<string, (length: number) => string>> = {
  '0x, zeros and no digit': (length) => `0x${'0'.repeat(length)}g`,
  'zeros and no digit': (length) => `${'0'.repeat(length)}g`,
  nines: (length) => '9'.repeat(length),
  'hex digits': (length) => `0x${'f'.repeat(length)}`,
  'base64 and no digit': (length) => `0b${'A'.repeat(length - (length % 4))}!`,
  'base64 padding': (length) => `0b${'='.repeat(length)}`,
  commas: (length) => ','.repeat(length),
  items: (length) => 'a,'.repeat(length / 2),
  'a name of dots': (length) => `iqn.2003-01.${'a.'.repeat(length / 2)}!`,
  'a name of dashes': (length) => `iqn.2003-01.a${'-'.repeat(length)}`,
  'a name of colons': (length) => `iqn.2003-01.a${':'.repeat(length)}\n`,
  'combining marks': (length) => `iqn.2003-01.a:${'\u0301\u0323'.repeat(length / 4)}`,
  'what NFKC makes longer': (length) => '\ufdfa'.repeat(length / 3),
  'what maps to nothing': (length) => '\u200b'.repeat(length / 3),
  colons: (length) => ':'.repeat(length),
  'an IPv6 address without an end': (length) => `[${'1:'.repeat(length / 2)}`,
  'an IPv6 address with zones': (length) => `[1${'%a'.repeat(length / 2)}]`,
  'a host without an end': (length) => `${'a'.repeat(length)}]`,
  'a port without an end': (length) => `a:${'1'.repeat(length)}!`,
  'control characters': (length) => '\u0001'.repeat(length),
  'equals signs': (length) => '='.repeat(length),
  'broken UTF-8': (length) => '\ufffd'.repeat(length / 3),
};

const INITIATOR: NegotiationContext = {
  role: 'initiator',
  sessionType: 'Normal',
  leading: true,
  policy: INITIATOR_POLICY,
  authMethods: ['CHAP', 'None'],
};
const TARGET: NegotiationContext = { ...INITIATOR, role: 'target', policy: TARGET_POLICY };
const KEYS = ['MaxBurstLength', 'HeaderDigest', 'ImmediateData', 'TargetPortalGroupTag', 'AuthMethod', 'X-none'];

const NAME = 'iqn.2003-01.org.example:host';
const LISTED = onLoginResponse(
  begun({ credentials: MUTUAL, chapCrypto: fixedCrypto() }),
  response({ csg: 0, text: utf8('AuthMethod=CHAP\0') }),
).state;
const ASKED = utf8('CHAP_A=5\0CHAP_I=1\0CHAP_C=0x01\0');
const CHAP_AT_INITIATOR = [LISTED, onLoginResponse(LISTED, response({ csg: 0, text: ASKED })).state];
const AGREED = onLoginRequest(
  waiting(demanding()),
  request({ csg: 0, nsg: 1, text: utf8(`${NAMES.join('\0')}\0AuthMethod=CHAP\0`) }),
).state;
const CHAP_AT_TARGET = [AGREED, onLoginRequest(AGREED, request({ csg: 0, nsg: 1, text: utf8('CHAP_A=5\0') })).state];

/** Everything that reads a peer's text: of one value, and of a whole text. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  parseNumericalValue,
  parseNumber,
  parseBoolean,
  parseList,
  parseBinary: (text) => parseBinary(text),
  quote,
  nameForm,
  prepareReceivedName,
  parseTargetAddress,
  'parseSendTargets, as a name': (text) => parseSendTargets([['TargetName', text]]),
  'parseSendTargets, as an address': (text) =>
    parseSendTargets([
      ['TargetName', 'iqn.2003-01.org.example:a'],
      ['TargetAddress', text],
    ]),
  checkMethodAnswer: (text) => checkMethodAnswer(undefined, [['AuthMethod', text]]),
  checkMethodOffer: (text) => checkMethodOffer(false, [['AuthMethod', text]]),
  answer: (text) => KEYS.map((key) => attempt(() => answer(key, text, TARGET, new Map()))),
  settle: (text) => KEYS.map((key) => attempt(() => settle(key, 'None', text, INITIATOR))),
  takePairs: (text) => takePairs(openBook(TARGET), 'operational', [['InitiatorAlias', text]]),
  'the login, as initiator': (text) => {
    for (const key of KEYS) onLoginResponse(begun(), response({ text: utf8(`${key}=${text}\0`) }));
  },
  'CHAP, as initiator': (text) => {
    for (const key of ['CHAP_A', 'CHAP_I', 'CHAP_C', 'CHAP_N', 'CHAP_R']) {
      for (const state of CHAP_AT_INITIATOR) {
        const others = ['CHAP_A=5', 'CHAP_I=1', 'CHAP_C=0x01'].filter((pair) => !pair.startsWith(key)).join('\0');
        onLoginResponse(state, response({ csg: 0, text: utf8(`${others}\0${key}=${text}\0`) }));
      }
    }
  },
  'CHAP, as target': (text) => {
    for (const key of ['CHAP_A', 'CHAP_I', 'CHAP_C', 'CHAP_N', 'CHAP_R']) {
      const proof = ['CHAP_I=1', 'CHAP_C=0x01', 'CHAP_N=alice', 'CHAP_R=0x01'].filter((pair) => !pair.startsWith(key));
      for (const others of ['', `${proof.join('\0')}\0`]) {
        for (const state of CHAP_AT_TARGET)
          onLoginRequest(state, request({ csg: 0, nsg: 1, text: utf8(`${others}${key}=${text}\0`) }));
      }
    }
  },
  parseChapFile: (text) => {
    for (const line of [text, `user=${text}`, `[${text}]`, `user=a\npassword=b\n[${NAME}]\nluns=${text}`])
      attempt(() => parseChapFile(line, 'a file'));
  },
  'the login, as target': (text) => {
    for (const key of [...KEYS, 'InitiatorName', 'TargetName', 'SessionType'])
      onLoginRequest(waiting(), request({ text: utf8(`${NAMES.join('\0')}\0${key}=${text}\0`) }));
  },
};

/** Texts of many small pairs, by length. */
const MANY: Readonly<Record<string, (length: number) => string>> = {
  'one key again and again': (length) => 'A=\0'.repeat(length / 3),
  'many keys': (length) =>
    Array.from({ length: length / 9 }, (_, at) => `X${at.toString(36).padStart(6, '0')}=\0`).join(''),
  'no equals sign': (length) => 'A\0'.repeat(length / 2),
  'one long key': (length) => `${'A'.repeat(length)}=\0`,
  'no NUL': (length) => `A=${'a'.repeat(length)}`,
  'NULs only': (length) => '\0'.repeat(length),
  addresses: (length) => `TargetName=iqn.2003-01.org.example:a\0${'TargetAddress=a\0'.repeat(length / 16)}`,
  names: (length) => 'TargetName=a\0'.repeat(length / 13),
};

function attempt<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}

/** The shortest of several times of the processor for `times` calls, in milliseconds. */
function shortest(work: () => unknown, times: number): number {
  let best = Number.POSITIVE_INFINITY;
  for (let trial = 0; trial < TRIALS; trial++) {
    const from = process.cpuUsage();
    for (let call = 0; call < times; call++) attempt(work);
    best = Math.min(best, process.cpuUsage(from).user / 1000);
    if (best > 1000 || best < NEGLIGIBLE) break; // it cannot come out otherwise any more
  }
  return best;
}

/** Asserts that `work` takes time in proportion to the length that it is given. */
function assertLinear(title: string, work: (length: number) => () => unknown): void {
  const once = shortest(work(LONG), 1);
  if (once < NEGLIGIBLE) return;
  const often = shortest(work(SHORT), SHORTER);
  const shown = `${SHORTER} times ${SHORT} bytes took ${often.toFixed(1)} ms, ${LONG} bytes at once ${once.toFixed(1)} ms`;
  assert.ok(once < MOST_RATIO * Math.max(often, 1), `${title}: ${shown}`);
}

for (const [name, read] of Object.entries(READERS)) {
  test(`${name} takes time in proportion to the length of what a peer sends`, () => {
    for (const [kind, make] of Object.entries(WORST)) {
      assertLinear(`${name}, ${kind}`, (length) => {
        const text = make(length);
        return () => read(text);
      });
    }
  });
}

test('whole texts, of many pairs or of none, take time in proportion to their length', () => {
  for (const [kind, make] of Object.entries(MANY)) {
    assertLinear(kind, (length) => {
      const bytes = utf8(make(length));
      return () => {
        const pairs: TextPair[] = attempt(() => parseText(bytes)) ?? [];
        attempt(() => parseSendTargets(pairs));
        attempt(() => takePairs(openBook(TARGET), 'operational', pairs));
        attempt(() => takePairs(openBook(INITIATOR), 'operational', pairs));
        attempt(() => onLoginRequest(waiting(), request({ text: bytes })));
      };
    });
  }
});

test('a text that comes byte by byte takes time in proportion to its length, however it is collected', () => {
  const byte = Uint8Array.of(0x41);
  assertLinear('appendText', (length) => () => {
    let text: Uint8Array = new Uint8Array(0);
    for (let at = 0; at < length; at++) text = appendText(text, byte);
    return text;
  });
  assertLinear('TextAssembler', (length) => () => {
    const assembler = new TextAssembler();
    for (let at = 0; at < length; at++) assembler.add(byte);
  });
});

test('the number that held all sessions up for 8 seconds is refused at once', () => {
  const from = performance.now();
  assert.equal(parseNumericalValue(`0x${'0'.repeat(64_000)}g`), undefined);
  assert.ok(performance.now() - from < 100);
});

test('appendText() leaves what it was given alone, also when two texts grow out of one', () => {
  const start = appendText(new Uint8Array(0), utf8('ab'));
  const grown = appendText(start, utf8('cd'));
  const [one, other] = [appendText(grown, utf8('1')), appendText(grown, utf8('2'))];
  const shown = [start, grown, one, other].map((text) => String.fromCharCode(...text));
  assert.deepEqual(shown, ['ab', 'abcd', 'abcd1', 'abcd2']);
  assert.throws(() => appendText(grown, utf8('ef'), 5), { code: 'ISCSI_PROTOCOL' });
});
