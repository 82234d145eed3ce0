/** What commands change, by operation code (SPC, SBC): what decides whether one may be carried out twice. */

/**
 * `none`: nothing. `state`: something other than blocks, such as a reservation or a mode. `range`: exactly the blocks
 * that the CDB names, to the same each time. `unknown`: whatever is not known here to be one of the others.
 */
export type CommandEffect = 'none' | 'state' | 'range' | 'unknown';

/** Where a CDB keeps its address and its number of blocks. */
type Layout = '6' | '10' | '12' | '16';

/**
 * TEST UNIT READY, READ, INQUIRY, MODE SENSE, RECEIVE DIAGNOSTIC RESULTS, READ CAPACITY, VERIFY, PRE-FETCH, SYNCHRONIZE
 * CACHE, READ DEFECT DATA, LOG SENSE, PERSISTENT RESERVE IN, REPORT LUNS, MAINTENANCE IN, SERVICE ACTION IN.
 */
const NO_EFFECT: ReadonlySet<number> = new Set([
  0x00, 0x08, 0x12, 0x1a, 0x1c, 0x25, 0x28, 0x2f, 0x34, 0x35, 0x37, 0x4d, 0x5a, 0x5e, 0x88, 0x8f, 0x90, 0x91, 0x9e,
  0xa0, 0xa3, 0xa8, 0xaf,
]);

/**
 * REQUEST SENSE, MODE SELECT, RESERVE, RELEASE, START STOP UNIT, SEND DIAGNOSTIC, PREVENT ALLOW MEDIUM REMOVAL, LOG
 * SELECT, PERSISTENT RESERVE OUT, MAINTENANCE OUT.
 */
const CHANGES_STATE: ReadonlySet<number> = new Set([
  0x03, 0x15, 0x16, 0x17, 0x1b, 0x1d, 0x1e, 0x4c, 0x55, 0x56, 0x57, 0x5f, 0xa4,
]);

/** WRITE, WRITE AND VERIFY, WRITE SAME. */
const RANGES: ReadonlyMap<number, Layout> = new Map([
  [0x0a, '6'],
  [0x2a, '10'],
  [0x2e, '10'],
  [0x41, '10'],
  [0xaa, '12'],
  [0xae, '12'],
  [0x8a, '16'],
  [0x8e, '16'],
  [0x93, '16'],
]);
const WRITE_SAME: ReadonlySet<number> = new Set([0x41, 0x93]);
const FUA = 0x08;

/** What a command changes. */
export function effectOf(cdb: DataView): CommandEffect {
  const operation = cdb.getUint8(0);
  if (NO_EFFECT.has(operation)) return 'none';
  if (RANGES.has(operation)) return 'range';
  return CHANGES_STATE.has(operation) ? 'state' : 'unknown';
}

/** The blocks that a command may change, the end not included; for one of unknown effect all there are. */
export function blocksOf(cdb: DataView): { readonly from: number; readonly to: number } {
  const operation = cdb.getUint8(0);
  const layout = RANGES.get(operation);
  if (layout === undefined) return { from: 0, to: Number.POSITIVE_INFINITY };
  const { from, count } = READ_RANGE[layout](cdb);
  const toTheEnd = count === 0 && WRITE_SAME.has(operation);
  return { from, to: toTheEnd ? Number.POSITIVE_INFINITY : from + count };
}

/** Whether a WRITE is answered only when its data is on stable storage (FUA). */
export function isStable(cdb: DataView): boolean {
  const operation = cdb.getUint8(0);
  const has = RANGES.get(operation) !== '6' && RANGES.has(operation) && !WRITE_SAME.has(operation);
  return has && (cdb.getUint8(1) & FUA) !== 0;
}

const READ_RANGE: Readonly<Record<Layout, (cdb: DataView) => { readonly from: number; readonly count: number }>> = {
  '6': (cdb) => ({ from: cdb.getUint32(0) & 0x1f_ffff, count: cdb.getUint8(4) || 256 }),
  '10': (cdb) => ({ from: cdb.getUint32(2), count: cdb.getUint16(7) }),
  '12': (cdb) => ({ from: cdb.getUint32(2), count: cdb.getUint32(6) }),
  '16': (cdb) => ({ from: cdb.getUint32(2) * 2 ** 32 + cdb.getUint32(6), count: cdb.getUint32(10) }),
};
