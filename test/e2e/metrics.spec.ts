import { chat, chatStream, prompt } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { World } from '../support/world.js';

const VIEWER_TOKEN = 'viewer-token-of-the-test';

let world: World;
beforeAll(async () => {
  world = await World.create({ VIEWER_TOKEN });
});
afterAll(() => world.destroy());

describe('GET /metrics', () => {
  it('is closed without a viewer token', async () => {
    expect((await fetch(`${world.url}/metrics`)).status).toBe(401);
    const wrong = await fetch(`${world.url}/metrics`, { headers: { authorization: 'Bearer wrong' } });
    expect(wrong.status).toBe(401);
  });

  it('prints what the wallet counts, in the format of Prometheus', async () => {
    const response = await fetch(`${world.url}/metrics`, { headers: { authorization: `Bearer ${VIEWER_TOKEN}` } });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toMatch(/^text\/plain/);
    expect(await response.text()).toMatch(/^# TYPE wallet_captures_total counter$/m);
  });

  const scrape = async (): Promise<string> =>
    (await fetch(`${world.url}/metrics`, { headers: { authorization: `Bearer ${VIEWER_TOKEN}` } })).text();
  const valueOf = (text: string, series: string): number =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(`${series} `))
        ?.slice(series.length + 1) ?? 'NaN',
    );

  it('counts model calls by stage, verdict and status, with tokens, credits and latencies', async () => {
    const [good, bad] = [await world.model({ behaviours: ['status-503', 'ok-n20-p10'] }), 'no/such'];
    const key = await world.key();
    await chatStream(world.url, prompt(good.key), { key: key.key });
    await chat(world.url, prompt(bad), { key: key.key });
    await chat(world.url, prompt('auto'), { key: 'jt_nobody' });
    const text = await pollUntil(async () => {
      const all = await scrape();
      return valueOf(all, 'gateway_requests_total{stage="authenticate",outcome="refused",status="403"}') === 1
        ? all
        : null;
    }, 'the last request in the metrics');
    expect(valueOf(text, 'gateway_requests_total{stage="capture",outcome="passed",status="200"}')).toBe(1);
    expect(valueOf(text, 'gateway_requests_total{stage="route",outcome="refused",status="404"}')).toBe(1);
    expect(valueOf(text, 'gateway_tokens_total{bucket="output"}')).toBe(20);
    expect(valueOf(text, 'gateway_credits_total{tier="standard"}')).toBeCloseTo(0.02, 6);
    expect(valueOf(text, 'gateway_stage_seconds_count{stage="freeze"}')).toBe(1);
    expect(valueOf(text, 'gateway_first_token_seconds_count')).toBe(1);
    // Labels have few values: nothing that a caller can make more of.
    for (const many of [good.key, key.id, key.accountId]) expect(text).not.toContain(many);
  });

  it('shows open freezes, queues, pools, breakers and the delay of the event loop when it is asked', async () => {
    const { key: model } = await world.model({ behaviours: ['slow-tokens-n10000-d50'] });
    const key = await world.key();
    const left = new AbortController();
    await chat(world.url, prompt(model, { stream: true }), { key: key.key, signal: left.signal });
    // A scrape leaves out what does not answer within a second, which a busy machine may not.
    const measured = [
      'wallet_oldest_freeze_age_seconds',
      'queue_jobs{queue="settlement",state="failed"}',
      'queue_oldest_job_age_seconds{queue="settlement",failed="true"}',
    ];
    const text = await pollUntil(
      async () => {
        const all = await scrape();
        return measured.every((series) => !Number.isNaN(valueOf(all, series))) ? all : null;
      },
      'the measured gauges',
      60_000,
    );
    expect(valueOf(text, 'wallet_freezes_open')).toBeGreaterThanOrEqual(1);
    expect(valueOf(text, 'wallet_oldest_freeze_age_seconds')).toBeGreaterThan(0);
    expect(measured.slice(1).map((series) => valueOf(text, series))).toEqual([0, 0]);
    expect(valueOf(text, 'provider_breakers_open')).toBeGreaterThanOrEqual(0);
    expect(valueOf(text, 'database_connections{state="waited_for"}')).toBeGreaterThanOrEqual(0);
    expect(valueOf(text, 'nodejs_eventloop_lag_p99_seconds')).toBeGreaterThanOrEqual(0);
    left.abort();
  });
});
