import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onLoginRequest } from '../../src/login/target.ts';
import type {
  LoginRequestView,
  TargetLoginConfig,
  TargetLoginState,
  TargetStep,
} from '../../src/login/target-types.ts';
import { answerOf, NAMES, outcome, request, text, waiting } from './help.ts';
import { first, policy } from './help-target.ts';

// Every state with every request: it ends in one of the outcomes below, and nothing else.
const LONG: TargetLoginConfig['resolveTarget'] = () => ({ ok: true, portalGroupTag: 1, targetAlias: 'x'.repeat(9000) });
const EVERY_STATE: readonly (readonly [string, TargetLoginState])[] = [
  ['start', waiting()],
  ['security', first(['AuthMethod=None'], {}, { csg: 0, nsg: 1, transit: false }).state],
  [
    'security, after C=1',
    onLoginRequest(waiting(), request({ csg: 0, transit: false, continues: true, text: text(...NAMES) })).state,
  ],
  ['operational', first([], {}, { transit: false }).state],
  ['operational, own proposal open', first([], policy({ headerDigest: ['CRC32C'] })).state],
  ['operational, own text not all sent', first([], { resolveTarget: LONG }).state],
  ['fullFeature', first([]).state],
  ['rejected', first(['A=1', 'A=1']).state],
];
const EVERY_REQUEST: readonly (readonly [string, LoginRequestView])[] = [0, 1, 2, 3].flatMap((csg) =>
  [0, 1, 2, 3].flatMap((nsg) =>
    [false, true].flatMap((transit) =>
      [false, true].flatMap((continues) =>
        [
          [],
          NAMES,
          ['AuthMethod=None'],
          ['HeaderDigest=CRC32C'],
          ['FooBar=1'],
          ['IFMarker=No', 'IFMarker=No'],
          ['X'],
        ].map(
          (pairs) =>
            [
              `${csg}→${nsg} T=${+transit} C=${+continues} ${pairs[0] ?? 'empty'}`,
              request({ csg, nsg, transit, continues, text: text(...pairs) }),
            ] as const,
        ),
      ),
    ),
  ),
);
const LEGAL_OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  start: ['security (send)', 'operational (send)', 'fullFeature (send, finish)', 'rejected (send, close)'],
  security: ['security (send)', 'operational (send)', 'fullFeature (send, finish)', 'rejected (send, close)'],
  operational: ['operational (send)', 'fullFeature (send, finish)', 'rejected (send, close)'],
  fullFeature: ['RangeError'],
  rejected: ['RangeError'],
};

for (const [title, state] of EVERY_STATE) {
  test(`onLoginRequest() leaves "${title}" legally on each of ${EVERY_REQUEST.length} requests`, () => {
    const met = new Set<string>();
    for (const [what, view] of EVERY_REQUEST) {
      const result = resultOf(state, view);
      met.add(typeof result === 'string' ? result : outcome(result));
      if (typeof result === 'string') continue;
      const { transit, nsg, continues } = answerOf(result);
      assert.ok(LEGAL_OUTCOMES[state.name]?.includes(outcome(result)), `${what}: ${outcome(result)}`);
      assert.ok(!transit || (view.transit && nsg <= view.nsg && nsg > view.csg && nsg !== 2), `${what}: T=1 to ${nsg}`);
      assert.ok(!(transit && continues), what);
    }
    assert.ok(met.has('RangeError') ? met.size === 1 : met.size > 1, [...met].join());
  });
}

function resultOf(state: TargetLoginState, view: LoginRequestView): TargetStep | string {
  try {
    return onLoginRequest(state, view);
  } catch (error) {
    if (error instanceof RangeError) return 'RangeError';
    throw error;
  }
}
