/** Requests that are no SCSI commands: whose turn it is, and what becomes of one that its caller gives up. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import type { Exchange, SettleExchange } from '../../src/initiator/exchange.ts';
import { InitiatorRig } from '../support/initiator-rig.ts';
import { NIL } from '../support/speaker/pdu.ts';

const EMPTY = new Uint8Array(0);
const LATER = 1_000_000;
const ENOUGH = new IscsiError('ISCSI_ABORTED', 'Enough');
const RESET = { functionCode: 5, lunHigh: 0, lunLow: 0, referencedTaskTag: NIL, refCmdSN: 0 };

type Ask = (rig: InitiatorRig, deadline: number, settle: SettleExchange) => Exchange;

const KINDS = [
  {
    name: 'text',
    opcode: 0x04,
    ask: (rig, deadline, settle) => rig.session.text(EMPTY, deadline, settle),
    answer: (rig: InitiatorRig, tag: number) => rig.voice.textResponse(tag, EMPTY),
  },
  {
    name: 'task management function',
    opcode: 0x02,
    ask: (rig, deadline, settle) => rig.session.taskManagement(RESET, deadline, settle),
    answer: (rig: InitiatorRig, tag: number) => rig.voice.taskManagementResponse(tag),
  },
] as const satisfies readonly { name: string; opcode: number; ask: Ask; answer: unknown }[];

function asked(
  rig: InitiatorRig,
  ask: Ask,
  deadline = LATER,
): ReturnType<InitiatorRig['ask']> & { exchange: Exchange } {
  let exchange: Exchange | undefined;
  const result = rig.ask((settle) => {
    exchange = ask(rig, deadline, settle);
  });
  assert.ok(exchange !== undefined);
  return Object.assign(result, { exchange });
}

for (const { name, opcode, ask, answer } of KINDS) {
  test(`one ${name} is under way at a time, the others wait in the order of the calls`, () => {
    const rig = InitiatorRig.loggedIn();
    const all = [1, 2, 3].map(() => asked(rig, ask));
    for (const one of all) {
      const request = rig.takeOne(opcode);
      assert.equal(request.tag, one.exchange.initiatorTaskTag);
      rig.give(answer(rig, request.tag));
      assert.deepEqual([one.settled, one.error], [1, undefined]);
    }
    assert.deepEqual(rig.take(), []);
  });

  test(`a ${name} that is withdrawn before its turn is never sent`, () => {
    const rig = InitiatorRig.loggedIn();
    const first = asked(rig, ask);
    const second = asked(rig, ask);
    rig.session.withdraw(second.exchange, ENOUGH);
    assert.deepEqual([second.settled, second.error], [1, ENOUGH]);
    rig.give(answer(rig, rig.takeOne(opcode).tag));
    assert.equal(first.settled, 1);
    assert.deepEqual(rig.take(), []);
    rig.assertAlive();
  });

  test(`a ${name} that is withdrawn under way settles at once; its answer is dropped, and lets the next one go`, () => {
    const rig = InitiatorRig.loggedIn();
    const first = asked(rig, ask);
    const second = asked(rig, ask);
    const request = rig.takeOne(opcode);
    rig.session.withdraw(first.exchange, ENOUGH);
    assert.deepEqual([first.settled, first.error], [1, ENOUGH]);
    assert.deepEqual(rig.take(), [], 'the target has not answered the first one yet');
    rig.give(answer(rig, request.tag));
    assert.equal(first.settled, 1);
    rig.give(answer(rig, rig.takeOne(opcode).tag));
    assert.deepEqual([second.settled, second.error], [1, undefined]);
  });

  test(`a ${name} whose time is up before its turn settles, was not sent, and costs no session`, () => {
    const rig = InitiatorRig.loggedIn();
    const first = asked(rig, ask);
    const second = asked(rig, ask, rig.now + 300);
    const request = rig.takeOne(opcode);
    rig.advance(300);
    assert.deepEqual([second.settled, second.error?.code, second.error?.commandSent], [1, 'ISCSI_TIMEOUT', false]);
    assert.deepEqual([first.settled, rig.ends], [0, []]);
    rig.give(answer(rig, request.tag));
    assert.equal(first.settled, 1);
    assert.deepEqual(rig.take(), []);
    rig.assertAlive();
  });

  test(`an answer to a ${name} that was not sent ends the session`, () => {
    const rig = InitiatorRig.loggedIn();
    asked(rig, ask);
    const second = asked(rig, ask);
    rig.takeOne(opcode);
    rig.give(answer(rig, second.exchange.initiatorTaskTag));
    assert.deepEqual([second.settled, second.error?.code], [1, 'ISCSI_PROTOCOL']);
    rig.assertEnded('ISCSI_PROTOCOL');
  });
}

test('a lost session says of each request whether it was sent', () => {
  const rig = InitiatorRig.loggedIn();
  const [first, second] = [asked(rig, KINDS[0].ask), asked(rig, KINDS[0].ask)];
  rig.take();
  rig.connection.ended();
  assert.deepEqual([first.error?.commandSent, second.error?.commandSent], [true, false]);
  const late = asked(rig, KINDS[0].ask);
  assert.deepEqual([late.settled, late.error?.code, late.error?.commandSent], [1, 'ISCSI_CLOSED', false]);
});

test('a withdrawn request that is never answered ends the session at its deadline, and is not told twice', () => {
  const rig = InitiatorRig.loggedIn();
  const ping = rig.ask((settle) => {
    const exchange = rig.session.nop(EMPTY, rig.now + 500, settle);
    rig.session.withdraw(exchange, ENOUGH);
  });
  rig.take();
  rig.advance(500);
  assert.equal(ping.settled, 1);
  rig.assertEnded('ISCSI_TIMEOUT');
});

test('thousands of aborts of which all but the first are answered meanwhile need no deep stack', () => {
  const rig = InitiatorRig.loggedIn({ window: 20_000 });
  const reads = Array.from({ length: 20_000 }, () => rig.submit({ dataIn: new Uint8Array(4) }));
  rig.take();
  for (const read of reads) rig.session.abort(read.task, read.tag, ENOUGH);
  const abort = rig.takeOne(0x02);
  rig.give(...reads.slice(1).map(({ tag }) => rig.voice.dataIn(tag, new Uint8Array(4), { status: 0 })));
  assert.ok(reads.slice(1).every(({ settled, error }) => settled === 1 && error === undefined));
  rig.give(rig.voice.taskManagementResponse(abort.tag));
  assert.deepEqual([reads[0]?.settled, reads[0]?.error], [1, ENOUGH]);
  assert.deepEqual(rig.take(), [], 'none of the others is asked for any more');
  rig.assertAlive();
});

test('a reset that its caller has given up still ends its commands when the target says so', () => {
  const rig = InitiatorRig.loggedIn();
  const command = rig.submit();
  const reset = asked(rig, KINDS[1].ask);
  const request = rig.take().find(({ opcode }) => opcode === 0x02);
  rig.session.withdraw(reset.exchange, ENOUGH);
  rig.give(rig.voice.taskManagementResponse(request?.tag ?? NIL));
  assert.deepEqual([command.settled, command.error?.code, reset.settled], [1, 'ISCSI_ABORTED', 1]);
  rig.assertAlive();
});
