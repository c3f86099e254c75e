import { AdminClient } from '../support/admin.js';
import { AdminApp, answerOf } from './admin.app.js';

describe('somebody who guesses', () => {
  let app: AdminApp;
  beforeAll(async () => {
    app = await AdminApp.start({ AUTH_FAILURES_PER_MINUTE: '5' });
  });
  afterAll(async () => app.stop());

  const models = (key: string): Promise<Response> =>
    fetch(`${app.url}/openai/v1/models`, { headers: { authorization: `Bearer ${key}` } });

  it('at keys is always told 403, and locks no valid key out', async () => {
    const { id } = await app.admin.post<{ id: string }>('/accounts', { kind: 'personal', name: 'Ada' });
    const { key } = await app.admin.post<{ key: string }>('/api-keys', { name: 'k', owner_account_id: id });
    const guesses = await Promise.all(Array.from({ length: 60 }, (_, at) => models(`jt_guess${at.toString()}`)));
    const crowd = Array.from({ length: 20 }, () => models('jt_guess'));
    const valid = await Promise.all(Array.from({ length: 10 }, () => models(key)));
    expect(new Set(valid.map(({ status }) => status))).toEqual(new Set([200]));
    for (const guess of [...guesses, ...(await Promise.all(crowd))]) {
      const { status, body } = await answerOf<{ error: { type: string } }>(guess);
      expect([status, body.error.type]).toEqual([403, 'invalid_api_key']);
    }
  });

  it('at admin tokens meets 401 or 429 with Retry-After, and locks no token of the table out', async () => {
    const operator = await app.clientOf('operator');
    const guesser = new AdminClient(app.url, 'ja_guess');
    const crowd = Array.from({ length: 60 }, () => guesser.send('GET', '/accounts'));
    const valid = await Promise.all(Array.from({ length: 10 }, () => operator.send('GET', '/accounts')));
    expect(new Set(valid.map(({ status }) => status))).toEqual(new Set([200]));
    const answers = await Promise.all(crowd);
    expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
    for (const answer of answers) {
      const { status, headers, body } = await answerOf(answer);
      const isRight =
        status === 401 ? body.code === 'invalid_admin_token' : status === 429 && body.code === 'too_many_failures';
      expect([status, body.code, isRight]).toEqual([status, body.code, true]);
      if (status === 429) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    }
  });
});
