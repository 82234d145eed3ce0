/*
  pcapng (IETF draft-ietf-opsawg-pcapng), as far as it is written here. All numbers little-endian.

     block    = type (4) length (4) body, padded to 4; length (4) once more
     section  = 0x0a0d0d0a: magic 1a2b3c4d, version 1.0, length of the section unknown, options
     interface= 1: link type (2) reserved (2) longest packet (4) options
     packet   = 6: interface (4) time (8, high half first) captured (4) original (4) data, padded, options
     option   = code (2) length (2) value, padded; 0 ends the list
*/
import { viewOf } from '../bytes/hex.ts';
import { utf8 } from '../bytes/text.ts';

/** Ethernet. */
export const LINK_TYPE_ETHERNET = 1;

/** Block types. */
export const PCAPNG_BLOCK = { SECTION: 0x0a0d_0d0a, INTERFACE: 1, PACKET: 2, SIMPLE_PACKET: 3, ENHANCED: 6 } as const;
/** The first four bytes of a section's body, in its own byte order. */
export const PCAPNG_MAGIC = 0x1a2b_3c4d;

/** The comment of a packet of ours before which older ones made room: what is missing there is no fault of anybody. */
export const GAP_COMMENT = 'tsiscsi: older PDUs between the login and this one made room for later ones';
/** The option for a comment. */
export const COMMENT = 1;
const APPLICATION = 4;
const NAME = 2;
const UNKNOWN_LENGTH = 0xffff_ffff;

/** One packet of a capture. */
export interface CapturedPacket {
  /** Milliseconds since 1970. */
  readonly time: number;
  /** What is there of it. */
  readonly bytes: Uint8Array;
  /** How long it was. */
  readonly originalLength: number;
  /** A remark for whoever reads it. */
  readonly comment?: string | undefined;
}

/** The beginning of a file with one interface: Ethernet, microseconds. */
export function pcapngHeader(application: string): Uint8Array {
  const section = block(PCAPNG_BLOCK.SECTION, 16, [option(APPLICATION, application)]);
  const view = viewOf(section);
  view.setUint32(8, PCAPNG_MAGIC, true);
  view.setUint16(12, 1, true);
  view.setUint32(16, UNKNOWN_LENGTH, true);
  view.setUint32(20, UNKNOWN_LENGTH, true);
  const link = block(PCAPNG_BLOCK.INTERFACE, 8, [option(NAME, 'iSCSI')]);
  viewOf(link).setUint16(8, LINK_TYPE_ETHERNET, true);
  const whole = new Uint8Array(section.length + link.length);
  whole.set(section);
  whole.set(link, section.length);
  return whole;
}

/** One packet as an Enhanced Packet Block. */
export function pcapngPacket({ time, bytes, originalLength, comment }: CapturedPacket): Uint8Array {
  const padded = (bytes.length + 3) & ~3;
  const packet = block(PCAPNG_BLOCK.ENHANCED, 20 + padded, comment === undefined ? [] : [option(COMMENT, comment)]);
  const view = viewOf(packet);
  const microseconds = Math.max(0, Math.round(time * 1000));
  view.setUint32(12, Math.floor(microseconds / 2 ** 32), true);
  view.setUint32(16, microseconds % 2 ** 32, true);
  view.setUint32(20, bytes.length, true);
  view.setUint32(24, originalLength, true);
  packet.set(bytes, 28);
  return packet;
}

/** A block with room for `bodyLength` bytes, a multiple of four, and its options behind them. */
function block(type: number, bodyLength: number, options: readonly Uint8Array[]): Uint8Array {
  const optionLength = options.reduce((sum, { length }) => sum + length, 0) + (options.length > 0 ? 4 : 0);
  const length = 12 + bodyLength + optionLength;
  const bytes = new Uint8Array(length);
  const view = viewOf(bytes);
  view.setUint32(0, type, true);
  view.setUint32(4, length, true);
  view.setUint32(length - 4, length, true);
  let at = 8 + bodyLength;
  for (const one of options) {
    bytes.set(one, at);
    at += one.length;
  }
  return bytes;
}

function option(code: number, text: string): Uint8Array {
  const value = utf8(text);
  const bytes = new Uint8Array(4 + ((value.length + 3) & ~3));
  const view = viewOf(bytes);
  view.setUint16(0, code, true);
  view.setUint16(2, value.length, true);
  bytes.set(value, 4);
  return bytes;
}
