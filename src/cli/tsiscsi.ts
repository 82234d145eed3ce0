/** `tsiscsi TOOL …`: all tools behind one name, so that `npx tsiscsi target --memory 1G` works. */

import { dd } from './dd.ts';
import { decode } from './decode.ts';
import { doctor } from './doctor.ts';
import type { ExitCode, ToolError } from './exit.ts';
import { EXIT, usageError } from './exit.ts';
import { inq } from './inq.ts';
import { ls } from './ls.ts';
import { Printer } from './print.ts';
import { readcapacity16 } from './readcapacity16.ts';
import { target } from './target.ts';
import type { Tool } from './tool.ts';
import { endWithError } from './tool.ts';
import { VERSION } from './version.ts';

/** Every tool, by the word behind `tsiscsi`. */
export const TOOLS: ReadonlyMap<string, Tool> = new Map([
  ['ls', ls],
  ['inq', inq],
  ['readcapacity16', readcapacity16],
  ['dd', dd],
  ['target', target],
  ['decode', decode],
  ['doctor', doctor],
]);

/** The command `tsiscsi`. */
export const tsiscsi: Tool = {
  name: 'tsiscsi',
  summary: 'iSCSI tools: initiator and target in user space',
  async run(args, host): Promise<ExitCode> {
    const [word = '', ...rest] = args;
    const chosen = TOOLS.get(shortName(word));
    if (chosen) return chosen.run(rest, host, `tsiscsi ${shortName(word)}`);
    const text = textFor(word);
    const topic = word === 'help' ? rest.find((other) => !other.startsWith('-')) : undefined;
    if (topic !== undefined && TOOLS.has(shortName(topic))) return tsiscsi.run([topic, '--help'], host);
    if (text === undefined || topic !== undefined) {
      return endWithError(new Printer('tsiscsi', host, args.includes('--json')), noTool(topic ?? word));
    }
    host.stdout.write(text);
    return EXIT.DONE;
  },
};

function shortName(word: string): string {
  return word.replace(/^iscsi-/, '');
}

/** What stands for no tool but for a text. */
function textFor(word: string): string | undefined {
  if (['-h', '-?', '--help', 'help'].includes(word)) return helpText();
  if (['-u', '--usage'].includes(word)) return `${USAGE}\n`;
  return word === '--version' ? `tsiscsi ${VERSION}\n` : undefined;
}

function noTool(word: string): ToolError {
  const hint = `name one of ${[...TOOLS.keys()].join(', ')}; see 'tsiscsi --help'`;
  if (word === '') return usageError('a tool must be named', hint);
  if (word.startsWith('-')) return usageError(`a tool must be named before '${word}'`, hint);
  return usageError(`there is no tool '${word}'`, hint);
}

const USAGE = 'usage: tsiscsi TOOL [OPTIONS] ...';

function helpText(): string {
  const width = Math.max(...[...TOOLS.keys()].map((word) => word.length));
  const rows = [...TOOLS].map(([word, { summary }]) => `  ${word.padEnd(width)}  ${summary}`);
  return [
    USAGE,
    '',
    tsiscsi.summary,
    '',
    'tools:',
    ...rows,
    '',
    `'tsiscsi TOOL --help' explains a tool; -u or --usage shows the line above, --version the version.`,
    '',
  ].join('\n');
}
