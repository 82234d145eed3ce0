/**
 * Whoever does nobody any harm: reads 4 KiB every 10 ms, and notes how long that takes. Not counted is the time during
 * which the target wanted to run and the operating system gave its processor to others: that is no fault of the target.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { RawSession } from './raw-session.ts';

const EVERY = 10;
const RAM = '0';
const FILE = '1000000000000';
/** READ(10) of the first 8 blocks. */
const READ = '28000000000000000800';

export class Innocent {
  readonly #session: RawSession;
  readonly #target: number | undefined;
  #longest = 0;
  #begun = 0;
  #stood: StoodStill = { main: 0, helpers: new Map() };
  #reads = 0;
  #stopped = false;
  #failure: Error | undefined = undefined;

  private constructor(session: RawSession, target: number | undefined) {
    this.#session = session;
    this.#target = target;
  }

  /** @param target The process id of the target. */
  static async begin(port: number, target: number | undefined): Promise<Innocent> {
    const innocent = new Innocent(await RawSession.logIn(port), target);
    void innocent.#run();
    return innocent;
  }

  /** The longest wait since the last call, in milliseconds; one that is not over counts, too. */
  takeLongest(): number {
    if (this.#failure !== undefined) throw this.#failure;
    const longest = Math.max(this.#longest, this.#begun === 0 ? 0 : this.#waited);
    this.#longest = 0;
    if (this.#begun > 0) this.#begin();
    return longest;
  }

  /** How many reads were answered. */
  get reads(): number {
    return this.#reads;
  }

  stop(): void {
    this.#stopped = true;
    this.#session.socket.destroy();
  }

  #begin(): void {
    this.#begun = performance.now();
    this.#stood = stoodStill(this.#target);
  }

  get #waited(): number {
    const { main, helpers } = stoodStill(this.#target);
    // A file is read by one of the other threads: the one that stood still longest, for want of knowing which.
    const most = Math.max(
      0,
      ...[...helpers].map(([thread, waited]) => waited - (this.#stood.helpers.get(thread) ?? 0)),
    );
    return performance.now() - this.#begun - (main - this.#stood.main) - (this.#lun === FILE ? most : 0);
  }

  /** LUN 0 and LUN 1 by turns: RAM and the file. */
  get #lun(): string {
    return this.#reads % 2 === 0 ? RAM : FILE;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        this.#begin();
        const pdu = await this.#session.ask(this.#session.commandRequest(READ, { edtl: 4096, lun: this.#lun }));
        if (pdu.opcode !== 0x25 || pdu.data.length !== 4096) throw new Error(`Not an answer: opcode ${pdu.opcode}`);
        const waited = this.#waited;
        this.#begun = 0;
        this.#longest = Math.max(this.#longest, waited);
        this.#reads++;
        await new Promise((resolve) => setTimeout(resolve, Math.max(0, EVERY - waited)));
      }
    } catch (error) {
      if (!this.#stopped) this.#failure = error instanceof Error ? error : new Error(String(error));
    }
  }
}

/** How long the threads of a process have waited for a processor, in milliseconds. */
interface StoodStill {
  readonly main: number;
  readonly helpers: ReadonlyMap<string, number>;
}

/** Linux tells. */
function stoodStill(pid: number | undefined): StoodStill {
  const all = new Map<string, number>();
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    try {
      all.set(thread, Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[1]) / 1e6);
    } catch {
      // It has ended meanwhile.
    }
  }
  const main = all.get(`${pid}`) ?? 0;
  all.delete(`${pid}`);
  return { main, helpers: all };
}
