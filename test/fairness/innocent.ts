/** Whoever does nobody any harm: reads 4 KiB every 10 ms, and notes how long that takes. */
import { RawSession } from './raw-session.ts';

const EVERY = 10;
/** READ(10) of the first 8 blocks. */
const READ = '28000000000000000800';

export class Innocent {
  readonly #session: RawSession;
  #longest = 0;
  #begun = 0;
  #reads = 0;
  #stopped = false;
  #failure: Error | undefined = undefined;

  private constructor(session: RawSession) {
    this.#session = session;
  }

  static async begin(port: number): Promise<Innocent> {
    const innocent = new Innocent(await RawSession.logIn(port));
    void innocent.#run();
    return innocent;
  }

  /** The longest wait since the last call, in milliseconds; one that is not over counts, too. */
  takeLongest(): number {
    if (this.#failure !== undefined) throw this.#failure;
    const now = performance.now();
    const longest = Math.max(this.#longest, this.#begun === 0 ? 0 : now - this.#begun);
    this.#longest = 0;
    if (this.#begun > 0) this.#begun = now;
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

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        this.#begun = performance.now();
        // LUN 0 and LUN 1 by turns: RAM and the file.
        const lun = this.#reads % 2 === 0 ? '0' : '1000000000000';
        const pdu = await this.#session.ask(this.#session.commandRequest(READ, { edtl: 4096, lun }));
        if (pdu.opcode !== 0x25 || pdu.data.length !== 4096) throw new Error(`Not an answer: opcode ${pdu.opcode}`);
        const waited = performance.now() - this.#begun;
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
