/** A mixed load over a session that is lost again and again: what may be on the disk, and what not. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cdb, connect, IscsiError, type IscsiLogicalUnit } from '../../src/index.ts';
import { writeReadCdb } from '../../src/scsi/fast.ts';
import type { Random } from '../simulated/random.ts';
import { BLOCK, readStamp, stamp } from './watched-store.ts';

/** Blocks of one slot, which one worker has at a time. */
export const SLOT_BLOCKS = 24;
const SLOT = SLOT_BLOCKS * BLOCK;

/** What came of the operations. */
export interface LoadFigures {
  operations: number;
  /** Failures, by code; each of them was told to its caller. */
  readonly failures: Map<string, number>;
}

/** One part of the disk, and what may be in it. */
class Slot {
  readonly position: number;
  busy = false;
  /** By block: the versions that may be there. One, unless a write failed. */
  readonly may: Set<number>[] = Array.from({ length: SLOT_BLOCKS }, () => new Set([0]));

  constructor(index: number) {
    this.position = index * SLOT;
  }
}

/** Reads, writes and verifies with several workers. Throws at the first thing that cannot be. */
export class MixedLoad {
  readonly figures: LoadFigures = { operations: 0, failures: new Map() };
  readonly #lun: IscsiLogicalUnit;
  readonly #random: Random;
  readonly #slots: readonly Slot[];
  #version = 0;
  /** How often each task that was submitted by hand has settled. */
  readonly #settles: number[] = [];

  constructor(lun: IscsiLogicalUnit, random: Random, slots: number) {
    this.#lun = lun;
    this.#random = random;
    this.#slots = Array.from({ length: slots }, (_, index) => new Slot(index));
  }

  /** Carries out so many operations. Afterwards nothing is under way. */
  async run(operations: number, workers: number): Promise<void> {
    const outcomes = await Promise.allSettled(Array.from({ length: workers }, () => this.#work(operations)));
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
  }

  /** Reads everything, and holds it against what may be there. */
  async verifyAll(): Promise<void> {
    for (const slot of this.#slots) await this.#verify(slot, 0, SLOT_BLOCKS);
    if (this.#settles.some((times) => times !== 1)) throw new Error(`tasks settled ${this.#settles.join(' ')} times`);
  }

  async #work(operations: number): Promise<void> {
    while (this.figures.operations < operations) {
      const free = this.#slots.filter(({ busy }) => !busy);
      const slot = free[this.#random.below(free.length)];
      if (slot === undefined) return;
      this.figures.operations++;
      slot.busy = true;
      await this.#operate(slot);
      slot.busy = false;
    }
  }

  async #operate(slot: Slot): Promise<void> {
    const random = this.#random;
    const from = random.below(SLOT_BLOCKS);
    const to = from + 1 + random.below(SLOT_BLOCKS - from);
    switch (random.below(10)) {
      case 0:
      case 1:
      case 2:
        return this.#write(slot, from, to);
      case 3:
        return this.#writeRaw(slot, from, to);
      case 4:
        return this.#writePair(slot, from, to);
      case 5:
        return this.#writeAborted(slot, from, to);
      case 6:
        return this.#try([], () => this.#lun.flush());
      case 7:
        return this.#readByTask(slot, from, to);
      default:
        return this.#verify(slot, from, to);
    }
  }

  #bytes(from: number, to: number, kind: { once?: boolean; paired?: boolean } = {}) {
    const bytes = new Uint8Array((to - from) * BLOCK);
    const version = ++this.#version;
    stamp(bytes, { version, once: kind.once ?? false, paired: kind.paired ?? false });
    return { bytes, version };
  }

  async #write(slot: Slot, from: number, to: number): Promise<void> {
    const { bytes, version } = this.#bytes(from, to);
    const position = slot.position + from * BLOCK;
    await this.#try([{ slot, from, to, version }], () => this.#lun.write(bytes, { position }));
  }

  /** A CDB of the caller's own: never sent twice. */
  async #writeRaw(slot: Slot, from: number, to: number): Promise<void> {
    const { bytes, version } = this.#bytes(from, to, { once: true });
    const logicalBlockAddress = slot.position / BLOCK + from;
    const request = { cdb: cdb('WRITE_10', { logicalBlockAddress, transferLength: to - from }), dataOut: bytes };
    await this.#try([{ slot, from, to, version }], async () => {
      const { status } = await this.#lun.execute(request);
      if (status !== 0) throw new IscsiError('ISCSI_SCSI_STATUS', `status ${status}`);
    });
  }

  /** Two at once to the same blocks: one of both is there afterwards, and stays there. */
  async #writePair(slot: Slot, from: number, to: number): Promise<void> {
    const [first, second] = [this.#bytes(from, to), this.#bytes(from, to, { paired: true })];
    stamp(first.bytes, { version: first.version, once: false, paired: true });
    const position = slot.position + from * BLOCK;
    const before = slot.may.map((versions) => new Set(versions));
    const outcomes = await Promise.all(
      [first, second].map(({ bytes, version }) =>
        this.#try([{ slot, from, to, version }], () => this.#lun.write(bytes, { position })),
      ),
    );
    void outcomes;
    for (let block = from; block < to; block++) {
      const may = slot.may[block] ?? new Set();
      const known = before[block] ?? new Set();
      const settled = may.size === 1;
      may.add(first.version).add(second.version);
      if (!settled) for (const version of known) may.add(version);
    }
    await this.#verify(slot, from, to);
    await this.#verify(slot, from, to);
  }

  async #writeAborted(slot: Slot, from: number, to: number): Promise<void> {
    const { bytes, version } = this.#bytes(from, to);
    const position = slot.position + from * BLOCK;
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), this.#random.below(4));
    await this.#try([{ slot, from, to, version }], () => this.#lun.write(bytes, { position, signal: stop.signal }));
    clearTimeout(timer);
  }

  /** What it may be afterwards: what was written, or when that failed, either. */
  async #try(written: readonly Written[], work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      for (const { slot, from, to, version } of written)
        for (let block = from; block < to; block++) slot.may[block] = new Set([version]);
    } catch (error) {
      const known = this.#count(error);
      if (known.commandSent === false) return;
      for (const { slot, from, to, version } of written)
        for (let block = from; block < to; block++) slot.may[block]?.add(version);
    }
  }

  async #verify(slot: Slot, from: number, to: number): Promise<void> {
    const bytes = new Uint8Array((to - from) * BLOCK);
    try {
      await this.#lun.read(bytes, { position: slot.position + from * BLOCK });
    } catch (error) {
      this.#count(error);
      return;
    }
    for (let block = from; block < to; block++) {
      const at = (block - from) * BLOCK;
      const { version } = readStamp(bytes.subarray(at, at + BLOCK));
      const may = slot.may[block] ?? new Set();
      if (!may.has(version)) {
        const where = `block ${slot.position / BLOCK + block}`;
        throw new Error(`${where} holds version ${version}; ${[...may].join(' or ')} may be there`);
      }
      slot.may[block] = new Set([version]);
    }
  }

  /** Straight through the port, where whoever submits sees each settling. */
  async #readByTask(slot: Slot, from: number, to: number): Promise<void> {
    const { port } = this.#lun;
    const number = this.#settles.push(0) - 1;
    const task = port.newTask();
    writeReadCdb(task.cdb, 0, slot.position / BLOCK + from, to - from);
    task.dataIn = new Uint8Array((to - from) * BLOCK);
    task.timeout = port.timeout;
    task.repeatable = true;
    await new Promise<void>((resolve) => {
      task.settle = (_, error) => {
        this.#settles[number] = (this.#settles[number] ?? 0) + 1;
        if (error !== undefined) this.#count(error);
        resolve();
      };
      port.submit(task);
    });
  }

  /** Whatever is no error of this library is one of this test. */
  #count(error: unknown): IscsiError {
    if (!(error instanceof IscsiError)) throw error;
    const { failures } = this.figures;
    failures.set(error.code, (failures.get(error.code) ?? 0) + 1);
    return error;
  }
}

interface Written {
  readonly slot: Slot;
  readonly from: number;
  readonly to: number;
  readonly version: number;
}

/** Connects through `url` with a session that comes back fast. */
export function connectForLoad(url: string, stalls: boolean, digests: boolean): Promise<IscsiLogicalUnit> {
  const digest = digests ? 'crc32c' : 'none';
  return connect(url, {
    reconnect: { commands: 'retry', firstDelay: 1, maxDelay: 10, maxTime: 60_000 },
    timeout: stalls ? 500 : digests ? 1500 : 30_000, // what was dropped may leave the other side waiting
    keepaliveInterval: 0,
    headerDigest: digest,
    dataDigest: digest,
    env: {},
  });
}

/** A pause of chance, for what comes in the middle of a load. */
export function aWhile(random: Random): Promise<void> {
  return sleep(random.below(30));
}
