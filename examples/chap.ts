// Mutual CHAP, in discovery too: each initiator is told of the targets, and sees the logical units, that it may use.
import { connect, discover } from 'tsiscsi';
import { createTarget, generateChapSecret } from 'tsiscsi/target';

const chap = {
  user: 'backup',
  password: generateChapSecret(),
  target: { user: 'store', password: generateChapSecret() },
};
const initiatorName = 'iqn.2003-01.org.example:backup';
const disk = { name: 'iqn.2003-01.org.example:disk', luns: [{ memory: '1M' }, { memory: '2M' }] };
const tape = { name: 'iqn.2003-01.org.example:tape', luns: [{ memory: '4M' }] };

await using target = await createTarget({
  targets: [
    { ...disk, initiators: [{ name: initiatorName, chap, luns: [1] }] },
    { ...tape, initiators: [] },
  ],
}).listen({ port: 0 });

// A function may fetch the credentials from wherever they are kept; it is asked before each login.
const options = { initiatorName, chap: async () => chap };
for await (const { name } of discover(`iscsi://127.0.0.1:${target.port}`, options)) console.log(name);
await using lun = await connect(target.url(1), options);
console.log(`${lun.size} bytes as ${target.sessions[0]?.user}`);
await connect(target.url(1)).catch(({ code, hint }) => console.log(`${code}: ${hint}`));
