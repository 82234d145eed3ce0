import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inspect } from 'node:util';
import { Secret } from '../../src/login/secret.ts';

test('a Secret shows nowhere but in reveal()', () => {
  const secret = new Secret('open sesame');
  assert.equal(secret.reveal(), 'open sesame');
  const shown = [
    `${secret}`,
    String(secret),
    JSON.stringify({ secret }),
    inspect({ secret }, { showHidden: true, depth: 9 }),
    Object.entries(secret).join(),
    JSON.stringify(structuredClone({ ...secret })),
  ];
  for (const text of shown) assert.doesNotMatch(text, /sesame/);
  assert.equal(JSON.stringify({ secret }), '{"secret":"[redacted]"}');
});
