import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { receiptBytes, receiptFaults, receiptSchema } from '../../src/billing/index.js';
import { PublicKeys } from '../../src/platform/signing/index.js';
import { PROJECT_DIR } from '../support/build.js';
import { chat, chatStream, errorOf, prompt, requestIdOf, type Completion } from '../support/chat.js';
import { World, type TestKey } from '../support/world.js';

type ReceiptView = Record<string, unknown> & {
  calculation: object;
  settlement: { credits_charged: string };
};

let world: World;
let caller: TestKey;
let folder: string;
let keysFile: string;
let keys: PublicKeys;
beforeAll(async () => {
  world = await World.create();
  caller = await world.key();
  folder = await mkdtemp(join(tmpdir(), 'joytoken-receipts-'));
  keysFile = join(folder, 'jwks.json');
  const published = await (await fetch(`${world.url}/.well-known/jwks.json`)).text();
  await writeFile(keysFile, published);
  keys = new PublicKeys((JSON.parse(published) as { keys: unknown[] }).keys);
});
afterAll(async () => {
  await world.destroy();
  await rm(folder, { recursive: true });
});

function ask(id: string, key = caller.key): Promise<Response> {
  return fetch(`${world.url}/openai/v1/receipts/${id}`, { headers: { authorization: `Bearer ${key}` } });
}

async function receiptOf(id: string): Promise<ReceiptView> {
  const response = await ask(id);
  expect(response.status).toBe(200);
  return (await response.json()) as ReceiptView;
}

/** Whether signature and arithmetic of a receipt are right. */
function expectGood(view: ReceiptView): void {
  const receipt = receiptSchema.parse(view);
  expect(receiptFaults(receipt)).toEqual([]);
  const { key_id: keyId = '', value = '' } = receipt.signature ?? {};
  expect(keys.check(keyId, receiptBytes(receipt), Buffer.from(value, 'base64url'))).toBe('valid');
}

/** `npm run receipt:verify`, after its build. */
async function verify(
  receipt: unknown,
  args: string[] = ['--keys', keysFile],
): Promise<{ code: number; printed: string }> {
  const program = join(PROJECT_DIR, 'dist/src/start/receipt-verify.js');
  const env = { PATH: process.env['PATH'], DATA_DIR: folder };
  const child = spawn(process.execPath, [program, '-', ...args], { env, stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  child.stdin.end(JSON.stringify(receipt));
  const [code, out, err] = await Promise.all([ended, text(child.stdout), text(child.stderr)]);
  return { code, printed: out + err };
}

async function answered(behaviour = 'ok-n20-p10'): Promise<{ id: string; body: Completion }> {
  const model = await world.model({ behaviours: [behaviour] });
  const response = await chat(world.url, prompt(model.key), { key: caller.key });
  const body = (await response.json()) as Completion;
  await world.admin.settled(requestIdOf(response));
  return { id: body.metadata.billing.receipt, body };
}

describe('a receipt', () => {
  it('is named by a whole answer, and says what that answer said', async () => {
    const { id, body } = await answered('cached-tokens-n20');
    const receipt = await receiptOf(id);
    const { billing } = body.metadata;
    expect(receipt).toMatchObject({
      id,
      request_id: body.metadata.request_id,
      account_id: caller.accountId,
      status: 'settled',
      usage: { input_tokens: billing.input_tokens, cached_input_tokens: billing.cached_input_tokens },
      calculation: { price: billing.credits_used },
      freeze: { amount: billing.frozen },
      settlement: { credits_charged: billing.credits_used },
    });
    expectGood(receipt);
  });

  it('is named by the last event of a stream', async () => {
    const model = await world.model({ behaviours: ['ok-n300-p10'] });
    const { response, metadata } = await chatStream(world.url, prompt(model.key), { key: caller.key });
    await world.admin.settled(requestIdOf(response));
    const receipt = await receiptOf(metadata?.billing.receipt ?? '');
    expect(receipt).toMatchObject({ status: 'settled', stream: true });
    expect(receipt.settlement.credits_charged).toBe(metadata?.billing.credits_used);
    expectGood(receipt);
  });

  it('of a failed request is found by the request id, and nothing was charged', async () => {
    const model = await world.model({ behaviours: ['status-500'] });
    const response = await chat(world.url, prompt(model.key), { key: caller.key });
    expect(response.status).toBe(502);
    await world.admin.settled(requestIdOf(response));
    const receipt = await receiptOf(requestIdOf(response));
    expect(receipt).toMatchObject({ status: 'released', settlement: { credits_charged: '0.000000' } });
    expectGood(receipt);
  });

  it('is there for every key of the account that paid, and for no other account', async () => {
    const { id } = await answered();
    const sibling = await world.key({ fields: { owner_account_id: caller.accountId } });
    expect((await ask(id, sibling.key)).status).toBe(200);
    const stranger = await world.key();
    for (const unknown of [await ask(id, stranger.key), await ask('rcp_00000000000000000000000000000000')]) {
      expect(await errorOf(unknown)).toMatchObject({ status: 404, type: 'not_found', code: 'receipt_not_found' });
    }
    const response = await fetch(`${world.url}/openai/v1/receipts/${id}`);
    expect(await errorOf(response)).toMatchObject({ status: 401, type: 'missing_api_key' });
  });
});

describe('receipt:verify', () => {
  it('says of a good receipt that it is, offline, with the published keys', async () => {
    const receipt = await receiptOf((await answered()).id);
    expect(await verify(receipt)).toMatchObject({ code: 0, printed: expect.stringContaining('is good') as string });
  });

  it('finds a change, and names the step that does not come out', async () => {
    const receipt = await receiptOf((await answered()).id);
    const altered = { ...receipt, calculation: { ...receipt.calculation, quotient: '19999', remainder: '999999' } };
    const { code, printed } = await verify(altered);
    expect(code).toBe(1);
    expect(printed).toContain('something in it was changed');
    expect(printed).toContain('calculation.remainder is "999999", it should be "0"');
  });

  it('trusts no key but those it is given', async () => {
    const receipt = await receiptOf((await answered()).id);
    const { code, printed } = await verify(receipt, []);
    expect(code).toBe(2);
    expect(printed).toContain('no public key');
  });
});
