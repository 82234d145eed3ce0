import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { parseChapFile } from '../../src/login/chap-file.ts';

const HOST = 'iqn.2003-01.org.example:host';
const OTHER = 'iqn.2003-01.org.example:other';

test('a file of an initiator has a user, and the target in turn', () => {
  const text =
    '\n# ours\n user = alice \r\npassword=secret-of = alice\ntarget_user=disk\ntarget_password = "  a \\"b\\" "\n';
  assert.deepEqual(parseChapFile(text, 'f'), {
    common: { user: 'alice', password: 'secret-of = alice', target: { user: 'disk', password: '  a "b" ' } },
    discovery: undefined,
    initiators: [],
  });
});

test('names and passwords that look like something else are taken as they stand', () => {
  const { common } = parseChapFile('user = 0x616c\npassword = 0bYWxpY2UtYWxpY2U=', 'f');
  assert.deepEqual(common, { user: '0x616c', password: '0bYWxpY2UtYWxpY2U=' });
});

test('a file of a target has sections: discovery, and each initiator', () => {
  const text = `
user = common
password = secret-common
[discovery]
user = finder
password = secret-finder
[${HOST.replace('iqn', 'IQN')}]
luns = 0, 2,3
[${OTHER}]
user = other
password = secret-other
target_user = disk
target_password = secret-disk
[iqn.2003-01.org.example:open]
auth = none
`;
  const { common, discovery, initiators } = parseChapFile(text, 'f');
  assert.equal(common?.user, 'common');
  assert.deepEqual(discovery, { user: 'finder', password: 'secret-finder' });
  assert.deepEqual(initiators, [
    { name: HOST, chap: undefined, luns: [0, 2, 3] },
    {
      name: OTHER,
      chap: { user: 'other', password: 'secret-other', target: { user: 'disk', password: 'secret-disk' } },
      luns: undefined,
    },
    { name: 'iqn.2003-01.org.example:open', chap: false, luns: undefined },
  ]);
  assert.equal(parseChapFile('user=a\npassword=b\n[discovery]\nauth = none', 'f').discovery, false);
  assert.equal(parseChapFile('user=a\npassword=b\n[discovery]\nauth = chap', 'f').discovery, undefined);
});

for (const [what, text, where] of [
  ['a line that is none', 'user = alice\npassword secret-12345', /line 2 has none of the keys/],
  ['a key that is none', 'usr = secret-12345', /line 1 has none of the keys user, /],
  ['a key of another section', 'luns = 0', /line 1 has none/],
  ['a key twice', 'user = a\nuser = secret-12345', /line 2 says user a second time/],
  ['a user without password', 'user = secret-12345', /beginning has a user without password/],
  ['a password without user', `[${HOST}]\npassword = secret-12345`, /section \[iqn.*\] has a user without password/],
  ['half of a target', 'user=a\npassword=secret-12345\ntarget_user=b', /target_user without target_password/],
  ['a target alone', 'target_user=b\ntarget_password=secret-12345', /target_user, but no user/],
  ['an empty password', 'user = secret-12345\npassword =', /empty/],
  ['an empty user', 'user = ""\npassword = secret-12345', /empty/],
  ['a quote without end', 'user = a\npassword = "secret-12345', /line 2 .*quote/],
  ['a quote with something behind it', 'user = a\npassword = "secret"-12345', /line 2 .*quote/],
  ['a section of nobody', '[secret-12345]', /line 1 begins a section whose name/],
  ['a section without end', `[${HOST}`, /line 1 begins a section/],
  ['a section twice', `user=a\npassword=secret-12345\n[${HOST}]\n[${HOST}]`, /line 4 begins a section that there is/],
  ['a section that lets in without password', `[${HOST}]\nluns = 0`, /section .* has no user.*auth = none/],
  ['an auth that is none', `[${HOST}]\nauth = secret-12345`, /auth that is neither/],
  ['a user that needs no password', `[${HOST}]\nauth=none\nuser=a\npassword=secret-12345`, /a user, and auth = none/],
  ['LUNs that are none', `user=a\npassword=secret-12345\n[${HOST}]\nluns = 0,x`, /luns that are no list/],
  ['a LUN that is too large', `user=a\npassword=secret-12345\n[${HOST}]\nluns = 16384`, /luns that are no list/],
] as const) {
  test(`${what} is refused with its place, and not shown`, () => {
    assert.throws(
      () => parseChapFile(text, '/etc/chap'),
      (error) => {
        assert.ok(error instanceof IscsiError);
        assert.equal(error.code, 'ISCSI_CHAP_FILE');
        assert.match(error.message, where);
        assert.match(error.message, /^Cannot take credentials from \/etc\/chap: /);
        assert.doesNotMatch(`${error.message} ${error.hint} ${error.stack}`, /secret-12345/);
        return true;
      },
    );
  });
}
