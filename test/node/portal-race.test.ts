/** Connecting to one of several addresses (RFC 8305 §4 and RFC 8305 §5): clock and sockets are moved by the test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type Address,
  type ConnectAttempt,
  inTurn,
  PortalRace,
  type RacingSocket,
} from '../../src/node/portal-race.ts';

/** A socket whose fate the test decides. */
class FakeSocket implements RacingSocket {
  readonly address: string;
  destroyed = false;
  #connect: (() => void) | undefined;
  #error: ((error: Error) => void) | undefined;

  constructor(address: string) {
    this.address = address;
  }

  once(_event: 'connect', listener: () => void): void {
    this.#connect = listener;
  }

  on(_event: 'error', listener: (error: Error) => void): void {
    this.#error = listener;
  }

  off(): void {
    this.#error = undefined;
  }

  destroy(): void {
    this.destroyed = true;
  }

  answer(): void {
    this.#connect?.();
  }

  fail(code: string): void {
    this.#error?.(Object.assign(new Error(code), { code }));
  }
}

class Play {
  readonly sockets: FakeSocket[] = [];
  readonly race: PortalRace<FakeSocket>;
  won: { readonly address: string; readonly portal: Address } | undefined;
  lost: readonly ConnectAttempt[] | undefined;
  #now = 0;
  #timers: { readonly at: number; readonly then: () => void }[] = [];

  constructor(portals: readonly Address[], names: Readonly<Record<string, readonly string[] | Error>> = {}) {
    const tools = {
      dial: (address: string, port: number) => {
        const socket = new FakeSocket(`${address}:${port}`);
        this.sockets.push(socket);
        return socket;
      },
      resolve: async (host: string) => {
        const found = names[host];
        if (found === undefined) return new Promise<never>(() => undefined); // the name server is silent
        if (found instanceof Error) throw found;
        return found;
      },
      after: (milliseconds: number, then: () => void) => {
        const timer = { at: this.#now + milliseconds, then };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((other) => other !== timer);
        };
      },
    };
    this.race = new PortalRace(portals, tools, {
      won: ({ address }, portal) => {
        assert.equal(this.won ?? this.lost, undefined, 'told once');
        this.won = { address, portal };
      },
      lost: (attempts) => {
        assert.equal(this.won ?? this.lost, undefined, 'told once');
        this.lost = attempts;
      },
    });
  }

  get tried(): readonly string[] {
    return this.sockets.map(({ address }) => address);
  }

  get over(): boolean {
    return this.won !== undefined || this.lost !== undefined;
  }

  get timers(): number {
    return this.#timers.length;
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds;
    for (const timer of this.#timers.filter(({ at }) => at <= this.#now)) {
      this.#timers = this.#timers.filter((other) => other !== timer);
      timer.then();
    }
  }
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const V4 = { host: '192.0.2.1', port: 3260 };
const V6 = { host: '2001:db8::1', port: 3260 };

test('both families take turns, beginning with that of the first address', () => {
  assert.deepEqual(inTurn(['::1', '::2', '::3', '1.1.1.1', '2.2.2.2']), ['::1', '1.1.1.1', '::2', '2.2.2.2', '::3']);
  assert.deepEqual(inTurn(['1.1.1.1', '::1', '::2', '::3']), ['1.1.1.1', '::1', '::2', '::3']);
  assert.deepEqual(inTurn([]), []);
});

test('the next address is tried at once when one fails', () => {
  const play = new Play([V6, V4]);
  play.race.start();
  assert.deepEqual(play.tried, ['2001:db8::1:3260']);
  play.sockets[0]?.fail('ECONNREFUSED');
  assert.deepEqual(play.tried, ['2001:db8::1:3260', '192.0.2.1:3260']);
  play.sockets[1]?.answer();
  assert.deepEqual(play.won, { address: '192.0.2.1:3260', portal: V4 });
  assert.equal(play.timers, 0);
});

test('the next address is begun after 250 ms of silence, and the silent one keeps its chance', () => {
  const play = new Play([V6, V4]);
  play.race.start();
  play.advance(249);
  assert.equal(play.sockets.length, 1);
  play.advance(1);
  assert.equal(play.sockets.length, 2);
  assert.equal(play.sockets[0]?.destroyed, false);
  play.sockets[0]?.answer();
  assert.equal(play.won?.portal, V6);
  assert.equal(play.sockets[1]?.destroyed, true, 'the other is given up');
  play.sockets[1]?.answer();
  play.sockets[1]?.fail('ECONNRESET');
  assert.equal(play.timers, 0);
});

test('when all have failed, each is told with its reason', async () => {
  const missing = Object.assign(new Error('getaddrinfo'), { code: 'ENOTFOUND' });
  const play = new Play([{ host: 'nowhere.invalid', port: 1 }, V4, V6], { 'nowhere.invalid': missing });
  play.race.start();
  await settled();
  play.advance(250);
  play.sockets[0]?.fail('EHOSTUNREACH');
  assert.equal(play.over, false, 'one may still answer');
  play.sockets[1]?.fail('ECONNREFUSED');
  assert.deepEqual(
    play.lost?.map(({ address, error }) => [address, (error as NodeJS.ErrnoException).code]),
    [
      ['nowhere.invalid', 'ENOTFOUND'],
      ['192.0.2.1', 'EHOSTUNREACH'],
      ['2001:db8::1', 'ECONNREFUSED'],
    ],
  );
  assert.equal(play.timers, 0);
});

test('a name with several addresses is tried in turn; a silent name server does not keep the other portals waiting', async () => {
  const play = new Play(
    [
      { host: 'silent', port: 1 },
      { host: 'both', port: 2 },
    ],
    { both: ['::7', '::8', '10.0.0.7'] },
  );
  play.race.start();
  await settled();
  assert.deepEqual(play.tried, []);
  play.advance(250);
  await settled();
  for (let round = 0; round < 3; round++) play.advance(250);
  assert.deepEqual(play.tried, ['::7:2', '10.0.0.7:2', '::8:2']);
  for (const socket of play.sockets) socket.fail('ECONNREFUSED');
  assert.equal(play.over, false, 'the name server may still answer');
  play.race.stop();
  assert.equal(play.timers, 0);
});

test('a name without addresses, an address that comes twice, and a thousand addresses are taken as they should', async () => {
  const thousand = Array.from({ length: 1000 }, (_, at) => `10.0.${at >> 8}.${at & 255}`);
  const play = new Play([{ host: 'empty', port: 1 }, V4, { ...V4 }, { host: 'many', port: 1 }], {
    empty: [],
    many: thousand,
  });
  play.race.start();
  for (let round = 0; round < 2000 && play.lost === undefined; round++) {
    await settled();
    for (const socket of play.sockets) socket.fail('ECONNREFUSED');
  }
  assert.equal(play.tried.filter((address) => address === '192.0.2.1:3260').length, 1);
  assert.equal(play.sockets.length, 32, 'bounded');
  assert.equal(play.lost?.length, 33);
  assert.match(String(play.lost?.[0]?.error), /empty has no address/);
});

test('whoever stops a race hears no more of it, and no socket is left', async () => {
  const play = new Play([V6, { host: 'late', port: 1 }], { late: ['10.0.0.1'] });
  play.race.start();
  play.advance(250);
  play.race.stop();
  await settled();
  play.sockets[0]?.answer();
  assert.deepEqual([play.won, play.lost, play.tried.length, play.timers], [undefined, undefined, 1, 0]);
  assert.deepEqual(
    play.race.attempts.map(({ address, error }) => [address, error]),
    [['2001:db8::1', undefined]],
    'silent so far',
  );
});
