import { DeviceLogicalUnit } from '../../src/device/device-logical-unit.ts';
import { DeviceServer } from '../../src/device/scsi-device.ts';
import type { BlockStore } from '../../src/device/store.ts';
import type { IscsiError } from '../../src/errors.ts';
import type { InitiatorConnection } from '../../src/initiator/connection.ts';
import type { InitiatorTask } from '../../src/initiator/initiator-task.ts';
import { InitiatorSession } from '../../src/initiator/session.ts';
import { INITIATOR_POLICY, type OperationalPolicy, TARGET_POLICY } from '../../src/login/policy.ts';
import { payloadCrc32c } from '../../src/node/crc32c.ts';
import type { TargetConnection } from '../../src/target/target-connection.ts';
import { TargetNode } from '../../src/target/target-node.ts';
import type { Random } from './random.ts';
import { Wire } from './wire.ts';

export const TARGET_NAME = 'iqn.2026-11.dev.tsiscsi:simulated';

/** What differs from run to run. */
export interface WorldOptions {
  readonly random: Random;
  readonly store: BlockStore;
  readonly initiator?: Partial<OperationalPolicy>;
  readonly target?: Partial<OperationalPolicy>;
  readonly firstCmdSN?: number;
}

/** Both cores joined by two wires, on a clock that only this moves. */
export class World {
  readonly random: Random;
  readonly session: InitiatorSession;
  readonly connection: InitiatorConnection;
  readonly targetConnection: TargetConnection;
  readonly toTarget: Wire;
  readonly toInitiator: Wire;
  time = 1000;
  loggedIn = false;
  closed = 0;
  error: IscsiError | undefined;
  #cut = false;

  constructor(options: WorldOptions) {
    this.random = options.random;
    const device = new DeviceServer({ name: TARGET_NAME });
    device.attach(0, new DeviceLogicalUnit(options.store, { serial: 'simulated' }));
    const node = new TargetNode({
      targets: [{ name: TARGET_NAME, device }],
      policy: { ...TARGET_POLICY, ...options.target },
    });
    const accepted = node.accept({
      portal: { host: '127.0.0.1', port: 3260 },
      wake: nothing,
      now: () => this.time,
      payloadCrc32c,
    });
    if (accepted === undefined) throw new Error('the target takes no connection');
    this.targetConnection = accepted;
    this.session = new InitiatorSession(
      {
        now: () => this.time,
        wake: nothing,
        loggedIn: () => {
          this.loggedIn = true;
        },
        closed: (error) => {
          this.closed++;
          this.error = error;
        },
        event: nothing,
      },
      options.firstCmdSN ?? this.random.uint32(),
    );
    this.connection = this.session.addConnection({
      login: {
        initiatorName: 'iqn.2026-11.dev.tsiscsi:initiator',
        sessionType: 'Normal',
        targetName: TARGET_NAME,
        isid: 0x8000_0000_0001,
        policy: { ...INITIATOR_POLICY, ...options.initiator },
      },
      loginTimeout: 15_000,
      keepaliveInterval: 0,
      keepaliveTimeout: 0,
      payloadCrc32c,
    });
    this.toTarget = new Wire(this.connection, this.targetConnection, this.random);
    this.toInitiator = new Wire(this.targetConnection, this.connection, this.random);
    this.connection.connected();
  }

  /** One small thing happens: bytes move one way or the other, or a little time passes. */
  step(): void {
    this.toTarget.collect();
    this.toInitiator.collect();
    switch (this.random.below(6)) {
      case 0:
      case 1:
        if (!this.#cut) this.toTarget.carry();
        break;
      case 2:
      case 3:
        if (!this.#cut) this.toInitiator.carry();
        break;
      case 4:
        this.toTarget.flush();
        this.toInitiator.flush();
        break;
      default:
        this.pass(this.random.below(3));
    }
  }

  /** Lets time pass. */
  pass(milliseconds: number): void {
    this.time += milliseconds;
    this.connection.tick(this.time);
    this.targetConnection.tick(this.time);
  }

  /** Steps until `done` says so. Stores may be asynchronous: their promises get their turn. */
  async until(done: () => boolean, limit = 200_000): Promise<void> {
    for (let steps = 0; !done(); steps++) {
      if (steps === limit) throw new Error(`nothing more happens after ${limit} steps (seed ${this.random.seed})`);
      this.step();
      if (steps % 16 === 0) await Promise.resolve();
      if (steps % 256 === 0) await new Promise(setImmediate);
    }
  }

  /** The network dies: what is on the way is lost, and both ends hear of it. */
  cut(): void {
    this.#cut = true;
    this.connection.ended(new Error('ECONNRESET'));
    this.targetConnection.ended(new Error('ECONNRESET'));
  }

  /** Submits one command; the promise gives its status, or is rejected with its error. Counts how often it settled. */
  submit(fill: (task: InitiatorTask) => void, counter: { settled: number } = { settled: 0 }): Promise<number> {
    return new Promise((resolve, reject) => {
      const task = this.session.newTask();
      fill(task);
      task.settle = (settled, error) => {
        counter.settled++;
        if (error === undefined) resolve(settled.status);
        else reject(error);
      };
      this.session.submit(task);
    });
  }
}

function nothing(): void {
  // The world steps by itself; nobody has to be woken.
}
