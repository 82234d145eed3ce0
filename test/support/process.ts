/** Child processes of a test: started, watched, and gone when the test is over. */
import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { PATIENCE } from './loop-time.ts';

/** The part of node:test's context that takes clean-up work. */
export interface Cleanup {
  after(hook: () => Promise<void>): void;
}

/** How a process ended. `code` is null when a signal ended it, and when it could not be started. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a finished process left behind. */
export interface Completed extends Exit {
  readonly stdout: string;
  readonly stderr: string;
  /** It had to be killed because its time was over. */
  readonly timedOut: boolean;
  /** From start to end, in milliseconds. */
  readonly duration: number;
}

export interface ProcessOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Takes standard output line by line, which is then not collected: for what is too long to be one string. */
  readonly onLine?: (line: string) => void;
}

type Stream = 'stdout' | 'stderr';

/** Kills whatever still runs when this process has to go before its tests are over. */
const alive = new Set<ChildProcess>();
let guarded = false;

/** A child process whose output is collected and can be waited for. */
export class RunningProcess {
  readonly title: string;
  /** Settles, never rejects, when the process has ended and its output is complete. */
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  readonly #output: Record<Stream, string> = { stdout: '', stderr: '' };
  readonly #listeners = new Set<() => void>();
  #exit: Exit | undefined;

  constructor(command: string, args: readonly string[], options: ProcessOptions = {}) {
    guard();
    this.title = [command, ...args].join(' ');
    const { onLine, ...rest } = options;
    const child = spawn(command, args, { ...rest, stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    alive.add(child);
    if (onLine) createInterface({ input: child.stdout }).on('line', onLine); // the last one comes before 'close'
    for (const stream of onLine ? (['stderr'] as const) : (['stdout', 'stderr'] as const)) {
      child[stream].setEncoding('utf8').on('data', (text: string) => {
        this.#output[stream] += text;
        this.#changed();
      });
    }
    this.exited = new Promise((resolve) => {
      const ended = (exit: Exit): void => {
        if (this.#exit) return;
        this.#exit = exit;
        alive.delete(child);
        resolve(exit);
        this.#changed();
      };
      child.on('close', (code, signal) => ended({ code, signal }));
      child.on('error', (error) => {
        // A process that was started reports its end by "close"; one that could not be started may never do so.
        this.#output.stderr += `${error.message}\n`;
        if (child.pid === undefined) ended({ code: null, signal: null });
      });
    });
  }

  /** The process id, undefined when the program could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  /** Everything it wrote to stdout so far. */
  get stdout(): string {
    return this.#output.stdout;
  }

  /** Everything it wrote to stderr so far. */
  get stderr(): string {
    return this.#output.stderr;
  }

  /** Whether it has ended. */
  get hasExited(): boolean {
    return this.#exit !== undefined;
  }

  /**
   * Waits until the output of `stream` so far matches `pattern`.
   * @param timeout Milliseconds.
   * @throws {Error} With all output, when the time is over or the process ends before.
   */
  async waitFor(stream: Stream, pattern: RegExp, timeout = PATIENCE): Promise<RegExpExecArray> {
    const deadline = performance.now() + timeout;
    for (;;) {
      const match = pattern.exec(this.#output[stream]);
      if (match) return match;
      const left = deadline - performance.now();
      if (this.#exit) throw new Error(this.#report(`ended before ${pattern} was seen on ${stream}`));
      if (left <= 0) throw new Error(this.#report(`did not print ${pattern} to ${stream} within ${timeout} ms`));
      await this.#change(left);
    }
  }

  /** Sends a signal; a process that has ended already is left alone. */
  signal(name: NodeJS.Signals): void {
    if (!this.#exit) this.#child.kill(name);
  }

  /**
   * Ends the process, first politely, then by SIGKILL after `patience` milliseconds.
   * Only this very process is meant: no other of the same name is touched.
   */
  async stop(politely: NodeJS.Signals = 'SIGTERM', patience = 2_000): Promise<Exit> {
    this.signal(politely);
    const timer = setTimeout(() => this.signal('SIGKILL'), patience);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #change(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#listeners.delete(done);
        resolve();
      };
      const timer = setTimeout(done, timeout);
      this.#listeners.add(done);
    });
  }

  #report(what: string): string {
    return `"${this.title}" ${what}\nstdout: ${this.stdout}\nstderr: ${this.stderr}`;
  }
}

/** Starts a process that is stopped, at the latest, when the test is over. */
export function startProcess(
  t: Cleanup,
  command: string,
  args: readonly string[],
  options?: ProcessOptions,
): RunningProcess {
  const running = new RunningProcess(command, args, options);
  t.after(async () => {
    await running.stop();
  });
  return running;
}

/**
 * Runs a program to its end, or kills it when `timeout` milliseconds are over: a test must never hang because a foreign
 * tool does. Never rejects; the caller looks at `code` and `timedOut`.
 */
export async function runProcess(
  command: string,
  args: readonly string[],
  options: ProcessOptions & { readonly timeout: number },
): Promise<Completed> {
  const { timeout, ...rest } = options;
  const started = performance.now();
  const running = new RunningProcess(command, args, rest);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    running.signal('SIGKILL');
  }, timeout);
  const exit = await running.exited;
  clearTimeout(timer);
  const { stdout, stderr } = running;
  return { ...exit, stdout, stderr, timedOut, duration: performance.now() - started };
}

function guard(): void {
  if (guarded) return;
  guarded = true;
  process.on('exit', () => {
    for (const child of alive) child.kill('SIGKILL');
  });
  // The test runner ends a file that takes too long by SIGTERM, which alone would skip the handler above.
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      console.error(`The tests of this file are ended by ${name}`); // else nobody would know why they failed
      process.exit(1);
    });
  }
}
