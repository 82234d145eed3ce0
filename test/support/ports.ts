/** Loopback ports for test servers. */
import { createServer } from 'node:net';

/**
 * A TCP port of 127.0.0.1 that nobody used a moment ago. Another process may take it before the caller does:
 * whoever hands it to a foreign program must be ready to try again.
 */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => {
        if (typeof address === 'object' && address) resolve(address.port);
        else reject(new Error('Cannot find a free port: the server has no address'));
      });
    });
  });
}
