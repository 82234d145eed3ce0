import { opcode } from '../pdu/bhs.ts';
import { OPCODES } from '../spec/iscsi-opcodes.ts';
import type { TaskState } from './task-state.ts';

/** Of whatever is not known to be short: the clock is looked at after each. */
const HEAVY = 1024;
const LIGHT = 2;
/** Bytes that weigh as much as 1: copied, or looked at for a digest. */
const WEIGHED_BYTES_BITS = 12;

const TEST_UNIT_READY = 0x00;
/** The lower five bits of READ and WRITE, whose length is known. */
const COMMAND_BITS = 0x1f;
const READ = 0x08;
const WRITE = 0x0a;

/** What taking so many bytes from the stream weighs, whatever they are. Hot path. */
export function weightOfBytes(length: number): number {
  return length >>> WEIGHED_BYTES_BITS;
}

/** What taking a PDU weighs, besides its bytes and the command that it may bring. Hot path. */
export function weightOfPdu(view: DataView, at: number): number {
  switch (opcode(view, at)) {
    case OPCODES.SCSI_COMMAND:
    case OPCODES.DATA_OUT:
    case OPCODES.NOP_OUT:
      return LIGHT;
    default:
      return HEAVY;
  }
}

/** What running a command weighs. Hot path. */
export function weightOfTask({ cdb, readLength, writeLength }: TaskState): number {
  const code = cdb.getUint8(0);
  const kind = code & COMMAND_BITS;
  if (kind !== READ && kind !== WRITE) return code === TEST_UNIT_READY ? LIGHT : HEAVY;
  return LIGHT + ((readLength + writeLength) >>> WEIGHED_BYTES_BITS);
}
