/** Runs a tool as this process: signals, broken pipes, exit code. */
import { EXIT } from './exit.ts';
import { systemError } from './file-error.ts';
import { Printer } from './print.ts';
import { redact } from './redact.ts';
import type { Tool } from './tool.ts';
import { BrokenPipe, Interrupted } from './tool.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/**
 * How long a tool may take to stop in order, in milliseconds: a target that is silent must not keep the user waiting.
 */
const PATIENCE = 10_000;

/**
 * Runs `tool` with the words of the command line and sets the exit code; the process ends by itself when nothing is
 * left to do. The first SIGINT, SIGTERM or SIGHUP asks the tool to stop in order; the second ends it at once.
 */
export async function runAsProcess(tool: Tool, args: readonly string[] = process.argv.slice(2)): Promise<void> {
  const { stdin, stdout, stderr, env } = process;
  hidePasswords(tool.name, args);
  process.removeAllListeners('warning'); // Node's own words for them are those of a programmer
  process.on('warning', ({ message }) => new Printer(tool.name, process, false).note(`warning: ${message}`));
  const controller = new AbortController();
  let finished = false;
  let broken = false;
  const stop = (name: (typeof SIGNALS)[number]): void => {
    const reason = new Interrupted(name);
    if (controller.signal.aborted) process.exit(reason.exitCode);
    controller.abort(reason);
    setTimeout(() => process.exit(reason.exitCode), PATIENCE).unref();
  };
  for (const name of SIGNALS) process.on(name, stop);
  stdout.on('error', (error: NodeJS.ErrnoException) => {
    broken = true;
    process.exitCode = EXIT.FAILED;
    // Whoever reads us may stop reading, as `head` does: there is nobody left to tell.
    const reason = error.code === 'EPIPE' ? new BrokenPipe() : systemError('Cannot write to standard output', error);
    if (!finished) controller.abort(reason);
    else if (error.code !== 'EPIPE') new Printer(tool.name, process, false).problem(reason);
  });
  stderr.on('error', () => undefined);
  const code = await tool.run(args, { stdin, stdout, stderr, env, signal: controller.signal });
  finished = true;
  process.exitCode = broken && code === EXIT.DONE ? EXIT.FAILED : code;
  for (const name of SIGNALS) process.off(name, stop);
}

/** Takes passwords out of what `ps` shows of the command line: from here on, no other user of the machine sees them. */
function hidePasswords(name: string, args: readonly string[]): void {
  const shown = redact(args.join(' '));
  if (shown !== args.join(' ')) process.title = `${name} ${shown}`;
}
