/** What the tests of the target's login share. */
import assert from 'node:assert/strict';
import { type OperationalPolicy, TARGET_POLICY } from '../../src/login/policy.ts';
import { onLoginRequest } from '../../src/login/target.ts';
import type { LoginRequestView, TargetLoginConfig, TargetStep } from '../../src/login/target-types.ts';
import { answerOf, items, NAMES, outcome, request, statusOf, text, waiting } from './help.ts';

export function policy(changes: Partial<OperationalPolicy>): Partial<TargetLoginConfig> {
  return { policy: { ...TARGET_POLICY, ...changes } };
}

/** The step on a first request with the names and `pairs`. */
export function first(
  pairs: readonly string[],
  config: Partial<TargetLoginConfig> = {},
  fields: Partial<LoginRequestView> = {},
): TargetStep {
  return onLoginRequest(waiting(config), request({ text: text(...NAMES, ...pairs), ...fields }));
}

/** The next step on a request with `pairs`. */
export function next(
  step: TargetStep,
  pairs: readonly string[] = [],
  fields: Partial<LoginRequestView> = {},
): TargetStep {
  return onLoginRequest(step.state, request({ text: text(...pairs), ...fields }));
}

/** What a response says, without what each first response begins with. */
export function answered(step: TargetStep): string[] {
  return items(answerOf(step).text).filter((item) => !/^(TargetPortalGroupTag|MaxRecvDataSegmentLength)=/.test(item));
}

export function finished(step: TargetStep): Extract<TargetStep['actions'][number], { do: 'finish' }> {
  const action = step.actions[1];
  assert.ok(action?.do === 'finish', `a finished login, not ${outcome(step)} with status ${statusOf(step)}`);
  return action;
}

/** Checks a reject: the status, everything else zero, and the connection to be closed (T-046). */
export function assertRejected(step: TargetStep, status: string): void {
  assert.equal(outcome(step), 'rejected (send, close)');
  assert.equal(statusOf(step), status);
  const { transit, continues, csg, nsg, text: bytes, final } = answerOf(step);
  assert.deepEqual(
    { transit, continues, csg, nsg, final },
    { transit: false, continues: false, csg: 0, nsg: 0, final: false },
  );
  if (!status.startsWith('01')) assert.equal(bytes.length, 0);
}
