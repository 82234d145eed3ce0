import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { connect, discover } from 'tsiscsi';

const portal = process.argv[2] ?? 'iscsi://127.0.0.1:3260';
const file = process.argv[3] ?? 'copy.img';

for await (const { name } of discover(portal)) {
  await using lun = await connect(`${portal}/${name}/0`, { signal: AbortSignal.timeout(60_000) });
  await pipeline(lun.createReadStream(), createWriteStream(file));
  console.log(`${name}: ${lun.size} bytes to ${file}`);
  break;
}
