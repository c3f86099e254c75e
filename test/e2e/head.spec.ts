import { ADMIN_TOKEN } from '../support/gateway.js';
import { World, type TestKey } from '../support/world.js';

let world: World;
let key: TestKey;
beforeAll(async () => {
  world = await World.create();
  key = await world.key();
});
afterAll(() => world.destroy());

describe('HEAD', () => {
  it.each([
    ...['/health', '/health/live', '/health/ready', '/api/v1/models', '/api/v1/pricing', '/openai/v1/models'],
    ...['/openai/v1/requests/none', '/admin/v1/accounts', '/admin/v1/accounts/none', '/admin/v1/usage'],
  ])('answers as GET does, without a body: %s', async (path) => {
    const token = path.startsWith('/admin') ? ADMIN_TOKEN : key.key;
    for (const headers of [{ authorization: `Bearer ${token}` }, { authorization: 'Bearer wrong' }]) {
      const [head, got] = [
        await fetch(world.url + path, { method: 'HEAD', headers }),
        await fetch(world.url + path, { headers }),
      ];
      expect([head.status, await head.text()]).toEqual([got.status, '']);
      for (const name of ['content-type', 'etag', 'www-authenticate', 'cache-control']) {
        expect([name, head.headers.get(name)]).toEqual([name, got.headers.get(name)]);
      }
    }
  });
});
