import { IscsiError } from '../errors.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { NO_RESIDUAL, type ScsiRequest, type ScsiResult } from '../scsi/request.ts';
import { type ScsiTask, TASK_ATTRIBUTES } from '../scsi/scsi-task.ts';
import { parseSense } from '../scsi/sense.ts';
import { aborted, whenAborted } from './abort.ts';
import { bytesOf, noBuffer } from './buffers.ts';
import { failCall } from './caller-stack.ts';
import { noteSense } from './doubt.ts';
import { noteOutcome, noteWrite } from './note-write.ts';
import { checkOptions } from './option-rules.ts';
import { REQUEST_OPTIONS, timeProblem } from './options.ts';

const NOTHING = new Uint8Array(0);
/** The longest CDB that SPC has: a variable-length one with ADDITIONAL CDB LENGTH 252. */
const MAX_CDB_LENGTH = 260;
const CDB_FIELD_LENGTH = 16;

/**
 * Sends one command through `port` and waits for its status. A status other than GOOD is a result, not an error.
 * The buffers belong to the port until the promise settles.
 *
 * @param maker Whose CDB it is: the caller's, or one of ours, which is known to bear repetition as far as its effect
 *   does; `guarded`: it may besides be taken back while it waits, with `Recalled`.
 * @throws {IscsiError} `ISCSI_USAGE` for a CDB of less than 6 or more than 260 bytes; `ISCSI_ABORTED`, `ISCSI_TIMEOUT`,
 *   `ISCSI_CONNECTION_LOST` and the like, when there is no status.
 */
export function execute(port: ScsiPort, request: ScsiRequest, maker: Maker = 'caller'): Promise<ScsiResult> {
  return new Promise((resolve, reject) => {
    const { signal } = request;
    const problem = problemOf(request);
    if (problem !== undefined) {
      reject(problem);
      return;
    }
    const task = port.newTask();
    fill(task, request, port.timeout);
    task.recallable = maker === 'guarded';
    task.repeatable = maker !== 'caller';
    noteWrite(port, task);
    const stop = whenAborted(signal, () => port.abort(task, aborted(signal?.reason)));
    task.settle = (settled, error) => {
      stop();
      if (error === undefined) {
        noteOutcome(port, settled);
        resolve(resultOf(port, settled));
      } else resolve(failCall(error));
    };
    port.submit(task);
  });
}

/** Whose command it is. */
export type Maker = 'caller' | 'unit' | 'guarded';

/**
 * {@link execute} for callers who may be no TypeScript: unknown options are refused by name, views are used by their
 * bytes.
 */
export async function executeChecked(port: ScsiPort, request: ScsiRequest): Promise<ScsiResult> {
  checkOptions(request, REQUEST_OPTIONS, 'execute');
  if (request.cdb === undefined) throw noBuffer(request.cdb, 'send as CDB');
  const [cdb, dataIn, dataOut] = [request.cdb, request.dataIn, request.dataOut].map((view) => view && bytesOf(view));
  return execute(port, { ...request, cdb: cdb ?? NOTHING, dataIn, dataOut });
}

/** The outcome of a task, as the caller may keep it. What it says about who answers is noted. */
export function resultOf(port: ScsiPort, task: ScsiTask): ScsiResult {
  const sense = task.sense === undefined ? undefined : parseSense(task.sense);
  noteSense(port, sense);
  return {
    status: task.status,
    sense,
    dataInLength: task.received,
    residual: task.residual === 'none' ? NO_RESIDUAL : { kind: task.residual, count: task.residualCount },
  };
}

function problemOf({ cdb, signal, timeout }: ScsiRequest): IscsiError | undefined {
  if (signal?.aborted) return aborted(signal.reason);
  const problem = timeProblem(timeout, 'timeout');
  if (problem !== undefined || (cdb.length >= 6 && cdb.length <= MAX_CDB_LENGTH)) return problem;
  return new IscsiError('ISCSI_USAGE', `Cannot send a CDB of ${cdb.length} bytes: 6..${MAX_CDB_LENGTH} allowed`);
}

function fill(task: ScsiTask, request: ScsiRequest, timeout: number): void {
  const { cdb } = request;
  for (let at = 0; at < CDB_FIELD_LENGTH; at++) task.cdb.setUint8(at, cdb[at] ?? 0);
  task.longCdb = cdb.length > CDB_FIELD_LENGTH ? cdb.slice() : undefined;
  task.dataIn = request.dataIn ?? NOTHING;
  task.dataOut = request.dataOut ?? NOTHING;
  task.attribute = TASK_ATTRIBUTES[request.attribute ?? 'simple'];
  task.timeout = request.timeout ?? timeout;
  if (request.onLoss !== undefined) task.onLoss = request.onLoss;
}
