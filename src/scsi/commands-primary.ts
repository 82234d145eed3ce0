/**
 * Commands of all device types (SPC) as a table; section by section in the order of their use.
 * Field names are the standard's: spelled out where the standard spells them, its short bit names otherwise (DBD is
 * `dbd`). A command whose service action is not fixed has the service action as a field.
 */

import type { CommandRow } from './command-row.ts';
import { bits, byte, flag, u16, u24, u32, u64 } from './fields.ts';

const ALLOCATION_6 = { allocationLength: u32(6) };
const PARAMETER_LIST_6 = { parameterListLength: u32(6) };
const ALLOCATION_10 = { allocationLength: u32(10) };

/** The commands of SPC. */
export const PRIMARY_COMMANDS = {
  TEST_UNIT_READY: { opcode: 0x00, length: 6, direction: 'none', fields: {} },
  REQUEST_SENSE: { opcode: 0x03, length: 6, direction: 'in', fields: { desc: flag(1, 0), allocationLength: byte(4) } },
  INQUIRY: {
    opcode: 0x12,
    length: 6,
    direction: 'in',
    fields: { evpd: flag(1, 0), pageCode: byte(2), allocationLength: u16(3) },
  },
  MODE_SELECT_6: {
    opcode: 0x15,
    length: 6,
    direction: 'out',
    fields: { pf: flag(1, 4), rtd: flag(1, 1), sp: flag(1, 0), parameterListLength: byte(4) },
  },
  MODE_SELECT_10: {
    opcode: 0x55,
    length: 10,
    direction: 'out',
    fields: { pf: flag(1, 4), rtd: flag(1, 1), sp: flag(1, 0), parameterListLength: u16(7) },
  },
  MODE_SENSE_6: {
    opcode: 0x1a,
    length: 6,
    direction: 'in',
    fields: {
      dbd: flag(1, 3),
      pageControl: bits(2, 2, 6),
      pageCode: bits(2, 6),
      subpageCode: byte(3),
      allocationLength: byte(4),
    },
  },
  MODE_SENSE_10: {
    opcode: 0x5a,
    length: 10,
    direction: 'in',
    fields: {
      llbaa: flag(1, 4),
      dbd: flag(1, 3),
      pageControl: bits(2, 2, 6),
      pageCode: bits(2, 6),
      subpageCode: byte(3),
      allocationLength: u16(7),
    },
  },
  RESERVE_6: { opcode: 0x16, length: 6, direction: 'none', fields: {} },
  RELEASE_6: { opcode: 0x17, length: 6, direction: 'none', fields: {} },
  RESERVE_10: { opcode: 0x56, length: 10, direction: 'none', fields: {} },
  RELEASE_10: { opcode: 0x57, length: 10, direction: 'none', fields: {} },
  PREVENT_ALLOW_MEDIUM_REMOVAL: { opcode: 0x1e, length: 6, direction: 'none', fields: { prevent: bits(4, 2) } },
  START_STOP_UNIT: {
    opcode: 0x1b,
    length: 6,
    direction: 'none',
    fields: {
      immed: flag(1, 0),
      powerConditionModifier: bits(3, 4),
      powerCondition: bits(4, 4, 4),
      noFlush: flag(4, 2),
      loej: flag(4, 1),
      start: flag(4, 0),
    },
  },
  REPORT_LUNS: { opcode: 0xa0, length: 12, direction: 'in', fields: { selectReport: byte(2), ...ALLOCATION_6 } },
  PERSISTENT_RESERVE_IN: {
    opcode: 0x5e,
    length: 10,
    direction: 'in',
    fields: { serviceAction: bits(1, 5), allocationLength: u16(7) },
  },
  PERSISTENT_RESERVE_OUT: {
    opcode: 0x5f,
    length: 10,
    direction: 'out',
    fields: { serviceAction: bits(1, 5), scope: bits(2, 4, 4), type: bits(2, 4), parameterListLength: u32(5) },
  },
  LOG_SENSE: {
    opcode: 0x4d,
    length: 10,
    direction: 'in',
    fields: {
      sp: flag(1, 0),
      pageControl: bits(2, 2, 6),
      pageCode: bits(2, 6),
      subpageCode: byte(3),
      parameterPointer: u16(5),
      allocationLength: u16(7),
    },
  },
  LOG_SELECT: {
    opcode: 0x4c,
    length: 10,
    direction: 'out',
    fields: {
      pcr: flag(1, 1),
      sp: flag(1, 0),
      pageControl: bits(2, 2, 6),
      pageCode: bits(2, 6),
      subpageCode: byte(3),
      parameterListLength: u16(7),
    },
  },
  SEND_DIAGNOSTIC: {
    opcode: 0x1d,
    length: 6,
    direction: 'out',
    fields: {
      selfTestCode: bits(1, 3, 5),
      pf: flag(1, 4),
      selfTest: flag(1, 2),
      devOffL: flag(1, 1),
      unitOffL: flag(1, 0),
      parameterListLength: u16(3),
    },
  },
  RECEIVE_DIAGNOSTIC_RESULTS: {
    opcode: 0x1c,
    length: 6,
    direction: 'in',
    fields: { pcv: flag(1, 0), pageCode: byte(2), allocationLength: u16(3) },
  },
  WRITE_BUFFER: {
    opcode: 0x3b,
    length: 10,
    direction: 'out',
    fields: {
      modeSpecific: bits(1, 3, 5),
      mode: bits(1, 5),
      bufferId: byte(2),
      bufferOffset: u24(3),
      parameterListLength: u24(6),
    },
  },
  READ_BUFFER_10: {
    opcode: 0x3c,
    length: 10,
    direction: 'in',
    fields: {
      modeSpecific: bits(1, 3, 5),
      mode: bits(1, 5),
      bufferId: byte(2),
      bufferOffset: u24(3),
      allocationLength: u24(6),
    },
  },
  READ_BUFFER_16: {
    opcode: 0x9b,
    length: 16,
    direction: 'in',
    fields: {
      modeSpecific: bits(1, 3, 5),
      mode: bits(1, 5),
      bufferOffset: u64(2),
      allocationLength: u32(10),
      bufferId: byte(14),
    },
  },
  SECURITY_PROTOCOL_IN: {
    opcode: 0xa2,
    length: 12,
    direction: 'in',
    fields: { securityProtocol: byte(1), securityProtocolSpecific: u16(2), inc512: flag(4, 7), ...ALLOCATION_6 },
  },
  SECURITY_PROTOCOL_OUT: {
    opcode: 0xb5,
    length: 12,
    direction: 'out',
    fields: { securityProtocol: byte(1), securityProtocolSpecific: u16(2), inc512: flag(4, 7), transferLength: u32(6) },
  },
  REPORT_TARGET_PORT_GROUPS: {
    opcode: 0xa3,
    serviceAction: 0x0a,
    length: 12,
    direction: 'in',
    fields: { parameterDataFormat: bits(1, 3, 5), ...ALLOCATION_6 },
  },
  REPORT_SUPPORTED_OPERATION_CODES: {
    opcode: 0xa3,
    serviceAction: 0x0c,
    length: 12,
    direction: 'in',
    fields: {
      rctd: flag(2, 7),
      reportingOptions: bits(2, 3),
      requestedOperationCode: byte(3),
      requestedServiceAction: u16(4),
      ...ALLOCATION_6,
    },
  },
  REPORT_SUPPORTED_TASK_MANAGEMENT_FUNCTIONS: {
    opcode: 0xa3,
    serviceAction: 0x0d,
    length: 12,
    direction: 'in',
    fields: { repd: flag(2, 7), ...ALLOCATION_6 },
  },
  REPORT_TIMESTAMP: { opcode: 0xa3, serviceAction: 0x0f, length: 12, direction: 'in', fields: ALLOCATION_6 },
  SET_TARGET_PORT_GROUPS: { opcode: 0xa4, serviceAction: 0x0a, length: 12, direction: 'out', fields: PARAMETER_LIST_6 },
  SET_TIMESTAMP: { opcode: 0xa4, serviceAction: 0x0f, length: 12, direction: 'out', fields: PARAMETER_LIST_6 },

  // Third-party copy.
  EXTENDED_COPY: {
    opcode: 0x83,
    serviceAction: 0x00,
    length: 16,
    direction: 'out',
    fields: { parameterListLength: u32(10) },
  },
  POPULATE_TOKEN: {
    opcode: 0x83,
    serviceAction: 0x10,
    length: 16,
    direction: 'out',
    fields: { listIdentifier: u32(6), parameterListLength: u32(10), groupNumber: bits(14, 5) },
  },
  WRITE_USING_TOKEN: {
    opcode: 0x83,
    serviceAction: 0x11,
    length: 16,
    direction: 'out',
    fields: { listIdentifier: u32(6), parameterListLength: u32(10), groupNumber: bits(14, 5) },
  },
  RECEIVE_ROD_TOKEN_INFORMATION: {
    opcode: 0x84,
    serviceAction: 0x07,
    length: 16,
    direction: 'in',
    fields: { listIdentifier: u32(2), ...ALLOCATION_10 },
  },
  RECEIVE_COPY_RESULTS: {
    opcode: 0x84,
    length: 16,
    direction: 'in',
    fields: { serviceAction: bits(1, 5), listIdentifier: byte(2), ...ALLOCATION_10 },
  },
  SERVICE_ACTION_IN_16: {
    opcode: 0x9e,
    length: 16,
    direction: 'in',
    fields: { serviceAction: bits(1, 5), ...ALLOCATION_10 },
  },
} as const satisfies Readonly<Record<string, CommandRow>>;
