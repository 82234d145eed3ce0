/**
 * How far a long job is: a bar on a terminal, plain lines elsewhere when asked for. Always on stderr. The bar is drawn
 * over itself with carriage return and blanks alone: no escape code that a terminal might not know, and no mode of it
 * that would have to be set back, however the process ends.
 */
import type { Writable } from 'node:stream';
import { formatSize } from './size.ts';

/** Shows the progress of one job. */
export interface Progress {
  /** `bytes` are done since the job began. Cheap enough for every chunk. */
  update(bytes: number): void;
  /** Removes the bar, or writes the last line. Must be called however the job ends. */
  stop(): void;
}

/** Where and how progress is shown. */
export interface ProgressOptions {
  readonly stream: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  /** Bytes when everything is done; undefined when nobody knows. */
  readonly total: number | undefined;
  /** A bar on a terminal; elsewhere a line a second (`lines`) or nothing (`auto`); nothing at all (`none`). */
  readonly style: 'auto' | 'lines' | 'none';
  /** A terminal that cannot draw over a line (`TERM=dumb`): it gets lines instead of the bar. */
  readonly dumb?: boolean;
}

/** Milliseconds between plain lines, and between two states of the bar. */
const LINE_INTERVAL = 1000;
const BAR_INTERVAL = 125;
/** How far back the shown rate looks, in milliseconds: long enough to be steady, short enough to show a stall. */
const RATE_WINDOW = 3000;
const LONGEST_BAR = 40;
const SHORTEST_BAR = 10;

/** Begins to show progress. `auto` shows a bar on a terminal and nothing elsewhere. */
export function startProgress({ stream, total, style, dumb = false }: ProgressOptions): Progress {
  if (style === 'none') return SILENT;
  if (stream.isTTY && !dumb) return bar(stream, total);
  return stream.isTTY || style === 'lines' ? lines(stream, total) : SILENT;
}

const SILENT: Progress = { update: () => undefined, stop: () => undefined };

/** Bytes a second over the last moments. */
export class RateMeter {
  readonly #samples: { readonly at: number; readonly bytes: number }[] = [];

  /** Notes that `bytes` were done at `now` (milliseconds) and gives the rate, 0 while it is unknown. */
  sample(bytes: number, now: number): number {
    this.#samples.push({ at: now, bytes });
    let [first] = this.#samples;
    // The oldest sample kept lies just outside of the window, so that the window is always full.
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? now) <= now - RATE_WINDOW) {
      this.#samples.shift();
      [first] = this.#samples;
    }
    if (!first || now <= first.at) return 0;
    return ((bytes - first.bytes) * 1000) / (now - first.at);
  }
}

/** One line of `columns` characters at most; what matters least is left out first. */
export function progressLine(
  state: { readonly bytes: number; readonly total: number | undefined; readonly rate: number },
  columns: number,
): string {
  const { bytes, total, rate } = state;
  const speed = `${formatSize(Math.round(rate))}/s`;
  if (total === undefined) return fit([formatSize(bytes), speed], columns);
  const fraction = total === 0 ? 1 : Math.min(1, bytes / total);
  // 100 % is for what is done, not for what rounds to it.
  const percent = `${Math.floor(fraction * 100)}%`.padStart(4);
  const parts = [
    percent,
    `${formatSize(bytes)} of ${formatSize(total)}`,
    speed,
    `ETA ${formatEta(total - bytes, rate)}`,
  ];
  const text = fit(parts, columns);
  const length = Math.min(LONGEST_BAR, columns - text.length - 3);
  if (length < SHORTEST_BAR) return text;
  const filled = Math.floor(length * fraction);
  return `[${'='.repeat(filled)}${' '.repeat(length - filled)}] ${text}`;
}

function fit(parts: readonly string[], columns: number): string {
  for (let count = parts.length; count > 1; count--) {
    const text = parts.slice(0, count).join('  ');
    if (text.length <= columns) return text;
  }
  return (parts[0] ?? '').slice(0, Math.max(0, columns));
}

/** Time for `bytes` at `rate` as `m:ss` or `h:mm:ss`. */
export function formatEta(bytes: number, rate: number): string {
  const seconds = Math.ceil(Math.max(0, bytes) / rate);
  if (bytes > 0 && !(rate > 0 && seconds < 360_000)) return '-:--';
  const whole = bytes <= 0 ? 0 : seconds;
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const tail = `${String(rest).padStart(2, '0')}`;
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${tail}` : `${minutes}:${tail}`;
}

function bar(stream: ProgressOptions['stream'], total: number | undefined): Progress {
  const meter = new RateMeter();
  let bytes = 0;
  let shown = 0; // characters on the screen
  // The last column stays free: a full line would wrap on some terminals.
  const columns = (): number => (stream.columns || 80) - 1;
  const show = (line: string): void => {
    stream.write(`\r${line.padEnd(Math.min(shown, columns()))}`);
    shown = line.length;
  };
  const draw = (): void =>
    show(progressLine({ bytes, total, rate: meter.sample(bytes, performance.now()) }, columns()));
  const clear = (): void => {
    show('');
    stream.write('\r');
  };
  draw();
  const timer = setInterval(draw, BAR_INTERVAL);
  process.once('exit', clear); // a second Ctrl-C ends the process without a word
  return {
    update(done) {
      bytes = done;
    },
    stop() {
      clearInterval(timer);
      process.off('exit', clear);
      clear();
    },
  };
}

function lines(stream: Writable, total: number | undefined): Progress {
  const meter = new RateMeter();
  let bytes = 0;
  const write = (): void => {
    const rate = meter.sample(bytes, performance.now());
    stream.write(`${progressLine({ bytes, total, rate }, 79)}\n`);
  };
  meter.sample(0, performance.now());
  const timer = setInterval(write, LINE_INTERVAL);
  return {
    update(done) {
      bytes = done;
    },
    stop() {
      clearInterval(timer);
      write();
    },
  };
}
