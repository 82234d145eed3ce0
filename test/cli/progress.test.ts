import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { formatEta, progressLine, RateMeter, startProgress } from '../../src/cli/progress.ts';

const HALF = { bytes: 50 * 2 ** 20, total: 100 * 2 ** 20, rate: 10 * 2 ** 20 };

test('progressLine() shows bar, share, bytes, rate and time left', () => {
  assert.equal(
    progressLine(HALF, 100),
    `[${'='.repeat(20)}${' '.repeat(20)}]  50%  50 MiB of 100 MiB  10 MiB/s  ETA 0:05`,
  );
});

test('progressLine() never exceeds the columns there are', () => {
  for (let columns = 0; columns <= 120; columns++) {
    const line = progressLine(HALF, columns);
    assert.ok(line.length <= columns, `${columns} columns: ${line.length} characters`);
  }
});

test('progressLine() drops first what matters least', () => {
  assert.equal(progressLine(HALF, 33), ' 50%  50 MiB of 100 MiB  10 MiB/s');
  assert.equal(progressLine(HALF, 32), ' 50%  50 MiB of 100 MiB');
  assert.equal(progressLine(HALF, 12), ' 50%');
});

test('progressLine() shows 100% only when everything is done', () => {
  assert.match(progressLine({ bytes: 999_999, total: 1_000_000, rate: 1 }, 80), / 99% {2}/);
  assert.match(progressLine({ bytes: 1_000_000, total: 1_000_000, rate: 1 }, 80), /100% {2}/);
  assert.match(progressLine({ bytes: 0, total: 0, rate: 0 }, 80), /100% {2}/);
});

test('progressLine() shows bytes and rate where the total is unknown', () => {
  assert.equal(progressLine({ bytes: 2048, total: undefined, rate: 1024 }, 80), '2 KiB  1 KiB/s');
});

test('formatEta() shows hours only when there are some, and nothing it does not know', () => {
  assert.equal(formatEta(0, 0), '0:00');
  assert.equal(formatEta(59, 1), '0:59');
  assert.equal(formatEta(61, 1), '1:01');
  assert.equal(formatEta(3661, 1), '1:01:01');
  assert.equal(formatEta(1, 0), '-:--');
  assert.equal(formatEta(1e15, 1), '-:--');
});

test('RateMeter tells the rate of the last seconds, also while nothing moves', () => {
  const meter = new RateMeter();
  assert.equal(meter.sample(0, 0), 0);
  assert.equal(meter.sample(1000, 1000), 1000);
  for (let second = 2; second <= 10; second++) meter.sample(second * 1000, second * 1000);
  for (let second = 11; second <= 13; second++) meter.sample(10_000, second * 1000);
  assert.equal(meter.sample(10_000, 14_000), 0);
});

/** What a terminal of `columns` shows, drawn over itself. */
function terminal(columns: number) {
  const stream = Object.assign(new PassThrough(), { isTTY: true, columns });
  const written = (): string => {
    let text = ''; // later Nodes give one chunk a call
    for (let chunk = stream.read() as unknown; chunk !== null; chunk = stream.read()) text += String(chunk);
    return text;
  };
  return { stream, written };
}

/** The line that is left after `text`, as a terminal without escape codes shows it. */
function screen(text: string): string {
  let line = '';
  for (const part of text.split('\r')) line = part + line.slice(part.length);
  return line;
}

test('the bar is drawn over itself without escape codes, and leaves an empty line', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { stream, written } = terminal(60);
  const progress = startProgress({ stream, total: 2048, style: 'auto' });
  progress.update(1024);
  t.mock.timers.tick(1000);
  const during = written();
  assert.match(screen(during), /^\[=+ +\] {2}50% {2}1 KiB of 2 KiB {2}\S+ \S+ *$|^.* 50% {2}1 KiB of 2 KiB/);
  assert.ok(screen(during).length < 60);
  progress.stop();
  const all = during + written();
  assert.doesNotMatch(all, /[^\r\x20-\x7e]/, 'no escape code and no line end');
  assert.match(screen(all), /^ *$/);
  assert.ok(all.endsWith('\r'));
});

test('a terminal that does not know its width has the usual one', () => {
  const { stream, written } = terminal(0);
  startProgress({ stream, total: 2048, style: 'auto' }).stop();
  assert.match(written(), /^\r\[ +\] {3}0% {2}0 B of 2 KiB/);
});

test('a process that ends in the middle leaves no bar either', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const { stream, written } = terminal(80);
  const before = process.listeners('exit');
  const progress = startProgress({ stream, total: 10, style: 'auto' });
  const added = process.listeners('exit').filter((listener) => !before.includes(listener));
  for (const listener of added) listener(130);
  assert.equal(added.length, 1);
  assert.match(screen(written()), /^ *$/);
  progress.stop();
  assert.deepEqual(process.listeners('exit'), before);
});

test('a dumb terminal gets lines, a pipe gets them when asked for, and "none" nothing', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const dumb = terminal(80);
  const onDumb = startProgress({ stream: dumb.stream, total: 10, style: 'auto', dumb: true });
  onDumb.update(5);
  t.mock.timers.tick(1000);
  onDumb.stop();
  assert.match(dumb.written(), /^.* 50% .*\n.* 50% .*\n$/);
  for (const [style, lines] of [
    ['auto', 0],
    ['none', 0],
    ['lines', 1],
  ] as const) {
    const pipe = new PassThrough();
    startProgress({ stream: pipe, total: 10, style }).stop();
    assert.equal(String(pipe.read() ?? '').split('\n').length - 1, lines, style);
  }
});
