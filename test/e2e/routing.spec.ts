import { chat, errorOf, prompt, requestIdOf, type Completion } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { World, type TestModel } from '../support/world.js';

/** The knob of `auto`, the weights of a policy, replays and the report, over HTTP. */
let world: World;
let cheap: TestModel;
let good: TestModel;

interface ReplayAnswer {
  decisions: { stage: string; same: boolean; stored_model: string; replayed_model: string }[];
}

beforeAll(async () => {
  world = await World.create({ ROUTER_CONTROL_SHARE: '0.3' });
  cheap = await world.model({
    fields: { mci_score: 40, customer_input_mtok: '10', customer_output_mtok: '10', scenario_tags: ['coding'] },
  });
  good = await world.model({ fields: { mci_score: 95, customer_input_mtok: '900', customer_output_mtok: '3000' } });
});
afterAll(() => world.destroy());

async function completion(key: string, body: Record<string, unknown>): Promise<{ id: string; body: Completion }> {
  const response = await chat(world.url, body, { key });
  expect(response.status).toBe(200);
  return { id: requestIdOf(response), body: (await response.json()) as Completion };
}

describe('the knob of auto', () => {
  it('turns between price and quality, and is echoed as it was sent', async () => {
    const { key } = await world.key();
    const wanted: [string, TestModel][] = [
      ['auto:cheap', cheap],
      ['auto:0', cheap],
      ['auto:best', good],
      ['auto:1', good],
    ];
    for (const [model, expected] of wanted) {
      const { metadata } = (await completion(key, prompt(model))).body;
      expect(metadata.routing).toMatchObject({ requested_model: model, selected_model: expected.key });
    }
    expect((await completion(key, prompt('auto:fast'))).body.metadata.routing.requested_model).toBe('auto:fast');
  });

  it('that does not exist is 400 and names what exists', async () => {
    const { key } = await world.key();
    for (const model of ['auto:', 'auto:dear', 'auto:1.5', 'auto:-1']) {
      const error = await errorOf(await chat(world.url, prompt(model), { key }));
      expect(error).toMatchObject({ status: 400, type: 'invalid_request_error', code: 'unknown_auto_knob' });
    }
  });

  it('gives way to the fixed model of a key', async () => {
    const { key } = await world.key({ fields: { fixed_model: cheap.key } });
    expect((await completion(key, prompt('auto:best'))).body.metadata.model).toBe(cheap.key);
  });
});

describe('a policy', () => {
  it('says how auto weighs', async () => {
    const dear = await world.key({ policy: { routing: { weights: { quality: 5, price: 0, latency: 0 } } } });
    const thrifty = await world.key({ policy: { routing: { weights: { quality: 0, price: 5 }, tags: ['coding'] } } });
    const hard = { messages: [{ role: 'user', content: 'Prove that every finite integral domain is a field.' }] };
    expect((await completion(dear.key, prompt('auto', hard))).body.metadata.model).toBe(good.key);
    expect((await completion(thrifty.key, prompt('auto', hard))).body.metadata.model).toBe(cheap.key);
  });

  it.each([
    { weights: { luck: 1 } },
    { weights: { price: -1 } },
    { weights: { quality: 0, price: 0, latency: 0 } },
    [],
  ])('is refused with %j', async (routing) => {
    await expect(world.policy({ routing })).rejects.toThrow(/routing|4(00|22)/);
  });
});

describe('a choice', () => {
  it('is made again from its trace with the same result, in both groups, and is counted in the report', async () => {
    const { key } = await world.key();
    const groups = new Set<unknown>();
    for (let at = 0; at < 16; at += 1) {
      const { id, body } = await completion(key, prompt('auto', { user: `user-${at}` }));
      const trace = async () => {
        const { stages } = await world.admin.trace(id);
        return (
          (stages.find(({ stage }) => stage === 'route')?.['decision'] as Record<string, unknown> | undefined) ?? null
        );
      };
      groups.add((await pollUntil(trace, 'the decision in the trace'))['group']);
      const { decisions } = await world.admin.get<ReplayAnswer>(`/router/replay/${id}`);
      expect(decisions).toMatchObject([
        { stage: 'route', same: true, stored_model: body.metadata.model, replayed_model: body.metadata.model },
      ]);
    }
    expect(groups).toEqual(new Set(['router', 'control']));
    const report = await world.admin.get<{ groups: Record<string, { requests: number; finish_reasons: object }> }>(
      '/router/report',
    );
    const { router, control } = report.groups;
    expect(router!.requests + control!.requests).toBeGreaterThanOrEqual(16);
    expect(router!.finish_reasons).toHaveProperty('stop');
  });

  it('of a named model was none', async () => {
    const { key } = await world.key();
    const { id } = await completion(key, prompt(good.key));
    expect((await world.admin.get<ReplayAnswer>(`/router/replay/${id}`)).decisions).toEqual([]);
  });
});
