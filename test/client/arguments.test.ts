/** What callers in JavaScript get wrong is told, not guessed at. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, openSession } from '../../src/client/connect.ts';
import { discover } from '../../src/client/discover.ts';
import type { ConnectOptions } from '../../src/client/options.ts';
import { parseUrl } from '../../src/client/url.ts';
import { RawTarget } from '../support/raw-target.ts';

test('an option of connect(), openSession() and discover() that is not known, or cannot be, is refused by name', async (t) => {
  const target = await RawTarget.listen(t);
  for (const [options, message] of [
    [
      { headerDigest: 'CRC32C' },
      /^Cannot use a headerDigest of "CRC32C": none, crc32c, none,crc32c, crc32c,none allowed$/,
    ],
    [{ dataDigest: 'crc32' }, /^Cannot use a dataDigest of "crc32"/],
    [{ dataDigest: true }, /^Cannot use a dataDigest of true/],
    [{ headerdigest: 'crc32c' }, /^Cannot use option "headerdigest" of \w+: initiatorName, .*headerDigest/],
    [{ immediateData: 'no' }, /^Cannot use a immediateData of "no": true or false allowed$/],
    [{ isid: [1, 2, 3, 4, 5, 6] }, /^Cannot use a isid of an object \(Array\): a Uint8Array of 6 bytes allowed$/],
    [{ timeout: '5000' }, /^Cannot use a timeout of "5000"/],
    [{ connectTimeout: 0 }, /^Cannot use a connectTimeout of 0/],
    [{ keepaliveInterval: -1 }, /^Cannot use a keepaliveInterval of -1/],
    [{ maxBurstLength: '1M' }, /^Cannot use a maxBurstLength of "1M"/],
    [{ onEvent: 'log' }, /^Cannot use a onEvent of "log": a function allowed$/],
    [{ probe: 0 }, /^Cannot use a probe of 0/],
    [null, /^Cannot use null as options/],
    [5000, /^Cannot use 5000 as options/],
  ] as const) {
    const given = options as unknown as ConnectOptions;
    for (const call of [
      () => connect(target.url(), given),
      () => openSession(target.url(), given),
      () => discover(target.url(), given).next(),
    ])
      await assert.rejects(call, { code: 'ISCSI_USAGE', message }, JSON.stringify(options));
  }
  assert.equal(target.connections.length, 0, 'nobody has connected');
});

test('connect() takes text, a URL and what parseUrl() gives, and nothing else', async (t) => {
  const target = await RawTarget.listen(t);
  for (const url of [target.url(), new URL(target.url()), parseUrl(target.url())]) {
    const lun = await connect(url);
    assert.equal(lun.size, 256 * 512);
    await lun.close();
  }
  for (const url of [undefined, null, 5, {}, ['iscsi://127.0.0.1']]) {
    await assert.rejects(connect(url as unknown as string), {
      code: 'ISCSI_USAGE',
      message: /: a URL as text, URL or result of parseUrl\(\) allowed$/,
    });
  }
  for (const [parse, message] of [
    [
      () => parseUrl(new URL(target.url()) as unknown as string),
      /^Cannot read an object \(URL\) as a URL: text allowed$/,
    ],
    [() => parseUrl(target.url(), { form: 'ful' as 'full' }), /^Cannot use a form of "ful": full, target, portal, any/],
    [() => parseUrl(target.url(), { forms: 'full' } as object), /^Cannot use option "forms" of parseUrl: form, env/],
  ] as const) {
    assert.throws(parse, { code: 'ISCSI_USAGE', message });
  }
  const user = new URL('iscsi://me%secret@[::1]:3261/iqn.2003-01.org.example:a/1?header_digest=crc32c');
  assert.deepEqual(parseUrl(user.href).credentials?.user, 'me');
});

test('calls of a session refuse what they do not know by name', async (t) => {
  const target = await RawTarget.listen(t);
  const session = await openSession(target.url());
  t.after(() => session.close());
  const before = target.connection.sent.length;
  const wrong = (value: unknown): never => value as never;
  for (const [call, message] of [
    [() => session.logicalUnit(0, wrong({ prob: false })), /^Cannot use option "prob" of logicalUnit: probe, signal, /],
    [
      () => session.logicalUnit(wrong('0')),
      /^Cannot use "0" as a LUN: a number, or \{ high, low \} of 32 bits allowed$/,
    ],
    [() => session.logicalUnit(wrong({ high: 1.5, low: 0 })), /as a LUN/],
    [() => session.logicalUnit(-1), /-1/],
    [() => session.execute(wrong(null), { cdb: new Uint8Array(6) }), /^Cannot use null as a LUN/],
    [() => session.execute(0, wrong({ cdb: new Uint8Array(6), data: 1 })), /^Cannot use option "data" of execute/],
    [() => session.reportLuns(wrong({ lun: 0 })), /^Cannot use option "lun" of reportLuns/],
    [() => session.nop(wrong('ping')), /^Cannot ping with "ping"/],
    [() => session.nop(new Uint8Array(1), wrong({ time: 1 })), /^Cannot use option "time" of nop/],
    [() => session.text(wrong(new Uint8Array(3))), /^Cannot send an object \(Uint8Array\): a string allowed$/],
    [() => session.text('a=b\0', wrong({ time: 1 })), /^Cannot use option "time" of text/],
    [
      () => session.taskManagement(wrong({ function: 5 })),
      /^Cannot use option "function" of taskManagement: functionCode, /,
    ],
    [() => session.taskManagement(wrong({ functionCode: '5' })), /^Cannot use a functionCode of "5"/],
    [() => session.taskManagement(wrong({})), /no task management function/],
    [() => session.taskManagement({ functionCode: 5, lun: wrong('0') }), /^Cannot use a lun of "0"/],
  ] as const) {
    await assert.rejects(async () => call(), { code: 'ISCSI_USAGE', message });
  }
  assert.equal(target.connection.sent.length, before, 'nothing was sent');
});
