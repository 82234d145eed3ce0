/** One attack, as a process of its own: `attack.js NUMBER PORT SECONDS short|long`. */
import { ATTACKS } from './attacks.ts';

const [number, port, seconds, size] = process.argv.slice(2);
const attack = ATTACKS[Number(number)];
if (attack === undefined) throw new Error(`There is no attack ${number}`);
const until = performance.now() + Number(seconds) * 1000;
const goesOn = (): boolean => performance.now() < until;
console.log('begun');
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
const scene = { port: Number(port), goesOn, number: (few: number, many: number) => (size === 'long' ? many : few) };
await attack.run(scene).catch((error: unknown) => console.log(`gave up: ${error}`));
console.log('over');
process.exit(0);
