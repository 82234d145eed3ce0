import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import {
  formatUrl,
  formatUrlLun,
  type IscsiUrl,
  parseUrl,
  parseUrlLun,
  redactUrl,
  type UrlOptions,
} from '../../src/client/url.ts';
import { IscsiError } from '../../src/errors.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const NO_ENV = { env: {} };

function read(text: string, options: UrlOptions = {}): IscsiUrl {
  return parseUrl(text, { ...NO_ENV, ...options });
}

/** User, password, target user and target password of a URL; '-' for what is not there. */
function who(text: string, env: Record<string, string> = {}): string {
  const { credentials } = read(text, { env });
  const parts = [
    credentials?.user,
    credentials?.secret.reveal(),
    credentials?.target?.user,
    credentials?.target?.secret.reveal(),
  ];
  return parts.map((part) => part ?? '-').join(' ');
}

function refusal(text: string, options: UrlOptions = {}): IscsiError {
  try {
    read(text, options);
  } catch (error) {
    assert.ok(error instanceof IscsiError, String(error));
    assert.equal(error.code, 'ISCSI_URL');
    assert.doesNotMatch(error.message, /\n/);
    assert.ok(error.hint !== undefined && error.hint !== '');
    return error;
  }
  throw new assert.AssertionError({ message: `${text} was accepted` });
}

test('parseUrl() reads a full URL', () => {
  assert.deepEqual(
    read(`iscsi://alice%open@[::1]:3261,2/${NAME}/1?auth=sha-256&header_digest=crc32c&data_digest=none&force_usn=A1`),
    {
      host: '::1',
      port: 3261,
      portalGroupTag: 2,
      targetName: NAME,
      lun: { high: 0x0001_0000, low: 0 },
      credentials: { user: 'alice', secret: read('iscsi://a%open@h').credentials?.secret, target: undefined },
      incompleteCredentials: false,
      auth: 'sha-256',
      headerDigest: 'CRC32C',
      dataDigest: 'None',
      unitSerialNumber: 'A1',
      unknownKeys: [],
    },
  );
});

test('parseUrl() reads the URL of a portal', () => {
  for (const text of ['iscsi://host', 'iscsi://host/', 'iscsi://host?', 'iscsi://host:3260']) {
    const { host, port, targetName, lun } = read(text);
    assert.deepEqual(
      { host, port, targetName, lun },
      { host: 'host', port: 3260, targetName: undefined, lun: undefined },
      text,
    );
  }
});

test('parseUrl() of a portal passes over what follows it, where a portal is asked for', () => {
  for (const text of [`iscsi://host/${NAME}/1`, `iscsi://host/${NAME}`, 'iscsi://host/what/ever/%zz']) {
    const { host, targetName } = read(text, { form: 'portal' });
    assert.deepEqual([host, targetName], ['host', undefined], text);
  }
});

for (const [portal, host, port, tag] of [
  ['host', 'host', 3260, undefined],
  ['host:1', 'host', 1, undefined],
  ['10.0.0.1:65535', '10.0.0.1', 65_535, undefined],
  ['[::1]', '::1', 3260, undefined],
  ['[::1]:3281', '::1', 3281, undefined],
  ['[127.0.0.1]:3281', '127.0.0.1', 3281, undefined],
  ['[fe80::1%eth0]:3260', 'fe80::1%eth0', 3260, undefined],
  ['[fe80::1%25eth0]', 'fe80::1%eth0', 3260, undefined],
  ['host:3260,1', 'host', 3260, 1], // as iscsi-ls prints portals
  ['[::1]:3260,65535', '::1', 3260, 65_535],
  ['host,0', 'host', 3260, 0],
] as const) {
  test(`parseUrl() reads the portal ${portal}`, () => {
    const url = read(`iscsi://${portal}/${NAME}/0`);
    assert.deepEqual([url.host, url.port, url.portalGroupTag], [host, port, tag]);
  });
}

for (const [portal, why] of [
  ['', /names no host/],
  [':3260', /names no host/],
  ['host:', /port/],
  ['host:0', /port/],
  ['host:65536', /port/],
  ['host:abc', /port/],
  ['host:+1', /port/],
  ['host,x', /portal group/],
  ['host,65536', /portal group/],
  ['host,', /portal group/],
  ['::1', /brackets/],
  ['fe80::1:3260', /brackets/],
  [',1', /names no host/],
  ['[::1', /host/],
  ['[]', /names no host/],
  ['[host]', /host/],
  ['ho st', /host/],
  ['a%zone', /host/],
] as const) {
  test(`parseUrl() refuses the portal "${portal}"`, () => {
    assert.match(refusal(`iscsi://${portal}/${NAME}/0`).message, why);
  });
}

test('parseUrl() decodes the target name fully, unlike the decoder of libiscsi', () => {
  for (const [encoded, name] of [
    ['iqn.x%3Ay', 'iqn.x:y'],
    ['a%3a%3bb', 'a:;b'],
    ['%41x%42', 'AxB'],
    ['%41xy%42', 'AxyB'],
    ['a%2fb', 'a/b'],
    ['a%40b', 'a@b'],
    ['%C3%A9', 'é'],
    ['Upper', 'Upper'],
  ] as const) {
    assert.equal(read(`iscsi://host/${encoded}/0`).targetName, name, encoded);
  }
});

test('parseUrl() refuses a target name that cannot be one', () => {
  for (const name of ['', '%zz', 'a%4', 'a%', '%ff', 'a%00b', 'a%0Ab', 'x'.repeat(224)]) {
    assert.match(refusal(`iscsi://host/${name}/0`).message, /escape|name/, name);
  }
  assert.equal(read(`iscsi://host/${'x'.repeat(223)}/0`).targetName?.length, 223);
});

for (const [text, high, low] of [
  ['0', 0, 0],
  ['1', 0x0001_0000, 0],
  ['255', 0x00ff_0000, 0],
  ['256', 0x4100_0000, 0], // flat addressing: libiscsi sends a bus number here
  ['16383', 0x7fff_0000, 0],
  ['16640', 0x4100_0000, 0], // LUN 256 as libiscsi prints and takes it
  ['65535', 0xffff_0000, 0],
  ['007', 0x0007_0000, 0],
  ['0x0001000200030004', 0x0001_0002, 0x0003_0004],
  ['0XD2ABCDEF00000000', 0xd2ab_cdef, 0],
] as const) {
  test(`parseUrl() reads LUN ${text}`, () => {
    assert.deepEqual(read(`iscsi://host/${NAME}/${text}`).lun, { high, low });
    assert.deepEqual(parseUrlLun(formatUrlLun({ high, low })), { high, low });
  });
}

for (const text of [
  '',
  '-1',
  '+1',
  ' 1',
  '1 ',
  '65536',
  '65537',
  '0x1',
  '0x00010002000300040',
  '1/',
  '1/2',
  '1#x',
  'one',
  '1e3',
  '٣',
]) {
  test(`parseUrl() refuses LUN "${text}"`, () => {
    assert.match(refusal(`iscsi://host/${NAME}/${text}`).message, /LUN/);
  });
}

test('parseUrl() refuses a target without a LUN, and nothing where all is required', () => {
  assert.match(refusal(`iscsi://host/${NAME}`).message, /no LUN/);
  for (const text of ['iscsi://host', 'iscsi://host/'])
    assert.match(refusal(text, { form: 'full' }).message, /no target/);
});

test('parseUrl() refuses other schemes, iser:// in clear words', () => {
  for (const text of ['', 'host', 'ISCSI://host', 'iscsi:/host', 'http://host/', ' iscsi://host']) {
    assert.match(refusal(text).message, /iscsi:\/\//);
  }
  const error = refusal(`iser://host/${NAME}/0`);
  assert.match(error.message, /RDMA/);
  assert.match(error.hint ?? '', /iscsi:\/\//);
});

test('the hint is the form that is expected', () => {
  assert.match(refusal('x').hint ?? '', /<target-iqn>\/<lun>$/);
  assert.match(refusal('x', { form: 'portal' }).hint ?? '', /<host>\[:<port>\]$/);
});

for (const [userPart, expected] of [
  ['alice%secret', 'alice secret - -'],
  ['alice:secret', 'alice secret - -'],
  ['alice%se:cret', 'alice se:cret - -'],
  ['alice%se/cret', 'alice se/cret - -'],
  ['iqn.2004-10.org.example:host%secret', 'iqn.2004-10.org.example:host secret - -'],
  ['alice%100%sure', 'alice 100%sure - -'], // no escapes: literal, as with libiscsi
  ['alice%%', 'alice % - -'],
  ['alice%p%40ss', 'alice p@ss - -'], // an escape: the only way to write an "@"
  ['alice%p%3Fs%25', 'alice p?s% - -'],
  ['alice%p%40s%', 'alice p%40s% - -'], // not all are escapes: literal
  ['alice%%ff', 'alice %ff - -'], // no UTF-8: literal
  ['alice%41bc', 'alice 41bc - -'], // the first "%" separates, whatever follows
  ['alice%', '- - - -'],
  ['%secret', '- - - -'],
  ['alice', '- - - -'],
  ['', '- - - -'],
] as const) {
  test(`parseUrl() reads the user part "${userPart}"`, () => {
    assert.equal(who(`iscsi://${userPart}@host/${NAME}/0`), expected);
  });
}

test('parseUrl() ends the user part at the first "@"', () => {
  const url = read(`iscsi://alice%secret@host/${NAME}@x/0`);
  assert.deepEqual([url.host, url.targetName], ['host', `${NAME}@x`]);
});

const ENV = {
  LIBISCSI_CHAP_USERNAME: 'bob',
  LIBISCSI_CHAP_PASSWORD: 'from%40env',
  LIBISCSI_CHAP_TARGET_USERNAME: 'target',
  LIBISCSI_CHAP_TARGET_PASSWORD: 'proof',
};

test('credentials come from the environment, part by part, and literally', () => {
  assert.equal(who('iscsi://host', ENV), 'bob from%40env target proof');
  assert.equal(who('iscsi://alice@host', ENV), 'alice from%40env target proof');
  assert.equal(who('iscsi://alice%open@host', ENV), 'alice open target proof');
  assert.equal(who('iscsi://host?target_user=t&target_password=p%40p', ENV), 'bob from%40env t p@p');
  assert.equal(who('iscsi://host?target_user=t', ENV), 'bob from%40env t proof');
});

test('an empty part of the URL counts as given, and turns authentication off', () => {
  assert.equal(who('iscsi://alice%@host', ENV), '- - - -');
  assert.equal(who('iscsi://@host', ENV), '- - - -');
  assert.equal(read('iscsi://alice%@host').incompleteCredentials, true);
});

test('half of a pair of credentials is worth a warning', () => {
  assert.equal(read('iscsi://alice@host').incompleteCredentials, true);
  assert.equal(read('iscsi://alice%open@host?target_user=t').incompleteCredentials, true);
  assert.equal(read('iscsi://host?target_user=t&target_password=p').incompleteCredentials, true);
  assert.equal(read('iscsi://alice%open@host').incompleteCredentials, false);
  assert.equal(read('iscsi://host').incompleteCredentials, false);
});

test('the environment of the process is used unless another is given', () => {
  const before = process.env['LIBISCSI_CHAP_USERNAME'];
  process.env['LIBISCSI_CHAP_USERNAME'] = 'carol';
  try {
    assert.equal(parseUrl('iscsi://:x@host', {}).credentials, undefined); // an empty user is given
    assert.equal(
      parseUrl('iscsi://host', {}).incompleteCredentials,
      process.env['LIBISCSI_CHAP_PASSWORD'] === undefined,
    );
  } finally {
    if (before === undefined) delete process.env['LIBISCSI_CHAP_USERNAME'];
    else process.env['LIBISCSI_CHAP_USERNAME'] = before;
  }
});

for (const auth of ['md5', 'sha1', 'sha-256', 'sha3-256'] as const) {
  test(`parseUrl() takes auth=${auth}`, () => {
    assert.equal(read(`iscsi://host?auth=${auth}`).auth, auth);
  });
}

for (const query of [
  'auth',
  'auth=',
  'auth=MD5',
  'auth=sha256',
  'header_digest',
  'header_digest=CRC32C',
  'data_digest',
  'data_digest=yes',
  '=x',
]) {
  test(`parseUrl() refuses ?${query}`, () => {
    assert.match(refusal(`iscsi://host?${query}`).message, /auth|digest|key/);
  });
}

test('of a repeated query key the last one counts', () => {
  assert.equal(read('iscsi://host?auth=md5&auth=sha1').auth, 'sha1');
});

test('query keys that mean nothing here are collected by name', () => {
  const url = read('iscsi://host?timeout=5&auth=md5&iser&&nop=a=b&LIBISCSI_RDMA_ACK_TIMEOUT=1');
  assert.deepEqual(url.unknownKeys, ['timeout', 'iser', 'nop', 'LIBISCSI_RDMA_ACK_TIMEOUT']);
});

test('force_usn is decoded, blanks kept', () => {
  assert.equal(read('iscsi://host?force_usn=%20%20A1').unitSerialNumber, '  A1');
  assert.equal(read('iscsi://host?force_usn').unitSerialNumber, undefined);
});

test('a URL longer than the 255 bytes of libiscsi is read whole', () => {
  const url = read(`iscsi://host/${'x'.repeat(223)}/5?force_usn=${'u'.repeat(300)}`);
  assert.deepEqual([url.lun, url.unitSerialNumber?.length], [{ high: 0x0005_0000, low: 0 }, 300]);
});

test('no password shows in the URL object', () => {
  const url = read('iscsi://alice%open-sesame@host?target_user=t&target_password=hush-hush');
  for (const text of [JSON.stringify(url), inspect(url, { depth: 9, showHidden: true }), `${Object.values(url)}`]) {
    assert.doesNotMatch(text, /sesame|hush/);
  }
});

test('no password shows in errors, wherever the URL is broken', () => {
  const PASSWORD = 'pass';
  for (const text of [
    `iscsi://u%${PASSWORD}@host/x`,
    `iscsi://u%${PASSWORD}@host:bad/${NAME}/0`,
    `iscsi://u:${PASSWORD}@/${NAME}/0`,
    `iscsi://u%a@${PASSWORD}@host/${NAME}/0`,
    `iscsi://u%a?${PASSWORD}@host/${NAME}/0`,
    `iscsi://u%a@b?${PASSWORD}@host/${NAME}/0`,
    `iscsi://u%${PASSWORD}/${NAME}/0`, // the "@" and the host forgotten
    `iscsi://u:${PASSWORD}/${NAME}/0`,
    `http://u%${PASSWORD}@host/${NAME}/0`,
    `iser://u%${PASSWORD}@host/${NAME}/0`,
    `u%${PASSWORD}@host`,
    `iscsi://host/x?target_password=${PASSWORD}`,
    `iscsi://host/x?target_user=u&target_password=a@${PASSWORD}&auth=md5`,
    `iscsi://host/x?password=${PASSWORD}`,
    `iscsi://host/x?Secret=${PASSWORD}`,
    `iscsi://host/${NAME}/0&target_password=${PASSWORD}`, // "&" for "?"
  ]) {
    const error = refusal(text);
    assert.ok(!error.message.replace(/password=\*\*\*/g, '').includes(PASSWORD), `${text} gives: ${error.message}`);
    assert.ok(!(error.hint ?? '').replaceAll('<password>', '').includes(PASSWORD), error.hint);
  }
});

for (const [text, shown] of [
  ['iscsi://alice%open@host/x/0', 'iscsi://alice%***@host/x/0'],
  ['iscsi://alice:open@host', 'iscsi://alice%***@host'],
  ['iscsi://alice@host', 'iscsi://alice@host'],
  ['iscsi://[fe80::1%eth0]:3260/x/0', 'iscsi://[fe80::1%eth0]:3260/x/0'],
  ['iscsi://host:3260,1/x/0', 'iscsi://host:3260,1/x/0'],
  ['iscsi://host/iqn.x:y/0?target_password=p&auth=md5', 'iscsi://host/iqn.x:y/0?target_password=***&auth=md5'],
  ['iscsi://host/a\nb', 'iscsi://host/a?b'],
  ['iscsi://127.0.0.1:3260?force_usn=x', 'iscsi://127.0.0.1:3260?force_usn=x'],
  ['iscsi://[::1]:3260?force_usn=a:b%20c', 'iscsi://[::1]:3260?force_usn=a:b%20c'],
  ['iscsi://host?force_usn=a:b&auth=md5', 'iscsi://host?force_usn=a:b&auth=md5'],
  ['iscsi://alice%open?force_usn=x', 'iscsi://alice%***?force_usn=x'],
  ['iscsi://alice%o?force_usn=p@host', 'iscsi://alice%***@host'],
  ['iscsi://alice:o?pen', 'iscsi://alice%***'],
] as const) {
  test(`redactUrl() shows ${JSON.stringify(text)} as ${shown}`, () => {
    assert.equal(redactUrl(text), shown);
  });
}

for (const [text, formatted] of [
  ['iscsi://host', 'iscsi://host:3260'],
  [`iscsi://alice%open@[::1],2/${NAME}/1`, `iscsi://alice@[::1]:3260,2/${NAME}/1`],
  [
    'iscsi://host/a%2fb%40c/256?auth=sha1&data_digest=crc32c',
    'iscsi://host:3260/a%2Fb%40c/256?auth=sha1&data_digest=crc32c',
  ],
  ['iscsi://a:b%open@host?target_user=t&target_password=p', 'iscsi://host:3260?target_user=t'],
  [
    `iscsi://host/${NAME}/0x0001000200030004?force_usn=%20x`,
    `iscsi://host:3260/${NAME}/0x0001000200030004?force_usn=%20x`,
  ],
] as const) {
  test(`formatUrl() gives ${formatted}, which reads back`, () => {
    const url = read(text);
    assert.equal(formatUrl(url), formatted);
    const { credentials, incompleteCredentials, ...rest } = url;
    const { credentials: _, incompleteCredentials: __, ...again } = read(formatted);
    assert.deepEqual(again, rest);
  });
}
