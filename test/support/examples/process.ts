/**
 * A process that runs compiled examples one after the other: `process.js MODULE ...`. What it has to say goes to stderr
 * as lines of JSON behind a mark; every other line there is the running example's own.
 */
import { setImmediate as turn } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { WrongValue } from './check.ts';
import { MARK, type Message } from './messages.ts';

let leaks = false;
for (const [index, path] of process.argv.slice(2).entries()) {
  say({ begins: index });
  try {
    await import(pathToFileURL(path).href);
    // Warnings and rejections that nobody handles come a little later; they are this example's still.
    await turn();
    await turn();
    const open = process.getActiveResourcesInfo().filter((name) => name.startsWith('TCP'));
    if (open.length > 0 && !leaks) say({ problem: `leaves open: ${open.join(', ')}` });
    leaks ||= open.length > 0; // the first one is at fault
  } catch (error) {
    if (error instanceof WrongValue) say({ problem: error.message, line: error.line });
    else say({ problem: `throws ${String(error)}` });
  }
}
say({ done: true });
// What cannot end by itself has been told. Whatever else keeps the process alive is to be noticed.
if (leaks) process.exit();

function say(message: Message): void {
  process.stderr.write(`${MARK}${JSON.stringify(message)}\n`);
}
