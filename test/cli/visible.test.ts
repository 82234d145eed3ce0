/** What targets call themselves reaches a terminal in characters that show. */
import assert from 'node:assert/strict';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { Printer } from '../../src/cli/print.ts';

/** Each with what becomes of it: C0, DEL, C1, bidirectional, zero-width, separators, tags, half a pair, soft hyphen. */
const UNSEEN = [
  ['\x1b', '\\x1b'],
  ['\r', '\\x0d'],
  ['\x7f', '\\x7f'],
  ['\x9b', '\\x9b'],
  ['\u202e', '\\u{202e}'],
  ['\u2066', '\\u{2066}'],
  ['\u061c', '\\u{61c}'],
  ['\u200b', '\\u{200b}'],
  ['\ufeff', '\\u{feff}'],
  ['\u2028', '\\u{2028}'],
  ['\u3164', '\\u{3164}'],
  ['\u{e0041}', '\\u{e0041}'],
  ['\ud800', '\\u{d800}'],
  ['\xad', '\\xad'],
] as const;

function printed(print: (printer: Printer) => void): { readonly stdout: string; readonly stderr: string } {
  const written = { stdout: '', stderr: '' };
  const into = (name: keyof typeof written): Writable =>
    new Writable({
      decodeStrings: false,
      write(text: string, _encoding, done) {
        written[name] += text;
        done();
      },
    });
  print(new Printer('tool', { stdout: into('stdout'), stderr: into('stderr') }, false));
  return written;
}

test('lines, notes, problems and traces show each unseen character as an escape', () => {
  for (const [character, escaped] of UNSEEN) {
    const name = `disk${character}gpj.1`;
    const shown = `disk${escaped}gpj.1`;
    assert.equal(printed((to) => to.line(name)).stdout, `${shown}\n`);
    assert.equal(printed((to) => to.note(name)).stderr, `tool: ${shown}\n`);
    assert.equal(printed((to) => to.problem(new Error('x'), name)).stderr, `tool: ${shown}: x\n`);
    assert.ok(printed((to) => to.trace(new Error(name))).stderr.startsWith(`tool: debug: Error: ${shown}\n`));
  }
});

test('what shows is left alone, other scripts included', () => {
  const text = 'iqn.2003-01.org.example:größe-диск-磁盘-🙂 "\\x1b"';
  assert.equal(printed((to) => to.line(text)).stdout, `${text}\n`);
});

test('a JSON document shows them as escapes too, and reads back exactly', () => {
  for (const [character] of UNSEEN) {
    const { stdout } = printed((to) => to.document({ name: `a${character}b`, [`k${character}`]: 1 }));
    const { name, [`k${character}`]: one } = JSON.parse(stdout);
    assert.deepEqual([name, one], [`a${character}b`, 1]);
    assert.ok(!stdout.replaceAll('\n', '').includes(character), JSON.stringify(character));
  }
});

test('a message of several lines becomes one line', () => {
  assert.equal(printed((to) => to.note('one\n\n  two\n')).stderr, 'tool: one; two\n');
});
