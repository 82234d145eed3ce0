import { cdb, IscsiError, openSession } from 'tsiscsi';

const url = process.argv[2] ?? 'iscsi://127.0.0.1:3260/iqn.2026-11.dev.tsiscsi:target/0';
await using session = await openSession(url);
for (const lun of await session.reportLuns()) {
  const dataIn = new Uint8Array(36);
  const { status, dataInLength } = await session.execute(lun, {
    cdb: cdb('INQUIRY', { allocationLength: 36 }),
    dataIn,
  });
  console.log(`LUN ${lun.text}: status ${status}, ${dataInLength} bytes`);
}
try {
  await session.logicalUnit(99);
} catch (error) {
  if (error instanceof IscsiError) console.log(`${error.code}: ${error.message}; ${error.hint}`);
}
