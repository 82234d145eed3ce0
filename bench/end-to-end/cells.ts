/** What is compared: one cell is one way of reading. */
export interface Cell {
  readonly name: string;
  readonly depth: number;
  /** 512-byte blocks per request. */
  readonly blocks: number;
  readonly pattern: 'random' | 'sequential';
}

export const CELLS: readonly Cell[] = [
  { name: '4 KiB random, QD 1', depth: 1, blocks: 8, pattern: 'random' },
  { name: '4 KiB random, QD 32', depth: 32, blocks: 8, pattern: 'random' },
  { name: '4 KiB random, QD 128', depth: 128, blocks: 8, pattern: 'random' },
  { name: '256 KiB sequential, QD 32', depth: 32, blocks: 512, pattern: 'sequential' },
  { name: '1 MiB sequential, QD 32', depth: 32, blocks: 2048, pattern: 'sequential' },
];

/** One run of one client against one target. */
export interface Sample {
  readonly iops: number;
  /** CPU microseconds per request that the client used. */
  readonly clientCpu: number;
  /** CPU microseconds per request that the target used. */
  readonly targetCpu: number;
}
