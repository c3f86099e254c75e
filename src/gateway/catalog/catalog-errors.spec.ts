import { AppError } from '../../platform/errors/index.js';
import { catalogErrorDoor } from './catalog-errors.js';

const IDS = { requestId: 'gwr_1', clientRequestId: 'req-1' };

describe('errors of /api/v1', () => {
  it('have nothing but a code and a message', () => {
    const error = new AppError('not_found', 'no such endpoint', { code: 'not_found', detail: 'host db-1', hint: 'x' });
    expect(catalogErrorDoor.render(error, IDS)).toMatchObject({
      status: 404,
      body: { code: 40400, message: 'no such endpoint' },
    });
  });

  it('say the published sentence whenever something behind them is down', () => {
    for (const kind of ['unavailable', 'routing', 'upstream_failed', 'deadline'] as const) {
      const rendered = catalogErrorDoor.render(new AppError(kind, 'database db-1 is down', { retryAfterS: 1.2 }), IDS);
      expect(rendered).toMatchObject({
        status: 503,
        headers: { 'retry-after': '2' },
        body: { code: 50300, message: 'admin-bff not available' },
      });
    }
  });

  it('carry Allow on 405', () => {
    const error = new AppError('method_not_allowed', 'method POST is not allowed here', { allow: 'GET' });
    expect(catalogErrorDoor.render(error, IDS)).toMatchObject({
      status: 405,
      headers: { allow: 'GET' },
      body: { code: 40500 },
    });
  });
});
