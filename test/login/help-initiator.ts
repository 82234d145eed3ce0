/** What the tests of the initiator's login share. */
import assert from 'node:assert/strict';
import type { Step } from '../../src/login/initiator-types.ts';
import { Secret } from '../../src/login/secret.ts';
import { outcome } from './help.ts';

/** Good answers to everything that the default policy offers. */
export const ANSWERS = [
  'TargetPortalGroupTag=1',
  'HeaderDigest=None',
  'DataDigest=None',
  'InitialR2T=Yes',
  'ImmediateData=Yes',
  'MaxRecvDataSegmentLength=65536',
  'MaxBurstLength=262144',
  'FirstBurstLength=65536',
  'MaxOutstandingR2T=1',
  'DefaultTime2Wait=2',
  'DefaultTime2Retain=0',
  'MaxConnections=1',
  'ErrorRecoveryLevel=0',
  'DataPDUInOrder=Yes',
  'DataSequenceInOrder=Yes',
];
export const CREDENTIALS = { user: 'alice', secret: new Secret('open sesame!') };

/** {@link ANSWERS} with some of them replaced; an answer of '' is left out. */
export function answers(changes: Record<string, string> = {}): string[] {
  const changed = ANSWERS.map((item) => {
    const name = item.slice(0, item.indexOf('='));
    return name in changes ? (changes[name] === '' ? '' : `${name}=${changes[name]}`) : item;
  });
  const extra = Object.keys(changes).filter((name) => !ANSWERS.some((item) => item.startsWith(`${name}=`)));
  return [...changed, ...extra.map((name) => `${name}=${changes[name]}`)].filter((item) => item !== '');
}

export function finishOf(step: Step): Extract<Step['actions'][number], { do: 'finish' }> {
  const action = step.actions[0];
  assert.ok(action?.do === 'finish', `a finished login, not ${outcome(step)}`);
  return action;
}
