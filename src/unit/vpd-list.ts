import type { VpdPage, VpdPageName } from '../scsi/data/vpd-pages.ts';
import { vpdPageCode } from '../scsi/data/vpd-pages.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { vpdPageIfAny } from './inquiry.ts';
import type { CommandOptions } from './options.ts';

/**
 * The VPD pages that a logical unit says to have (page 00h): others are not asked for without need, as there are
 * devices that take such a question badly. One that does not tell is asked for each.
 */
export class VpdList {
  readonly #port: ScsiPort;
  readonly #codes: ReadonlySet<number> | undefined;

  private constructor(port: ScsiPort, codes: ReadonlySet<number> | undefined) {
    this.#port = port;
    this.#codes = codes;
  }

  /** Asks for the list. */
  static async of(port: ScsiPort, options: CommandOptions): Promise<VpdList> {
    const pageCodes = (await vpdPageIfAny(port, 'supportedPages', options))?.pageCodes ?? [];
    return new VpdList(port, pageCodes.length > 0 ? new Set(pageCodes) : undefined);
  }

  /** Whether the page is worth a question. */
  has(name: VpdPageName): boolean {
    return this.#codes === undefined || this.#codes.has(vpdPageCode(name));
  }

  /** The page, or undefined where the device does not have it. */
  async page<N extends VpdPageName>(name: N, options: CommandOptions): Promise<VpdPage<N> | undefined> {
    return this.has(name) ? vpdPageIfAny(this.#port, name, options) : undefined;
  }
}
