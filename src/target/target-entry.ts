import type { ScsiDevice } from '../device/task.ts';

/** What a target is made of. */
export interface TargetDefinition {
  /** The iSCSI name, such as `iqn.2003-01.org.example:disk`. */
  readonly name: string;
  /** Free text that initiators may show. */
  readonly alias?: string;
  readonly device: ScsiDevice;
  /** The portal group that all portals of this node belong to. Default 1. */
  readonly portalGroupTag?: number;
}

/** One target of a node. */
export class TargetEntry {
  readonly name: string;
  readonly alias: string | undefined;
  readonly device: ScsiDevice;
  readonly portalGroupTag: number;

  constructor(definition: TargetDefinition) {
    this.name = definition.name;
    this.alias = definition.alias;
    this.device = definition.device;
    this.portalGroupTag = definition.portalGroupTag ?? 1;
  }
}
