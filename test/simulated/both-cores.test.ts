import test from 'node:test';
import { seeds } from './random.ts';
import { cutConnection, writeReadVerify } from './scenarios.ts';

for (const seed of seeds(40)) {
  test(`both cores write, read and verify under random fragmentation (SEED=${seed})`, { timeout: 60_000 }, () =>
    writeReadVerify(seed),
  );

  test(
    `a cut connection settles every task once, and what was reported written is there (SEED=${seed})`,
    {
      timeout: 60_000,
    },
    () => cutConnection(seed),
  );
}
