import { JobQueues } from '../../src/platform/queue/index.js';
import { pollUntil } from '../support/poll.js';
import { AdminApp } from './admin.app.js';

const REDIS_URL = process.env['REDIS_URL'];
const BACKENDS: readonly (readonly [string, Record<string, string>])[] = [
  ['postgres', {}],
  ...(REDIS_URL === undefined ? [] : ([['redis', { REDIS_URL }]] as const)),
];

interface QueueRow {
  name: string;
  backend: string;
  waiting: number;
  failed: number;
  oldest_at: string | null;
  oldest_failed_at: string | null;
}

interface JobRow {
  id: string;
  state: string;
  attempts: number;
  error: string | null;
  added_at: string;
}

describe.each(BACKENDS)('queues of administration on %s', (backend, env) => {
  let working: AdminApp;
  let idle: AdminApp;

  beforeAll(async () => {
    [working, idle] = await Promise.all([AdminApp.start(env), AdminApp.start({ ...env, WORKERS_ENABLED: 'false' })]);
  });
  afterAll(async () => {
    await Promise.all([working.stop(), idle.stop()]);
  });

  /** A job that no worker can read fails at its first attempt. */
  function add(app: AdminApp, jobId: string): Promise<unknown> {
    return app.get(JobQueues).ask('settlement', (queue) => queue.add('settlement', {}, { jobId, attempts: 1 }));
  }

  async function failed(jobId: string): Promise<JobRow> {
    await add(working, jobId);
    const jobs = async (): Promise<JobRow | null> => {
      const { data } = await working.admin.get<{ data: JobRow[] }>('/queues/settlement/jobs');
      return data.find(({ id }) => id === jobId) ?? null;
    };
    return pollUntil(jobs, 'the job to fail');
  }

  async function queueOf(app: AdminApp): Promise<QueueRow> {
    return app.admin.get<QueueRow>('/queues/settlement');
  }

  it('tell their depth, their oldest job and what failed', async () => {
    expect(await queueOf(idle)).toMatchObject({ backend, waiting: 0, oldest_at: null, oldest_failed_at: null });
    await add(idle, 'first');
    await add(idle, 'second');
    const queue = await queueOf(idle);
    expect(queue).toMatchObject({ name: 'settlement', waiting: 2, failed: 0 });
    const { data } = await idle.admin.get<{ data: JobRow[] }>('/queues/settlement/jobs?state=waiting');
    expect(data.map(({ id }) => id).sort()).toEqual(['first', 'second']);
    expect(data.map(({ added_at }) => added_at).sort()[0]).toBe(queue.oldest_at);
    expect((await idle.admin.get<{ data: QueueRow[] }>('/queues')).data.map(({ name }) => name)).toContain(
      'settlement',
    );
  });

  it('page through their jobs', async () => {
    const first = await idle.admin.get<{ data: JobRow[]; next_cursor: string }>(
      '/queues/settlement/jobs?state=waiting&limit=1',
    );
    const second = await idle.admin.get<{ data: JobRow[]; next_cursor: string | null }>(
      `/queues/settlement/jobs?state=waiting&limit=1&cursor=${first.next_cursor}`,
    );
    expect([...first.data, ...second.data].map(({ id }) => id).sort()).toEqual(['first', 'second']);
    expect(second.next_cursor).toBeNull();
  });

  it('drop a job that waits, and retry only one that has failed', async () => {
    const early = await idle.call('POST', '/queues/settlement/jobs/first/retry');
    expect([early.status, early.body.code]).toEqual([409, 'job_not_failed']);
    expect((await idle.call('DELETE', '/queues/settlement/jobs/first')).status).toBe(204);
    const gone = await idle.call('DELETE', '/queues/settlement/jobs/first');
    expect([gone.status, gone.body.code]).toEqual([404, 'job_not_found']);
    expect(await queueOf(idle)).toMatchObject({ waiting: 1 });
  });

  it('show why a job failed, let it run again and forget it', async () => {
    const job = await failed('bad-1');
    expect(job).toMatchObject({ state: 'failed', attempts: 1 });
    expect(job.error).toContain('bucket');
    expect((await queueOf(working)).oldest_failed_at).not.toBeNull();
    expect((await working.call('POST', '/queues/settlement/jobs/bad-1/retry')).status).toBe(200);
    const failedAgain = async (): Promise<JobRow | null> => {
      const row = await working.admin.get<JobRow>('/queues/settlement/jobs/bad-1');
      return row.state === 'failed' && row.attempts > 1 ? row : null;
    };
    await pollUntil(failedAgain, 'the job to fail again');
    expect((await working.call('DELETE', '/queues/settlement/jobs/bad-1')).status).toBe(204);
    expect((await working.call('GET', '/queues/settlement/jobs/bad-1')).status).toBe(404);
  });

  it('retry and drop all failed jobs at once, and say who did', async () => {
    await failed('bad-2');
    await failed('bad-3');
    expect(await working.admin.post('/queues/settlement/retry', undefined)).toEqual({ jobs: 2 });
    const allFailed = async (): Promise<true | null> => ((await queueOf(working)).failed === 2 ? true : null);
    await pollUntil(allFailed, 'both to fail again');
    expect(await working.admin.post('/queues/settlement/drop', undefined)).toEqual({ jobs: 2 });
    expect(await queueOf(working)).toMatchObject({ failed: 0 });
    const { data } = await working.admin.get<{ data: { action: string }[] }>('/audit-log?resource=queue&limit=2');
    expect(data.map(({ action }) => action)).toEqual(['queue.drop', 'queue.retry']);
  });

  it.each(['/queues/nothing', '/queues/settlement/jobs/none', '/queues/toString/jobs'])('know no %s', async (path) => {
    expect((await working.call('GET', path)).status).toBe(404);
  });
});
