/** Runs a tool as this process: signals, broken pipes, exit code. */
import { EXIT, ToolError } from './exit.ts';
import { systemError } from './file-error.ts';
import { Printer } from './print.ts';
import { redact } from './redact.ts';
import type { Tool } from './tool.ts';
import { BrokenPipe, Interrupted } from './tool.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/**
 * How long a tool may take to stop in order, in milliseconds, unless it says otherwise: a target that is silent must
 * not keep the user waiting.
 */
const PATIENCE = 10_000;
/** How long what a tool has left behind may take, in milliseconds, once it has ended because it was asked to. */
const LEFT_BEHIND = 1000;

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
  const { patience = PATIENCE } = tool;
  const stop = (name: (typeof SIGNALS)[number]): void => {
    const reason = new Interrupted(name);
    if (controller.signal.aborted) process.exit(reason.exitCode);
    controller.abort(reason);
    setTimeout(() => giveUp(tool, patience), patience).unref();
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
  // Something may never end, such as a file on a server that is gone: the exit code is not to wait for it.
  if (controller.signal.aborted) setTimeout(() => process.exit(), LEFT_BEHIND).unref();
}

/** Ends the process of a tool that does not stop in order. */
function giveUp(tool: Tool, patience: number): never {
  const seconds = patience / 1000;
  const message = `Cannot stop in order: something has not ended within ${seconds} s`;
  const { exitCode } = process;
  if (exitCode === undefined) {
    new Printer(tool.name, process, false).problem(new ToolError(message, { code: 'STUCK', exitCode: EXIT.FAILED }));
  }
  process.exit(exitCode ?? EXIT.FAILED);
}

/** Takes passwords out of what `ps` shows of the command line: from here on, no other user of the machine sees them. */
function hidePasswords(name: string, args: readonly string[]): void {
  const shown = redact(args.join(' '));
  if (shown !== args.join(' ')) process.title = `${name} ${shown}`;
}
