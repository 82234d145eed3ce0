/**
 * The table of all attacks: `node dist/test/fairness/table.js [--seconds N] [WORD]`, where WORD is a part of a name.
 * Judges nothing.
 */
import { ATTACKS } from './attacks.ts';
import { trial } from './trial.ts';

const [seconds = '2', size = 'short', word = ''] = process.argv.slice(2);
const MiB = 1024 * 1024;
for (const attack of ATTACKS.filter(({ name }) => name.includes(word))) {
  const after: (() => Promise<void>)[] = [];
  try {
    const { longest, elsewhere, slowness, login, memoryBefore, memoryPeak } = await trial(
      { after: (hook) => after.push(hook) },
      attack,
      { seconds: Number(seconds), size: size === 'long' ? 'long' : 'short', budget: 64 * MiB },
    );
    const [waits, memory] = [
      [longest, elsewhere, login],
      [memoryBefore / MiB, memoryPeak / MiB],
    ].map((all) => all.map(Math.round));
    console.log(`| ${attack.name} | ${waits?.join(' | ')} | ${slowness.toFixed(1)} | ${memory?.join(' | ')} |`);
  } catch (error) {
    console.log(`| ${attack.name} | ${error} |`);
  }
  for (const hook of after) await hook();
}
process.exit(0);
