import { IscsiError } from '../errors.ts';
import type { ScsiResult } from '../scsi/request.ts';
import { bytesOf } from '../unit/buffers.ts';
import { optionProblem } from '../unit/option-rules.ts';
import { REQUEST_OPTIONS } from '../unit/options.ts';
import type { Bridge } from './bridge.ts';
import { type Above, from } from './caller.ts';
import type { PlacedRequest } from './calls.ts';
import type { ScsiSyncRequest } from './options.ts';
import { packOptions } from './packing.ts';

/** Sends a command whose data goes through shared memory. What `execute` would refuse is left to it. */
export function executeThrough(
  bridge: Bridge,
  above: Above,
  request: ScsiSyncRequest,
  send: (placed: PlacedRequest) => ScsiResult,
): ScsiResult {
  const problem = optionProblem(request, REQUEST_OPTIONS, 'executeSync');
  if (problem !== undefined) throw from(above, problem);
  const { dataIn, dataOut, ...rest } = request;
  const packed = packOptions(above, rest);
  const [into, out] = [dataIn, dataOut].map((view) => view && bytesOf(view));
  if (into !== undefined && out !== undefined) {
    const message = 'Cannot send a command with both dataIn and dataOut: at most one of them allowed';
    throw from(above, new IscsiError('ISCSI_USAGE', message));
  }
  const bytes = into ?? out;
  const place = bytes && { ...bridge.memory.placeOf(bytes, out !== undefined), length: bytes.length };
  const placed = { ...packed, ...(into === undefined ? { dataIn } : { dataIn: place }) };
  const result = send({ ...placed, ...(out === undefined ? { dataOut } : { dataOut: place }) } as PlacedRequest);
  if (into !== undefined) bridge.memory.fetch(into, result.dataInLength);
  return result;
}
