/**
 * Initiator and target joined back to back in memory: what one says, the other understands, and both come to the same
 * parameters.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onLoginResponse, startLogin } from '../../src/login/initiator.ts';
import type { InitiatorLoginConfig, LoginRequestFields, Step } from '../../src/login/initiator-types.ts';
import type { OperationalParameters } from '../../src/login/parameters.ts';
import { INITIATOR_POLICY, type OperationalPolicy, TARGET_POLICY } from '../../src/login/policy.ts';
import { onLoginRequest } from '../../src/login/target.ts';
import type {
  LoginResponseFields,
  TargetLoginConfig,
  TargetLoginState,
  TargetStep,
} from '../../src/login/target-types.ts';
import { Random } from '../simulated/random.ts';
import { answerOf, initiatorConfig, outcome, request, response, TARGET, waiting } from './help.ts';

const TSIH = 0x1234;

interface Wire {
  /** Cuts a request in two, as if the initiator had chosen to. */
  readonly cutRequest?: (text: Uint8Array) => number | undefined;
  /** Cuts a response in two, as if the target had chosen to. */
  readonly cutResponse?: (text: Uint8Array) => number | undefined;
}

interface Outcome {
  readonly initiator: Step;
  readonly target: TargetStep;
  readonly exchanges: number;
}

/** Runs one login to its end. */
function login(
  initiator: Partial<InitiatorLoginConfig> = {},
  target: Partial<TargetLoginConfig> = {},
  wire: Wire = {},
): Outcome {
  let step = startLogin(initiatorConfig(initiator));
  let served: TargetStep = { state: waiting(target), actions: [] };
  for (let exchanges = 1; exchanges < 100; exchanges++) {
    const action = step.actions[0];
    if (action?.do !== 'send') return { initiator: step, target: served, exchanges };
    served = deliver(served.state, action.request, wire.cutRequest?.(action.request.text));
    step = answer(step, answerOf(served), wire.cutResponse?.(answerOf(served).text));
  }
  throw new Error('the login does not end');
}

/** Hands a request to the target, whole or in two pieces. */
function deliver(state: TargetLoginState, fields: LoginRequestFields, cut: number | undefined): TargetStep {
  if (cut === undefined || fields.continues) return onLoginRequest(state, request(fields));
  const first = request({ ...fields, transit: false, nsg: 0, continues: true, text: fields.text.slice(0, cut) });
  const half = onLoginRequest(state, first);
  assert.equal(answerOf(half).text.length, 0, 'a request with C=1 gets an empty answer');
  return onLoginRequest(half.state, request({ ...fields, text: fields.text.slice(cut) }));
}

/**
 * Hands a response to the initiator, whole or in two pieces. The second piece is granted nothing, since it answers T=0:
 * a target that splits then waits for another request, which is played here.
 */
function answer(step: Step, fields: LoginResponseFields, cut: number | undefined): Step {
  const { final, ...view } = fields;
  const whole = response({ ...view, tsih: final ? TSIH : 0 });
  if (cut === undefined || fields.continues) return onLoginResponse(step.state, whole);
  const partial = { ...whole, transit: false, nsg: 0 };
  const half = onLoginResponse(step.state, { ...partial, continues: true, text: fields.text.slice(0, cut) });
  const asked = half.actions[0];
  assert.ok(asked?.do === 'send' && asked.request.text.length === 0, 'a response with C=1 gets an empty request');
  const rest = onLoginResponse(half.state, { ...partial, text: fields.text.slice(cut) });
  if (!whole.transit) return rest;
  const again = rest.actions[0];
  assert.ok(
    again?.do === 'send' && again.request.transit && again.request.text.length === 0,
    'asks for the transition again',
  );
  return onLoginResponse(rest.state, { ...whole, text: new Uint8Array(0) });
}

/** What both sides agreed on, checked to be the same. */
function agreed(result: Outcome): OperationalParameters {
  const mine = result.initiator.actions[0];
  const theirs = result.target.actions[1];
  assert.ok(mine?.do === 'finish', outcome(result.initiator));
  assert.ok(theirs?.do === 'finish', outcome(result.target));
  assert.equal(mine.tsih, TSIH);
  const { targetPortalGroupTag, targetAlias, ...common } = mine.parameters;
  assert.equal(targetPortalGroupTag, 1);
  const { targetPortalGroupTag: _, targetAlias: __, ...same } = theirs.parameters;
  assert.deepEqual(common, same, 'both sides have the same parameters');
  return mine.parameters;
}

function policies(initiator: Partial<OperationalPolicy>, target: Partial<OperationalPolicy>): Outcome {
  return login({ policy: { ...INITIATOR_POLICY, ...initiator } }, { policy: { ...TARGET_POLICY, ...target } });
}

test('with the policies of the library one exchange is enough', () => {
  const result = login();
  assert.equal(result.exchanges, 2);
  const parameters = agreed(result);
  assert.deepEqual(
    [parameters.initialR2T, parameters.immediateData, parameters.maxBurstLength],
    [false, true, 1_048_576],
  );
});

for (const mine of [0, 1, 2, 3]) {
  for (const theirs of [0, 1, 2, 3]) {
    const wish = (bits: number): Partial<OperationalPolicy> => ({
      initialR2T: (bits & 1) !== 0,
      immediateData: (bits & 2) !== 0,
    });
    test(`InitialR2T is OR and ImmediateData is AND of ${JSON.stringify([wish(mine), wish(theirs)])} (I-044, T-035)`, () => {
      const parameters = agreed(policies(wish(mine), wish(theirs)));
      assert.equal(parameters.initialR2T, ((mine | theirs) & 1) !== 0);
      assert.equal(parameters.immediateData, (mine & theirs & 2) !== 0);
    });
  }
}

const DIGESTS = [['None'], ['None', 'CRC32C'], ['CRC32C', 'None'], ['CRC32C']] as const;
for (const mine of DIGESTS) {
  for (const theirs of DIGESTS) {
    const common = mine.find((digest) => (theirs as readonly string[]).includes(digest));
    test(`digests ${mine} against ${theirs} come to ${common ?? 'no login'} (T-010, T-034)`, () => {
      const header = policies({ headerDigest: mine }, { headerDigest: theirs });
      const data = policies({ dataDigest: mine }, { dataDigest: theirs });
      if (common === undefined) {
        assert.match(outcome(header.initiator), /failed/);
        assert.match(outcome(data.initiator), /failed/);
      } else {
        assert.deepEqual([agreed(header).headerDigest, agreed(header).dataDigest], [common === 'CRC32C', false]);
        assert.deepEqual([agreed(data).headerDigest, agreed(data).dataDigest], [false, common === 'CRC32C']);
      }
    });
  }
}

test('a text may be cut at any byte, in requests and in responses, in both stages (I-030, T-029, T-030)', () => {
  for (const securityStage of [false, true]) {
    const whole = agreed(login({ securityStage }));
    let reached = 0;
    for (let cut = 1; cut < 512; cut++) {
      const within = (text: Uint8Array): number | undefined => (cut < text.length ? cut : undefined);
      reached += within(startText(securityStage)) === undefined ? 0 : 1;
      assert.deepEqual(
        agreed(login({ securityStage }, {}, { cutRequest: within })),
        whole,
        `request cut at byte ${cut}`,
      );
      assert.deepEqual(
        agreed(login({ securityStage }, {}, { cutResponse: within })),
        whole,
        `response cut at byte ${cut}`,
      );
      assert.deepEqual(
        agreed(login({ securityStage }, {}, { cutRequest: within, cutResponse: within })),
        whole,
        `both cut at byte ${cut}`,
      );
    }
    assert.equal(reached, startText(securityStage).length - 1, 'every byte of the first request was cut at');
  }
});

function startText(securityStage: boolean): Uint8Array {
  const action = startLogin(initiatorConfig({ securityStage })).actions[0];
  return action?.do === 'send' ? action.request.text : new Uint8Array(0);
}

test('both sides split long texts of their own (I-029, T-030)', () => {
  const initiatorAlias = 'i'.repeat(30_000);
  const targetAlias = 't'.repeat(40_000);
  const result = login({ initiatorAlias }, { resolveTarget: () => ({ ok: true, portalGroupTag: 1, targetAlias }) });
  assert.equal(agreed(result).targetAlias, targetAlias);
  const finish = result.target.actions[1];
  assert.equal(finish?.do === 'finish' && finish.initiatorAlias, initiatorAlias);
});

test('a Discovery session is agreed on in one exchange, without a target name (T-042)', () => {
  const result = login(
    { sessionType: 'Discovery', targetName: undefined },
    { policy: { ...TARGET_POLICY, defaultTime2Wait: 9, errorRecoveryLevel: 2 } },
  );
  const { defaultTime2Wait, errorRecoveryLevel, headerDigest } = agreed(result);
  assert.deepEqual([result.exchanges, defaultTime2Wait, errorRecoveryLevel, headerDigest], [2, 9, 0, false]);
});

test('a target that asks for a digest gets it from an initiator that did not offer one', () => {
  // The target does not let the initiator go from the security stage straight to full feature phase. In the operational
  // stage between, the initiator offers the digest itself, so the target need not propose it.
  const result = login({ securityStage: true }, { policy: { ...TARGET_POLICY, headerDigest: ['CRC32C'] } });
  assert.equal(agreed(result).headerDigest, true);
});

test('recovery with sequences in order leaves one R2T on both sides (T-038)', () => {
  const parameters = agreed(policies({ errorRecoveryLevel: 2 }, { errorRecoveryLevel: 1 }));
  assert.deepEqual([parameters.errorRecoveryLevel, parameters.maxOutstandingR2T], [1, 1]);
  const free = agreed(
    policies(
      { errorRecoveryLevel: 2, dataSequenceInOrder: false },
      { errorRecoveryLevel: 1, dataSequenceInOrder: false },
    ),
  );
  assert.deepEqual([free.errorRecoveryLevel, free.maxOutstandingR2T], [1, 16]);
});

test('TaskReporting and iSCSIProtocolLevel come to what both can do', () => {
  const all = ['FastAbort', 'ResponseFence', 'RFC3720'] as const;
  const parameters = agreed(
    policies(
      { taskReporting: all, protocolLevel: 2 },
      { taskReporting: ['ResponseFence', 'RFC3720'], protocolLevel: 2 },
    ),
  );
  assert.deepEqual([parameters.taskReporting, parameters.protocolLevel], ['ResponseFence', 2]);
});

test('the lengths of each side reach the other side', () => {
  const parameters = agreed(policies({ maxRecvDataSegmentLength: 512 }, { maxRecvDataSegmentLength: 16_777_215 }));
  assert.deepEqual(
    [parameters.initiatorMaxRecvDataSegmentLength, parameters.targetMaxRecvDataSegmentLength],
    [512, 16_777_215],
  );
});

for (const [status, code] of [
  [0x0203, 'ISCSI_TARGET_NOT_FOUND'],
  [0x0202, 'ISCSI_LOGIN'],
  [0x0302, 'ISCSI_LOGIN'],
] as const) {
  test(`a refusal with ${status.toString(16)} reaches the initiator as ${code}`, () => {
    const { initiator } = login({}, { resolveTarget: () => ({ ok: false, status }) });
    const action = initiator.actions[0];
    assert.equal(action?.do === 'fail' && action.error.code, code);
  });
}

test('a redirect reaches the initiator with its address (I-037, T-052)', () => {
  const addresses = [{ host: '::1', port: 3261, portalGroupTag: 1 }];
  const { initiator } = login({}, { resolveTarget: () => ({ ok: false, status: 0x0102, addresses }) });
  const action = initiator.actions[0];
  assert.ok(action?.do === 'redirect');
  assert.deepEqual([action.address, action.permanent], [{ host: '::1', port: 3261, portalGroupTag: undefined }, true]);
});

test('a target that demands authentication is an authentication error with what to do', () => {
  const { initiator } = login(
    {},
    { resolveTarget: () => ({ ok: true, portalGroupTag: 1, authenticationRequired: true }) },
  );
  const action = initiator.actions[0];
  assert.ok(action?.do === 'fail');
  assert.equal(action.error.code, 'ISCSI_AUTHENTICATION');
  assert.match(action.error.hint ?? '', /user name and password/);
});

test('random policies come to the same parameters on both sides, or to no login', () => {
  const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  const random = new Random(seed);
  const pick = <T>(...choices: readonly T[]): T => choices[random.below(choices.length)] as T;
  const draw = (): OperationalPolicy => {
    const maxBurstLength = pick(512, 8192, 65_536, 1_048_576, 16_777_215);
    return {
      headerDigest: pick<OperationalPolicy['headerDigest']>(...DIGESTS),
      dataDigest: pick<OperationalPolicy['headerDigest']>(...DIGESTS),
      digestsOptional: pick(true, false),
      initialR2T: pick(true, false),
      immediateData: pick(true, false),
      maxRecvDataSegmentLength: pick(512, 8192, 262_144, 16_777_215),
      maxBurstLength,
      firstBurstLength: Math.min(maxBurstLength, pick(512, 65_536, 16_777_215)),
      maxOutstandingR2T: pick(1, 4, 65_535),
      defaultTime2Wait: pick(0, 2, 3600),
      defaultTime2Retain: pick(0, 20, 3600),
      maxConnections: pick(1, 8),
      errorRecoveryLevel: pick(0, 1, 2),
      dataPDUInOrder: pick(true, false),
      dataSequenceInOrder: pick(true, false),
      taskReporting: pick<OperationalPolicy['taskReporting']>(['RFC3720'], ['FastAbort', 'ResponseFence', 'RFC3720']),
      protocolLevel: pick(1, 2),
    };
  };
  let ended = 0;
  for (let round = 0; round < 500; round++) {
    const policy = draw();
    const target = draw();
    const kind = pick(
      { sessionType: 'Normal', targetName: TARGET } as const,
      { sessionType: 'Discovery', targetName: undefined } as const,
    );
    const result = login({ policy, ...kind, securityStage: pick(true, false) }, { policy: target });
    const where = `SEED=${seed}, round ${round}: ${JSON.stringify({ policy, target, kind })}`;
    assert.equal(result.initiator.actions[0]?.do === 'fail', digestsDiffer(policy, target, kind.sessionType), where);
    if (result.initiator.actions[0]?.do === 'fail') continue;
    ended++;
    const parameters = agreed(result);
    assert.ok(parameters.firstBurstLength <= parameters.maxBurstLength, where);
  }
  assert.ok(ended > 100, `SEED=${seed}: only ${ended} logins ended well`);
});

/** True when a digest has no common value, and a side for which it is required. */
function digestsDiffer(mine: OperationalPolicy, theirs: OperationalPolicy, sessionType: string): boolean {
  const without = (policy: OperationalPolicy, key: 'headerDigest' | 'dataDigest'): boolean =>
    policy.digestsOptional || policy[key].includes('None');
  return (['headerDigest', 'dataDigest'] as const).some((key) => {
    // A Discovery session does not ask for a digest that it can do without.
    const offered = sessionType === 'Discovery' && mine[key].includes('None') ? ['None'] : mine[key];
    const common = offered.some((digest) => (theirs[key] as readonly string[]).includes(digest));
    return !common && !(without(mine, key) && without(theirs, key));
  });
}
