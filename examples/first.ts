import { connect } from 'tsiscsi';
import { createTarget } from 'tsiscsi/target';

await using target = await createTarget({ luns: [{ memory: '64M' }] }).listen({ port: 0 });
await using lun = await connect(target.url(0));

await lun.write(Buffer.from('hello'), { position: 1000 });
await lun.flush();
const { buffer } = await lun.read(Buffer.alloc(5), { position: 1000 });
console.log(`${lun.size} bytes in blocks of ${lun.blockSize}, and at 1000: ${buffer}`);
