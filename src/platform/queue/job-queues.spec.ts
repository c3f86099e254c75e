import { createLogger } from '../logging/index.js';
import { readConfig } from '../config/index.js';
import { JobQueues } from './job-queues.js';

const SECRET = `1:${'a'.repeat(43)}=`;
const CONFIG = readConfig({
  DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing',
  HASH_SECRETS: SECRET,
  ENCRYPTION_SECRETS: SECRET,
  LOG_LEVEL: 'silent',
});

function queues(): JobQueues {
  return new JobQueues(CONFIG, createLogger(CONFIG, 'test'));
}

describe('JobQueues', () => {
  it('refuses to start when a queue has no handler', async () => {
    await expect(queues().onApplicationBootstrap()).rejects.toThrow(
      "queue 'settlement' needs exactly one handler, it has 0",
    );
  });

  it('refuses to start when a queue has two handlers', async () => {
    const two = queues();
    two.handle('settlement', () => Promise.resolve());
    two.handle('settlement', () => Promise.resolve());
    await expect(two.onApplicationBootstrap()).rejects.toThrow(
      "queue 'settlement' needs exactly one handler, it has 2",
    );
  });

  it('refuses a payload that does not fit its queue', async () => {
    await expect(queues().add('settlement', { bucket: 1.5 }, 'job')).rejects.toThrow();
  });

  it('says that a back end is away instead of waiting for it', async () => {
    const away = queues();
    await expect(away.counts('settlement')).rejects.toMatchObject({ kind: 'unavailable', code: 'queue_unavailable' });
    await away.onApplicationShutdown();
  });
});
