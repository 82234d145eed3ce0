import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Inbox } from '../../src/wire/inbox.ts';
import { WirePdu } from '../../src/wire/wire-pdu.ts';

function pdu(tag: number, length = 0): WirePdu {
  const headers = new Uint8Array(48);
  headers[19] = tag;
  const data = new Uint8Array(length);
  return new WirePdu({ headers, data, padding: data, headerDigest: 'absent', dataDigest: 'absent', arrivedAt: 0 });
}

const tags = (inbox: Inbox) => inbox.all.map(({ initiatorTaskTag }) => initiatorTaskTag);

test('the oldest PDU goes when there are too many', () => {
  const inbox = new Inbox({ pdus: 3, bytes: 1000 });
  for (let tag = 1; tag <= 5; tag++) inbox.put(pdu(tag));
  assert.deepEqual(tags(inbox), [3, 4, 5]);
  assert.equal(inbox.dropped, 2);
});

test('the oldest PDUs go when their data is too much, the newest stays however long it is', () => {
  const inbox = new Inbox({ pdus: 10, bytes: 1000 });
  for (const [tag, length] of [
    [1, 400],
    [2, 400],
    [3, 400],
  ] as const) {
    inbox.put(pdu(tag, length));
  }
  assert.deepEqual(tags(inbox), [2, 3]);
  inbox.put(pdu(4, 2000));
  assert.deepEqual(tags(inbox), [4]);
  assert.equal(inbox.dropped, 3);
});

test('what was taken makes room', () => {
  const inbox = new Inbox({ pdus: 2, bytes: 1000 });
  inbox.put(pdu(1, 900));
  inbox.put(pdu(2));
  assert.equal(inbox.take((candidate) => candidate.initiatorTaskTag === 1)?.initiatorTaskTag, 1);
  inbox.put(pdu(3, 1000));
  assert.deepEqual(tags(inbox), [2, 3]);
  assert.equal(inbox.dropped, 0);
});
