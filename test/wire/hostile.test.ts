/** Whatever a peer sends, a raw speaker keeps what it may and says how it ended, and throws nothing at nobody. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OPCODES } from '../../src/spec/iscsi-opcodes.ts';
import type { WireConnection } from '../../src/wire/connection.ts';
import { frame, NO_DIGESTS } from '../../src/wire/draft.ts';
import type { WirePdu } from '../../src/wire/wire-pdu.ts';
import { Random, seeds } from '../simulated/random.ts';
import { pair } from './pair.ts';

const PDUS = 400;
const LIMIT = 64;

/** PDUs whose headers are random but for the opcode, which is often one that exists. */
function sendRandom(random: Random, to: WireConnection): void {
  const known = Object.values(OPCODES);
  for (let sent = 0; sent < PDUS; sent++) {
    const header = random.bytes(48);
    if (!random.onceIn(4)) header[0] = (known[random.below(known.length)] ?? 0) | (random.below(2) << 6);
    if (random.onceIn(2)) header.fill(0xff, 16, 20); // the reserved tag
    const ahs = new Uint8Array(4 * random.below(3));
    const bytes = frame({ header, ahs, data: random.bytes(random.below(40)) }, NO_DIGESTS);
    // A Login Response that ends a login may have switched digests on: from then on these PDUs are garbage as well.
    to.sendBytes(bytes);
  }
}

/** Everything that can be asked of a PDU. */
function ask(pdu: WirePdu): void {
  assert.ok(`${pdu}`.startsWith(pdu.name));
  void pdu.broken;
  for (const key of Object.keys(OPCODES) as (keyof typeof OPCODES)[]) if (pdu.is(key)) pdu.read(key);
}

for (const seed of seeds(6)) {
  test(`any PDUs, of either role and to either role, are seen or counted (SEED=${seed})`, async (t) => {
    const random = new Random(seed);
    const limits = { inbox: { pdus: LIMIT }, segmentLimit: 0xff_ffff };
    let shown = 0;
    const onArrival = (pdu: WirePdu): void => {
      shown++;
      ask(pdu);
    };
    const { initiator, target } = await pair(t, {
      initiator: { ...limits, onArrival },
      target: { ...limits, onArrival },
    });
    for (const [from, to] of [
      [initiator, target],
      [target, initiator],
    ] as const) {
      sendRandom(random, from);
      from.finish();
      const { how } = await to.ended();
      assert.equal(how, 'closed');
      assert.ok(to.unread.length <= LIMIT, `${to.unread.length} PDUs are kept`);
    }
    assert.ok(shown > PDUS / 2, `${shown} PDUs were shown`);
  });

  test(`any bytes end in PDUs, in an end, or in a stream that cannot be read (SEED=${seed})`, async (t) => {
    const random = new Random(seed);
    const { initiator, target } = await pair(t, { target: { inbox: { pdus: LIMIT } } });
    await initiator.sendPieces(random.bytes(1 + random.below(20_000)), 1 + random.below(3_000));
    initiator.finish();
    const { how } = await target.ended();
    assert.ok(how === 'closed' || how === 'unreadable', how);
    for (const pdu of target.unread) ask(pdu);
  });
}
