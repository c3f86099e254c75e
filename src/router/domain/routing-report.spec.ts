import { reportOf, sumsOf, type RoutedCall } from './routing-report.js';

const call = (fields: Partial<RoutedCall> = {}): RoutedCall => ({
  group: 'router',
  kind: null,
  modelKey: 'a',
  usd: 0.01,
  providerUsd: 0.008,
  estimatedUsd: 0.02,
  routersEstimatedUsd: 0.02,
  inputTokens: 100,
  outputTokens: 50,
  durationMs: 1_000,
  firstTokenMs: 200,
  finishReason: 'stop',
  failure: null,
  ...fields,
});
const report = (...calls: RoutedCall[]) => reportOf(calls.flatMap(sumsOf));

describe('the report of routing', () => {
  it('adds up each group by itself', () => {
    const failed = call({ group: 'control', usd: 0, failure: 'timeout', finishReason: null });
    const { groups } = report(call(), call({ modelKey: 'b', finishReason: 'length', usd: 0.03 }), failed);
    expect(groups.router).toMatchObject({
      requests: 2,
      failures: {},
      failure_share: 0,
      usd: 0.04,
      usd_a_request: 0.02,
      input_tokens: 200,
      finish_reasons: { stop: 1, length: 1 },
      models: { a: 1, b: 1 },
    });
    expect(groups.control).toMatchObject({
      requests: 1,
      failures: { timeout: 1 },
      failure_share: 1,
      finish_reasons: {},
    });
    expect(groups.control.duration_ms).toEqual({ mean: null, p50: null, p95: null });
  });

  it('finds percentiles within a fifth', () => {
    const { groups } = report(...Array.from({ length: 100 }, (_, at) => call({ durationMs: (at + 1) * 10 })));
    const { p50, p95, mean } = groups.router.duration_ms;
    expect(mean).toBeCloseTo(505, 3);
    expect(p50! >= 500 && p50! <= 600).toBe(true);
    expect(p95! >= 950 && p95! <= 1_140).toBe(true);
  });

  it('gives a difference with its interval, and none where there is too little', () => {
    expect(report(call()).difference.usd_a_request).toBeNull();
    const many = (usd: number, group: RoutedCall['group']) =>
      Array.from({ length: 100 }, (_, at) => call({ group, usd: usd + (at % 2) * 0.01 }));
    const { usd_a_request: difference } = report(...many(0.01, 'router'), ...many(0.03, 'control')).difference;
    expect(difference?.mean).toBeCloseTo(-0.02, 9);
    expect(difference!.low95 < -0.02 && difference!.high95 > -0.02 && difference!.high95 < -0.01).toBe(true);
  });
});
