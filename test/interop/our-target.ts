/** Our target in this process, as the interop tests serve it to foreign initiators. */
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { createTarget } from '../../src/server/index.ts';
import { temporaryDirectory } from '../support/temporary.ts';

/** The name of the target. */
export const NAME = 'iqn.2003-01.org.example:disk';

export interface Served {
  readonly port: number;
  /** `127.0.0.1:<port>` */
  readonly portal: string;
  /** The only logical unit. */
  readonly url: string;
}

/** Serves a file that is made for it, in a directory of its own, as LUN 0 until the test is over. */
export async function serveFile(t: TestContext, sizeMiB: number): Promise<Served> {
  const file = join(await temporaryDirectory(t), 'disk');
  const target = await createTarget({ name: NAME, luns: [{ file, size: sizeMiB * 2 ** 20 }] }).listen({ port: 0 });
  t.after(() => target.close());
  return { port: target.port, portal: `127.0.0.1:${target.port}`, url: target.url(0) };
}

/** Serves one RAM disk as LUN 0 until the test is over. */
export async function serve(
  t: TestContext,
  { sizeMiB, blockSize = 512 }: { readonly sizeMiB: number; readonly blockSize?: number },
): Promise<Served> {
  const memory = sizeMiB * 2 ** 20;
  const target = await createTarget({ name: NAME, luns: [{ memory, blockSize }] }).listen({ port: 0 });
  t.after(() => target.close());
  return { port: target.port, portal: `127.0.0.1:${target.port}`, url: target.url(0) };
}
