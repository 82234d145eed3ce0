/** The JSON document of `iscsi-ls`. */
import type { Portal } from '../client/discover.ts';
import { sizeOf } from './capacity.ts';
import { DEVICE_TYPE_LABELS, label } from './labels.ts';
import type { ListedUnit } from './ls-units.ts';
import { errorDocument } from './print.ts';

/** One portal of one target, as far as it answered. */
export interface Listed {
  readonly name: string;
  readonly portal: Portal;
  /** Undefined when they were not asked for, or could not be asked. */
  readonly units: readonly ListedUnit[] | undefined;
  readonly error: unknown;
}

/** What a portal says of a target, and cannot be understood. */
export interface Remark {
  readonly name: string;
  /** Addresses, as they came. */
  readonly unreadable: readonly string[];
  /** Why nobody can log in by that name, in words. */
  readonly problem: string | undefined;
}

/** Collects targets with their portals, portals with their logical units: of errors their text only. */
export class ListDocument {
  readonly #targets = new Map<string, object[]>();
  readonly #remarks = new Map<string, object>();

  /** One portal more. */
  add(item: Listed): void {
    const portals = this.#targets.get(item.name) ?? [];
    this.#targets.set(item.name, portals);
    portals.push(portalDocument(item));
  }

  /** What is to be said of a target besides its portals. */
  remark({ name, unreadable, problem }: Remark): void {
    if (!this.#targets.has(name)) this.#targets.set(name, []);
    this.#remarks.set(name, {
      ...(unreadable.length > 0 && { unreadableAddresses: unreadable }),
      ...(problem !== undefined && { problem }),
    });
  }

  /** The document; `complete` is false when something failed. */
  end(complete: boolean): Readonly<Record<string, unknown>> {
    return {
      targets: Array.from(this.#targets, ([name, portals]) => ({ name, portals, ...this.#remarks.get(name) })),
      complete,
    };
  }
}

function portalDocument({ portal, units, error }: Listed): object {
  return {
    address: portal.text,
    host: portal.host,
    port: portal.port,
    ...(portal.portalGroupTag === undefined ? {} : { portalGroupTag: portal.portalGroupTag }),
    ...(units && { luns: units.map(unitDocument) }),
    ...(error === undefined ? {} : { error: errorDocument(error) }),
  };
}

function unitDocument({ lun, inquiry, capacity, mediumPresent, error }: ListedUnit): object {
  return {
    lun,
    ...(inquiry && {
      deviceType: inquiry.peripheralDeviceType,
      deviceTypeName: label(DEVICE_TYPE_LABELS, inquiry.peripheralDeviceType),
      vendor: inquiry.vendorIdentification,
      product: inquiry.productIdentification,
      revision: inquiry.productRevisionLevel,
    }),
    mediumPresent,
    ...(capacity && {
      size: sizeOf(capacity),
      blocks: capacity.returnedLogicalBlockAddress + 1n,
      blockSize: capacity.logicalBlockLength,
    }),
    ...(error === undefined ? {} : { error: errorDocument(error) }),
  };
}
