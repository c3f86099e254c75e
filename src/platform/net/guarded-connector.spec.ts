import type { LookupAddress } from 'node:dns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'undici';
import { guardedConnector, guardedLookup } from './guarded-connector.js';

const PUBLIC: LookupAddress = { address: '93.184.216.34', family: 4 };
const PRIVATE: LookupAddress = { address: '10.0.0.7', family: 4 };
const LINK: LookupAddress = { address: 'fe80::a9fe:a9fe', family: 6 };

/** What a socket would be told that asks for a name with these addresses. */
async function answerOf(addresses: LookupAddress[], reach: { allowPrivate: boolean }, all: boolean): Promise<unknown> {
  const guarded = guardedLookup(reach, (_name, _options, callback) => callback(null, addresses));
  return new Promise((resolve) => guarded('acme.example', { all }, (error, found) => resolve(error ?? found)));
}

describe('guardedLookup', () => {
  it.each([true, false])('refuses a name when only one of its addresses is private, asked for all: %s', async (all) => {
    const answer = await answerOf([PUBLIC, PRIVATE], { allowPrivate: false }, all);
    expect(answer).toMatchObject({ name: 'AddressRefusedError' });
  });

  it('hands out the very addresses that it has checked', async () => {
    expect(await answerOf([PUBLIC], { allowPrivate: false }, true)).toEqual([PUBLIC]);
    expect(await answerOf([PUBLIC], { allowPrivate: false }, false)).toBe(PUBLIC.address);
  });

  it('allows private addresses where that is set, links never', async () => {
    expect(await answerOf([PRIVATE], { allowPrivate: true }, true)).toEqual([PRIVATE]);
    expect(await answerOf([PRIVATE, LINK], { allowPrivate: true }, true)).toMatchObject({
      name: 'AddressRefusedError',
    });
  });

  it('refuses a name without an address', async () => {
    expect(await answerOf([], { allowPrivate: true }, false)).toMatchObject({ name: 'AddressRefusedError' });
  });

  it('asks the resolver of the system when told of none', async () => {
    const found = new Promise((resolve) => guardedLookup({ allowPrivate: false })('localhost', { all: true }, resolve));
    expect(await found).toMatchObject({ name: 'AddressRefusedError' });
  });
});

describe('guardedConnector', () => {
  let server: Server;
  let asked = 0;

  beforeAll(async () => {
    server = createServer((_request, response) => {
      asked++;
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end();
    });
    await new Promise<void>((resolve) => server.listen(0, resolve));
  });

  beforeEach(() => {
    asked = 0;
  });

  afterAll(() => {
    server.close();
  });

  async function statusOf(host: string, allowPrivate: boolean): Promise<number> {
    const { port } = server.address() as AddressInfo;
    const connect = guardedConnector({ allowPrivate }, 2_000);
    const client = new Client(`http://${host}:${String(port)}`, { connect });
    try {
      const { statusCode, body } = await client.request({ path: '/', method: 'GET' });
      await body.dump();
      return statusCode;
    } finally {
      await client.destroy();
    }
  }

  it.each(['127.0.0.1', 'localhost', '[::1]', '[::ffff:127.0.0.1]', '2130706433', '0x7f.1', '0.0.0.0', '127.0.0.1.'])(
    'makes no connection to %s',
    async (host) => {
      await expect(statusOf(host, false)).rejects.toMatchObject({ name: 'AddressRefusedError' });
      expect(asked).toBe(0);
    },
  );

  it('connects where private addresses are allowed, and follows no redirect', async () => {
    expect(await statusOf('127.0.0.1', true)).toBe(302);
    expect(asked).toBe(1);
  });

  it('makes no connection to a metadata service even then', async () => {
    await expect(statusOf('169.254.169.254', true)).rejects.toMatchObject({ name: 'AddressRefusedError' });
  });
});
