/** What a login has agreed on: the operational parameters in the types of the language. */
import { ProtocolError } from '../errors.ts';
import { KEYS, type Key, type KeyName, type SessionType } from './keys.ts';
import type { TaskReporting } from './policy.ts';

/** The parameters in force once login is over. Lengths are in bytes, times in seconds. */
export interface OperationalParameters {
  /** True: CRC32C over each header of the full feature phase. */
  readonly headerDigest: boolean;
  /** True: CRC32C over each data segment of the full feature phase. */
  readonly dataDigest: boolean;
  /** True: nothing but immediate data goes out without an R2T (RFC 7143 §13.10). */
  readonly initialR2T: boolean;
  /** True: data may come with the command (RFC 7143 §13.11). */
  readonly immediateData: boolean;
  /** The largest data segment that the initiator receives: what the target must keep to. */
  readonly initiatorMaxRecvDataSegmentLength: number;
  /** The largest data segment that the target receives: what the initiator must keep to. */
  readonly targetMaxRecvDataSegmentLength: number;
  /** The most data of one R2T or one sequence of Data-In (RFC 7143 §13.13). */
  readonly maxBurstLength: number;
  /** The most data of a command that no R2T asks for (RFC 7143 §13.14). */
  readonly firstBurstLength: number;
  /** How many R2Ts of one task may be open (RFC 7143 §13.17). */
  readonly maxOutstandingR2T: number;
  /** How long at least the initiator waits before it reconnects (RFC 7143 §13.15). */
  readonly defaultTime2Wait: number;
  /** How long the target keeps tasks after that (RFC 7143 §13.16). */
  readonly defaultTime2Retain: number;
  /** Connections that the session may have (RFC 7143 §13.2). */
  readonly maxConnections: number;
  /** 0, 1 or 2 (RFC 7143 §13.20). */
  readonly errorRecoveryLevel: number;
  /** True: the PDUs of a sequence come in the order of their offsets (RFC 7143 §13.18). */
  readonly dataPDUInOrder: boolean;
  /** True: so do the sequences (RFC 7143 §13.19). */
  readonly dataSequenceInOrder: boolean;
  /** How responses to tasks that a function ends are told and ordered (RFC 7143 §13.23). */
  readonly taskReporting: TaskReporting;
  /** 1: RFC 7143, 2: RFC 7144. */
  readonly protocolLevel: number;
  /** The portal group that serves the connection, when the target told. */
  readonly targetPortalGroupTag: number | undefined;
  /** The target's name for people, when it told. */
  readonly targetAlias: string | undefined;
}

/** What is in force when nothing is negotiated. */
export const DEFAULT_PARAMETERS: OperationalParameters = parametersOf(new Map(), 'Normal');

/**
 * Values of keys as agreed, by key; keys that are not in it have their default. `…:own` holds what this side declared.
 */
export type Results = ReadonlyMap<string, string>;

/** Who reads the results. */
export interface ParametersContext {
  readonly role: 'initiator' | 'target';
  readonly sessionType: SessionType;
  /** For a further connection: the session's parameters, which it cannot change. */
  readonly session: OperationalParameters | undefined;
}

/** What is in force for `name`: what was agreed, otherwise its default. */
export function effective(name: KeyName, results: Results): string {
  const key: Key = KEYS[name];
  return results.get(name) ?? key.initial ?? '';
}

/** The number in force for `name`. Only for keys whose results have been checked to be numbers. */
export function effectiveNumber(name: KeyName, results: Results): number {
  return Number(effective(name, results));
}

/**
 * True when the initiator may send data that no R2T asked for (RFC 7143 §13.11); otherwise FirstBurstLength has no
 * meaning.
 */
export function unsolicitedDataAllowed(results: Results): boolean {
  return effective('InitialR2T', results) === 'No' || effective('ImmediateData', results) === 'Yes';
}

/**
 * The results of a login as parameters, after the rules that tie keys together. A negotiation is one whole: nothing of
 * it is in force when this throws (RFC 7143 §6.2).
 *
 * @param results Agreed values by key, `MaxRecvDataSegmentLength` being the peer's; this side's own is under
 *   {@link OWN_LENGTH}.
 * @throws {ProtocolError} When FirstBurstLength exceeds MaxBurstLength, or MaxOutstandingR2T is not 1 where it must be.
 */
export function toParameters(results: Results, context: ParametersContext): OperationalParameters {
  checkIntegrity(results);
  const own = Number(results.get(OWN_LENGTH) ?? KEYS.MaxRecvDataSegmentLength.initial);
  const peer = effectiveNumber('MaxRecvDataSegmentLength', results);
  const parameters = {
    ...parametersOf(results, context.sessionType),
    initiatorMaxRecvDataSegmentLength: context.role === 'initiator' ? own : peer,
    targetMaxRecvDataSegmentLength: context.role === 'target' ? own : peer,
  };
  if (context.session === undefined) return parameters;
  const { headerDigest, dataDigest, initiatorMaxRecvDataSegmentLength, targetMaxRecvDataSegmentLength } = parameters;
  const connection = { headerDigest, dataDigest, initiatorMaxRecvDataSegmentLength, targetMaxRecvDataSegmentLength };
  return { ...context.session, ...connection };
}

/** Where {@link Results} keep the MaxRecvDataSegmentLength that this side has declared. No key has this name. */
export const OWN_LENGTH = 'MaxRecvDataSegmentLength:own';

function checkIntegrity(results: Results): void {
  const first = effectiveNumber('FirstBurstLength', results);
  const most = effectiveNumber('MaxBurstLength', results);
  // Only an agreed value can break the rule: the default is cut to fit in parametersOf().
  if (results.has('FirstBurstLength') && first > most && unsolicitedDataAllowed(results)) {
    throw new ProtocolError(`Cannot use FirstBurstLength ${first}: at most MaxBurstLength ${most} allowed`, {
      clause: '13.14',
    });
  }
  const ready = effectiveNumber('MaxOutstandingR2T', results);
  if (ready !== 1 && oneR2TOnly(results)) {
    const clause = '13.19';
    throw new ProtocolError(
      `Cannot use MaxOutstandingR2T ${ready}: 1 allowed when sequences are in order and recoverable`,
      { clause },
    );
  }
}

/** True when the other results oblige MaxOutstandingR2T to be 1 (RFC 7143 §13.19). */
export function oneR2TOnly(results: Results): boolean {
  return effectiveNumber('ErrorRecoveryLevel', results) !== 0 && effective('DataSequenceInOrder', results) === 'Yes';
}

function parametersOf(results: Results, sessionType: SessionType): OperationalParameters {
  const discovery = sessionType === 'Discovery';
  const tag = results.get('TargetPortalGroupTag');
  const maxBurstLength = effectiveNumber('MaxBurstLength', results);
  return {
    headerDigest: effective('HeaderDigest', results) === 'CRC32C',
    dataDigest: effective('DataDigest', results) === 'CRC32C',
    initialR2T: effective('InitialR2T', results) === 'Yes',
    immediateData: effective('ImmediateData', results) === 'Yes',
    initiatorMaxRecvDataSegmentLength: effectiveNumber('MaxRecvDataSegmentLength', results),
    targetMaxRecvDataSegmentLength: effectiveNumber('MaxRecvDataSegmentLength', results),
    maxBurstLength,
    firstBurstLength: Math.min(effectiveNumber('FirstBurstLength', results), maxBurstLength),
    maxOutstandingR2T: effectiveNumber('MaxOutstandingR2T', results),
    defaultTime2Wait: effectiveNumber('DefaultTime2Wait', results),
    defaultTime2Retain: effectiveNumber('DefaultTime2Retain', results),
    // A Discovery session has one connection and no recovery, whatever was said (§7.4.1, §13.21).
    maxConnections: discovery ? 1 : effectiveNumber('MaxConnections', results),
    errorRecoveryLevel: discovery ? 0 : effectiveNumber('ErrorRecoveryLevel', results),
    dataPDUInOrder: effective('DataPDUInOrder', results) === 'Yes',
    dataSequenceInOrder: effective('DataSequenceInOrder', results) === 'Yes',
    taskReporting: taskReporting(effective('TaskReporting', results)),
    protocolLevel: effectiveNumber('iSCSIProtocolLevel', results),
    targetPortalGroupTag: tag === undefined ? undefined : Number(tag),
    targetAlias: results.get('TargetAlias'),
  };
}

function taskReporting(value: string): TaskReporting {
  return value === 'FastAbort' || value === 'ResponseFence' ? value : 'RFC3720';
}
