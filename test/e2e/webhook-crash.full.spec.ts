import { GatewayProcess } from '../support/gateway.js';
import { pollUntil } from '../support/poll.js';
import { answering, isSigned, Receiver } from '../support/receiver.js';
import { World } from '../support/world.js';

interface EventView {
  deliveries: { state: string; attempts: number }[];
}

/** Waits for the end of a claim: half a minute. */
it('a worker that is killed while a receiver thinks leaves the delivery to the next one: the same message, once taken', async () => {
  const world = await World.create({ WORKERS_ENABLED: 'false' });
  const receiver = await Receiver.start();
  const startWorker = () => GatewayProcess.start({ databaseUrl: world.database.url, entry: 'worker' });
  try {
    const { secret } = await world.admin.post<{ secret: string }>('/webhooks', { url: receiver.url });
    receiver.answer = () => undefined;
    const first = await startWorker();
    const key = await world.key();
    await world.admin.post(`/api-keys/${key.id}/revoke`, {});
    const [message] = await receiver.messages(1);
    await first.stop('SIGKILL');
    receiver.answer = answering(200);
    const second = await startWorker();
    const [, again] = await receiver.messages(2);
    expect([again?.body, again?.headers['webhook-id']]).toEqual([message?.body, message?.headers['webhook-id']]);
    expect(again !== undefined && isSigned(secret, again)).toBe(true);
    const { data } = await world.admin.get<{ data: { id: string }[] }>('/events');
    await pollUntil(async () => {
      const { deliveries } = await world.admin.get<EventView>(`/events/${data[0]?.id ?? ''}`);
      return deliveries[0]?.state === 'delivered' ? deliveries : null;
    }, 'the end of the delivery');
    expect(receiver.received).toHaveLength(2);
    await second.stop();
  } finally {
    await receiver.stop();
    await world.destroy();
  }
});
