/**
 * The target of a trial, as a process of its own: what holds it up, and what memory it takes, is seen from outside.
 * `serve.js FILE SIZE-OF-RAM BUFFER-MEMORY`: LUN 0 is RAM, LUN 1 the file. Ends with its standard input.
 */
import { createTarget } from '../../src/server/index.ts';

const [file = '', memory = '', bufferMemory = ''] = process.argv.slice(2);
const options = { name: 'iqn.2003-01.org.example:disk', luns: [{ memory }, { file }] };
const target = await createTarget({ ...options, ...(bufferMemory === '' ? {} : { bufferMemory }) }).listen({ port: 0 });
console.log(`port ${target.port}`);
process.stdin.resume();
process.stdin.on('end', () => process.exit(0));
