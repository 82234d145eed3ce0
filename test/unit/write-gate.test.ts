import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScsiTask } from '../../src/scsi/scsi-task.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { WriteGate } from '../../src/unit/write-gate.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { seededRandom } from '../pdu/random.ts';
import { RawDiskPort } from './raw-disk-port.ts';

const patiently = (turn: Promise<void>): Promise<void> => turn;

test('nobody is inside beside one who is alone, whoever gives up when, and everyone else gets a turn', async () => {
  const random = seededRandom();
  const gate = new WriteGate();
  let inside = 0;
  let alone = 0;
  let done = 0;
  let gaveUp = 0;
  const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, random.below(4)));
  const impatiently = (turn: Promise<void>): Promise<void> =>
    Promise.race([turn, pause().then(() => Promise.reject(new Error('enough')))]);
  const shared = async (wait: typeof patiently): Promise<void> => {
    if (gate.open) gate.enter();
    else await gate.pass(wait);
    inside++;
    assert.equal(alone, 0, random.note);
    await pause();
    inside--;
    gate.leave();
    done++;
  };
  const exclusive = (wait: typeof patiently): Promise<void> =>
    gate.alone(wait, async () => {
      alone++;
      assert.deepEqual([alone, inside], [1, 0], random.note);
      await pause();
      alone--;
      done++;
    });
  const work: Promise<void>[] = [];
  for (let at = 0; at < 400; at++) {
    const one = random.below(3) === 0 ? exclusive : shared;
    const wait = random.below(3) === 0 ? impatiently : patiently;
    work.push(
      one(wait).catch((error: Error) => {
        assert.equal(error.message, 'enough', random.note);
        gaveUp++;
      }),
    );
    if (random.below(4) === 0) await pause();
  }
  await Promise.all(work);
  assert.equal(done + gaveUp, 400);
  assert.ok(gaveUp > 0 && gate.open, `${gaveUp} gave up`);
});

test('turns are had in the order of the calls', async () => {
  const gate = new WriteGate();
  const order: string[] = [];
  gate.enter();
  const first = gate.alone(patiently, async () => void order.push('alone 1'));
  const second = gate.pass(patiently).then(() => {
    order.push('shared 2');
    gate.leave();
  });
  const third = gate.alone(patiently, async () => void order.push('alone 3'));
  assert.equal(gate.open, false);
  gate.leave();
  await Promise.all([first, second, third]);
  assert.deepEqual(order, ['alone 1', 'shared 2', 'alone 3']);
});

/** A port that has no task left, when it is told so. */
class BarePort extends RawDiskPort {
  bare = false;

  override newTask(): ScsiTask {
    if (this.bare) throw new Error('no task left');
    return super.newTask();
  }
}

test('a write for which there is no task holds up no later one', async () => {
  const port = new BarePort(new RawDisk());
  const lun = await LogicalUnit.open(port);
  port.bare = true;
  await assert.rejects(lun.write(new Uint8Array(512), { position: 0 }), /no task left/);
  port.bare = false;
  await lun.write(new Uint8Array(5).fill(3), { position: 7 }); // goes through the gate alone
  assert.equal((await lun.read(new Uint8Array(512), { position: 0 })).buffer[7], 3);
});
