/** `tsiscsi TOOL …`: all tools behind one name, so that `npx tsiscsi target --memory 1G` works. */
import { dd } from './dd.ts';
import type { ExitCode } from './exit.ts';
import { EXIT } from './exit.ts';
import { inq } from './inq.ts';
import { ls } from './ls.ts';
import { Printer } from './print.ts';
import { readcapacity16 } from './readcapacity16.ts';
import { target } from './target.ts';
import type { Tool } from './tool.ts';
import { VERSION } from './version.ts';

/** Every tool, by the word behind `tsiscsi`. */
export const TOOLS: ReadonlyMap<string, Tool> = new Map([
  ['ls', ls],
  ['inq', inq],
  ['readcapacity16', readcapacity16],
  ['dd', dd],
  ['target', target],
]);

/** The command `tsiscsi`. */
export const tsiscsi: Tool = {
  name: 'tsiscsi',
  summary: 'iSCSI tools: initiator and target in user space',
  async run(args, host): Promise<ExitCode> {
    const [word, ...rest] = args;
    const chosen = word === undefined ? undefined : TOOLS.get(word.replace(/^iscsi-/, ''));
    if (chosen) return chosen.run(rest, host);
    if (word !== undefined && ['-h', '-?', '--help', 'help'].includes(word)) {
      const [topic] = rest;
      const explained = topic === undefined ? undefined : TOOLS.get(topic);
      if (explained) return explained.run(['--help'], host);
      host.stdout.write(helpText());
      return EXIT.DONE;
    }
    if (word === '--version') {
      host.stdout.write(`tsiscsi ${VERSION}\n`);
      return EXIT.DONE;
    }
    const complaint = word === undefined ? 'a tool must be named' : `there is no tool '${word}'`;
    new Printer('tsiscsi', host, false).note(
      `${complaint}: one of ${[...TOOLS.keys()].join(', ')}; see 'tsiscsi --help'`,
    );
    return EXIT.USAGE;
  },
};

function helpText(): string {
  const width = Math.max(...[...TOOLS.keys()].map((word) => word.length));
  const rows = [...TOOLS].map(([word, { summary }]) => `  ${word.padEnd(width)}  ${summary}`);
  return [
    'usage: tsiscsi TOOL [OPTIONS] …',
    '',
    tsiscsi.summary,
    '',
    'tools:',
    ...rows,
    '',
    `'tsiscsi TOOL --help' explains a tool.`,
    '',
  ].join('\n');
}
