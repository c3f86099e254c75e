import { connect } from 'node:net';
import { type GatewayProcess } from '../support/gateway.js';
import { prompt } from '../support/chat.js';
import { World } from '../support/world.js';

/** Address rules against real sockets, forged headers, IPv6 and trusted proxies. */
let world: World;
let sixth: GatewayProcess;
let trusting: GatewayProcess;
let model: string;
beforeAll(async () => {
  world = await World.create();
  // A socket of both families: IPv4 callers arrive as ::ffff:127.0.0.1.
  sixth = await world.startAnother({ HOST: '::' });
  trusting = await world.startAnother({ TRUSTED_PROXIES: '127.0.0.1/32, 10.1.0.0/16' });
  model = (await world.model()).key;
  await Promise.all([sixth, trusting].map((gateway) => world.caughtUp(gateway)));
});
afterAll(async () => {
  await sixth.stop();
  await trusting.stop();
  await world.destroy();
});

interface From {
  gateway?: GatewayProcess;
  /** Address to connect to, and so, on loopback, from. */
  host?: string;
  headers?: Record<string, string>;
}

async function statusWith(policy: Record<string, unknown>, from: From = {}): Promise<number> {
  const { key } = await world.key({ policy });
  const port = Number(new URL((from.gateway ?? world.gateway).url).port);
  return rawStatus(from.host ?? '127.0.0.1', port, { authorization: `Bearer ${key}`, ...from.headers });
}

/** A raw request: fetch would not send some of these headers. */
function rawStatus(host: string, port: number, headers: Record<string, string>): Promise<number> {
  const body = JSON.stringify(prompt(model));
  const lines = Object.entries({
    host: 'x',
    connection: 'close',
    'content-length': body.length.toString(),
    ...headers,
  });
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return new Promise((resolve, reject) => {
    const socket = connect(port, host);
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString('latin1')));
    socket.on('error', reject);
    socket.on('end', () => resolve(Number(answer.slice(9, 12))));
    socket.write(`POST /openai/v1/chat/completions HTTP/1.1\r\n${head}\r\n${body}`);
  });
}

describe('address rules', () => {
  it.each<[string, Record<string, unknown>, number]>([
    ['an empty allowlist', { ip_allowlist: [] }, 200],
    ['an allowed address', { ip_allowlist: ['192.0.2.1', '127.0.0.1'] }, 200],
    ['an allowed range', { ip_allowlist: ['127.0.0.0/8'] }, 200],
    ['another range', { ip_allowlist: ['127.0.1.0/24', '::1/128'] }, 403],
    ['a blocked address', { ip_blocklist: ['127.0.0.1'] }, 403],
    ['another blocked one', { ip_blocklist: ['127.0.0.2', '2001:db8::/32'] }, 200],
    ['a block that beats an allowance', { ip_allowlist: ['127.0.0.1'], ip_blocklist: ['127.0.0.0/8'] }, 403],
    ['the IPv4-mapped form of the address', { ip_blocklist: ['::ffff:127.0.0.1'] }, 403],
    ['an IPv4-mapped range', { ip_allowlist: ['::ffff:127.0.0.0/104'] }, 200],
  ])('%s (%j) gives %i', async (_what, policy, status) => {
    expect(await statusWith(policy)).toBe(status);
  });

  it('hold for IPv6 callers, and for IPv4 callers of an IPv6 socket', async () => {
    const gateway = sixth;
    expect(await statusWith({ ip_allowlist: ['::/64'] }, { gateway, host: '::1' })).toBe(200);
    expect(await statusWith({ ip_blocklist: ['0:0:0:0:0:0:0:1'] }, { gateway, host: '::1' })).toBe(403);
    expect(await statusWith({ ip_allowlist: ['127.0.0.1'] }, { gateway, host: '::1' })).toBe(403);
    expect(await statusWith({ ip_allowlist: ['127.0.0.1'] }, { gateway, host: '127.0.0.1' })).toBe(200);
    expect(await statusWith({ ip_blocklist: ['127.0.0.0/8'] }, { gateway, host: '127.0.0.1' })).toBe(403);
  });
});

describe('forged headers', () => {
  it.each(['x-forwarded-for', 'x-real-ip', 'cf-connecting-ip', 'true-client-ip', 'forwarded', 'x-client-ip'])(
    '%s does not move a caller whose peer is no trusted proxy',
    async (name) => {
      const headers = { [name]: name === 'forwarded' ? 'for=10.0.0.1' : '10.0.0.1' };
      expect(await statusWith({ ip_allowlist: ['10.0.0.0/8'] }, { headers })).toBe(403);
      expect(await statusWith({ ip_blocklist: ['10.0.0.0/8'] }, { headers })).toBe(200);
    },
  );

  it.each<[string, Record<string, string>, number]>([
    ['the last hop that is no proxy', { 'x-forwarded-for': '203.0.113.9' }, 200],
    ['over a chain of trusted proxies', { 'x-forwarded-for': '203.0.113.9, 10.1.2.3' }, 200],
    ['not what the caller wrote before it', { 'x-forwarded-for': '203.0.113.9, 198.51.100.1' }, 403],
    ['X-Real-IP where nothing was forwarded', { 'x-real-ip': '203.0.113.9' }, 200],
    ['not the proxy itself', {}, 403],
    ['nothing when it cannot be read', { 'x-forwarded-for': '203.0.113.9, nonsense' }, 403],
  ])('behind a trusted proxy the address is %s', async (_what, headers, status) => {
    const policy = { ip_allowlist: ['203.0.113.0/24'] };
    expect(await statusWith(policy, { gateway: trusting, headers })).toBe(status);
  });
});
