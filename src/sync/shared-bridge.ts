import { Bridge } from './bridge.ts';

let shared: Bridge | undefined;
let users = 0;

/** The thread of this program; started by whoever comes first, ended by whoever leaves last. */
export function enterBridge(): Bridge {
  if (shared === undefined || !shared.usable) {
    shared = new Bridge();
    users = 0;
  }
  users++;
  return shared;
}

/** Takes back an `enterBridge`: to be called once for each. */
export function leaveBridge(bridge: Bridge): void {
  if (bridge !== shared || --users > 0) return; // those of a thread that died count no more
  shared = undefined;
  bridge.end();
}
