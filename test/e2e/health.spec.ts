import { createTestDatabase, type TestDatabase } from '../support/database.js';
import { ADMIN_TOKEN, GatewayProcess } from '../support/gateway.js';
import { pollUntil, promised } from '../support/poll.js';
import { TcpProxy } from '../support/tcp-proxy.js';

interface Report {
  status: string;
  info: Record<string, { status: string }>;
  error: Record<string, { status: string; message?: string }>;
  details: Record<string, Record<string, unknown>>;
}

const VIEWER_TOKEN = 'viewer_token_for_the_tests';
/** The contract allows five seconds to notice a loss. */
const NOTICED_WITHIN_MS = promised(5_000);
const PARTS = ['process', 'database', 'queue', 'snapshots'];

let database: TestDatabase;
let line: TcpProxy;
let gateway: GatewayProcess;

/** Jobs live on Postgres; they are tried on Redis as well wherever REDIS_URL names one (`.ci/run` sets it). */
const REDIS_URL = process.env['REDIS_URL'];

beforeAll(async () => {
  database = await createTestDatabase();
  line = await TcpProxy.to(database.url);
  gateway = await GatewayProcess.start({ databaseUrl: line.url, env: { VIEWER_TOKEN } });
});

afterAll(async () => {
  await gateway.stop();
  line.close();
  await database.drop();
});

async function ask(path: string, token?: string): Promise<{ status: number; report: Report }> {
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const response = await fetch(`${gateway.url}${path}`, { headers });
  return { status: response.status, report: (await response.json()) as Report };
}

async function untilStatus(status: number, timeoutMs?: number): Promise<Report> {
  const asked = async (): Promise<Report | null> => {
    const answer = await ask('/health/ready');
    return answer.status === status ? answer.report : null;
  };
  return pollUntil(asked, `${status} of /health/ready`, timeoutMs);
}

/** Waits for a 503 that blames a part. What depends on the part may be noticed a moment earlier. */
function untilDown(part: string): Promise<Report> {
  const asked = async (): Promise<Report | null> => {
    const { status, report } = await ask('/health/ready');
    return status === 503 && report.error[part]?.status === 'down' ? report : null;
  };
  return pollUntil(asked, `${part} to be down`, NOTICED_WITHIN_MS);
}

describe('GET /health', () => {
  it('names every component with its status, in the shape of Terminus', async () => {
    for (const path of ['/health', '/health/ready', '/health/']) {
      const { status, report } = await ask(path);
      expect(status).toBe(200);
      expect(Object.keys(report).sort()).toEqual(['details', 'error', 'info', 'status']);
      expect(report.status).toBe('ok');
      expect(report.details).toEqual(Object.fromEntries(PARTS.map((name) => [name, { status: 'up' }])));
    }
  });

  it('shows details to a viewer and to an operator only', async () => {
    for (const token of [VIEWER_TOKEN, ADMIN_TOKEN]) {
      expect((await ask('/health', token)).report.details['database']).toHaveProperty('responseTime');
    }
    for (const token of ['wrong', '']) {
      expect((await ask('/health', token)).report.details['database']).toEqual({ status: 'up' });
    }
  });

  it('live tells that the process runs', async () => {
    const { status, report } = await ask('/health/live');
    expect([status, report.details]).toEqual([200, { process: { status: 'up' } }]);
  });

  it('refuses other methods', async () => {
    const response = await fetch(`${gateway.url}/health/ready`, { method: 'POST' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET, HEAD']);
  });
});

describe('a database that is lost', () => {
  it.each(['refused', 'silent'] as const)(
    '(%s) makes ready 503 within five seconds, and its return 200 again by itself',
    async (state) => {
      await line.become(state);
      try {
        expect((await untilDown('database')).status).toBe('error');
        expect((await ask('/health/live')).status).toBe(200);
        const { report: shown } = await ask('/health', VIEWER_TOKEN);
        expect(shown.error['database']?.message).toEqual(expect.any(String));
      } finally {
        await line.become('open');
      }
      await untilStatus(200);
    },
  );
});

// A loop: Jest refuses an empty `describe.each`.
for (const redisUrl of REDIS_URL === undefined ? [] : [REDIS_URL]) {
  describe('a queue on Redis that is lost', () => {
    it.each(['refused', 'silent'] as const)(
      '(%s) makes ready 503 within five seconds, and its return 200 again by itself',
      async (state) => {
        const redis = await TcpProxy.to(redisUrl);
        const other = await createTestDatabase();
        const before = gateway;
        gateway = await GatewayProcess.start({ databaseUrl: other.url, env: { REDIS_URL: redis.url } });
        try {
          await redis.become(state);
          expect((await untilStatus(503, NOTICED_WITHIN_MS)).error).toEqual({ queue: { status: 'down' } });
          await redis.become('open');
          await untilStatus(200);
        } finally {
          await gateway.stop();
          gateway = before;
          redis.close();
          await other.drop();
        }
      },
    );
  });
}
