import { Client } from 'pg';
import { newId } from '../../src/platform/ids/index.js';
import type { Endpoint } from '../../src/provider/index.js';
import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { pollUntil } from '../support/poll.js';
import { UpstreamProcess } from '../support/upstream/client.js';
import { ProviderProcess, requestOf, type EndpointMaker } from './provider.process.js';

/** Providers that are asked now and then, and what becomes of their endpoints' breakers. */
describe('active probes', () => {
  let database: TestDatabase;
  let upstream: UpstreamProcess;
  let gateway: ProviderProcess;
  let sql: Client;

  beforeAll(async () => {
    [database, upstream] = await Promise.all([createTestDatabase(), UpstreamProcess.start()]);
    sql = new Client({ connectionString: database.url });
    await sql.connect();
    gateway = await ProviderProcess.start(database.url, {
      UPSTREAM_PROBE_INTERVAL_MS: '50',
      UPSTREAM_BREAKER_FAULTS_MAX: '2',
      UPSTREAM_BREAKER_OPEN_MS: '600000',
    });
  });

  afterAll(async () => {
    await gateway.stop();
    await sql.end();
    await Promise.all([upstream.stop(), database.drop()]);
  });

  const stored = async (make: EndpointMaker, upstreamModel: string): Promise<Endpoint> => {
    const endpoint = make(upstreamModel);
    await sql.query(
      `insert into model (id, model_key, display_name, tier, context_window, max_output_tokens)
       values ($1, $2, 'M', 'economy', 1000, 100)`,
      [endpoint.modelId, endpoint.modelId],
    );
    await sql.query('insert into model_endpoint (id, model_id, provider_id, upstream_model) values ($1, $2, $3, $4)', [
      endpoint.id,
      endpoint.modelId,
      endpoint.providerId,
      upstreamModel,
    ]);
    return endpoint;
  };

  const breakerWhen = (endpoint: Endpoint, state: string): Promise<unknown> =>
    pollUntil(
      () => Promise.resolve(gateway.providers.standing(endpoint.id).breaker === state ? state : null),
      `the breaker to be ${state}`,
      10_000,
    );

  it('take an endpoint out of service before any caller meets it, until its provider is changed', async () => {
    const endpoint = await stored(await gateway.provider('gone', 'http://127.0.0.1:9/v1'), 'ok');
    await breakerWhen(endpoint, 'open');
    expect(gateway.providers.standing(endpoint.id).lastFault).toBe('probe_connect_refused');
    await expect(gateway.providers.call(requestOf([endpoint]))).rejects.toMatchObject({ code: 'upstream_unavailable' });
    await gateway.admin.patch(endpoint.providerId, { baseUrl: upstream.url, apiKey: `sk-${newId()}` });
    await gateway.changes.catchUp();
    await breakerWhen(endpoint, 'closed');
  });

  it('let an open breaker be probed at once when the provider answers, and close none', async () => {
    const endpoint = await stored(await gateway.provider('back', upstream.url), 'status-503');
    for (const label of ['first', 'second']) {
      const body = { messages: [{ role: 'user', content: label }] };
      await gateway.providers.call(requestOf([endpoint], { body })).catch(() => undefined);
    }
    await breakerWhen(endpoint, 'half_open');
    expect(gateway.providers.standing(endpoint.id).lastFault).toBe('http_503');
  });
});
