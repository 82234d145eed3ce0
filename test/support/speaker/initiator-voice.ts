import { encodePdu } from './encode.ts';
import { NIL } from './pdu.ts';

/** Fields of a request; what is left out is zero, tags are reserved. */
export interface Request {
  readonly opcode: number;
  readonly immediate?: boolean;
  readonly flags?: number;
  /** Eight bytes as hex digits. */
  readonly lun?: string;
  readonly tag?: number;
  /** Bytes 20..23. */
  readonly word20?: number;
  readonly cmdSN?: number;
  readonly expStatSN?: number;
  /** Bytes 32.., as hex digits. */
  readonly rest?: string;
  readonly ahs?: Uint8Array;
  readonly data?: Uint8Array;
  /** Says another DataSegmentLength than there is data. */
  readonly length?: number;
}

/** A request that has got its tag. */
export type TaggedRequest = Request & { readonly tag: number };

/** What a login shall ask for. */
export interface LoginOptions {
  readonly keys?: Readonly<Record<string, string>>;
  readonly isid?: string;
  readonly tsih?: number;
  readonly cid?: number;
  readonly cmdSN?: number;
  readonly discovery?: boolean;
  readonly initiatorName?: string;
  readonly targetName?: string;
}

/** How an initiator speaks: keeps its numbers and builds its PDUs. Nothing is sent. */
export class InitiatorVoice {
  cmdSN = 1;
  tag = 0x100;
  headerDigest = false;
  dataDigest = false;

  /** The bytes of a request. */
  encode(request: Request): Uint8Array {
    const { lun = '0', word20 = NIL, cmdSN = this.cmdSN, expStatSN = 0, rest = '', ...fields } = request;
    const words = rest.padEnd(32, '0').match(/.{8}/g) ?? [];
    return encodePdu(
      {
        ...fields,
        lun: BigInt(`0x${lun}`),
        words: [word20, cmdSN, expStatSN, ...words.map((digits) => Number.parseInt(digits, 16))],
      },
      { header: this.headerDigest, data: this.dataDigest },
    );
  }

  /** One Login Request. */
  loginRequest(
    flags: number,
    text: string,
    { isid = '800000000001', tsih = 0, cid = 0, cmdSN = this.cmdSN }: LoginOptions = {},
  ): Request {
    return {
      opcode: 0x03,
      immediate: true,
      flags,
      lun: isid + tsih.toString(16).padStart(4, '0'),
      tag: 0x10,
      word20: (cid << 16) >>> 0,
      cmdSN,
      data: new TextEncoder().encode(text),
    };
  }

  /** A SCSI Command; uses up a CmdSN unless it is immediate or brings its own. */
  commandRequest(cdb: string, request: Partial<Request> & { readonly edtl?: number } = {}): TaggedRequest {
    const { edtl = 0, ...fields } = request;
    const tag = fields.tag ?? this.tag++;
    const { cmdSN = this.cmdSN } = fields;
    if (!fields.immediate && fields.cmdSN === undefined) this.cmdSN = (this.cmdSN + 1) >>> 0;
    const rest = cdb.replace(/\s/g, '').padEnd(32, '0');
    return { opcode: 0x01, flags: 0xc1, word20: edtl, rest, ...fields, tag, cmdSN };
  }

  /** A Data-Out. */
  dataOutRequest(
    tag: number,
    transferTag: number,
    dataSN: number,
    offset: number,
    data: Uint8Array,
    flags = 0x80,
    lun?: string,
  ): TaggedRequest {
    const rest = [0, dataSN, offset, 0].map((word) => word.toString(16).padStart(8, '0')).join('');
    const unit = lun === undefined ? {} : { lun };
    return { opcode: 0x05, flags, tag, word20: transferTag, cmdSN: 0, rest, data, ...unit };
  }

  /** A Task Management Function Request; immediate. */
  taskManagementRequest(
    code: number,
    referenced = NIL,
    request: Partial<Request> & { readonly refCmdSN?: number } = {},
  ): TaggedRequest {
    const { refCmdSN = 0, ...fields } = request;
    const tag = fields.tag ?? this.tag++;
    const rest = refCmdSN.toString(16).padStart(8, '0');
    return { opcode: 0x02, immediate: true, flags: 0x80 | code, word20: referenced, rest, ...fields, tag };
  }

  /** A NOP-Out that wants an answer; immediate. */
  pingRequest(data: Uint8Array = new Uint8Array(0), request: Partial<Request> = {}): TaggedRequest {
    const tag = request.tag ?? this.tag++;
    return { opcode: 0x00, immediate: true, data, ...request, tag };
  }
}
