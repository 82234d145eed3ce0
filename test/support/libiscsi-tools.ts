/**
 * The programs of the Debian packages `libiscsi-bin` (1.19) and `qemu-utils` with `qemu-block-extra`: initiators that
 * we did not write.
 *
 * None of libiscsi's tools knows a timeout: against a target that stops answering they hang, or reconnect, for ever.
 * So each of them runs under a hard deadline here.
 */
import { findBinary } from './peers.ts';
import type { Completed } from './process.ts';
import { runProcess } from './process.ts';

export interface ToolOptions {
  /** Milliseconds until the tool is killed. */
  readonly timeout?: number;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** `iscsi-ls`: `-s` for logical units, `-U` for URLs; the operand is a portal URL. */
export const iscsiLs = tool('iscsi-ls');

/** `iscsi-inq`: `-e 1 -c PAGE` for a VPD page. Release 1.19 reads PAGE as decimal only: `0x83` is page 0 there. */
export const iscsiInq = tool('iscsi-inq');

/** `iscsi-readcapacity16`: `-s` for the size alone. */
export const iscsiReadCapacity16 = tool('iscsi-readcapacity16');

/**
 * `iscsi-perf`: `-m` requests in flight, `-b` blocks, `-t` seconds. With `-t` it ends by itself unless the target
 * stalls.
 */
export const iscsiPerf = tool('iscsi-perf');

/** `iscsi-test-cu`: `-t FAMILY.SUITE.TEST`, `-d` allows tests that write. Read its output with `testCuResults`. */
export const iscsiTestCu = tool('iscsi-test-cu', 120_000);

/** `qemu-img`; its `iscsi://` driver comes with the package qemu-block-extra and is libiscsi underneath. */
export const qemuImg = tool('qemu-img', 120_000);

/** `qemu-io`: `-f raw -c 'write -P 0x5a 0 64k' URL`. A pattern that does not match ends it with 1. */
export const qemuIo = tool('qemu-io');

/**
 * How one test of `iscsi-test-cu` ended. The tool itself counts skipped ones as passed; `unfinished` is what it was at
 * when it was killed.
 */
export interface TestCuResult {
  /** `Suite.Test` */
  readonly name: string;
  readonly verdict: 'passed' | 'skipped' | 'failed' | 'unfinished';
  /** Its `[SKIPPED]`, `[FAILED]` and `[WARNING]` lines and the failed assertions. */
  readonly remarks: readonly string[];
}

/** Reads the tests and their ends from the output of `iscsi-test-cu`. */
export function testCuResults(stdout: string): readonly TestCuResult[] {
  const results: TestCuResult[] = [];
  for (const suite of stdout.split(/^Suite: /m).slice(1)) {
    const [title = '', ...tests] = suite.split(/^ {2}Test: /m);
    for (const test of tests) {
      const [name = '', report = ''] = cutInTwo(test, ' ...');
      results.push({ name: `${title.trim()}.${name}`, ...endOf(report) });
    }
  }
  return results;
}

/**
 * The word that ends a test stands at the start of a line; what a suite says when it cleans up may follow on the same
 * line.
 */
function endOf(report: string): Pick<TestCuResult, 'verdict' | 'remarks'> {
  const end = /^(passed|FAILED)/m.exec(report);
  const own = end?.[0] === 'passed' ? report.slice(0, end.index) : report;
  const lines = own.split('\n').filter((line) => /\[(SKIPPED|FAILED|WARNING)\]|^ +\d+\. /.test(line));
  const remarks = lines.map((line) => line.trim());
  if (end === null) return { verdict: 'unfinished', remarks };
  if (end[0] === 'FAILED') return { verdict: 'failed', remarks };
  return { verdict: own.includes('[SKIPPED]') ? 'skipped' : 'passed', remarks };
}

function cutInTwo(text: string, at: string): [string, string] {
  const index = text.indexOf(at);
  return index < 0 ? [text, ''] : [text.slice(0, index), text.slice(index + at.length)];
}

type Tool = (args: readonly string[], options?: ToolOptions) => Promise<Completed>;

function tool(command: string, patience = 30_000): Tool {
  return (args, { timeout = patience, cwd, env } = {}) =>
    runProcess(findBinary(command) ?? command, args, {
      timeout,
      env: { ...foreignEnvironment(), ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
}

/** The variables of libiscsi change user, digests and log level behind a test's back. */
function foreignEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('LIBISCSI_'));
  return { ...Object.fromEntries(kept), LC_ALL: 'C.UTF-8' };
}
