import { World } from '../support/world.js';

/** Addresses that never reach a route still get an answer in the shape of their door, and the process lives on. */
let world: World;
beforeAll(async () => {
  world = await World.create();
}, 60_000);
afterAll(() => world.destroy());

describe('an address that cannot be read', () => {
  it.each([
    ['/openai/v1/%zz', (body: Record<string, unknown>) => body['error']],
    ['/api/v1/%zz', (body: Record<string, unknown>) => body['code']],
    ['/admin/v1/accounts/%zz', (body: Record<string, unknown>) => body['type']],
    [`/admin/v1/accounts/${'a'.repeat(300)}`, (body: Record<string, unknown>) => body['type']],
  ])('%s is a 400 of its door', async (path, mark) => {
    const response = await fetch(world.url + path);
    expect(response.status).toBe(400);
    expect(response.headers.get('x-daoe-request-id')).toMatch(/^gwr_/);
    expect(mark((await response.json()) as Record<string, unknown>)).toBeTruthy();
    expect((await fetch(`${world.url}/health/live`)).status).toBe(200);
  });
});
