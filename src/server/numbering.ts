import { IscsiError } from '../errors.ts';
import { checkOwnName } from '../login/iscsi-name.ts';
import type { LunDefinition, OwnLun, SharedLun, TargetSpec } from './options.ts';

/** Gives each logical unit of a target its number: the one that it asks for, or the next free one. */
export function numbered(luns: readonly LunDefinition[]): readonly (readonly [number, LunDefinition])[] {
  const taken = new Set(luns.map(({ lun }) => lun));
  let next = 0;
  return luns.map((definition) => {
    if (definition.lun !== undefined) return [definition.lun, definition] as const;
    while (taken.has(next)) next++;
    taken.add(next);
    return [next, definition] as const;
  });
}

/** Whether a logical unit is made by its definition, and not another target's. */
export function isOwn(definition: LunDefinition): definition is OwnLun {
  return !('sameAs' in definition);
}

/** Where a shared logical unit comes from, with the name prepared. */
export function originOf({ sameAs }: SharedLun): { readonly target: string; readonly lun: number } {
  return { target: checkOwnName(sameAs.target), lun: sameAs.lun };
}

/** @throws {IscsiError} `ISCSI_USAGE` when a shared logical unit is none that another target of these makes. */
export function checkShared(specs: readonly TargetSpec[]): void {
  for (const { name, luns } of specs) {
    for (const [number, definition] of numbered(luns)) {
      if (isOwn(definition)) continue;
      const { target, lun } = originOf(definition);
      const makers = specs.filter((spec) => spec.name === target && target !== name);
      const found = makers.some((spec) => numbered(spec.luns).some(([n, made]) => n === lun && isOwn(made)));
      if (found) continue;
      throw new IscsiError(
        'ISCSI_USAGE',
        `Cannot serve LUN ${lun} of ${target} as LUN ${number} of ${name}: it is none that another target makes`,
      );
    }
  }
}
