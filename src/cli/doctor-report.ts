/** What `iscsi-doctor` finds, step by step, and how it is shown. */
import type { Host } from './tool.ts';

/** How a step ended. */
export type StepStatus = 'ok' | 'unusual' | 'failed' | 'skipped';

/** Something unusual, or wrong, and what to do about it. */
export interface Finding {
  readonly text: string;
  readonly advice: string;
}

/** One step of the examination. */
export interface ExaminedStep {
  readonly name: string;
  readonly status: StepStatus;
  /** What was found, in one sentence. */
  readonly text: string;
  readonly milliseconds: number;
  readonly findings: readonly Finding[];
  /** The same as data. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** What a step gives when it has worked. */
export interface StepOutcome<T = undefined> {
  readonly text: string;
  readonly facts?: Readonly<Record<string, unknown>>;
  readonly findings?: readonly Finding[];
  readonly value: T;
}

const LABELS: Readonly<Record<StepStatus, string>> = {
  ok: 'ok',
  unusual: 'ok',
  failed: 'FAILED',
  skipped: '-',
};
const NAME_WIDTH = 9;
const STATUS_WIDTH = 7;
const LEAST_WIDTH = 40;

/** The lines of a step, broken where the terminal ends. */
export function stepLines({ name, status, text, findings }: ExaminedStep, width: number | undefined): string[] {
  const start = `${name.padEnd(NAME_WIDTH)} ${LABELS[status].padEnd(STATUS_WIDTH)} `;
  const lines = wrap(start, text, width);
  for (const { text: found, advice } of findings) {
    const mark = status === 'failed' ? 'do:' : 'note:';
    const said = status === 'failed' ? advice : `${found}; ${advice}`;
    lines.push(...wrap(`${' '.repeat(NAME_WIDTH)} ${mark.padEnd(STATUS_WIDTH)} `, said, width));
  }
  return lines;
}

/** How wide the terminal is; undefined where lines go to no terminal, which breaks none. */
export function widthOf({ stdout }: Host): number | undefined {
  const { isTTY, columns } = stdout as { readonly isTTY?: boolean; readonly columns?: number };
  return isTTY && columns !== undefined && columns > 0 ? Math.max(LEAST_WIDTH, columns) : undefined;
}

/** Words behind `start`, further lines indented by as much. A word that is too long stays whole. */
function wrap(start: string, text: string, width = Number.POSITIVE_INFINITY): string[] {
  const lines: string[] = [];
  let line = start;
  for (const word of text.split(' ')) {
    const empty = line.length === start.length;
    if (!empty && line.length + 1 + word.length > width) {
      lines.push(line);
      line = ' '.repeat(start.length) + word;
    } else line += empty ? word : ` ${word}`;
  }
  lines.push(line);
  return lines.map((one) => one.trimEnd());
}
