/**
 * Task management: functions (RFC 7143 §11.5.1; 9 to 12 from RFC 7144) and responses (RFC 7143 §11.6.1; 7 from
 * RFC 7144).
 */

import { byCode, type CodeText } from './iscsi-text.ts';

/** The Function field of a Task Management Function Request. */
export const TASK_MANAGEMENT_FUNCTIONS = {
  ABORT_TASK: 1,
  ABORT_TASK_SET: 2,
  CLEAR_ACA: 3,
  CLEAR_TASK_SET: 4,
  LOGICAL_UNIT_RESET: 5,
  TARGET_WARM_RESET: 6,
  TARGET_COLD_RESET: 7,
  TASK_REASSIGN: 8,
  QUERY_TASK: 9,
  QUERY_TASK_SET: 10,
  I_T_NEXUS_RESET: 11,
  QUERY_ASYNCHRONOUS_EVENT: 12,
} as const;

const FUNCTION_TEXT = {
  ABORT_TASK: { name: 'ABORT TASK', text: 'aborts one task' },
  ABORT_TASK_SET: { name: 'ABORT TASK SET', text: 'aborts all tasks of this session at the logical unit' },
  CLEAR_ACA: { name: 'CLEAR ACA', text: 'clears the auto contingent allegiance condition' },
  CLEAR_TASK_SET: { name: 'CLEAR TASK SET', text: 'aborts all tasks of the task set, of whichever initiator' },
  LOGICAL_UNIT_RESET: { name: 'LOGICAL UNIT RESET', text: 'resets the logical unit' },
  TARGET_WARM_RESET: { name: 'TARGET WARM RESET', text: 'resets all logical units that this initiator knows' },
  TARGET_COLD_RESET: { name: 'TARGET COLD RESET', text: 'resets the target as if powered on, all sessions end' },
  TASK_REASSIGN: { name: 'TASK REASSIGN', text: 'moves a task to this connection' },
  QUERY_TASK: { name: 'QUERY TASK', text: 'asks whether a task exists' },
  QUERY_TASK_SET: { name: 'QUERY TASK SET', text: 'asks whether the logical unit has tasks of this session' },
  I_T_NEXUS_RESET: { name: 'I_T NEXUS RESET', text: 'ends what this session has at all logical units' },
  QUERY_ASYNCHRONOUS_EVENT: { name: 'QUERY ASYNCHRONOUS EVENT', text: 'asks whether an event is waiting' },
} as const satisfies Record<keyof typeof TASK_MANAGEMENT_FUNCTIONS, CodeText>;

/** The Response field of a Task Management Function Response. */
export const TASK_MANAGEMENT_RESPONSES = {
  FUNCTION_COMPLETE: 0,
  TASK_DOES_NOT_EXIST: 1,
  LUN_DOES_NOT_EXIST: 2,
  TASK_STILL_ALLEGIANT: 3,
  REASSIGNMENT_NOT_SUPPORTED: 4,
  FUNCTION_NOT_SUPPORTED: 5,
  AUTHORIZATION_FAILED: 6,
  FUNCTION_SUCCEEDED: 7,
  FUNCTION_REJECTED: 255,
} as const;

const RESPONSE_TEXT = {
  FUNCTION_COMPLETE: { name: 'Function complete', text: 'the function is done' },
  TASK_DOES_NOT_EXIST: { name: 'Task does not exist', text: 'the target does not know the task' },
  LUN_DOES_NOT_EXIST: { name: 'LUN does not exist', text: 'the target has no such logical unit' },
  TASK_STILL_ALLEGIANT: {
    name: 'Task still allegiant',
    text: 'the task still belongs to a connection that is not logged out',
  },
  REASSIGNMENT_NOT_SUPPORTED: {
    name: 'Task allegiance reassignment not supported',
    text: 'the target cannot move tasks between connections',
  },
  FUNCTION_NOT_SUPPORTED: {
    name: 'Task management function not supported',
    text: 'the target does not support the function',
  },
  AUTHORIZATION_FAILED: { name: 'Function authorization failed', text: 'the initiator may not use the function' },
  FUNCTION_SUCCEEDED: { name: 'Function succeeded', text: 'the answer to the question is yes' },
  FUNCTION_REJECTED: { name: 'Function rejected', text: 'the target refused the function' },
} as const satisfies Record<keyof typeof TASK_MANAGEMENT_RESPONSES, CodeText>;

/** What to do about a response; nothing where the function is done. */
const ADVICE: Readonly<Partial<Record<keyof typeof TASK_MANAGEMENT_RESPONSES, string>>> = {
  TASK_DOES_NOT_EXIST:
    'its status has been sent, or another function ended it: take the answer that comes, if one does',
  LUN_DOES_NOT_EXIST: 'list the logical units again: the target has changed, or the LUN is another',
  TASK_STILL_ALLEGIANT: 'log the connection of the task out first, with "remove the connection for recovery"',
  REASSIGNMENT_NOT_SUPPORTED: 'send the command again, where that is safe: only error recovery level 2 moves tasks',
  FUNCTION_NOT_SUPPORTED: 'use a function that ends less, such as LOGICAL UNIT RESET, or end the session',
  AUTHORIZATION_FAILED: 'let the target allow this initiator to reset it',
  FUNCTION_REJECTED: 'the commands are still under way: wait for their answers, or end the session to be rid of them',
};

const findFunction = byCode(TASK_MANAGEMENT_FUNCTIONS, FUNCTION_TEXT);
const findResponse = byCode(TASK_MANAGEMENT_RESPONSES, RESPONSE_TEXT);

/** Words for a task management function. */
export function taskManagementFunctionText(code: number): CodeText {
  return findFunction(code) ?? { name: `Function ${code}`, text: 'the function is unassigned' };
}

/** Words for a task management response. */
export function taskManagementResponseText(code: number): CodeText {
  return findResponse(code) ?? { name: `Response ${code}`, text: 'the response code is reserved' };
}

/** What to do about a task management response, one sentence fragment; undefined where there is nothing to do. */
export function taskManagementAdvice(code: number): string | undefined {
  return adviceOf.get(code);
}

const adviceOf: ReadonlyMap<number, string> = new Map(
  Object.entries(TASK_MANAGEMENT_RESPONSES).flatMap(([key, code]) => {
    const advice = ADVICE[key as keyof typeof TASK_MANAGEMENT_RESPONSES];
    return advice === undefined ? [] : [[code, advice] as const];
  }),
);
