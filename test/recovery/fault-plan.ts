/** Which faults a seed brings: the same ones each time. */
import type { Random } from '../simulated/random.ts';
import type { ConnectionFaults, Faults } from '../support/relay.ts';

/** The faults, by name. */
export type FaultName =
  | 'none'
  | 'reset'
  | 'end'
  | 'halfClose'
  | 'stall'
  | 'delay'
  | 'pieces'
  | 'flip'
  | 'drop'
  | 'duplicate'
  | 'refuse';

/** Those that leave the bytes as they are, and those that only a digest shows. */
const CLEAN: readonly FaultName[] = [
  'none',
  'reset',
  'reset',
  'reset',
  'end',
  'halfClose',
  'delay',
  'pieces',
  'refuse',
];
const GARBLING: readonly FaultName[] = ['flip', 'drop', 'duplicate'];

/** What one seed does to the connections of a session. */
export interface FaultPlan {
  /** Whether both digests are on: garbled bytes are to be found out. */
  readonly digests: boolean;
  /** Whether something may hang, so that commands need short times. */
  readonly stalls: boolean;
  /** Whether the target is closed and started again in the middle. */
  readonly restarts: boolean;
  /** What happens to a connection, counted from 0. */
  faults(connection: number): ConnectionFaults;
  /** The names of what happened so far. */
  readonly used: FaultName[];
}

/** A login and the questions of opening take less than this: the first connection gets through them. */
const OPENING = 12_000;
/** Faults come within so many bytes. */
const REACH = 120_000;

/** Draws the plan of a run. */
export function faultPlan(random: Random): FaultPlan {
  const digests = random.onceIn(2);
  const stalls = random.onceIn(8);
  const restarts = random.onceIn(4);
  const faulty = 1 + random.below(5);
  const used: FaultName[] = [];
  const names = [...CLEAN, ...(digests ? GARBLING : []), ...(stalls ? (['stall'] as const) : [])];
  return {
    digests,
    stalls,
    restarts,
    used,
    faults(connection) {
      if (connection >= faulty) return {};
      let name = names[random.below(names.length)] ?? 'none';
      if (connection === 0 && name === 'refuse') name = 'reset';
      used.push(name);
      const at = (connection === 0 ? OPENING : 0) + random.below(REACH);
      if (name === 'refuse') return { refuse: true };
      const faults = faultOf(name, at, random);
      return random.onceIn(2) ? { toTarget: faults } : { toInitiator: faults };
    },
  };
}

function faultOf(name: FaultName, at: number, random: Random): Faults {
  const length = 1 + random.below(64);
  switch (name) {
    case 'reset':
    case 'end':
      return { cutAfter: at, cutBy: name };
    case 'halfClose':
      return { halfCloseAfter: at };
    case 'stall':
      return { stallAfter: at };
    case 'delay':
      return { delay: 1, cutAfter: at };
    case 'pieces':
      return { pieceLength: 1 + random.below(700), cutAfter: Math.min(at, 40_000) };
    case 'flip':
      return { corrupt: { at, xor: 1 << random.below(8) } };
    case 'drop':
      return { drop: { at, length } };
    case 'duplicate':
      return { duplicate: { at, length } };
    default:
      return {};
  }
}
