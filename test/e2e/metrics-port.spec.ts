import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ADMIN_TOKEN, GatewayProcess } from '../support/gateway.js';
import { pollUntil, refusesConnections } from '../support/poll.js';
import { World } from '../support/world.js';

let world: World;
beforeAll(async () => {
  world = await World.create({ METRICS_PORT: '0' });
});
afterAll(() => world.destroy());

/** Where a process says that its metrics are. */
async function metricsUrl(process: GatewayProcess): Promise<string> {
  const port = (): Promise<number | null> => {
    const line = process.logLines().find(({ msg }) => msg === 'metrics have a port of their own');
    return Promise.resolve(line === undefined ? null : Number(line['port']));
  };
  return `http://127.0.0.1:${(await pollUntil(port, 'the port of the metrics')).toString()}`;
}

describe('METRICS_PORT', () => {
  it('serves the metrics to whoever reaches it, and nothing else', async () => {
    const url = await metricsUrl(world.gateway);
    const response = await fetch(`${url}/metrics`);
    expect([response.status, response.headers.get('content-type')]).toEqual([
      200,
      expect.stringMatching(/^text\/plain/),
    ]);
    expect(await response.text()).toMatch(/^wallet_freezes_open 0$/m);
    const statuses = await Promise.all(
      ['/', '/health', '/admin/v1/accounts', '/metrics/x'].map(async (path) => (await fetch(`${url}${path}`)).status),
    );
    expect(statuses).toEqual([404, 404, 404, 404]);
    expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405);
  });

  it('takes them away from the main port and out of its document', async () => {
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}` };
    expect((await fetch(`${world.url}/metrics`, { headers })).status).toBe(404);
    const document = (await (await fetch(`${world.url}/docs/openapi.json`)).json()) as { paths: object };
    expect(Object.keys(document.paths)).not.toContain('/metrics');
    expect(Object.keys(document.paths)).toContain('/health');
  });

  it('gives a worker, which has no other door, its metrics, until it ends', async () => {
    const worker = await GatewayProcess.start({
      databaseUrl: world.database.url,
      env: { METRICS_PORT: '0' },
      entry: 'worker',
    });
    const url = await metricsUrl(worker);
    expect(await (await fetch(`${url}/metrics`)).text()).toContain(
      'gateway_webhook_deliveries_total{result="delivered"} ',
    );
    expect(await worker.stop()).toBe(0);
    await pollUntil(() => refusesConnections(url), 'the port to be closed');
  });

  it('that is taken, or the main one, keeps the process from starting and is named', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => other.once('listening', resolve));
    const taken = (other.address() as AddressInfo).port.toString();
    const start = (env: Record<string, string>) => GatewayProcess.start({ databaseUrl: world.database.url, env });
    await expect(start({ METRICS_PORT: taken })).rejects.toThrow(`METRICS_PORT: ${taken} on 127.0.0.1 is in use`);
    await expect(start({ METRICS_PORT: '9', PORT: '9' })).rejects.toThrow(
      'METRICS_PORT: must be another port than PORT',
    );
    other.close();
  });
});

describe('LEDGER_CHECKPOINT_WEBHOOK_URL', () => {
  it.each([
    ['http://10.0.0.7/checkpoints', 'false', 'is on a loopback or private address; ALLOW_PRIVATE_UPSTREAMS=true'],
    ['http://169.254.169.254/latest', 'true', 'is a link-local or metadata address'],
    ['https://user:pass@example.com/', 'true', 'must not contain credentials'],
  ])('%s keeps the process from starting (private allowed: %s)', async (url, allowed, words) => {
    const env = { LEDGER_CHECKPOINT_WEBHOOK_URL: url, ALLOW_PRIVATE_UPSTREAMS: allowed };
    const started = GatewayProcess.start({ databaseUrl: world.database.url, env });
    await expect(started).rejects.toThrow(`LEDGER_CHECKPOINT_WEBHOOK_URL: ${words}`);
  });
});
