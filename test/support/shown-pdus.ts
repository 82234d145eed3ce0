/** What went through a relay, PDU by PDU, as tshark shows it: the sender's own codec has no part in it. */
import type { Relay } from './relay.ts';
import { type Fields, readFields } from './tshark.ts';

const FIELDS = [
  'tcp.srcport',
  'iscsi.opcode',
  'iscsi.I',
  'iscsi.scsicommand.F',
  'iscsi.scsicommand.R',
  'iscsi.scsicommand.W',
  'iscsi.scsidata.F',
  'iscsi.scsidata.S',
  'iscsi.text.F',
  'iscsi.login.T',
  'iscsi.login.C',
  'iscsi.login.csg',
  'iscsi.login.nsg',
  'iscsi.versionmax',
  'iscsi.versionmin',
  'iscsi.isid',
  'iscsi.tsih',
  'iscsi.cid',
  'iscsi.keyvalue',
  'iscsi.totalahslength',
  'iscsi.ahs.type',
  'iscsi.ahs.length',
  'iscsi.ahs.extended_cdb',
  'iscsi.ahs.bidir.length',
  'iscsi.datasegmentlength',
  'iscsi.padding',
  'scsi.lun',
  'iscsi.initiatortasktag',
  'iscsi.targettransfertag',
  'iscsi.scsicommand.expecteddatatransferlength',
  'iscsi.cmdsn',
  'iscsi.expstatsn',
  'iscsi.statsn',
  'iscsi.expcmdsn',
  'iscsi.maxcmdsn',
  'iscsi.datasn',
  'iscsi.bufferOffset',
  'iscsi.desireddatalength',
  'iscsi.pingdata',
  'iscsi.taskmanfun.function',
  'iscsi.taskmanfun.referencedtasktag',
  'iscsi.refcmdsn',
  'iscsi.logout.reason',
] as const;

type Field = (typeof FIELDS)[number];

/** One PDU. */
export class ShownPdu {
  /** Whether the target sent it. */
  readonly byTarget: boolean;
  readonly opcode: number;
  readonly #fields: Fields<Field>;

  constructor(fields: Fields<Field>, targetPort: number) {
    this.#fields = fields;
    this.byTarget = Number(fields['tcp.srcport'][0]) === targetPort;
    this.opcode = this.number('iscsi.opcode');
  }

  /** The text of a field, its occurrences joined by `|`; empty where tshark shows none. */
  text(field: Field): string {
    return this.#fields[field].join('|');
  }

  /** The number of a field, NaN where tshark shows none. */
  number(field: Field): number {
    return Number(this.#fields[field][0] ?? Number.NaN);
  }

  /** Whether a bit is set. */
  bit(field: Field): boolean {
    return ['1', 'True'].includes(this.text(field));
  }

  /** All key=value pairs. */
  get pairs(): readonly string[] {
    return this.#fields['iscsi.keyvalue'];
  }

  get tag(): number {
    return this.number('iscsi.initiatortasktag');
  }

  get transferTag(): number {
    return this.number('iscsi.targettransfertag');
  }

  /** DataSegmentLength. */
  get length(): number {
    return this.number('iscsi.datasegmentlength');
  }
}

/**
 * All PDUs of one connection through `relay`, in the order in which the relay passed them on.
 * @param to The port that the relay leads to.
 */
export async function shownPdus(relay: Relay, to: number, connection = 0): Promise<readonly ShownPdu[]> {
  const recording = relay.connections[connection]?.recording();
  if (recording === undefined) throw new Error(`Nobody has opened connection ${connection} of the relay`);
  const rows = await readFields(recording, to, FIELDS);
  return rows.filter((row) => row['iscsi.opcode'].length > 0).map((row) => new ShownPdu(row, to));
}
