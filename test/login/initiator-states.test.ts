import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onLoginResponse } from '../../src/login/initiator.ts';
import type { LoginResponseView, LoginState } from '../../src/login/initiator-types.ts';
import { begun, finalResponse, outcome, response, text } from './help.ts';
import { ANSWERS, CREDENTIALS } from './help-initiator.ts';

// Every state with every response: it ends in one of the outcomes below, and nothing else.
const EVERY_STATE: readonly (readonly [string, LoginState])[] = [
  ['security', begun({ securityStage: true })],
  ['security, CHAP offered', begun({ credentials: CREDENTIALS })],
  ['security, own text not all sent', begun({ securityStage: true, initiatorAlias: 'x'.repeat(9000) })],
  ['operational', begun()],
  ['operational, own text not all sent', begun({ initiatorAlias: 'x'.repeat(9000) })],
  ['operational, after C=1', onLoginResponse(begun(), response({ continues: true, text: text(...ANSWERS) })).state],
  ['operational, after T=0', onLoginResponse(begun(), response({ text: text(...ANSWERS) })).state],
  ['fullFeature', onLoginResponse(begun(), finalResponse(...ANSWERS)).state],
  ['redirected', onLoginResponse(begun(), response({ statusClass: 1, text: text('TargetAddress=h') })).state],
  ['failed', onLoginResponse(begun(), response({ statusClass: 3 })).state],
];
const EVERY_RESPONSE: readonly (readonly [string, LoginResponseView])[] = [0, 1, 2, 3].flatMap((csg) =>
  [0, 1, 2, 3].flatMap((nsg) =>
    [false, true].flatMap((transit) =>
      [false, true].flatMap((continues) =>
        [[], ['AuthMethod=None'], ANSWERS, ['FooBar=1'], ['IFMarker=No', 'IFMarker=No'], ['TargetAddress=h']].flatMap(
          (pairs) =>
            [0, 1, 2, 3, 255].map(
              (statusClass) =>
                [
                  `class ${statusClass} ${csg}→${nsg} T=${+transit} C=${+continues} ${pairs[0] ?? 'empty'}`,
                  response({ statusClass, csg, nsg, transit, continues, tsih: 7, text: text(...pairs) }),
                ] as const,
            ),
        ),
      ),
    ),
  ),
);
const LEGAL_OUTCOMES: Readonly<Record<string, readonly string[]>> = {
  security: ['security (send)', 'operational (send)', 'redirected (redirect)', 'failed (fail)'],
  operational: ['operational (send)', 'fullFeature (finish)', 'redirected (redirect)', 'failed (fail)'],
  fullFeature: ['RangeError'],
  redirected: ['RangeError'],
  failed: ['RangeError'],
};

for (const [title, state] of EVERY_STATE) {
  test(`onLoginResponse() leaves "${title}" legally on each of ${EVERY_RESPONSE.length} responses`, () => {
    const met = new Set<string>();
    for (const [what, view] of EVERY_RESPONSE) {
      const result = resultOf(state, view);
      assert.ok(LEGAL_OUTCOMES[state.name]?.includes(result), `${what}: ${result}`);
      if (view.statusClass > 1) assert.match(result, /^failed|^RangeError/, what);
      if (view.statusClass === 0 && view.transit && (view.continues || view.nsg <= view.csg))
        assert.match(result, /^failed|^RangeError/, what);
      met.add(result);
    }
    assert.ok(met.size > 1 || met.has('RangeError'), 'more than one outcome was met');
  });
}

function resultOf(state: LoginState, view: LoginResponseView): string {
  try {
    return outcome(onLoginResponse(state, view));
  } catch (error) {
    if (error instanceof RangeError) return 'RangeError';
    throw error;
  }
}
