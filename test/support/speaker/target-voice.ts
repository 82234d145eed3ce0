import { senseSegment } from './data.ts';
import { encodePdu, type PduDigests } from './encode.ts';
import { NIL, type Pdu } from './pdu.ts';

/** What a target's PDU says. What is left out is 0, except the tags, which are NIL, and F, which is 1. */
export interface AnswerFields {
  readonly opcode: number;
  /** Byte 1 as a whole. */
  readonly flags?: number;
  readonly byte2?: number;
  readonly byte3?: number;
  readonly ahs?: Uint8Array;
  /** Bytes 8 to 15. */
  readonly lun?: bigint;
  /** Initiator Task Tag. */
  readonly tag?: number;
  readonly transferTag?: number;
  readonly statSN?: number;
  readonly expCmdSN?: number;
  readonly maxCmdSN?: number;
  readonly word36?: number;
  readonly word40?: number;
  readonly word44?: number;
  readonly data?: Uint8Array;
  /** The value of the pad bytes. */
  readonly pad?: number;
}

/** The bytes of one PDU of a target. */
export function answerBytes(fields: AnswerFields, digests: PduDigests = {}): Uint8Array {
  const { transferTag = NIL, statSN = 0, expCmdSN = 0, maxCmdSN = 0, word36 = 0, word40 = 0, word44 = 0 } = fields;
  return encodePdu({ ...fields, words: [transferTag, statSN, expCmdSN, maxCmdSN, word36, word40, word44] }, digests);
}

/** A field of {@link AnswerFields} that a test sets otherwise than usual. */
export type Override = Partial<AnswerFields>;

/** What a Data-In says. */
export interface DataInFields extends Override {
  readonly offset?: number;
  readonly dataSN?: number;
  /** With it, the PDU carries the status (S). */
  readonly status?: number;
}

/** What an R2T says. */
export interface R2TFields extends Override {
  readonly r2tSN?: number;
  readonly offset?: number;
  readonly length?: number;
}

/** What a SCSI Response says. */
export interface ScsiResponseFields extends Override {
  readonly status?: number;
  readonly response?: number;
  readonly sense?: Uint8Array;
  /** Bit mask of o 0x10, u 0x08, O 0x04, U 0x02. */
  readonly residual?: number;
  readonly residualCount?: number;
  readonly expDataSN?: number;
}

/** What an agreeable target answers. */
export const USUAL_ANSWERS: Readonly<Record<string, string>> = {
  HeaderDigest: 'None',
  DataDigest: 'None',
  InitialR2T: 'No',
  ImmediateData: 'Yes',
  MaxRecvDataSegmentLength: '262144',
  MaxBurstLength: '1048576',
  FirstBurstLength: '262144',
  MaxOutstandingR2T: '1',
  DefaultTime2Wait: '2',
  DefaultTime2Retain: '0',
  MaxConnections: '1',
  ErrorRecoveryLevel: '0',
  DataPDUInOrder: 'Yes',
  DataSequenceInOrder: 'Yes',
};

/**
 * How a target speaks: keeps its numbers and builds its PDUs. Each method gives bytes; nothing is sent. A PDU that uses
 * a StatSN up moves `statSN` on when it is built.
 */
export class TargetVoice {
  /** The next StatSN. */
  statSN: number;
  /** The next CmdSN that is expected. */
  expCmdSN = 0;
  /** How many commands beyond `expCmdSN` are allowed. */
  window: number;
  digests: PduDigests = {};

  constructor(statSN = 1, window = 32) {
    this.statSN = statSN;
    this.window = window;
  }

  /** Takes note of the CmdSN of what came. */
  hear(pdu: Pdu): void {
    const numbered = pdu.opcode <= 0x06 && pdu.opcode !== 0x05 && pdu.opcode !== 0x03;
    if (numbered && !pdu.immediate) this.expCmdSN = (pdu.word(24) + 1) >>> 0;
    if (pdu.opcode === 0x03) this.expCmdSN = pdu.word(24);
  }

  /** Any PDU, with this target's numbers where `fields` has none. */
  pdu(fields: AnswerFields, usesStatSN = true): Uint8Array {
    const numbers = {
      statSN: this.statSN,
      expCmdSN: this.expCmdSN,
      maxCmdSN: (this.expCmdSN + this.window - 1) >>> 0,
    };
    if (usesStatSN) this.statSN = (this.statSN + 1) >>> 0;
    return answerBytes({ ...numbers, ...fields }, this.digests);
  }

  loginResponse(request: Pdu, text: Uint8Array, fields: Override & { readonly status?: number } = {}): Uint8Array {
    const { status = 0, ...rest } = fields;
    const isid = new DataView(request.header.buffer, request.header.byteOffset).getBigUint64(8) & ~0xffffn;
    return this.pdu({
      opcode: 0x23,
      flags: 0x87, // T=1, CSG=1, NSG=3
      lun: isid | 0x1234n, // ISID and TSIH
      tag: request.tag,
      transferTag: 0,
      word36: (status << 16) >>> 0,
      data: text,
      ...rest,
    });
  }

  scsiResponse(tag: number, fields: ScsiResponseFields = {}): Uint8Array {
    const { status = 0, response = 0, sense, residual = 0, residualCount = 0, expDataSN = 0, ...rest } = fields;
    return this.pdu({
      opcode: 0x21,
      flags: 0x80 | residual,
      byte2: response,
      byte3: status,
      tag,
      transferTag: 0,
      word36: expDataSN,
      word44: residualCount,
      ...(sense === undefined ? {} : { data: senseSegment(sense) }),
      ...rest,
    });
  }

  dataIn(tag: number, data: Uint8Array, fields: DataInFields = {}): Uint8Array {
    const { offset = 0, dataSN = 0, status, ...rest } = fields;
    return this.pdu(
      {
        opcode: 0x25,
        flags: status === undefined ? 0x80 : 0x81,
        byte3: status ?? 0,
        tag,
        transferTag: NIL,
        word36: dataSN,
        word40: offset,
        data,
        ...(status === undefined ? { statSN: 0 } : {}),
        ...rest,
      },
      status !== undefined,
    );
  }

  r2t(tag: number, fields: R2TFields = {}): Uint8Array {
    const { r2tSN = 0, offset = 0, length = 0, ...rest } = fields;
    return this.pdu(
      { opcode: 0x31, tag, transferTag: 0x77, word36: r2tSN, word40: offset, word44: length, ...rest },
      false,
    );
  }

  taskManagementResponse(tag: number, response = 0): Uint8Array {
    return this.pdu({ opcode: 0x22, byte2: response, tag, transferTag: 0 });
  }

  /** A NOP-In that answers a ping. */
  pong(tag: number, data = new Uint8Array(0)): Uint8Array {
    return this.pdu({ opcode: 0x20, tag, data });
  }

  /** A NOP-In of the target's own: with a tag it wants an answer. */
  nopIn(fields: Override = {}): Uint8Array {
    return this.pdu({ opcode: 0x20, ...fields }, false);
  }

  textResponse(tag: number, text: Uint8Array, fields: Override = {}): Uint8Array {
    return this.pdu({ opcode: 0x24, tag, data: text, ...fields });
  }

  logoutResponse(tag: number, response = 0): Uint8Array {
    return this.pdu({ opcode: 0x26, byte2: response, tag, transferTag: 0 });
  }

  asyncMessage(
    event: number,
    parameters: readonly [number, number, number] = [0, 0, 0],
    data?: Uint8Array,
  ): Uint8Array {
    return this.pdu({
      opcode: 0x32,
      tag: NIL,
      transferTag: 0,
      word36: ((event << 24) | parameters[0]) >>> 0,
      word40: ((parameters[1] << 16) | parameters[2]) >>> 0,
      ...(data === undefined ? {} : { data }),
    });
  }

  reject(reason: number, header: Uint8Array): Uint8Array {
    return this.pdu({ opcode: 0x3f, byte2: reason, tag: NIL, transferTag: 0, data: header });
  }
}
