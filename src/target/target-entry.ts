import type { ScsiDevice } from '../device/task.ts';
import type { TargetAuthentication } from '../login/chap-target.ts';

/** What one initiator may do with a target. */
export interface InitiatorAccess {
  /** The logical units that it sees. Default: all of the target. */
  readonly device?: ScsiDevice | undefined;
  /** What it has to prove. Default: nothing. */
  readonly authentication?: TargetAuthentication | undefined;
}

/** What a target is made of. */
export interface TargetDefinition {
  /** The iSCSI name, such as `iqn.2003-01.org.example:disk`. */
  readonly name: string;
  /** Free text that initiators may show. */
  readonly alias?: string;
  readonly device: ScsiDevice;
  /** The portal group that all portals of this node belong to. Default 1. */
  readonly portalGroupTag?: number;
  /**
   * Who may use it, by the prepared iSCSI name, and how; undefined for whoever may not. Default: everybody may use all
   * of it, and has to prove nothing.
   */
  readonly access?: ((initiatorName: string) => InitiatorAccess | undefined) | undefined;
}

const OPEN: InitiatorAccess = {};

/** One target of a node. */
export class TargetEntry {
  readonly name: string;
  readonly alias: string | undefined;
  readonly device: ScsiDevice;
  readonly portalGroupTag: number;
  readonly #access: (initiatorName: string) => InitiatorAccess | undefined;

  constructor(definition: TargetDefinition) {
    this.name = definition.name;
    this.alias = definition.alias;
    this.device = definition.device;
    this.portalGroupTag = definition.portalGroupTag ?? 1;
    this.#access = definition.access ?? (() => OPEN);
  }

  /** What an initiator may do with it; undefined when it may do nothing, not even know of it. */
  accessOf(initiatorName: string): InitiatorAccess | undefined {
    return this.#access(initiatorName);
  }
}
