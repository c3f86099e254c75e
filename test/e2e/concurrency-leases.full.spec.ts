import { chat, prompt } from '../support/chat.js';
import { pollUntil } from '../support/poll.js';
import { World } from '../support/world.js';

/** The lease of a killed process takes its time to end, so this is not part of the short run. */
describe('the concurrency limit of a key', () => {
  let world: World;
  let model: string;
  beforeAll(async () => {
    world = await World.create();
    model = (await world.model()).key;
  }, 60_000);
  afterAll(() => world.destroy());

  it('frees the places of a process that was killed', async () => {
    const { key: slow } = await world.model({ behaviours: ['slow-headers-d60000-n5-p5'] });
    const { id, key } = await world.key({ fields: { limit_concurrency: 1 } });
    const statusOf = async (): Promise<number> => {
      const response = await chat(world.url, prompt(model), { key });
      await response.text();
      return response.status;
    };
    const doomed = await world.startAnother();
    const hanging = chat(doomed.url, prompt(slow), { key }).catch(() => null);
    const taken = async (): Promise<true | null> =>
      (await world.admin.get<{ data: object[] }>(`/freezes?api_key_id=${id}`)).data.length === 1 ? true : null;
    await pollUntil(taken, 'the place to be taken', 10_000);
    expect(await statusOf()).toBe(429);
    await doomed.stop('SIGKILL');
    await hanging;
    const passes = async (): Promise<true | null> => ((await statusOf()) === 200 ? true : null);
    await pollUntil(passes, 'the lease of the killed process to end', 60_000);
  }, 120_000);
});
