/** The seam between a transport and the device server: one SCSI command on its way through a logical unit. */
import type { DataSource } from '../bytes/data-source.ts';

/**
 * One I_T nexus: an initiator port talking to this SCSI target port. The transport makes one per session and reports its end.
 * Logical units hang their unit attentions on it.
 */
export interface Nexus {
  /** The SCSI name of the initiator port, such as `iqn.2003-01.org.example:host,i,0x800000000001`. Unique among live nexuses. */
  readonly initiatorPortName: string;
}

/**
 * What the device server sees of a command, and how it answers. The transport implements it; nothing is allocated per command but this.
 *
 * The device server ends each task by exactly one call of `good`, `dataIn`, `dataInFrom`, `status` or `checkCondition`, also when
 * `aborted` has become true meanwhile: the transport then drops the answer, and knows that the command has no further effect.
 */
export interface DeviceTask {
  readonly nexus: Nexus;
  /** The CDB from byte 0; at least 16 bytes, zero-padded. */
  readonly cdb: DataView;
  /** The length of the CDB that arrived: 16, or more with an extended CDB. */
  readonly cdbLength: number;
  /** The data that came with the command: as much as `dataOutLength` asked for, or less when the initiator announced less. */
  readonly dataOut: Uint8Array;
  /** True when a task management function has ended this task. Long work should stop early. */
  readonly aborted: boolean;

  /** GOOD without data. */
  good(): void;
  /** GOOD with data: `bytes[0, length)`, which belong to the transport from now on and do not change any more. */
  dataIn(bytes: Uint8Array, length: number): void;
  /**
   * GOOD with `length` bytes that are copied, or borrowed, from `source`, from `offset`, before this call returns. When `source` throws, this call throws
   * the same, and the device server calls `checkCondition`: the transport sends that, or drops it when it has ended the connection because
   * a part of the data was on its way already.
   */
  dataInFrom(source: DataSource, offset: number, length: number): void;
  /** A status without data and sense, such as BUSY or RESERVATION CONFLICT. */
  status(code: number): void;
  /** CHECK CONDITION with sense data. */
  checkCondition(sense: Uint8Array): void;
}

/** A SCSI target device with its logical units, as a transport sees it. */
export interface ScsiDevice {
  /**
   * How many bytes of data-out the command in `cdb` takes, from its CDB alone; 0 for none and for any command that will be refused.
   * Bounded by the MAXIMUM TRANSFER LENGTH that the logical unit reports, so that no CDB can make a transport allocate without bound.
   */
  dataOutLength(lunHigh: number, lunLow: number, cdb: DataView, cdbLength: number): number;
  /** Whether the LUN field names a logical unit that exists. */
  hasLogicalUnit(lunHigh: number, lunLow: number): boolean;
  /** Runs one command on the logical unit of the LUN field (SAM encoding), or answers for a LUN that does not exist. */
  execute(lunHigh: number, lunLow: number, task: DeviceTask): void;
  /** LOGICAL UNIT RESET: unit attention for all nexuses, volatile state to its defaults. */
  resetLogicalUnit(lunHigh: number, lunLow: number): void;
  /** A new nexus: unit attention POWER ON OCCURRED for each logical unit. */
  nexusStarted(nexus: Nexus): void;
  /** The session of the nexus ended. */
  nexusEnded(nexus: Nexus): void;
}
