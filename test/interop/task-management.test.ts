/** Task management against tgt, a target that we did not write; what goes over the wire is read by tshark. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openSession } from '../../src/index.ts';
import { until } from '../support/loop-time.ts';
import { readFields } from '../support/oracle.ts';
import { requirePeer } from '../support/peers.ts';
import { type Relay, startRelay } from '../support/relay.ts';
import { startTgtd } from '../support/tgtd.ts';
import { relayProblems } from '../support/watch.ts';

const NAME = 'iqn.2003-01.org.example:disk';
const TASK_MANAGEMENT = 0x02;
const WRITE_10 = 0x2a;
const NIL = 0xffff_ffff;
const LUN = 1;

/** tgtd behind a relay that records, and a session through it. */
async function throughRelay(t: TestContext) {
  const tgtd = await startTgtd(t, { targets: [{ name: NAME, luns: [{ sizeMiB: 1 }, { sizeMiB: 1 }] }] });
  const relay = await startRelay(t, { to: tgtd.port });
  const options = { headerDigest: 'none', dataDigest: 'none', timeout: 10_000 } as const;
  const session = await openSession(`iscsi://127.0.0.1:${relay.port}/${NAME}`, options);
  t.after(() => session.close());
  for (const lun of [LUN, 2]) while ((await session.execute(lun, { cdb: new Uint8Array(6) })).status !== 0);
  return { tgtd, relay, session };
}

/** The task management requests of the only connection, as tshark reads them. */
async function functionsIn(relay: Relay, port: number) {
  const fields = [
    'iscsi.opcode',
    'iscsi.I',
    'iscsi.taskmanfun.function',
    'scsi.lun',
    'iscsi.taskmanfun.referencedtasktag',
    'iscsi.initiatortasktag',
    'iscsi.cmdsn',
    'iscsi.refcmdsn',
    'iscsi.expdatasn',
  ] as const;
  const rows = await readFields(relay.connections[0]?.recording() ?? [], port, fields);
  return rows.filter((row) => Number(row['iscsi.opcode'][0]) === TASK_MANAGEMENT);
}

test('tgtd answers every function that a session has a name for, and tshark reads what was meant', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  if (!requirePeer(t, 'tshark', 'tshark')) return;
  const { tgtd, relay, session } = await throughRelay(t);
  const task = { initiatorTaskTag: 0x7777, cmdSN: 0, lun: { high: 0x0001_0000, low: 0 } };
  const outcomes = [
    await session.abortTask(task),
    await session.abortTaskSet(LUN),
    await session.clearAca(LUN),
    await session.clearTaskSet(LUN),
    await session.logicalUnitReset(LUN),
    await session.targetWarmReset(),
    await session.taskReassign(task, { expDataSN: 3 }),
  ];
  t.diagnostic(outcomes.map(({ functionName, response }) => `${functionName}: ${response}`).join(', '));
  for (const { response, responseCode } of outcomes) assert.notEqual(response, 'reserved', `${responseCode}`);
  for (const outcome of outcomes.filter(({ functionCode }) => [2, 5].includes(functionCode))) {
    assert.equal(outcome.response, 'functionComplete', outcome.functionName);
  }
  assert.equal(outcomes[6]?.done, false, 'recovery level 0');
  await session.close();

  const rows = await functionsIn(relay, tgtd.port);
  const numbers = (name: keyof (typeof rows)[number]): number[] => rows.map((row) => Number(row[name][0]));
  assert.deepEqual(numbers('iscsi.taskmanfun.function'), [1, 2, 3, 4, 5, 6, 8]);
  assert.deepEqual(numbers('iscsi.taskmanfun.referencedtasktag'), [0x7777, NIL, NIL, NIL, NIL, NIL, 0x7777]);
  assert.deepEqual(numbers('scsi.lun').slice(0, 5), [1, 1, 1, 1, 1]);
  assert.equal(new Set(numbers('iscsi.cmdsn')).size, 1, 'immediate: none uses a CmdSN up');
  assert.deepEqual(await relayProblems(relay, tgtd.port), []);
});

test('a LUN reset ends the write at tgtd whose data is on its way, and leaves the other logical unit alone', async (t) => {
  if (!requirePeer(t, 'tgtd', 'tgt')) return;
  const { session } = await throughRelay(t);
  const length = 256 * 1024;
  const cdb = Uint8Array.of(WRITE_10, 0, 0, 0, 0, 0, 0, length >>> 17, (length >>> 9) & 0xff, 0);
  const settled = new Map<string, number>();
  const count = (how: string): void => void settled.set(how, (settled.get(how) ?? 0) + 1);
  const writes = [LUN, 2].flatMap((lun) =>
    Array.from({ length: 8 }, () =>
      session.execute(lun, { cdb, dataOut: new Uint8Array(length) }).then(
        ({ status }) => count(`${lun}: status ${status}`),
        ({ code, functionName }: { code: string; functionName: string }) => count(`${lun}: ${code} ${functionName}`),
      ),
    ),
  );
  await until(() => session.commandsUnderWay().some(({ cmdSN }) => cmdSN !== undefined), 'the writes to be sent');
  assert.equal((await session.logicalUnitReset(LUN)).response, 'functionComplete');
  await Promise.all(writes);
  t.diagnostic([...settled].map(([how, many]) => `${how}: ${many}`).join(', '));
  assert.equal(settled.get('2: status 0'), 8, 'the other logical unit felt nothing');
  const here = [...settled.keys()].filter((how) => how.startsWith(`${LUN}:`));
  const known = [`${LUN}: status 0`, `${LUN}: status 64`, `${LUN}: ISCSI_ABORTED LOGICAL UNIT RESET`];
  assert.deepEqual(
    here.filter((how) => !known.includes(how)),
    [],
  );
  assert.equal(
    [...settled.values()].reduce((sum, many) => sum + many, 0),
    16,
    'each settled, once',
  );
  assert.equal(session.open, true);
  await session.close();
});
