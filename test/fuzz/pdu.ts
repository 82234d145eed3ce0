/** The parsers of `src/pdu` for the fuzzer: whatever the bytes, each returns or throws a ProtocolError. */

import { hex, viewOf } from '../../src/bytes/hex.ts';
import { checkAhs, readAhs, readBidirectionalReadLength, readExtendedCdb } from '../../src/pdu/ahs.ts';
import { describePdu, PDU_KINDS } from '../../src/pdu/opcodes-table.ts';
import { readSenseSegment } from '../../src/pdu/sense-segment.ts';
import type { OpcodeKey } from '../../src/spec/iscsi-opcodes.ts';
import { ALL_FIXTURES } from '../fixtures/all.ts';

/** One parser and inputs that it takes, to begin with. */
export interface PduParser {
  readonly name: string;
  /**
   * Returns or throws a ProtocolError. Of `bytes` shorter than what a receiver hands over, it sees them followed by
   * zeros.
   */
  parse(bytes: Uint8Array): void;
  readonly seeds: Uint8Array[];
}

const BHS_LENGTH = 48;

/** Every parser of `src/pdu`: a reader and a check for each PDU, AHS areas, sense data segments. */
export const pduParsers: PduParser[] = [
  ...(Object.keys(PDU_KINDS) as OpcodeKey[]).flatMap(headerParsers),
  ahsParser('readAhs', readAhs),
  ahsParser('checkAhs', checkAhs),
  ahsParser('readExtendedCdb', readExtendedCdb),
  ahsParser('readBidirectionalReadLength', readBidirectionalReadLength),
  { name: 'describePdu', parse: onHeader(describePdu), seeds: Object.values(ALL_FIXTURES).flatMap(seedsOf) },
  {
    name: 'readSenseSegment',
    parse: readSenseSegment,
    seeds: [new Uint8Array(), hex('00 04 70 00 05 24'), hex('00 00 ab')],
  },
];

function headerParsers(key: OpcodeKey): PduParser[] {
  const { read, check } = PDU_KINDS[key];
  const seeds = seedsOf(ALL_FIXTURES[key]);
  return [
    { name: `read ${key}`, parse: onHeader(read), seeds },
    { name: `check ${key}`, parse: onHeader(check), seeds },
  ];
}

function ahsParser(name: string, parse: (v: DataView, at: number) => unknown): PduParser {
  return { name, parse: onHeader(parse), seeds: seedsOf(ALL_FIXTURES.SCSI_COMMAND) };
}

/** A receiver never hands over less than 48 bytes; what is behind them may still be less than TotalAHSLength says. */
function onHeader(parse: (v: DataView, at: number) => unknown): (bytes: Uint8Array) => void {
  return (bytes) => {
    const header = new Uint8Array(Math.max(bytes.length, BHS_LENGTH));
    header.set(bytes);
    parse(viewOf(header), 0);
  };
}

function seedsOf({ examples }: { readonly examples: readonly { readonly bytes: string }[] }): Uint8Array[] {
  return examples.map(({ bytes }) => hex(bytes));
}
