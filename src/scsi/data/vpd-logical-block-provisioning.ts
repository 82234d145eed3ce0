/*
  Logical Block Provisioning VPD page, B2 (SBC)
     4  THRESHOLD EXPONENT
     5  :7 LBPU; :6 LBPWS; :5 LBPWS10; :4-2 LBPRZ; :1 ANC_SUP; :0 DP
     6  :7-3 MINIMUM PERCENTAGE; :2-0 PROVISIONING TYPE (0 not told, 1 resource, 2 thin)
     7  THRESHOLD PERCENTAGE
     8  PROVISIONING GROUP DESCRIPTOR: a designation descriptor, when DP is one
*/
import { VPD_PAGE } from '../../spec/vpd-page-codes.ts';
import type { FieldInput, FieldValues } from '../fields.ts';
import { bits, byte, flag, readFields, writeFields } from '../fields.ts';
import type { Designator, DesignatorInput } from './designators.ts';
import { readDesignators, writeDesignator } from './designators.ts';
import type { VpdDeviceInput, VpdReceived } from './vpd-page.ts';
import { newVpdPage, readVpdHeader } from './vpd-page.ts';

const FIELDS = {
  thresholdExponent: byte(4),
  lbpu: flag(5, 7),
  lbpws: flag(5, 6),
  lbpws10: flag(5, 5),
  lbprz: bits(5, 3, 2),
  ancSup: flag(5, 1),
  dp: flag(5, 0),
  minimumPercentage: bits(6, 5, 3),
  provisioningType: bits(6, 3),
  thresholdPercentage: byte(7),
};
const BODY_LENGTH = 4;
const GROUP_AT = 8;

/** VPD page B2. */
export type VpdLogicalBlockProvisioning = FieldValues<typeof FIELDS> &
  VpdReceived & {
    /** The pool that the logical unit takes its blocks from; only with DP. */
    readonly provisioningGroup: Designator | undefined;
  };

/** What {@link writeVpdLogicalBlockProvisioning} takes; DP follows from `provisioningGroup`. */
export type VpdLogicalBlockProvisioningInput = Omit<FieldInput<typeof FIELDS>, 'dp'> &
  VpdDeviceInput & {
    /** The pool that the logical unit takes its blocks from. */
    readonly provisioningGroup?: DesignatorInput | undefined;
  };

/**
 * Reads VPD page B2, Logical Block Provisioning (SBC). `bytes` is not kept.
 *
 * @throws {ProtocolError} When there is no header, or it is another page.
 * @example
 * readVpdLogicalBlockProvisioning(Uint8Array.of(0x00, 0xb2, 0x00, 0x04, 0x00, 0x80, 0x02, 0x00)).lbpu; // true
 */
export function readVpdLogicalBlockProvisioning(bytes: Uint8Array): VpdLogicalBlockProvisioning {
  const page = readVpdHeader(bytes, VPD_PAGE.LOGICAL_BLOCK_PROVISIONING);
  const fields = readFields(FIELDS, page.view, 0, page.end);
  const provisioningGroup = fields.dp ? readDesignators(bytes, GROUP_AT, page.end).designators[0] : undefined;
  return { ...page.received, ...fields, provisioningGroup };
}

/**
 * VPD page B2, Logical Block Provisioning (SBC): 8 bytes, and the provisioning group where there is one. They belong to
 * the caller.
 *
 * @throws {RangeError} When a value does not fit.
 * @example
 * writeVpdLogicalBlockProvisioning({ lbpu: true, provisioningType: 2 }); // hex 00 b2 00 04 00 80 02 00
 */
export function writeVpdLogicalBlockProvisioning(values: VpdLogicalBlockProvisioningInput): Uint8Array<ArrayBuffer> {
  const group = values.provisioningGroup && writeDesignator(values.provisioningGroup);
  const bytes = newVpdPage(VPD_PAGE.LOGICAL_BLOCK_PROVISIONING, BODY_LENGTH + (group?.length ?? 0), values);
  writeFields(FIELDS, new DataView(bytes.buffer), 0, { ...values, dp: group !== undefined }, 'VPD page B2');
  if (group) bytes.set(group, GROUP_AT);
  return bytes;
}
