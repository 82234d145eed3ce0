/**
 * A user's program: every entrance, most of what they give, and a target in this process. consumer.test.ts compiles it
 * against the packed package with the compilers and the settings that users have; it is no part of our own build.
 */
import { createHash } from 'node:crypto';
import { pipeline } from 'node:stream/promises';
import {
  type Capacity,
  type CommandOptions,
  type ConnectOptions,
  cdb,
  connect,
  type DiscoveredTarget,
  discover,
  type ErrorCode,
  IscsiError,
  type IscsiLogicalUnit,
  LoginError,
  openSession,
  parseUrl,
  type ReadStreamOptions,
  redactUrl,
  type ScsiRequest,
  type ScsiResult,
  ScsiStatusError,
  type Session,
  TASK_MANAGEMENT_FUNCTIONS,
  type TaskManagementFunction,
} from 'tsiscsi';
import {
  COMMANDS,
  type CommandName,
  commandTitle,
  type Inquiry,
  nameOf,
  parseCdb,
  readInquiry,
  SCSI_STATUS,
  type ScsiStatusName,
  writeReportLuns,
} from 'tsiscsi/scsi';
import {
  type BlockStore,
  createTarget,
  DEFAULT_TARGET_NAME,
  type ListenOptions,
  type LunDefinition,
  type Target,
  type TargetOptions,
} from 'tsiscsi/target';

const luns: readonly LunDefinition[] = [{ memory: '4M' }, { memory: 1_048_576, readOnly: true, vendor: 'USER' }];
const options: TargetOptions = { luns, parameters: { headerDigest: 'any', dataDigest: 'any' } };
const where: ListenOptions = { host: '127.0.0.1', port: 0 };

await using target: Target = await createTarget(options).listen(where);
const url = target.url(0);
console.log(
  parseUrl(url).targetName === DEFAULT_TARGET_NAME,
  redactUrl('iscsi://user%secret@[::1]/iqn.2026-11.dev:t/0'),
);

const found: DiscoveredTarget[] = [];
for await (const one of discover(`iscsi://127.0.0.1:${target.port}`)) found.push(one);
console.log(found.map(({ name, portals }) => `${name} at ${portals.length} portal`).join());

const settings: ConnectOptions = { timeout: 10_000, dataDigest: 'crc32c', signal: AbortSignal.timeout(30_000) };
await using lun: IscsiLogicalUnit = await connect(url, settings);
await bytes(lun, { timeout: 5_000 });
await using session: Session = await openSession(url, settings);
await scsi(session);
await errors(session);

async function bytes(unit: IscsiLogicalUnit, limits: CommandOptions): Promise<void> {
  await unit.write(Buffer.from('hello'), { position: 1000, ...limits });
  await unit.flush(limits);
  const { buffer, bytesRead } = await unit.read(Buffer.alloc(5), { position: 1000 });
  const range: ReadStreamOptions = { start: 0 };
  const hash = createHash('sha256');
  await pipeline(unit.createReadStream(range), hash);
  console.log(unit.size, bytesRead, buffer.toString(), hash.digest('hex').length);
  const capacity: Capacity | undefined = unit.capacity;
  console.log(capacity?.blockSize);
}

async function scsi(raw: Session): Promise<void> {
  const name: CommandName = 'INQUIRY';
  const dataIn = new Uint8Array(96);
  const request: ScsiRequest = { cdb: cdb(name, { allocationLength: 96 }), dataIn };
  const { status, dataInLength }: ScsiResult = await raw.execute(0, request);
  const inquiry: Inquiry = readInquiry(dataIn.subarray(0, dataInLength));
  const good: ScsiStatusName = 'GOOD';
  console.log(status === SCSI_STATUS[good], nameOf(SCSI_STATUS, status), inquiry.vendorIdentification.length > 0);
  console.log(commandTitle(name), parseCdb(request.cdb)?.name, Object.keys(COMMANDS).length > 20);
  console.log(writeReportLuns([]) instanceof Uint8Array);
  const reset: TaskManagementFunction = { functionCode: TASK_MANAGEMENT_FUNCTIONS.LOGICAL_UNIT_RESET, lun: 0 };
  console.log(await raw.taskManagement(reset), (await raw.nop(Uint8Array.of(1, 2))).length);
}

async function errors(raw: Session): Promise<void> {
  const code: ErrorCode = 'ISCSI_LUN_NOT_FOUND';
  try {
    await raw.logicalUnit(99);
  } catch (error) {
    if (!(error instanceof IscsiError) || error instanceof LoginError || error instanceof ScsiStatusError) throw error;
    console.log(error.code === code, error.hint);
  }
}

/** Names the interface that users implement. */
export type OwnStore = BlockStore;
