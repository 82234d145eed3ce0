import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError, ProtocolError } from '../../src/errors.ts';
import { TagTable } from '../../src/initiator/tag-table.ts';
import { InitiatorRig } from '../support/initiator-rig.ts';
import { NIL } from '../support/speaker/pdu.ts';

test('find() gives the task of a tag, nothing for a tag that was given up, and refuses one that was never given out', () => {
  const table = new TagTable<{ initiatorTaskTag: number }>();
  const first = { initiatorTaskTag: NIL };
  table.add(first);
  const tag = first.initiatorTaskTag;
  assert.equal(table.find(tag), first);
  table.remove(first);
  assert.equal(table.find(tag), undefined);
  assert.equal(table.size, 0);
  const second = { initiatorTaskTag: NIL };
  table.add(second);
  assert.notEqual(second.initiatorTaskTag, tag);
  assert.equal(table.find(tag), undefined, 'not taken for the task that has the slot now');
  for (const stranger of [NIL, (tag + 1) >>> 0, (second.initiatorTaskTag + 0x0001_0000) >>> 0, 0x0000_ffff]) {
    assert.throws(() => table.find(stranger), ProtocolError, stranger.toString(16));
  }
});

test('remove() of a task that was taken out before, or whose slot another one has, does nothing', () => {
  const table = new TagTable<{ initiatorTaskTag: number }>();
  const [first, second] = [{ initiatorTaskTag: NIL }, { initiatorTaskTag: NIL }];
  table.add(first);
  table.remove(first);
  table.remove(first);
  table.add(second);
  table.remove(first);
  assert.equal(table.find(second.initiatorTaskTag), second);
  assert.equal(table.size, 1);
});

test('add() fills 65536 slots, then refuses; the reserved tag is never among them, over all generations', () => {
  const table = new TagTable<{ initiatorTaskTag: number }>();
  const tags = new Set<number>();
  let last = { initiatorTaskTag: NIL };
  for (let count = 0; count < 65_536; count++) {
    last = { initiatorTaskTag: NIL };
    table.add(last);
    tags.add(last.initiatorTaskTag);
  }
  assert.equal(tags.size, 65_536);
  assert.equal(table.full, true);
  assert.throws(
    () => table.add({ initiatorTaskTag: NIL }),
    (error) => error instanceof IscsiError && error.code === 'ISCSI_USAGE',
  );
  for (let generation = 0; generation < 70_000; generation++) {
    table.remove(last);
    table.add(last);
    assert.notEqual(last.initiatorTaskTag, NIL);
    assert.equal(table.find(last.initiatorTaskTag), last);
  }
});

test('a session that has as many commands as it can settles the next one at once, and can still abort', () => {
  const rig = InitiatorRig.loggedIn({ window: 1 });
  const first = rig.submit({ timeout: 8000 });
  let refused = 0;
  for (let count = 0; count < 65_535; count++) {
    if (rig.submit().error?.code === 'ISCSI_USAGE') refused++;
  }
  assert.ok(refused > 0 && refused < 1000, `${refused} refused`);
  rig.take();
  rig.advance(6000);
  const abort = rig.takeOne(0x02);
  rig.give(rig.voice.taskManagementResponse(abort.tag));
  assert.deepEqual([first.settled, first.error?.code], [1, 'ISCSI_TIMEOUT']);
  assert.deepEqual(rig.ends, []);
});
