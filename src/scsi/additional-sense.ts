/** The words for additional sense codes and sense keys. */
import type { AdditionalSenseName } from '../spec/asc-ascq.ts';
import { ASC_ASCQ, ASC_ASCQ_RANGES } from '../spec/asc-ascq.ts';
import { nameOf } from '../spec/scsi-names.ts';
import { SENSE_KEY } from '../spec/scsi-sense-keys.ts';

const FIRST_VENDOR_CODE = 0x80; // from here on codes and qualifiers are the vendor's
const NAMES = new Map<number, AdditionalSenseName>();
for (const name of Object.keys(ASC_ASCQ) as AdditionalSenseName[])
  NAMES.set(ASC_ASCQ[name].asc * 256 + ASC_ASCQ[name].ascq, name);

/**
 * The name in `ASC_ASCQ` of a pair of additional sense code and qualifier; undefined for one that T10 has not assigned.
 *
 * @example
 * additionalSenseName(0x21, 0x00); // 'LOGICAL_BLOCK_ADDRESS_OUT_OF_RANGE'
 */
export function additionalSenseName(asc: number, ascq: number): AdditionalSenseName | undefined {
  return NAMES.get(asc * 256 + ascq);
}

/**
 * What a pair of additional sense code and qualifier means, in words; for one that is not assigned, that it is not.
 *
 * @example
 * additionalSenseText(0x21, 0x00); // 'logical block address out of range'
 * additionalSenseText(0x80, 0x00); // 'vendor specific additional sense'
 */
export function additionalSenseText(asc: number, ascq: number): string {
  const name = additionalSenseName(asc, ascq);
  if (name !== undefined) return ASC_ASCQ[name].text;
  for (const range of ASC_ASCQ_RANGES) {
    if (asc === range.asc && ascq >= range.first && ascq <= range.last) return range.text.replace('NN', hexByte(ascq));
  }
  const vendor = asc >= FIRST_VENDOR_CODE || ascq >= FIRST_VENDOR_CODE;
  return vendor ? 'vendor specific additional sense' : 'unknown additional sense';
}

/**
 * A sense key in words, as the standards print it.
 *
 * @example
 * senseKeyText(SENSE_KEY.ILLEGAL_REQUEST); // 'ILLEGAL REQUEST'
 */
export function senseKeyText(senseKey: number): string {
  return (nameOf(SENSE_KEY, senseKey) ?? `SENSE KEY ${hexByte(senseKey)}`).replaceAll('_', ' ');
}

/** Two hex digits, large, as the standards print codes. */
export function hexByte(value: number): string {
  return value.toString(16).toUpperCase().padStart(2, '0');
}
