import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findBinary, requirePeer, type Skippable } from './peers.ts';

class Recorder implements Skippable {
  readonly reasons: (string | undefined)[] = [];
  skip(message?: string): void {
    this.reasons.push(message);
  }
}

/** Runs `run` with CI set to `value`, or not set at all. */
function withCi(value: string | undefined, run: () => void): void {
  const before = process.env['CI'];
  if (value === undefined) delete process.env['CI'];
  else process.env['CI'] = value;
  try {
    run();
  } finally {
    if (before === undefined) delete process.env['CI'];
    else process.env['CI'] = before;
  }
}

test('findBinary() finds a program in PATH, and none that does not exist', () => {
  assert.match(findBinary('sh') ?? '', /\/sh$/);
  assert.equal(findBinary('no-such-program-anywhere'), undefined);
});

test('requirePeer() is true and skips nothing when the program is there', () => {
  const t = new Recorder();
  assert.equal(requirePeer(t, 'sh', 'dash'), true);
  assert.deepEqual(t.reasons, []);
});

test('requirePeer() skips with the name of the package when the program is missing', () => {
  const t = new Recorder();
  withCi(undefined, () => assert.equal(requirePeer(t, 'no-such-program-anywhere', 'some-package'), false));
  assert.deepEqual(t.reasons, ['needs the Debian package some-package']);
});

test('requirePeer() fails in CI when the program is missing', () => {
  const t = new Recorder();
  withCi('true', () => {
    assert.throws(
      () => requirePeer(t, 'no-such-program-anywhere', 'some-package'),
      /needs the Debian package some-package/,
    );
  });
  assert.deepEqual(t.reasons, []);
});
