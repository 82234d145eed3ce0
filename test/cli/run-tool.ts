/** Runs our tools as a user does: as processes. */
import { fileURLToPath } from 'node:url';
import type { Cleanup, Completed, ProcessOptions, RunningProcess } from '../support/process.ts';
import { runProcess, startProcess } from '../support/process.ts';

/** Milliseconds after which a tool is taken to hang; long, for a machine that has other things to do. */
const PATIENCE = 180_000;

/** A command-line tool of ours. */
export type ToolName =
  | 'tsiscsi'
  | 'iscsi-ls'
  | 'iscsi-inq'
  | 'iscsi-readcapacity16'
  | 'iscsi-dd'
  | 'iscsi-target'
  | 'iscsi-decode'
  | 'iscsi-doctor';

/**
 * The program file of a tool: compiled when the test is compiled, else the source, from which Node.js strips the types.
 */
export function programOf(name: ToolName): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`../../src/cli/bin/${name}.${extension}`, import.meta.url));
}

/** Runs a tool to its end. */
export function runTool(
  name: ToolName,
  args: readonly string[],
  options: ProcessOptions & { readonly timeout?: number; readonly nodeOptions?: readonly string[] } = {},
): Promise<Completed> {
  const { nodeOptions = [], ...rest } = options;
  return runProcess(process.execPath, [...nodeOptions, programOf(name), ...args], {
    timeout: PATIENCE,
    env: plainEnvironment(),
    ...rest,
  });
}

/** Runs a tool inside a shell command, in which it is called `"$@"`. */
export function runInShell(script: string, name: ToolName, args: readonly string[]): Promise<Completed> {
  const words = ['-c', script, 'sh', process.execPath, programOf(name), ...args];
  return runProcess('bash', words, { timeout: PATIENCE, env: plainEnvironment() });
}

/** Starts a tool inside a shell command, in which it is called `"$@"`. */
export function startInShell(t: Cleanup, script: string, name: ToolName, args: readonly string[]): RunningProcess {
  const words = ['-c', script, 'sh', process.execPath, programOf(name), ...args];
  return startProcess(t, 'bash', words, { env: plainEnvironment() });
}

/** Starts a tool that is stopped when the test is over. */
export function startTool(
  t: Cleanup,
  name: ToolName,
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): RunningProcess {
  return startNode(t, [...nodeOptions, programOf(name), ...args]);
}

/** Starts Node.js with a program that is stopped when the test is over. */
export function startNode(t: Cleanup, args: readonly string[]): RunningProcess {
  return startProcess(t, process.execPath, args, { env: plainEnvironment() });
}

/** Starts `iscsi-target` on a free port and waits for the URL of each logical unit. */
export async function startTarget(
  t: Cleanup,
  args: readonly string[],
): Promise<{ readonly process: RunningProcess; readonly urls: readonly string[] }> {
  const process = startTool(t, 'iscsi-target', ['--listen', '127.0.0.1:0', ...args]);
  await process.waitFor('stderr', /listening on /);
  const units = args.filter((word) => /^(?:-m|-f|--memory|--file)(?:=|$)/.test(word)).length;
  await process.waitFor('stdout', new RegExp(`^(?:iscsi:.*\\n){${units}}`)); // another pipe: it may come later
  return { process, urls: process.stdout.trimEnd().split('\n') };
}

/** Nothing of the environment changes what the tools do. */
function plainEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(LIBISCSI_|COLUMNS$|NODE_)/.test(name));
  return Object.fromEntries(kept);
}
