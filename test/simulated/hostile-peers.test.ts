import test from 'node:test';
import { hostileInitiator, hostileTarget } from '../fuzz/sessions.ts';
import { seeds } from './random.ts';

for (const seed of seeds(60)) {
  test(`the initiator survives a target that goes mad (SEED=${seed})`, { timeout: 30_000 }, () => hostileTarget(seed));
  test(`the target survives an initiator that goes mad (SEED=${seed})`, { timeout: 30_000 }, () =>
    hostileInitiator(seed),
  );
}
