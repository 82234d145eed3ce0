import test from 'node:test';
import { hostileInitiator, hostileTarget } from '../fuzz/sessions.ts';
import { PATIENCE } from '../support/loop-time.ts';
import { seeds } from './random.ts';

for (const seed of seeds(60)) {
  test(`the initiator survives a target that goes mad (SEED=${seed})`, { timeout: PATIENCE }, () =>
    hostileTarget(seed),
  );
  test(`the target survives an initiator that goes mad (SEED=${seed})`, { timeout: PATIENCE }, () =>
    hostileInitiator(seed),
  );
}
