import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ToolError } from '../../src/cli/exit.ts';
import { parseCommandLine } from '../../src/cli/options.ts';

const LINE = {
  name: 'iscsi-x',
  summary: 'Do something',
  options: {
    initiatorName: { kind: 'text', short: 'i', value: 'IQN', help: 'a name' },
    max: { kind: 'integer', short: 'm', value: 'N', minimum: 1, maximum: 100, help: 'how many' },
    count: { kind: 'size', value: 'SIZE', help: 'how much: 100%' },
    timeout: { kind: 'seconds', value: 'SECONDS', help: 'how long' },
    showLuns: { kind: 'flag', short: 's', help: 'show' },
    use16: { kind: 'flag', short: '6', long: '16', help: 'sixteen' },
    memory: { kind: 'ordered', value: 'SIZE', help: 'RAM' },
    file: { kind: 'ordered', value: 'PATH', help: 'file' },
  },
  operands: { url: { value: 'URL', help: 'where' }, other: { value: 'OTHER', help: 'more', optional: true } },
} as const;

function parse(...args: string[]) {
  const parsed = parseCommandLine(LINE, args, '1.2.3');
  assert.ok(!('show' in parsed), 'a text is shown');
  return parsed;
}

function shown(...args: string[]): string {
  const parsed = parseCommandLine(LINE, args, '1.2.3');
  assert.ok('show' in parsed, 'no text is shown');
  return parsed.show;
}

function refusal(...args: string[]): string {
  let refused: unknown;
  assert.throws(
    () => parseCommandLine(LINE, args, '1.2.3'),
    (error: ToolError) => {
      refused = error.message;
      return error.code === 'USAGE' && error.exitCode === 2;
    },
  );
  return String(refused);
}

test('options are taken in every form that getopt knows', () => {
  for (const args of [
    ['-i', 'iqn.x', 'URL'],
    ['-iiqn.x', 'URL'],
    ['--initiator-name', 'iqn.x', 'URL'],
    ['--initiator-name=iqn.x', 'URL'],
    ['--init=iqn.x', 'URL'],
    ['URL', '-i', 'iqn.x'],
  ]) {
    const { options, operands } = parse(...args);
    assert.equal(options.initiatorName, 'iqn.x');
    assert.deepEqual([operands.url, operands.other], ['URL', undefined]);
  }
});

test('values get their types', () => {
  const { options } = parse('-m', '0x10', '--count', '1.5K', '--timeout', '0.25', '-s', '-6', 'URL');
  assert.equal(options.max, 16);
  assert.equal(options.count, 1536);
  assert.equal(options.timeout, 250);
  assert.deepEqual([options.showLuns, options.use16], [true, true]);
});

test('what is not given is undefined, false or empty', () => {
  const { options } = parse('URL');
  assert.deepEqual(
    [options.max, options.count, options.timeout, options.initiatorName].filter((value) => value != null),
    [],
  );
  assert.deepEqual([options.showLuns, options.memory], [false, []]);
});

test('ordered options remember their place among all of them', () => {
  const { options } = parse('--file', 'a', '--memory=1M', 'URL', '--file', 'b');
  const all = [...options.memory, ...options.file].sort((a, b) => a.order - b.order);
  assert.deepEqual(
    all.map(({ text }) => text),
    ['a', '1M', 'b'],
  );
});

test('a lone dash is an operand', () => {
  assert.deepEqual(parse('-', '-').operands.other, '-');
});

test('help, usage and version are shown whatever else is missing', () => {
  for (const word of ['-?', '-h', '--help', '--he'])
    assert.match(shown(word, '--max'), /^usage: iscsi-x .*how much: 100%\n/s);
  for (const word of ['-u', '--usage']) assert.match(shown(word), /^usage: iscsi-x [^\n]*/);
  assert.equal(shown('--version'), 'iscsi-x (tsiscsi) 1.2.3\n');
});

test('what cannot be understood is refused in one line that names it', () => {
  assert.match(refusal(), /required: URL/);
  assert.match(refusal('-z', 'URL'), /unrecognized arguments: -z/);
  assert.match(refusal('URL', 'x', 'y'), /unrecognized arguments: y/);
  assert.match(refusal('URL', '-m'), /-m\/--max: expected one argument/);
  assert.match(refusal('URL', '-m', '1x'), /-m\/--max: '1x' is not a whole number/);
  assert.match(refusal('URL', '-m', '0'), /'0' is too small: 1 or more is allowed/);
  assert.match(refusal('URL', '-m', '101'), /'101' is too large: 100 or less is allowed/);
  assert.match(refusal('URL', '--count', '5X'), /--count: cannot read '5X' as a size/);
  assert.match(refusal('URL', '--count=-512'), /cannot read '-512' as a size/);
  assert.match(refusal('URL', '--timeout', '0'), /'0' is not a number of seconds above 0/);
  for (const message of [refusal('URL', '--', '-a', '\n')]) assert.doesNotMatch(message, /\n/);
});
