import test from 'node:test';
import { PATIENCE } from '../support/loop-time.ts';
import { seeds } from './random.ts';
import { cutConnection, writeReadVerify } from './scenarios.ts';

for (const seed of seeds(40)) {
  test(`both cores write, read and verify under random fragmentation (SEED=${seed})`, { timeout: PATIENCE }, () =>
    writeReadVerify(seed),
  );

  test(
    `a cut connection settles every task once, and what was reported written is there (SEED=${seed})`,
    {
      timeout: PATIENCE,
    },
    () => cutConnection(seed),
  );
}
