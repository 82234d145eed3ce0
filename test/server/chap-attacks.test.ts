/**
 * Attacks on the login of the embedded target, by a raw initiator over a real connection. Each ends with a status and a
 * closed connection, opens no session, executes nothing, and disturbs nobody.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import { createTarget, type Target } from '../../src/server/index.ts';
import { WireInitiator } from '../../src/wire/initiator.ts';
import type { WirePdu } from '../../src/wire/wire-pdu.ts';
import { responseOf } from '../login/help-chap.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const HOST = 'iqn.2003-01.org.example:host';
const PASSWORD = 'secret-of-alice-1';
const OWN = 'secret-of-disk-22';
const CHAP = { user: 'alice', password: PASSWORD, target: { user: 'disk', password: OWN } };
const NAMES = [
  ['InitiatorName', HOST],
  ['TargetName', NAME],
] as const;

type Pairs = readonly (readonly [string, string])[];

/** How requests of the security stage stand: asking to leave it, or not. */
const LEAVING = { currentStage: 0, nextStage: 1, transit: true };
const STAYING = { currentStage: 0, nextStage: 0, transit: false };

async function serve(t: TestContext): Promise<Target> {
  const target = await createTarget({ name: NAME, luns: [{ memory: '1M' }], chap: CHAP }).listen({ port: 0 });
  t.after(() => target.close());
  return target;
}

/** A raw initiator in its login. */
class Attacker {
  readonly wire: WireInitiator;

  private constructor(wire: WireInitiator) {
    this.wire = wire;
  }

  static async connect(t: TestContext, target: Target): Promise<Attacker> {
    const wire = await WireInitiator.connect(`127.0.0.1:${target.port}`);
    t.after(() => wire.close());
    return new Attacker(wire);
  }

  async say(pairs: Pairs, fields: object = LEAVING): Promise<WirePdu> {
    this.wire.login({ pairs, ...fields });
    return this.wire.expect('LOGIN_RESPONSE');
  }

  /** Up to the choice of CHAP. */
  async begin(): Promise<void> {
    const response = await this.say([...NAMES, ['SessionType', 'Normal'], ['AuthMethod', 'CHAP,None']]);
    assert.equal(pairsOf(response).get('AuthMethod'), 'CHAP');
    assert.equal(response.read('LOGIN_RESPONSE').transit, false);
  }

  /** Up to the challenge. */
  async challenge(): Promise<{ readonly identifier: number; readonly bytes: Buffer; readonly text: string }> {
    await this.begin();
    const pairs = pairsOf(await this.say([['CHAP_A', '5']], STAYING));
    const text = pairs.get('CHAP_C') ?? '';
    return { identifier: Number(pairs.get('CHAP_I')), bytes: Buffer.from(text.slice(2), 'hex'), text };
  }

  /** Says `pairs`, and is refused: with `status`, and with the end of the connection. */
  async refused(pairs: Pairs, status: number, fields: object = LEAVING): Promise<void> {
    const response = (await this.say(pairs, fields)).read('LOGIN_RESPONSE');
    const got = (response.statusClass << 8) | response.statusDetail;
    assert.equal(got.toString(16).padStart(4, '0'), status.toString(16).padStart(4, '0'));
    assert.deepEqual([response.transit, response.currentStage, response.nextStage], [false, 0, 0]);
    await this.wire.ended();
  }
}

function pairsOf(pdu: WirePdu): Map<string, string> {
  const texts = Buffer.from(pdu.data)
    .toString()
    .split('\0')
    .filter((text) => text !== '');
  return new Map(texts.map((text) => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)]));
}

function proof(challenge: { readonly identifier: number; readonly bytes: Buffer }, password = PASSWORD): string {
  return responseOf('md5', challenge.identifier, password, challenge.bytes);
}

const HEX = (length: number): string => `0x${randomBytes(length).toString('hex')}`;

test('whoever knows the password gets in by the same steps: the attacks fail by what they are', async (t) => {
  const attacker = await Attacker.connect(t, await serve(t));
  const challenge = await attacker.challenge();
  const response = await attacker.say([
    ['CHAP_N', 'alice'],
    ['CHAP_R', proof(challenge)],
  ]);
  assert.deepEqual([response.read('LOGIN_RESPONSE').statusClass, response.read('LOGIN_RESPONSE').transit], [0, true]);
});

// What is said first, instead of an offer of CHAP.
for (const [what, pairs, fields, status] of [
  ['goes to the operational stage at once', [], { currentStage: 1, nextStage: 3, transit: true }, 0x0201],
  ['offers None only', [['AuthMethod', 'None']], LEAVING, 0x0201],
  ['offers nothing', [], LEAVING, 0x0201],
  ['asks for full feature phase at once, with None', [['AuthMethod', 'None']], { ...LEAVING, nextStage: 3 }, 0x0201],
  [
    'brings CHAP_A with its offer',
    [
      ['AuthMethod', 'CHAP'],
      ['CHAP_A', '5'],
    ],
    LEAVING,
    0x0200,
  ],
  [
    'begins with a response',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', HEX(16)],
    ],
    LEAVING,
    0x0201,
  ],
] as const) {
  test(`an initiator that ${what} is refused with ${status.toString(16).padStart(4, '0')} (T-055, T-061)`, async (t) => {
    const target = await serve(t);
    await (await Attacker.connect(t, target)).refused([...NAMES, ...pairs], status, fields);
    assert.deepEqual(target.sessions, []);
  });
}

// What is said instead of CHAP_A.
for (const [what, pairs, status] of [
  ['leaves out CHAP_A', [], 0x0207],
  [
    'responds before it was asked',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', HEX(16)],
    ],
    0x0207,
  ],
  [
    'asks before it was asked',
    [
      ['CHAP_A', '5'],
      ['CHAP_I', '1'],
      ['CHAP_C', HEX(16)],
    ],
    0x0200,
  ],
  ['offers hashes that nobody has', [['CHAP_A', '1,2,3,99']], 0x0201],
  ['offers a very long list', [['CHAP_A', '1,'.repeat(3000)]], 0x0201],
  ['goes on with operational keys', [['HeaderDigest', 'None']], 0x0207],
] as const) {
  test(`an initiator that ${what} is refused with ${status.toString(16).padStart(4, '0')}`, async (t) => {
    const target = await serve(t);
    for (const fields of [STAYING, LEAVING, { ...LEAVING, nextStage: 3 }]) {
      const attacker = await Attacker.connect(t, target);
      await attacker.begin();
      await attacker.refused(pairs, status, fields);
    }
    assert.deepEqual(target.sessions, []);
  });
}

// What is said instead of the right response; `right` stands for it.
const right = 'right';
for (const [what, pairs, status] of [
  ['leaves out everything, and asks to go on', [], 0x0207],
  ['leaves out its name', [['CHAP_R', right]], 0x0207],
  [
    'leaves out its response, but asks in turn',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_I', '1'],
      ['CHAP_C', HEX(16)],
    ],
    0x0207,
  ],
  [
    'guesses',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', HEX(16)],
    ],
    0x0201,
  ],
  [
    'calls itself another name',
    [
      ['CHAP_N', 'bob'],
      ['CHAP_R', right],
    ],
    0x0201,
  ],
  [
    'responds with 15 bytes',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', HEX(15)],
    ],
    0x0201,
  ],
  [
    'responds with 32 bytes',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', HEX(32)],
    ],
    0x0201,
  ],
  [
    'responds with 1024 bytes',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', HEX(1024)],
    ],
    0x0201,
  ],
  [
    'responds with 1025 bytes',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', HEX(1025)],
    ],
    0x0200,
  ],
  [
    'responds with base64 that is none',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', '0b===='],
    ],
    0x0200,
  ],
  [
    'responds with nothing',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', ''],
    ],
    0x0200,
  ],
  [
    'responds in plain text',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', PASSWORD],
    ],
    0x0200,
  ],
  [
    'responds twice',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', HEX(16)],
      ['CHAP_R', right],
    ],
    0x0200,
  ],
  [
    'asks with 1025 bytes',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', right],
      ['CHAP_I', '1'],
      ['CHAP_C', HEX(1025)],
    ],
    0x0200,
  ],
  [
    'asks with a number of its own making',
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', right],
      ['CHAP_I', '-1'],
      ['CHAP_C', HEX(9)],
    ],
    0x0200,
  ],
  ['begins anew in the middle', [...NAMES, ['AuthMethod', 'CHAP']], 0x0207],
] as const) {
  test(`an initiator that ${what} is refused with ${status.toString(16).padStart(4, '0')} (T-056, T-057)`, async (t) => {
    const target = await serve(t);
    for (const fields of [STAYING, LEAVING, { ...LEAVING, nextStage: 3 }]) {
      const attacker = await Attacker.connect(t, target);
      const challenge = await attacker.challenge();
      const said = pairs.map(([key, value]) => [key, value === right ? proof(challenge) : value] as const);
      await attacker.refused(said, status, fields);
    }
    assert.deepEqual(target.sessions, []);
  });
}

test('a challenge of the target, sent back on the same or on another connection, is refused (T-058)', async (t) => {
  const target = await serve(t);
  const first = await Attacker.connect(t, target);
  const second = await Attacker.connect(t, target);
  const [one, other] = [await first.challenge(), await second.challenge()];
  const asking = (challenge: typeof one, back: typeof one): Pairs => [
    ['CHAP_N', 'alice'],
    ['CHAP_R', proof(challenge)],
    ['CHAP_I', `${back.identifier}`],
    ['CHAP_C', back.text],
  ];
  await first.refused(asking(one, one), 0x0201);
  await second.refused(asking(other, one), 0x0201);
});

test('the response that the target gives cannot be used to log in: reflection (RFC 7143 §9.2)', async (t) => {
  const target = await serve(t);
  const attacker = await Attacker.connect(t, target);
  const challenge = await attacker.challenge();
  // What it would get from the target if it could have its challenge answered there.
  await attacker.refused(
    [
      ['CHAP_N', 'disk'],
      ['CHAP_R', proof(challenge, OWN)],
    ],
    0x0201,
  );
  const again = await Attacker.connect(t, target);
  await again.refused(
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', proof(await again.challenge(), OWN)],
    ],
    0x0201,
  );
});

test('a recorded login, played again, is refused: no challenge comes twice (T-060)', async (t) => {
  const target = await serve(t);
  const first = await Attacker.connect(t, target);
  const recorded: Pairs = [
    ['CHAP_N', 'alice'],
    ['CHAP_R', proof(await first.challenge())],
  ];
  assert.equal((await first.say(recorded)).read('LOGIN_RESPONSE').statusClass, 0);
  const challenges = new Set<string>();
  for (let count = 0; count < 20; count++) {
    const again = await Attacker.connect(t, target);
    challenges.add((await again.challenge()).text);
    await again.refused(recorded, 0x0201);
  }
  assert.equal(challenges.size, 20);
});

test('nothing is executed, answered or told before the login is through', async (t) => {
  const target = await serve(t);
  const write = Uint8Array.from([0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
  for (const attack of ['command', 'text', 'nop', 'taskManagement'] as const) {
    const attacker = await Attacker.connect(t, target);
    await attacker.challenge();
    if (attack === 'command') attacker.wire.command({ cdb: write, write: true, data: new Uint8Array(512).fill(1) });
    if (attack === 'text') attacker.wire.text({ pairs: [['SendTargets', '']] });
    if (attack === 'nop') attacker.wire.nop({ data: Uint8Array.of(1) });
    if (attack === 'taskManagement') attacker.wire.taskManagement({ functionCode: 6 });
    const { statusClass, statusDetail } = (await attacker.wire.expect('LOGIN_RESPONSE')).read('LOGIN_RESPONSE');
    assert.deepEqual([statusClass, statusDetail], [2, 0x0b]);
    await attacker.wire.ended();
  }
  await using lun = await connect(target.url(), { chap: CHAP });
  const into = Buffer.alloc(512);
  await lun.read(into, { position: 0 });
  assert.deepEqual(into, Buffer.alloc(512));
});

test('a login that fails does not disturb the session whose place it would take (T-049)', async (t) => {
  const target = await serve(t);
  const isid = Uint8Array.of(0x80, 1, 2, 3, 0, 0);
  await using lun = await connect(target.url(), { chap: CHAP, initiatorName: HOST, isid });
  const attacker = await Attacker.connect(t, target);
  const asIt = { isid: 0x8001_0203_0000 };
  attacker.wire.login({ pairs: [...NAMES, ['AuthMethod', 'CHAP']], ...LEAVING, ...asIt });
  await attacker.wire.expect('LOGIN_RESPONSE');
  await attacker.say([['CHAP_A', '5']], { ...STAYING, ...asIt });
  await attacker.refused(
    [
      ['CHAP_N', 'alice'],
      ['CHAP_R', HEX(16)],
    ],
    0x0201,
    { ...LEAVING, ...asIt },
  );
  assert.equal(target.sessions.length, 1);
  await lun.read(Buffer.alloc(512), { position: 0 });
});

test('discovery is guarded by the same steps', async (t) => {
  const target = await serve(t);
  const discovery: Pairs = [
    ['InitiatorName', HOST],
    ['SessionType', 'Discovery'],
  ];
  await (await Attacker.connect(t, target)).refused(discovery, 0x0201, {
    currentStage: 1,
    nextStage: 3,
    transit: true,
  });
  await (await Attacker.connect(t, target)).refused([...discovery, ['AuthMethod', 'None']], 0x0201);
  const named: Pairs = [...discovery, ['TargetName', NAME], ['AuthMethod', 'None']];
  await (await Attacker.connect(t, target)).refused(named, 0x0201);
});
