/** READ CAPACITY, the 16-byte command first and the 10-byte one where a device does not know it. */
import { viewOf } from '../bytes/hex.ts';
import type { LogicalUnit } from '../client/logical-unit.ts';
import { ProtocolError } from '../errors.ts';
import { cdb } from '../scsi/cdb.ts';
import type { ScsiResult } from '../scsi/request.ts';
import { isUnitAttention } from '../scsi/sense.ts';
import { scsiStatusError } from '../scsi/status-error.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';
import { SCSI_STATUS } from '../spec/scsi-status.ts';

/** READ CAPACITY(16) data with all 64 bits of the address: absurd values of a device are shown, not refused. */
export interface Capacity {
  /** The last block. */
  readonly returnedLogicalBlockAddress: bigint;
  /** Bytes. */
  readonly logicalBlockLength: number;
  readonly pType: number;
  readonly protEn: number;
  readonly pIExponent: number;
  /** LOGICAL BLOCKS PER PHYSICAL BLOCK EXPONENT. */
  readonly lbppbe: number;
  readonly lbpme: number;
  readonly lbprz: number;
  readonly lowestAlignedLogicalBlockAddress: number;
  /** The command that the device knew; READ CAPACITY(10) tells address and length only, the rest is zero. */
  readonly command: 'READ_CAPACITY_16' | 'READ_CAPACITY_10';
}

const LENGTH_16 = 32;
const LENGTH_10 = 8;
/** Unit attentions that are swallowed before one counts as an answer. */
const PATIENCE = 10;
const INVALID_COMMAND_OPERATION_CODE = 0x20;
const INVALID_FIELD_IN_CDB = 0x24;

/** Asks `lun` for its capacity. */
export async function fetchCapacity(lun: LogicalUnit, signal: AbortSignal): Promise<Capacity> {
  const data = new Uint8Array(LENGTH_16);
  const command = cdb('READ_CAPACITY_16', { allocationLength: LENGTH_16 });
  const result = await patiently(() => lun.execute(command, { dataIn: data, signal }));
  if (result.status === SCSI_STATUS.GOOD) return decode16(data.subarray(0, result.dataInLength));
  if (!isUnknownCommand(result)) throw scsiStatusError(command, result);
  return fetch10(lun, signal);
}

/** Bytes of the whole device. */
export function sizeOf({ returnedLogicalBlockAddress, logicalBlockLength }: Capacity): bigint {
  return (returnedLogicalBlockAddress + 1n) * BigInt(logicalBlockLength);
}

/** Sends a command again as long as the answer is "something happened since the last command". */
export async function patiently(send: () => Promise<ScsiResult>): Promise<ScsiResult> {
  for (let left = PATIENCE; ; left--) {
    const result = await send();
    if (left === 0 || result.status !== SCSI_STATUS.CHECK_CONDITION || !isUnitAttention(result.sense)) return result;
  }
}

async function fetch10(lun: LogicalUnit, signal: AbortSignal): Promise<Capacity> {
  const data = new Uint8Array(LENGTH_10);
  const command = cdb('READ_CAPACITY_10', {});
  const result = await patiently(() => lun.execute(command, { dataIn: data, signal }));
  if (result.status !== SCSI_STATUS.GOOD) throw scsiStatusError(command, result);
  enough(result.dataInLength, LENGTH_10, 'READ CAPACITY(10)');
  const view = viewOf(data);
  return {
    returnedLogicalBlockAddress: BigInt(view.getUint32(0)),
    logicalBlockLength: view.getUint32(4),
    pType: 0,
    protEn: 0,
    pIExponent: 0,
    lbppbe: 0,
    lbpme: 0,
    lbprz: 0,
    lowestAlignedLogicalBlockAddress: 0,
    command: 'READ_CAPACITY_10',
  };
}

/** Decodes READ CAPACITY(16) data (SBC); bytes behind the twelfth may be missing and are zero then. */
export function decode16(bytes: Uint8Array): Capacity {
  enough(bytes.length, 12, 'READ CAPACITY(16)');
  const padded = new Uint8Array(LENGTH_16);
  padded.set(bytes.subarray(0, LENGTH_16));
  const view = viewOf(padded);
  const [protection, exponents, alignment] = [view.getUint8(12), view.getUint8(13), view.getUint16(14)];
  return {
    returnedLogicalBlockAddress: view.getBigUint64(0),
    logicalBlockLength: view.getUint32(8),
    pType: (protection >> 1) & 0x7,
    protEn: protection & 0x1,
    pIExponent: exponents >> 4,
    lbppbe: exponents & 0xf,
    lbpme: alignment >> 15,
    lbprz: (alignment >> 14) & 0x1,
    lowestAlignedLogicalBlockAddress: alignment & 0x3fff,
    command: 'READ_CAPACITY_16',
  };
}

function isUnknownCommand({ sense }: ScsiResult): boolean {
  if (sense?.senseKey !== SENSE_KEY.ILLEGAL_REQUEST) return false;
  return sense.asc === INVALID_COMMAND_OPERATION_CODE || sense.asc === INVALID_FIELD_IN_CDB;
}

function enough(length: number, needed: number, command: string): void {
  if (length >= needed) return;
  throw new ProtocolError(`Cannot read the answer to ${command}: ${length} bytes came, ${needed} are needed`);
}
