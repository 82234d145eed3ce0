/** Portals as they are: what they list, and how. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import { type DiscoveredTarget, discover } from '../../src/client/discover.ts';
import { RawTarget } from '../support/raw-target.ts';
import { keyText } from '../support/speaker/data.ts';

const NAME = 'iqn.2003-01.org.example';

/** The targets that a portal lists by sending `parts`, one PDU each. */
async function listed(t: TestContext, ...parts: readonly Uint8Array[]) {
  const target = await RawTarget.listen(t, {
    onPdu: (pdu, { voice, socket }) => {
      if (pdu.opcode !== 0x04) return false;
      const next = pdu.word(20) === 0xffff_ffff ? 0 : pdu.word(20);
      const final = next + 1 >= parts.length;
      const flags = final ? {} : { flags: 0, transferTag: next + 1 };
      socket.write(voice.textResponse(pdu.tag, parts[next] ?? new Uint8Array(0), flags));
      return true;
    },
  });
  const found: DiscoveredTarget[] = [];
  let longest = 0;
  let last = performance.now();
  const watch = setInterval(() => {
    longest = Math.max(longest, performance.now() - last - 5);
    last = performance.now();
  }, 5);
  try {
    for await (const one of discover(`iscsi://127.0.0.1:${target.port}`)) found.push(one);
  } finally {
    clearInterval(watch);
  }
  return { found, port: target.port, longest };
}

test('a wildcard address means the host that was asked', async (t) => {
  for (const wildcard of ['0.0.0.0', '[::]', '[0:0:0:0:0:0:0:0]']) {
    const { found } = await listed(
      t,
      keyText({ TargetName: `${NAME}:a`, TargetAddress: `${wildcard}:3261,1` }),
      keyText({ TargetName: `${NAME}:b`, TargetAddress: '192.0.2.1:3260,2' }),
    );
    assert.deepEqual(
      found.map(({ portals }) => portals),
      [
        [{ host: '127.0.0.1', port: 3261, portalGroupTag: 1, text: '127.0.0.1:3261,1' }],
        [{ host: '192.0.2.1', port: 3260, portalGroupTag: 2, text: '192.0.2.1:3260,2' }],
      ],
    );
  }
});

test('a redirect to a wildcard address leads to the host that was asked', async (t) => {
  const there = await RawTarget.listen(t);
  const here = await RawTarget.listen(t, {
    onPdu: (pdu, connection) => {
      if (pdu.opcode !== 0x03) return false;
      const text = keyText({ TargetAddress: `0.0.0.0:${there.port}` });
      connection.send(connection.voice.loginResponse(pdu, text, { status: 0x0101 }));
      return true;
    },
  });
  const lun = await connect(here.url());
  assert.equal(lun.session.targetPortal, `127.0.0.1:${there.port}`);
  await lun.close();
});

test('one name that nobody can log in by hides no other, and neither do addresses that cannot be read', async (t) => {
  const { found, port } = await listed(
    t,
    keyText({ TargetName: `${NAME}:first` }),
    keyText({ TargetName: '' }),
    keyText({ TargetName: `${NAME}:\u0007` }),
    keyText({ TargetName: `${NAME}:lost`, TargetAddress: '::::bad' }),
    keyText({ TargetName: `${NAME}:last`, TargetAddress: '192.0.2.1:3260,1' }),
  );
  assert.deepEqual(
    found.map(({ name, portals, unreadable, problem }) => [
      name,
      portals.map(({ text }) => text),
      unreadable,
      problem?.code,
    ]),
    [
      [`${NAME}:first`, [`127.0.0.1:${port}`], [], undefined],
      ['', [`127.0.0.1:${port}`], [], 'ISCSI_PROTOCOL'],
      [`${NAME}:\u0007`, [`127.0.0.1:${port}`], [], 'ISCSI_PROTOCOL'],
      [`${NAME}:lost`, [], ['::::bad'], undefined],
      [`${NAME}:last`, ['192.0.2.1:3260,1'], [], undefined],
    ],
  );
});

test('15 MiB of names take a small part of the memory that they took, and nobody waits for them for long', async (t) => {
  const one = keyText({ TargetName: `${NAME}:${'n'.repeat(199)}` });
  const part = new Uint8Array(256 * 1024 - ((256 * 1024) % one.length));
  for (let at = 0; at < part.length; at += one.length) part.set(one, at);
  const before = process.memoryUsage().rss;
  const { found, longest } = await listed(t, ...Array.from({ length: 58 }, () => part));
  assert.equal(found.length, 58 * (part.length / one.length));
  const grown = (process.memoryUsage().rss - before) / 1024 / 1024;
  t.diagnostic(`${found.length} targets, ${grown.toFixed(0)} MiB, longest turn ${longest.toFixed(0)} ms`);
  assert.ok(grown < 300, `${grown} MiB`);
});

test('more than anybody has, and text that is none, are refused', async (t) => {
  const one = keyText({ TargetName: 'a' });
  const part = new Uint8Array(one.length * 20_000);
  for (let at = 0; at < part.length; at += one.length) part.set(one, at);
  await assert.rejects(listed(t, part, part, part, part), { code: 'ISCSI_PROTOCOL', message: /65536 targets/ });
  await assert.rejects(listed(t, Uint8Array.of(65, 66, 0)), { code: 'ISCSI_PROTOCOL' });
});
