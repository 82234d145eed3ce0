/**
 * What the login tests share: text as bytes made by the platform, not by the code under test, and views with everything
 * filled in.
 */
import assert from 'node:assert/strict';
import { ProtocolError } from '../../src/errors.ts';
import { startLogin } from '../../src/login/initiator.ts';
import type {
  InitiatorLoginConfig,
  LoginRequestFields,
  LoginResponseView,
  LoginState,
  Step,
} from '../../src/login/initiator-types.ts';
import { startTargetLogin } from '../../src/login/target.ts';
import type {
  LoginRequestView,
  LoginResponseFields,
  TargetLoginConfig,
  TargetLoginState,
  TargetStep,
} from '../../src/login/target-types.ts';

export const INITIATOR = 'iqn.2004-10.org.example:host';
export const TARGET = 'iqn.2003-01.org.example:disk';

/** `key=value` items as the bytes of one text. */
export function text(...items: readonly string[]): Uint8Array {
  return new TextEncoder().encode(items.map((item) => `${item}\0`).join(''));
}

/** The bytes of one text as `key=value` items. */
export function items(bytes: Uint8Array): string[] {
  const whole = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  assert.ok(whole === '' || whole.endsWith('\0'), 'the last pair has its NUL');
  return whole === '' ? [] : whole.slice(0, -1).split('\0');
}

/** Matches a ProtocolError that names `clause`. */
export function broken(clause: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ProtocolError, `a ProtocolError, not ${String(error)}`);
    assert.equal(error.clause, clause);
    return true;
  };
}

/** A good Login Response of the operational stage that grants nothing, changed by `fields`. */
export function response(fields: Partial<LoginResponseView> = {}): LoginResponseView {
  return {
    statusClass: 0,
    statusDetail: 0,
    transit: false,
    continues: false,
    csg: 1,
    nsg: 0,
    tsih: 0,
    versionActive: 0,
    text: new Uint8Array(0),
    ...fields,
  };
}

/** The Login Final-Response: T=1, to full feature phase, with a TSIH. */
export function finalResponse(...answers: readonly string[]): LoginResponseView {
  return response({ transit: true, nsg: 3, tsih: 7, text: text(...answers) });
}

/** A Login Request that asks for full feature phase, changed by `fields`. */
export function request(fields: Partial<LoginRequestView> = {}): LoginRequestView {
  return {
    initiatorTaskTag: 1,
    isid: '800000000001',
    tsih: 0,
    cid: 0,
    transit: true,
    continues: false,
    csg: 1,
    nsg: 3,
    versionMax: 0,
    versionMin: 0,
    text: new Uint8Array(0),
    ...fields,
  };
}

/** An initiator's configuration for a Normal session. */
export function initiatorConfig(fields: Partial<InitiatorLoginConfig> = {}): InitiatorLoginConfig {
  return { initiatorName: INITIATOR, sessionType: 'Normal', targetName: TARGET, ...fields };
}

/** A target's configuration that knows {@link TARGET} in portal group 1. */
export function targetConfig(fields: Partial<TargetLoginConfig> = {}): TargetLoginConfig {
  return {
    resolveTarget: (name) =>
      name === undefined || name === TARGET ? { ok: true, portalGroupTag: 1 } : { ok: false, status: 0x0203 },
    ...fields,
  };
}

/** The request that `step` asks to send. */
export function sentBy(step: Step): LoginRequestFields {
  const action = step.actions[0];
  assert.ok(step.actions.length === 1 && action?.do === 'send', `one request, not ${outcome(step)}`);
  return action.request;
}

/** The keys and values that `step` asks to send. */
export function said(step: Step): string[] {
  return items(sentBy(step).text);
}

/** The response that `step` asks to send, which is its first action. */
export function answerOf(step: TargetStep): LoginResponseFields {
  const action = step.actions[0];
  assert.ok(action?.do === 'send', 'a response comes first');
  return action.response;
}

/** Status-Class and Status-Detail of the response as four hex digits. */
export function statusOf(step: TargetStep): string {
  const { statusClass, statusDetail } = answerOf(step);
  return ((statusClass << 8) | statusDetail).toString(16).padStart(4, '0');
}

/** The error that `step` ends with. */
export function failureOf(step: Step): Error & { code: string; hint: string | undefined } {
  const action = step.actions[0];
  assert.ok(action?.do === 'fail', `a failure, not ${outcome(step)}`);
  assert.deepEqual(step.state, { name: 'failed', error: action.error });
  return action.error;
}

/** State and actions of a step in a few words. */
export function outcome(step: {
  readonly state: { readonly name: string };
  readonly actions: readonly { readonly do: string }[];
}): string {
  return `${step.state.name} (${step.actions.map((action) => action.do).join(', ')})`;
}

/** The initiator's state after its first request. */
export function begun(fields: Partial<InitiatorLoginConfig> = {}): LoginState {
  return startLogin(initiatorConfig(fields)).state;
}

/** The target's state before the first request. */
export function waiting(fields: Partial<TargetLoginConfig> = {}): TargetLoginState {
  return startTargetLogin(targetConfig(fields));
}

/** The names that the first request of a Normal session brings. */
export const NAMES = [`InitiatorName=${INITIATOR}`, `TargetName=${TARGET}`, 'SessionType=Normal'] as const;
