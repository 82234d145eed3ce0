/** `iscsi-ls` at a portal that says what cannot be understood: it is told, and hides nothing else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RawTarget } from '../support/raw-target.ts';
import { runTool } from './run-tool.ts';

const GOOD = 'iqn.2003-01.org.example:good';
const LOST = 'iqn.2003-01.org.example:lost';
const LONG = `iqn.2003-01.org.example:${'x'.repeat(300)}`;
const ANSWER = [
  `TargetName=${GOOD}`,
  'TargetAddress=127.0.0.1:3260,1',
  'TargetAddress=disk[1]:x',
  `TargetName=${LOST}`,
  'TargetAddress=:::',
  `TargetName=${LONG}`,
  'TargetAddress=127.0.0.1:3260,1',
];

/** The URL of a portal with that list. */
async function portal(t: Parameters<typeof RawTarget.listen>[0]): Promise<string> {
  const target = await RawTarget.listen(t, {
    onPdu(pdu, connection) {
      if (pdu.opcode !== 0x04) return false;
      connection.send(connection.voice.textResponse(pdu.tag, Buffer.from(`${ANSWER.join('\0')}\0`)));
      return true;
    },
  });
  return `iscsi://127.0.0.1:${target.port}`;
}

test('an address and a name that cannot be understood are told on stderr, and the exit code says that', async (t) => {
  const { code, stdout, stderr } = await runTool('iscsi-ls', [await portal(t)]);
  assert.equal(code, 6);
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    `Target:${GOOD} Portal:127.0.0.1:3260,1`,
    `Target:${LONG} Portal:127.0.0.1:3260,1`,
  ]);
  assert.match(stderr, new RegExp(`cannot read the address 'disk\\[1\\]:x' of ${GOOD}`));
  assert.match(stderr, new RegExp(`cannot read the address ':::' of ${LOST}`));
  assert.match(stderr, /nobody can log in to iqn.2003-01.org.example:x+: /);
});

test('the JSON document has them beside the target, also one without a portal', async (t) => {
  const { stdout } = await runTool('iscsi-ls', ['--json', await portal(t)]);
  const { targets, complete } = JSON.parse(stdout);
  assert.equal(complete, false);
  const [lost] = targets.filter(({ name }: { name: string }) => name === LOST);
  assert.deepEqual(lost, { name: LOST, portals: [], unreadableAddresses: [':::'] });
  const [good] = targets.filter(({ name }: { name: string }) => name === GOOD);
  assert.deepEqual([good.portals.length, good.unreadableAddresses], [1, ['disk[1]:x']]);
  assert.match(targets.find(({ name }: { name: string }) => name === LONG).problem, /name/);
});
