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
});
