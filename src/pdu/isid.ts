/** ISID and TSIH, which both login PDUs have at offset 8 (RFC 7143 §11.12.5, §11.12.6). */

/** @internal The six bytes of the ISID as one number, 0..2^48-1. */
export function readIsid(v: DataView, at: number): number {
  return v.getUint32(at + 8) * 0x1_0000 + v.getUint16(at + 12);
}

/** @internal Writes the eight bytes of ISID and TSIH. */
export function writeIsidAndTsih(v: DataView, at: number, isid: number, tsih: number): void {
  v.setUint32(at + 8, Math.floor(isid / 0x1_0000));
  v.setUint16(at + 12, isid % 0x1_0000);
  v.setUint16(at + 14, tsih);
}
