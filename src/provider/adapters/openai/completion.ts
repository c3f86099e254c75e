import { joinContentParts } from '../../domain/content-parts.js';
import { failureOfPayload } from '../../domain/error-payload.js';
import { UpstreamFailure } from '../../domain/failure.js';
import { checkFinish, hasOutput } from '../../domain/finish-reason.js';
import { isRecord, textOf, type JsonRecord } from '../../domain/json.js';
import { liftUsage } from '../../domain/usage-place.js';
import { repairWholeCalls } from '../../sse/tool-call-repair.js';
import { readAnswer } from '../../transport/answer-json.js';

/**
 * Reads a 200 answer as a chat completion, and puts right what clients of OpenAI's format stumble over: content in parts, tool
 * calls without an id of their own or with arguments that are not a text, no finish reason.
 * @throws UpstreamFailure when it is none: not JSON, too complex, an error object, no choices, or choices without a message.
 */
export async function readCompletion(body: Buffer): Promise<JsonRecord> {
  const parsed = await readAnswer(body);
  const failure = failureOfPayload(parsed, 'error_in_answer', 200);
  if (failure !== null) throw failure;
  const choices = parsed['choices'];
  if (!Array.isArray(choices) || choices.length === 0) {
    throw new UpstreamFailure('endpoint_fault', 'no_choices', { status: 200 });
  }
  if (!choices.every((choice) => isRecord(choice) && isRecord(choice['message']))) {
    throw new UpstreamFailure('endpoint_fault', 'no_message', { status: 200 });
  }
  liftUsage(parsed, new Map());
  for (const choice of choices as JsonRecord[]) repairChoice(choice, isRecord(parsed['usage']));
  return parsed;
}

/** @param isCounted the server has counted the tokens of the answer: it had come to its end. */
function repairChoice(choice: JsonRecord, isCounted: boolean): void {
  const message = choice['message'] as JsonRecord;
  joinContentParts(message);
  const calls = Array.isArray(message['tool_calls']) ? message['tool_calls'].filter(isRecord) : [];
  repairWholeCalls(calls);
  const finish = textOf(choice['finish_reason']);
  checkFinish(finish === '' ? null : finish, hasOutput(message));
  if (finish === '') choice['finish_reason'] = calls.length > 0 ? 'tool_calls' : isCounted ? 'stop' : null;
}
