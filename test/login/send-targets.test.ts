import assert from 'node:assert/strict';
import { test } from 'node:test';
import { utf8 } from '../../src/bytes/text.ts';
import {
  formatSendTargets,
  formatTargetAddress,
  isWildcardHost,
  parseSendTargets,
  parseTargetAddress,
  readAddresses,
  sendTargetsPairs,
} from '../../src/login/send-targets.ts';
import { broken } from './help.ts';

for (const [text, host, port, portalGroupTag] of [
  ['10.0.0.1:5003,1', '10.0.0.1', 5003, 1],
  ['[1080:0:0:0:8:800:200C:417A],65', '1080:0:0:0:8:800:200C:417A', 3260, 65],
  ['[1080::8:800:200C:417A]:5003,1', '1080::8:800:200C:417A', 5003, 1],
  ['computingcenter.example.com,23', 'computingcenter.example.com', 3260, 23],
  ['10.0.0.1', '10.0.0.1', 3260, undefined],
  ['[fe80::1%eth0]:3260,1', 'fe80::1%eth0', 3260, 1],
  ['host:0xcbc,0x0', 'host', 3260, 0],
  ['host:65535,65535', 'host', 65_535, 65_535],
] as const) {
  test(`parseTargetAddress() reads ${text} (I-037, T-068)`, () => {
    assert.deepEqual(parseTargetAddress(text), { host, port, portalGroupTag });
  });
}

for (const text of [
  '',
  ',1',
  ':3260,1',
  '[],1',
  '[::1',
  '::1,1',
  'fe80::1:3260,1',
  'host:0,1',
  'host:65536,1',
  'host:,1',
  'host,',
  'host,65536',
  'host,-1',
  'host,1,2',
  'ho st,1',
  'host:3260 ,1',
  'a\u0007b,1',
  `${'h'.repeat(256)},1`,
]) {
  test(`parseTargetAddress() refuses ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(() => parseTargetAddress(text), broken('13.8'));
  });
}

test('formatTargetAddress() brackets IPv6, and names the tag where there is one (T-052, T-068)', () => {
  assert.equal(formatTargetAddress({ host: '::1', port: 3260, portalGroupTag: 1 }), '[::1]:3260,1');
  assert.equal(formatTargetAddress({ host: '10.0.0.1', port: 5003, portalGroupTag: undefined }), '10.0.0.1:5003');
});

test('parseSendTargets() makes a record of each TargetName (I-094)', () => {
  assert.deepEqual(
    parseSendTargets([
      ['TargetName', 'iqn.2003-01.org.example:A'],
      ['TargetAddress', '10.0.0.1:3260,1'],
      ['TargetAddress', '[::1]:3260,2'],
      ['TargetName', 'iqn.2003-01.org.example:b'],
    ]),
    [
      {
        name: 'iqn.2003-01.org.example:A', // as the target spells it
        addresses: [
          { host: '10.0.0.1', port: 3260, portalGroupTag: 1 },
          { host: '::1', port: 3260, portalGroupTag: 2 },
        ],
        unreadable: [],
      },
      { name: 'iqn.2003-01.org.example:b', addresses: [], unreadable: [] },
    ],
  );
});

test('parseSendTargets() of nothing is no target', () => {
  assert.deepEqual(parseSendTargets([]), []);
});

test('parseSendTargets() passes over keys that it does not know (D-27)', () => {
  const records = parseSendTargets([
    ['TargetAlias', 'before'],
    ['TargetName', 'disk'],
    ['TargetAlias', 'a disk'],
    ['X-org.example.key', '1'],
    ['TargetAddress', 'host,1'],
  ]);
  assert.deepEqual(
    records.map((record) => record.addresses.length),
    [1],
  );
});

test('parseSendTargets() keeps one unreadable address from hiding the others', () => {
  const [record] = parseSendTargets([
    ['TargetName', 'disk'],
    ['TargetAddress', '::bad'],
    ['TargetAddress', 'host,1'],
  ]);
  assert.deepEqual(record?.addresses, [{ host: 'host', port: 3260, portalGroupTag: 1 }]);
  assert.deepEqual(record?.unreadable, ['::bad']);
});

test('parseSendTargets() keeps an address whose portal group tag is none, without the tag', () => {
  for (const tag of ['-1', '', '65536', 'x', '1 ']) {
    const [record] = parseSendTargets([
      ['TargetName', 'disk'],
      ['TargetAddress', `host:3261,${tag}`],
    ]);
    const known = { addresses: [{ host: 'host', port: 3261, portalGroupTag: undefined }], unreadable: [] };
    const lost = { addresses: [], unreadable: [`host:3261,${tag}`] };
    assert.deepEqual(record, { name: 'disk', ...(tag === '1 ' ? lost : known) });
  }
});

test('parseSendTargets() keeps one name that cannot be one from hiding the others', () => {
  const records = parseSendTargets([
    ['TargetName', 'first'],
    ['TargetName', ''],
    ['TargetAddress', 'host,1'],
    ['TargetName', 'bell\u0007'],
    ['TargetName', 'x'.repeat(300)],
    ['TargetName', 'last'],
  ]);
  assert.deepEqual(
    records.map(({ name, problem }) => [name.slice(0, 6), problem?.clause]),
    [
      ['first', undefined],
      ['', '4.2.7'],
      ['bell\u0007', '4.2.7'],
      ['xxxxxx', '4.2.7'],
      ['last', undefined],
    ],
  );
  assert.equal(records[1]?.addresses.length, 1);
});

test('parseSendTargets() refuses more targets and addresses than anybody has', () => {
  function* pairs(key: string, count: number): Generator<readonly [string, string]> {
    yield ['TargetName', 'disk'];
    for (let at = 0; at < count; at++) yield [key, 'a'];
  }
  assert.equal(parseSendTargets(pairs('TargetName', 65_535)).length, 65_536);
  assert.throws(() => parseSendTargets(pairs('TargetName', 65_536)), broken('C'));
  assert.throws(() => parseSendTargets(pairs('TargetAddress', 262_145)), broken('C'));
  const names = Array.from({ length: 1001 }, () => ['TargetName', ''] as const);
  assert.throws(() => parseSendTargets(names), broken('4.2.7'));
});

test('sendTargetsPairs() gives the pairs one by one, and of a value no more than can be a name', () => {
  const pairs = (text: string) => [...sendTargetsPairs(utf8(text))];
  assert.deepEqual(pairs(''), []);
  assert.deepEqual(pairs('TargetName=a\0TargetAddress=h=1,1\0\0\0X-new=\0'), [
    ['TargetName', 'a'],
    ['TargetAddress', 'h=1,1'],
    ['X-new', ''],
  ]);
  assert.equal(pairs(`TargetName=${'ä'.repeat(5000)}\0`)[0]?.[1].length, 512);
  for (const text of ['TargetName=a', 'TargetName\0', '=a\0', `${'K'.repeat(64)}=a\0`])
    assert.throws(() => pairs(text), broken('C'), text);
});

test('isWildcardHost() knows every way to say that a portal listens everywhere', () => {
  for (const host of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0', '0', '::ffff:0.0.0.0', '::FFFF:0:0', '::%eth0'])
    assert.ok(isWildcardHost(host), host);
  for (const host of ['10.0.0.0', '::1', '0.0.0.1', 'fe80::', '00.example', '']) assert.ok(!isWildcardHost(host), host);
});

test('parseSendTargets() refuses an address before the first name, and a refusal', () => {
  assert.throws(() => parseSendTargets([['TargetAddress', 'host,1']]), broken('C'));
  assert.throws(() => parseSendTargets([['SendTargets', 'Reject']]), broken('C'));
});

test('readAddresses() sorts what can be read from what cannot', () => {
  assert.deepEqual(readAddresses(['host', '::']), {
    addresses: [{ host: 'host', port: 3260, portalGroupTag: undefined }],
    unreadable: ['::'],
  });
});

test('formatSendTargets() writes names and addresses only, the tag in each address (T-068)', () => {
  const records = [
    { name: 'a', addresses: [{ host: '::1', port: 3260, portalGroupTag: 1 }] },
    { name: 'b', addresses: [] },
  ];
  assert.deepEqual(formatSendTargets(records), [
    ['TargetName', 'a'],
    ['TargetAddress', '[::1]:3260,1'],
    ['TargetName', 'b'],
  ]);
  assert.throws(
    () => formatSendTargets([{ name: 'a', addresses: [{ host: 'h', port: 1, portalGroupTag: undefined }] }]),
    RangeError,
  );
});
