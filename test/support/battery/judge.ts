import type { Seen, Mode } from './battery.js';
import { microsOf } from './battery.js';
import type { BatteryCase, Failed, Served, Tokens } from './case.js';

/** Prices of the World's models, micro-credits a token. */
const RATES = { input: 200n, output: 900n, cached: 20n, written: 250n };

/** What must never reach a caller, whatever an upstream says. */
const SECRETS = ['sk-canary', '127.0.0.1', '10.1.2.3', 'http://', 'secret.internal', '/v1/chat'];

/** Holds what a case came to against what it promises. */
export function judge(one: BatteryCase, seen: Seen, mode: Mode): void {
  if (one.refused !== undefined) return judgeRefusal(one.refused, seen);
  if (one.broken !== undefined) return judgeBreak(one.broken, seen);
  if (one.served === undefined) throw new Error('a case must say what it promises');
  judgeAnswer(one.served, seen, mode);
  judgeMoney(one.served.tokens, seen);
  judgeWay(one, seen);
}

/** The caller sees a whole answer in OpenAI's shape. */
function judgeAnswer(served: Served, { answer, adapter, received }: Seen, mode: Mode): void {
  expect({ status: answer.status, error: answer.error, strange: answer.strange }).toEqual({
    status: 200,
    error: null,
    strange: [],
  });
  expect(answer.isDone).toBe(true);
  expect(answer.message['role']).toBe('assistant');
  if (served.text !== undefined) expect(answer.message['content'] ?? '').toBe(served.text);
  if (served.reasoning !== undefined) {
    expect(answer.message['reasoning_content'] ?? answer.message['reasoning']).toBe(served.reasoning);
  }
  if (served.declined !== undefined) judgeDecline(served.declined, answer.message, answer.finishes);
  else expect(answer.finishes).toEqual([served.finish]);
  judgeCalls(served, answer.calls, mode);
  const last = received.at(-1)?.body ?? '';
  const hasArrived = (text: string): boolean => last.includes(text) || last.includes(JSON.stringify(text).slice(1, -1));
  const { has = [], lacks = [] } = served.wire?.[adapter] ?? {};
  expect([...(served.received ?? []), ...has].filter((text) => !hasArrived(text))).toEqual([]);
  expect(lacks.filter(hasArrived)).toEqual([]);
}

/** Some vendors say why they refuse, others only that they do. */
function judgeDecline(words: string, message: Record<string, unknown>, finishes: readonly string[]): void {
  if (finishes[0] === 'content_filter') expect(finishes).toEqual(['content_filter']);
  else expect([message['refusal'], finishes]).toEqual([words, ['stop']]);
}

function judgeCalls(served: Served, calls: Seen['answer']['calls'], mode: Mode): void {
  const read = calls.map(({ name, arguments: text }) => ({ name, arguments: JSON.parse(text) as unknown }));
  expect(read).toEqual(served.calls ?? []);
  expect(calls.map(({ type }) => type)).toEqual(calls.map(() => 'function'));
  const ids = calls.map(({ id }) => id);
  expect(ids.every((id) => typeof id === 'string' && id !== '')).toBe(true);
  expect(new Set(ids).size).toBe(ids.length);
  expect(mode === 'stream' || calls.every((call) => typeof call.arguments === 'string')).toBe(true);
}

/** An answer costs once what was counted, and everybody is told the same. */
function judgeMoney(tokens: Tokens | 'estimated', { answer, usage }: Seen): void {
  expect(usage).toMatchObject({ status: 'settled', shortfall: '0.000000' });
  expect(usage.credits_charged).toBe(usage.credits_used);
  expect(microsOf(usage.credits_used)).toBe(priceOf(usage));
  expect(answer.metadata?.billing).toMatchObject({
    credits_used: usage.credits_used,
    input_tokens: usage.input_tokens,
    output_tokens: usage.output_tokens,
    cached_input_tokens: usage.cached_input_tokens,
    cached_output_tokens: usage.cached_output_tokens,
    usage_source: usage.usage_source,
  });
  // As OpenAI counts: what came from a cache is part of the prompt.
  const prompt = usage.input_tokens + usage.cached_input_tokens + usage.cached_output_tokens;
  expect(answer.usage).toMatchObject({
    prompt_tokens: prompt,
    completion_tokens: usage.output_tokens,
    total_tokens: prompt + usage.output_tokens,
    cost: expect.any(Number) as number,
  });
  expect(answer.usages).toBe(1);
  if (tokens === 'estimated') {
    expect(usage.usage_source).toBe('estimated');
    expect(usage.input_tokens).toBeGreaterThan(0);
    expect(usage.output_tokens).toBeGreaterThanOrEqual(15);
    expect(usage.output_tokens).toBeLessThanOrEqual(25);
    return;
  }
  const { input, output, cached = 0, written = 0 } = tokens;
  expect(usage).toMatchObject({
    usage_source: 'provider',
    input_tokens: input,
    output_tokens: output,
    cached_input_tokens: cached,
    cached_output_tokens: written,
  });
}

/** Which endpoints were asked, why they failed, and who served. */
/** What callers branch on, by status; others are `upstream_error`. */
const REFUSED_AS: Readonly<Record<number, string>> = { 400: 'invalid_request_error', 429: 'rate_limit_exceeded' };

function judgeWay(one: BatteryCase, { answer, attempts, providers, usage }: Seen): void {
  const server = providers.at(-1) ?? '';
  expect(usage.provider).toBe(server);
  expect(attempts.at(-1)).toMatchObject({ provider: server, error_class: null });
  const failures = attempts.filter(({ error_class: failure }) => failure !== null);
  expect(new Set(failures.map(({ provider }) => provider))).toEqual(new Set(providers.slice(0, -1)));
  if (one.failed === undefined) return expect(failures).toEqual([]);
  for (const failure of failures) judgeFailure(one.failed, failure);
  if (one.isRescued === true) {
    expect(answer.metadata?.routing.rescued).toMatchObject({ from: providers[0], to: server });
    return;
  }
  const header = answer.headers.get('x-daoe-failover') ?? '';
  const [provider, reason = ''] = header.split('=');
  expect(provider).toBe(providers[0]);
  expect(reason).toMatch(one.failed.reason);
}

function judgeRefusal(refused: NonNullable<BatteryCase['refused']>, { answer, attempts, usage, received }: Seen): void {
  const { status, error } = answer;
  expect({ status, message: error?.message.length }).toMatchObject({ status: refused.status });
  expect(error?.type).toBe(REFUSED_AS[refused.status] ?? 'upstream_error');
  if (refused.code !== undefined) expect(error?.code).toBe(refused.code);
  if (refused.hasRetryAfter === true) expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
  for (const secret of SECRETS) expect(JSON.stringify(error)).not.toContain(secret);
  expect(attempts.length).toBeGreaterThan(0);
  for (const attempt of attempts) judgeFailure(refused.failed, attempt);
  if (refused.param !== undefined) expect(error?.param).toBe(refused.param);
  if (refused.status === 400) expect(received).toHaveLength(refused.isUnsent === true ? 0 : 1);
  expect(usage).toMatchObject({ status: 'released', credits_used: '0.000000', credits_charged: '0.000000' });
}

/** A cut answer never looks complete; what was delivered of it is counted by the gateway. */
function judgeBreak(broken: NonNullable<BatteryCase['broken']>, { answer, attempts, usage }: Seen): void {
  expect(answer.status).toBe(200);
  expect(answer.message['content']).toBe(broken.text);
  expect(answer.error?.type).toBe('upstream_error');
  for (const secret of SECRETS) expect(JSON.stringify(answer.error)).not.toContain(secret);
  expect([answer.isDone, answer.finishes, answer.metadata]).toEqual([false, [], null]);
  for (const attempt of attempts) judgeFailure(broken.failed, attempt);
  expect(usage).toMatchObject({
    status: 'settled',
    usage_source: 'estimated',
    output_tokens: 5,
    shortfall: '0.000000',
  });
  expect(microsOf(usage.credits_charged)).toBe(priceOf(usage));
}

function judgeFailure(failed: Failed, attempt: Seen['attempts'][number]): void {
  const classes = typeof failed.class === 'string' ? [failed.class] : failed.class;
  expect(classes).toContain(attempt.error_class);
  expect(attempt.reason).toMatch(failed.reason);
}

function priceOf(usage: Seen['usage']): bigint {
  const micros =
    BigInt(usage.input_tokens) * RATES.input +
    BigInt(usage.output_tokens) * RATES.output +
    BigInt(usage.cached_input_tokens) * RATES.cached +
    BigInt(usage.cached_output_tokens) * RATES.written;
  return micros;
}
