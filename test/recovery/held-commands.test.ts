/** What is kept of a session that is away, and in which order it goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IscsiError } from '../../src/errors.ts';
import { SessionCounters, UnitCounters } from '../../src/initiator/counters.ts';
import type { InitiatorTask } from '../../src/initiator/initiator-task.ts';
import type { Carrier } from '../../src/initiator/session-port.ts';
import { MOST_REPEATS } from '../../src/recovery/fate.ts';
import { HeldCommands, type HeldCommandsOptions } from '../../src/recovery/held-commands.ts';
import { writeReadCdb, writeWriteCdb } from '../../src/scsi/fast.ts';
import { WriteLog } from '../../src/scsi/write-log.ts';

const sentError = new IscsiError('ISCSI_CONNECTION_LOST', 'Lost', { commandSent: true });
const unsentError = new IscsiError('ISCSI_CONNECTION_LOST', 'Lost', { commandSent: false });

function world(usual: 'fail' | 'wait' | 'retry' = 'retry', more: Partial<HeldCommandsOptions> = {}) {
  const log = new WriteLog();
  const state = { now: 1000, wakes: 0 };
  const held = new HeldCommands({
    now: () => state.now,
    usual,
    writesOf: () => log,
    wake: () => void state.wakes++,
    ...more,
  });
  /** What the tasks were settled with, by name, in order. */
  const settled: string[] = [];
  const name = new Map<InitiatorTask, string>();
  const submitted: string[] = [];
  const next: Carrier = {
    newTask: () => held.newTask(),
    submit: (task) => void submitted.push(name.get(task) ?? '?'),
    abort: () => assert.fail('nothing is aborted here'),
    tasks: { forEach: () => undefined },
  };
  const make = (title: string, fields: Partial<InitiatorTask> = {}): InitiatorTask => {
    const task = held.newTask();
    writeReadCdb(task.cdb, 0, 0, 1);
    task.repeatable = true;
    task.timeout = 100;
    task.deadline = state.now + 100;
    Object.assign(task, fields);
    name.set(task, title);
    task.settle = (_, error) => void settled.push(`${title} ${error?.code} ${error?.commandSent}`);
    return task;
  };
  const write = (title: string, at: number): InitiatorTask => {
    const task = make(title, { writeOrder: log.note(at, at + 8) });
    writeWriteCdb(task.cdb, 0, at, 8);
    return task;
  };
  return { held, log, state, settled, submitted, next, make, write };
}

test('what was sent goes on before what was not, each in its order, whatever order it is handed over in', () => {
  const { held, submitted, next, make } = world();
  held.submit(make('new'));
  const sent = (title: string, cmdSN: number) => make(title, { cmdSN });
  const queued = (title: string, place: number) => make(title, { queuedAt: place });
  held.takeOver(queued('queued 2', 9), unsentError);
  held.takeOver(sent('sent 3', 2), sentError);
  held.takeOver(queued('queued 1', 4), unsentError);
  held.takeOver(sent('sent 1', 0xffff_ffff), sentError); // numbers wrap
  held.takeOver(sent('sent 2', 1), sentError);
  held.sort();
  held.release(0, 0, next);
  assert.deepEqual(submitted, ['sent 1', 'sent 2', 'sent 3', 'queued 1', 'queued 2', 'new']);
  assert.equal(held.size, 0);
  assert.equal(held.nextDeadline, Number.POSITIVE_INFINITY);
});

test('of writes to the same blocks the last one that was sent is kept, and all that were not', () => {
  const { held, settled, submitted, next, write } = world();
  const [first, beside, second, unsent] = [
    write('first', 0),
    write('beside', 8),
    write('second', 7),
    write('unsent', 7),
  ];
  for (const [cmdSN, task] of [first, beside, second].entries()) {
    task.cmdSN = cmdSN;
    held.takeOver(task, sentError);
  }
  held.takeOver(unsent, unsentError);
  held.sort();
  assert.deepEqual(settled, ['first ISCSI_CONNECTION_LOST true', 'beside ISCSI_CONNECTION_LOST true']);
  held.release(0, 0, next);
  assert.deepEqual(submitted, ['second', 'unsent']);
});

test('what becomes of a command is its own choice before that of the session', () => {
  for (const [usual, kept] of [
    ['retry', ['sent', 'unsent']],
    ['wait', ['unsent']],
    ['fail', []],
  ] as const) {
    const { held, submitted, next, make } = world(usual);
    held.takeOver(make('sent'), sentError);
    held.takeOver(make('unsent'), unsentError);
    held.takeOver(make('fails', { onLoss: 'fail' }), unsentError);
    held.sort();
    held.release(0, 0, next);
    assert.deepEqual(submitted, [...kept]);
  }
});

test('a CDB of the caller, and one that was sent too often, is not sent again', () => {
  const { held, settled, make } = world();
  held.takeOver(make('raw', { repeatable: false }), sentError);
  held.takeOver(make('often', { repeats: MOST_REPEATS }), sentError);
  held.sort();
  assert.deepEqual(settled, ['raw ISCSI_CONNECTION_LOST true', 'often ISCSI_CONNECTION_LOST true']);
});

test('deadlines, aborts and the end say whether a command was sent', () => {
  const { held, state, settled, make } = world();
  const [late, aborted, sent, unsent, after] = ['late', 'aborted', 'sent', 'unsent', 'after'].map((title) =>
    make(title),
  );
  for (const task of [late, aborted, sent]) if (task !== undefined) held.takeOver(task, sentError);
  for (const task of [aborted, sent]) if (task !== undefined) task.deadline = Number.POSITIVE_INFINITY;
  held.sort();
  if (unsent !== undefined) {
    unsent.timeout = Number.POSITIVE_INFINITY;
    held.submit(unsent);
  }
  assert.equal(held.nextDeadline, 1100);
  held.look(1099);
  state.now = 1100;
  held.look(1100);
  if (aborted !== undefined) held.abort(aborted, 0, new IscsiError('ISCSI_ABORTED', 'Aborted'));
  if (aborted !== undefined) held.abort(aborted, 0, new IscsiError('ISCSI_ABORTED', 'Aborted'));
  const over = new IscsiError('ISCSI_CONNECTION_LOST', 'Given up');
  held.shut(over, over);
  if (after !== undefined) held.submit(after);
  assert.deepEqual(settled, [
    'late ISCSI_TIMEOUT true',
    'aborted ISCSI_ABORTED true',
    'sent ISCSI_CONNECTION_LOST true',
    'unsent ISCSI_CONNECTION_LOST false',
    'after ISCSI_CLOSED false',
  ]);
});

test('what comes too late is not sent any more, and the rest has what is left of its time', () => {
  const { held, state, settled, submitted, next, make } = world();
  const [late, inTime] = [make('late'), make('in time', { timeout: 500 })];
  held.submit(late);
  held.submit(inTime);
  state.now = 1200;
  held.release(0, 0, next);
  assert.deepEqual([settled, submitted, inTime.timeout], [['late ISCSI_TIMEOUT false'], ['in time'], 300]);
});

test('logical units go on one by one', () => {
  const { held, settled, submitted, next, make } = world();
  const at = (title: string, lunHigh: number) => make(title, { lunHigh });
  for (const task of [at('a', 1), at('b', 2), at('c', 1)]) held.submit(task);
  assert.deepEqual([held.has(1, 0), held.has(2, 0), held.has(3, 0)], [true, true, false]);
  held.release(1, 0, next);
  assert.deepEqual(submitted, ['a', 'c']);
  held.fail(2, 0, new IscsiError('ISCSI_IDENTITY', 'Another one'));
  assert.deepEqual(settled, ['b ISCSI_IDENTITY false']);
});

test('what settles here is counted once, what goes on is a retry if it was sent, and whoever watches is told once', () => {
  const counters = new SessionCounters();
  const unit = new UnitCounters(counters);
  const told: string[] = [];
  const observer = {
    watchesCommands: true,
    watchesPdus: false,
    commandStarted: () => assert.fail('nothing starts here'),
    commandEnded: (_: InitiatorTask, error: IscsiError | undefined) => void told.push(String(error?.code)),
    pduSent: () => undefined,
    pduReceived: () => undefined,
  };
  const { held, next, make, submitted } = world('retry', { counters, observer });
  const counted = (title: string, fields: Partial<InitiatorTask> = {}) => make(title, { counters: unit, ...fields });
  const numbers = (): readonly number[] => [
    counters.kinds.reduce((sum, { commands }) => sum + commands, 0),
    unit.kinds.reduce((sum, { commands }) => sum + commands, 0),
    counters.retries,
    unit.retries,
  ];
  held.takeOver(counted('refused', { repeatable: false, cmdSN: 1 }), sentError);
  held.takeOver(counted('again', { cmdSN: 2 }), sentError);
  held.takeOver(counted('unsent'), unsentError);
  assert.deepEqual(numbers(), [0, 0, 0, 0], 'nothing is decided yet');
  held.sort();
  assert.deepEqual(numbers(), [1, 1, 0, 0]);
  assert.deepEqual(told, [], 'the session that was lost has told of it');
  const aborted = counted('aborted');
  held.submit(aborted);
  held.abort(aborted, 0, new IscsiError('ISCSI_ABORTED', 'Aborted'));
  held.submit(counted('too late', { onLoss: 'fail' }));
  assert.deepEqual(numbers(), [3, 3, 0, 0]);
  assert.deepEqual([told, counters.lost, counters.aborted], [['ISCSI_ABORTED', 'ISCSI_CLOSED'], 1, 1]);
  held.release(0, 0, next);
  assert.deepEqual(submitted, ['again', 'unsent']);
  assert.deepEqual(numbers(), [3, 3, 1, 1], 'the next session counts the rest');
});

test('what was handed over and is not sorted yet can be aborted, and ends with the session', () => {
  const { held, settled, submitted, next, make } = world();
  const tasks = ['aborted', 'closed', 'sent'].map((title) => make(title));
  for (const [at, task] of tasks.entries()) held.takeOver(task, at === 2 ? sentError : unsentError);
  if (tasks[0] !== undefined) held.abort(tasks[0], 0, new IscsiError('ISCSI_ABORTED', 'Aborted'));
  assert.deepEqual(settled, ['aborted ISCSI_ABORTED false']);
  held.shut(new IscsiError('ISCSI_CLOSED', 'Closed'), undefined);
  assert.deepEqual(settled.slice(1), ['sent ISCSI_CLOSED true', 'closed ISCSI_CLOSED false']);
  held.sort();
  held.release(0, 0, next);
  assert.deepEqual([settled.length, submitted.length, held.size], [3, 0, 0]);
});

test('a command that the session still carries is aborted there', () => {
  const elsewhere: unknown[] = [];
  const { held, settled, make } = world('retry', { abortElsewhere: (task, tag) => void elsewhere.push(task, tag) });
  const task = make('under way');
  held.abort(task, 7, new IscsiError('ISCSI_ABORTED', 'Aborted'));
  assert.deepEqual([elsewhere, settled], [[task, 7], []]);
});

test('a command that was sent once stays sent, also when the next session had not come to it', () => {
  const { held, settled, submitted, next, make } = world();
  const task = make('sent before', { repeats: 1, phase: 'queued', queuedAt: 2 });
  held.takeOver(make('new', { phase: 'queued', queuedAt: 1 }), unsentError);
  held.takeOver(task, sentError);
  held.takeOver(make('sent now', { cmdSN: 9 }), sentError);
  held.sort();
  held.abort(task, 0, new IscsiError('ISCSI_ABORTED', 'Aborted'));
  assert.deepEqual(settled, ['sent before ISCSI_ABORTED true']);
  held.release(0, 0, next);
  assert.deepEqual(submitted, ['sent now', 'new']);
});
