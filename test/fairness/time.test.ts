/** Promise 8: whatever one peer sends, other sessions wait no more than 100 ms for it beyond their own work. */
import { testAttacks } from './test-attacks.ts';

testAttacks('time');
