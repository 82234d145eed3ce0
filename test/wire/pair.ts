import type { WireConnectionOptions } from '../../src/wire/connection.ts';
import { WireInitiator } from '../../src/wire/initiator.ts';
import { WireListener } from '../../src/wire/listener.ts';
import type { WireTarget, WireTargetOptions } from '../../src/wire/target.ts';
import type { Cleanup } from '../support/process.ts';

/** The two raw speakers with a connection between them, until the test is over. */
export async function pair(
  t: Cleanup,
  options: { readonly initiator?: WireConnectionOptions; readonly target?: WireTargetOptions } = {},
): Promise<{ readonly initiator: WireInitiator; readonly target: WireTarget }> {
  const listener = await WireListener.open(options.target);
  t.after(() => listener.close());
  const initiator = await WireInitiator.connect(listener.address, options.initiator);
  t.after(() => initiator.close());
  return { initiator, target: await listener.accept() };
}
