/** URLs and options on their way to the thread. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseUrl } from '../../src/client/url.ts';
import { Secret } from '../../src/login/secret.ts';
import { packOptions, packUrl, unpack } from '../../src/sync/packing.ts';

function callSync(): void {
  // What messages name.
}

test('plain values, bytes, lists and secrets arrive as they were, and a secret shows nowhere on the way', () => {
  const options = {
    timeout: 5,
    isid: Uint8Array.of(1, 2, 3),
    list: [1, { deep: 'text' }],
    env: { LIBISCSI_CHAP_USERNAME: 'me', NONE: undefined },
    chap: { user: 'me', secret: new Secret('geheim') },
    nothing: null,
  };
  const arrived = unpack(structuredClone(packOptions(callSync, options))) as typeof options;
  assert.deepEqual(arrived, options);
  assert.equal(arrived.chap.secret.reveal(), 'geheim');
  assert.equal(unpack(packOptions(callSync, undefined)), undefined);
});

test('a URL arrives as text, or as parseUrl() has read it', () => {
  const text = 'iscsi://me%secret@127.0.0.1:3260/iqn.2003-01.org.example:disk/1';
  assert.equal(
    packUrl(callSync, new URL('iscsi://127.0.0.1/iqn.2003-01.org.example:disk/1')),
    'iscsi://127.0.0.1/iqn.2003-01.org.example:disk/1',
  );
  assert.equal(packUrl(callSync, text), text);
  const url = parseUrl(text);
  const arrived = unpack(structuredClone(packUrl(callSync, url))) as typeof url;
  assert.deepEqual(arrived, url);
  assert.equal(arrived.credentials?.secret.reveal(), 'secret');
});

test('functions, signals, symbols and what has no end are refused by name', () => {
  const endless: { next?: unknown } = {};
  endless.next = endless;
  for (const [options, name] of [
    [{ onEvent: () => 1 }, 'onEvent'],
    [{ chap: { secret: async () => 'x' } }, 'secret'],
    [{ signal: AbortSignal.abort() }, 'signal'],
    [{ list: [() => 1] }, 'list'],
    [{ symbol: Symbol('s') }, 'symbol'],
    [endless, 'next'],
  ] as const) {
    assert.throws(
      () => packOptions(callSync, options),
      ({ code, message }: { code: string; message: string }) =>
        code === 'ISCSI_USAGE' && message.includes(name) && message.includes('callSync'),
    );
  }
});
