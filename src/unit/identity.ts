import { IscsiError } from '../errors.ts';
import type { ScsiPort } from '../scsi/port.ts';
import { callTime } from './call-time.ts';
import { readCapacity } from './capacity.ts';
import type { Certainty } from './doubt.ts';
import { vpdPageIfAny } from './inquiry.ts';
import type { CommandOptions } from './options.ts';
import { VpdList } from './vpd-list.ts';

const LOGICAL_UNIT = 0; // association of a designator
/** How often it is asked anew when something changes meanwhile. */
const MOST_ROUNDS = 10;

/** What tells one logical unit from another: pinned when it is opened, compared whenever there is doubt. */
export interface Identity {
  /** VPD page 80h, without padding; undefined where the page does not exist. */
  readonly serialNumber: string | undefined;
  /** The names of the logical unit in VPD page 83h, sorted. */
  readonly names: readonly string[];
  /** Number of logical blocks. */
  readonly blocks: number;
  /** Bytes of one logical block. */
  readonly blockSize: number;
}

/**
 * Asks a logical unit who it is. Pages that it does not have are left out; but when its list names neither of the two
 * that tell, both are asked for all the same: this is the need.
 */
export async function readIdentity(
  port: ScsiPort,
  capacity: { readonly blocks: number; readonly blockSize: number },
  pages: VpdList,
  options: CommandOptions,
): Promise<Identity> {
  const listed = pages.has('unitSerialNumber') || pages.has('deviceIdentification');
  const page: VpdList['page'] = (name, asked) => (listed ? pages.page(name, asked) : vpdPageIfAny(port, name, asked));
  const serial = await page('unitSerialNumber', options);
  const identification = await page('deviceIdentification', options);
  const names = (identification?.designators ?? [])
    .filter(({ association }) => association === LOGICAL_UNIT)
    .map(({ text }) => text);
  return {
    serialNumber: serial?.serialNumber,
    names: names.sort(),
    blocks: capacity.blocks,
    blockSize: capacity.blockSize,
  };
}

/** Another logical unit answers than the one that was opened: final. */
export class ReplacedError extends IscsiError {
  constructor(opened: Identity, found: Identity) {
    super(
      'ISCSI_IDENTITY',
      `Cannot go on: another logical unit answers (${describe(found)}, opened was ${describe(opened)})`,
      { hint: 'the target was reconfigured: open the logical unit again after checking which one it is' },
    );
  }
}

/**
 * Makes sure that the logical unit that was opened still answers. When something is noted meanwhile, it is asked again:
 * the answers could come from before and after.
 *
 * @throws {IscsiError} `ISCSI_IDENTITY` when another one answers, or when it changes at every question.
 */
export async function verifyIdentity(
  port: ScsiPort,
  certainty: Certainty,
  opened: Identity | undefined,
  options: CommandOptions = {},
): Promise<void> {
  const call = callTime(port, options);
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const { mark } = certainty;
    if (opened !== undefined) {
      const capacity = await readCapacity(port, call);
      requireSame(opened, await readIdentity(port, capacity, await VpdList.of(port, call), call));
    }
    certainty.confirm(mark);
    if (!certainty.doubtful) return;
  }
  throw new IscsiError('ISCSI_IDENTITY', `Cannot tell which logical unit answers: it changes at every question`);
}

/**
 * Compares what answers now with what was opened.
 * @throws {IscsiError} `ISCSI_IDENTITY` when they differ: data must not be mixed between two logical units. A capacity
 * that grew is no difference.
 */
export function requireSame(opened: Identity, found: Identity): void {
  const same =
    opened.serialNumber === found.serialNumber &&
    opened.names.join() === found.names.join() &&
    opened.blockSize === found.blockSize;
  if (!same || found.blocks < opened.blocks) throw new ReplacedError(opened, found);
}

function describe(identity: Identity): string {
  return `serial "${identity.serialNumber ?? 'none'}", ${identity.blocks} blocks of ${identity.blockSize} bytes`;
}
