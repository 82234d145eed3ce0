import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { checkOwnName, nameForm, prepareReceivedName } from '../../src/login/iscsi-name.ts';
import { broken } from './help.ts';

const LONGEST = `iqn.2004-10.org.example:${'x'.repeat(223 - 24)}`;

for (const [given, prepared] of [
  ['iqn.1993-11.com.disk-vendor:diskarrays.sn.45678', 'iqn.1993-11.com.disk-vendor:diskarrays.sn.45678'],
  ['iqn.2004-10.org.example', 'iqn.2004-10.org.example'],
  ['IQN.2004-10.ORG.Example:Disk', 'iqn.2004-10.org.example:disk'],
  ['iqn.2004-10.org.example:straße', 'iqn.2004-10.org.example:strasse'],
  ['iqn.2004-10.org.example:ＡＢＣ', 'iqn.2004-10.org.example:abc'],
  ['iqn.2004-10.org.example:e\u0301', 'iqn.2004-10.org.example:é'],
  ['iqn.2004-10.org.example:ΟΔΟΣ', 'iqn.2004-10.org.example:οδοσ'],
  ['iqn.2004-10.org.example:a\u00adb\u200bc\ufe0f', 'iqn.2004-10.org.example:abc'],
  ['eui.02004567A425678D', 'eui.02004567a425678d'],
  ['naa.52004567BA64678D', 'naa.52004567ba64678d'],
  ['naa.62004567BA64678D0123456789ABCDEF', 'naa.62004567ba64678d0123456789abcdef'],
  [LONGEST, LONGEST],
] as const) {
  test(`checkOwnName() accepts ${given.slice(0, 60)}`, () => {
    assert.equal(checkOwnName(given), prepared);
    assert.equal(prepareReceivedName(given), prepared);
  });
}

for (const given of [
  '',
  'disk',
  'iqn.2004-13.org.example:a',
  'iqn.2004-00.org.example:a',
  'iqn.204-10.org.example',
  'iqn.2004-10.org.example:',
  'iqn.2004-10.org.example.',
  'iqn.2004-10.',
  'iqn.2004-10.org.example:a b',
  'iqn.2004-10.org.example:a\tb',
  'iqn.2004-10.org.example:a_b',
  'iqn.2004-10.org.example:a/b',
  'iqn.2004-10.org.example:a\0b',
  'iqn.2004-10.org.example:a\u3000b',
  'iqn.2004-10.org.example:a。b',
  'iqn.2004-10.org.example:\ue000',
  'iqn.2004-10.org.example:\ud800',
  'iqn.2004-10.org.example:\ufffd',
  'eui.0200',
  'eui.02004567A425678G',
  'naa.52004567BA64678D0',
  `${LONGEST}x`,
  `iqn.2004-10.org.example:${'é'.repeat(100)}`,
]) {
  test(`checkOwnName() refuses ${JSON.stringify(given.slice(0, 60))}`, () => {
    assert.throws(
      () => checkOwnName(given),
      (error) => error instanceof IscsiError && error.code === 'ISCSI_USAGE' && error.hint !== undefined,
    );
  });
}

test('prepareReceivedName() is lenient about form and about characters in common use', () => {
  assert.equal(prepareReceivedName('disk1'), 'disk1');
  assert.equal(prepareReceivedName('iqn.2004-10.org.example:My_Disk'), 'iqn.2004-10.org.example:my_disk');
});

test('prepareReceivedName() takes 223 bytes and no more (I-047, T-044)', () => {
  assert.equal(prepareReceivedName('n'.repeat(223)).length, 223);
  assert.throws(() => prepareReceivedName('n'.repeat(224)), broken('4.2.7'));
  assert.throws(() => prepareReceivedName('n'.repeat(60_000)), broken('4.2.7'));
});

test('prepareReceivedName() refuses what is not text', () => {
  for (const name of ['', 'a\0b', 'a\nb', 'a\u0085b', 'a\ufffdb', '\u00ad']) {
    assert.throws(() => prepareReceivedName(name), broken('4.2.7'), JSON.stringify(name));
  }
});

test('a prepared name is prepared already', () => {
  for (const name of ['iqn.2004-10.org.example:ﬀ', 'K', 'Å', 'ϓ', 'ŉ', 'İ', 'ı', '㎒']) {
    const once = prepareReceivedName(name);
    assert.equal(prepareReceivedName(once), once, name);
  }
});

test('nameForm() tells the three forms apart', () => {
  assert.deepEqual(
    ['iqn.2004-10.org.example:a', 'eui.02004567a425678d', 'naa.52004567ba64678d', 'disk'].map(nameForm),
    ['iqn', 'eui', 'naa', undefined],
  );
});
