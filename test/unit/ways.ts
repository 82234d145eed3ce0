/**
 * The ways to a logical unit: the same tests run over each port. A port that is added here is tested as the others are.
 */
import type { TestContext } from 'node:test';
import { connect } from '../../src/client/connect.ts';
import { DeviceLogicalUnit as DeviceUnit } from '../../src/device/device-logical-unit.ts';
import { DevicePort } from '../../src/device/device-port.ts';
import { MemoryStore } from '../../src/device/memory-store.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import { CLOCK } from '../../src/node/clock.ts';
import { LogicalUnit } from '../../src/unit/logical-unit.ts';
import { RawDisk } from '../client/raw-disk.ts';
import { RawTarget } from '../support/raw-target.ts';
import { type GivenAnswer, RawDiskPort, type StepIn } from './raw-disk-port.ts';

/** A disk of 256 blocks of 512 bytes, and a logical unit opened on it. Closed with the test. */
export interface Opened {
  readonly lun: LogicalUnit;
  /** What the disk holds: to look at. */
  content(): Uint8Array;
  /** Fills the disk. */
  fill(bytes: Uint8Array): void;
  /** Commands that have changed blocks so far. */
  changes(): number;
}

export interface Way {
  readonly name: string;
  open(t: TestContext): Promise<Opened>;
}

/** The same over a {@link RawDisk}, which can be made to misbehave. */
export interface RawOpened extends Opened {
  readonly disk: RawDisk;
  /** Commands that have not settled. */
  underWay(): number;
  /** Whether further commands can be sent. */
  alive(): boolean;
}

export interface RawWay extends Way {
  open(t: TestContext, options?: { readonly disk?: RawDisk; readonly onCommand?: StepIn }): Promise<RawOpened>;
}

const READ_10 = 0x28;
const READ_16 = 0x88;

function rawOpened(disk: RawDisk): Pick<RawOpened, 'disk' | 'content' | 'fill' | 'changes'> {
  return {
    disk,
    content: () => disk.content,
    fill: (bytes) => disk.content.set(bytes),
    changes: () => disk.log.filter(({ operation }) => operation !== READ_10 && operation !== READ_16).length,
  };
}

const OVER_ISCSI: RawWay = {
  name: 'a raw disk over iSCSI',
  async open(t, { disk = new RawDisk(), onCommand } = {}) {
    const target = await RawTarget.listen(t, {
      disk,
      onCommand: (command, connection) => {
        const answer = ({ status, dataIn, sense, missing = 0 }: GivenAnswer): void => {
          if (dataIn !== undefined && status === 0) connection.give(command, dataIn);
          else if (missing > 0)
            connection.send(connection.voice.scsiResponse(command.tag, { residual: 0x02, residualCount: missing }));
          else connection.respond(command.tag, status, sense);
        };
        return onCommand?.(command, answer);
      },
    });
    const lun = await connect(target.url());
    t.after(() => lun.close());
    const { session } = lun;
    return { ...rawOpened(disk), lun, underWay: () => session.core.tasks.size, alive: () => session.open };
  },
};

const IN_PROCESS: RawWay = {
  name: 'a raw disk in this process',
  async open(t, { disk = new RawDisk(), onCommand } = {}) {
    const port = new RawDiskPort(disk, onCommand);
    const lun = await LogicalUnit.open(port);
    t.after(() => lun.close());
    return { ...rawOpened(disk), lun, underWay: () => port.underWay, alive: () => true };
  },
};

/** A RAM store that counts its writes. */
class CountedStore extends MemoryStore {
  writes = 0;

  override write(position: number, data: Uint8Array, from: number, to: number): void {
    this.writes++;
    super.write(position, data, from, to);
  }
}

const DEVICE_SERVER: Way = {
  name: 'the device server in this process',
  async open(t) {
    const store = new CountedStore({ size: 256 * 512 });
    const device = new DeviceServer();
    device.attach(0, new DeviceUnit(store, { serial: 'ways-0' }));
    const port = new DevicePort(device, { clock: CLOCK });
    t.after(() => port.close());
    return {
      lun: await LogicalUnit.open(port),
      content() {
        const bytes = new Uint8Array(256 * 512);
        store.read(0, bytes, 0, bytes.length);
        return bytes;
      },
      fill: (bytes) => store.write(0, bytes, 0, bytes.length),
      changes: () => store.writes,
    };
  },
};

/** For what needs a disk that misbehaves. */
export const RAW_WAYS: readonly RawWay[] = [OVER_ISCSI, IN_PROCESS];

/** All of them. */
export const WAYS: readonly Way[] = [...RAW_WAYS, DEVICE_SERVER];
