/**
 * Whoever does nobody any harm: reads 4 KiB every 10 ms, and notes how long that takes. Not counted is the time during
 * which the target wanted to run and the operating system gave its processor to others: that is no fault of the target.
 */
import { readFileSync } from 'node:fs';
import { RawSession } from './raw-session.ts';

const EVERY = 10;
/** READ(10) of the first 8 blocks. */
const READ = '28000000000000000800';

export class Innocent {
  readonly #session: RawSession;
  readonly #target: number | undefined;
  #longest = 0;
  #begun = 0;
  #stood = 0;
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
    return performance.now() - this.#begun - (stoodStill(this.#target) - this.#stood);
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        this.#begin();
        // LUN 0 and LUN 1 by turns: RAM and the file.
        const lun = this.#reads % 2 === 0 ? '0' : '1000000000000';
        const pdu = await this.#session.ask(this.#session.commandRequest(READ, { edtl: 4096, lun }));
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

/** How long the main thread of a process has waited for a processor, in milliseconds: Linux tells. */
function stoodStill(pid: number | undefined): number {
  return Number(readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6;
}
