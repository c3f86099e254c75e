import { pollUntil } from '../../../test/support/poll.js';
import { Every } from './every.js';

describe('Every', () => {
  it('runs rounds one after the other, also after one that failed, until it is stopped', async () => {
    let running = 0;
    let rounds = 0;
    let most = 0;
    const failures: unknown[] = [];
    const round = async (): Promise<void> => {
      rounds += 1;
      most = Math.max(most, (running += 1));
      await new Promise((resolve) => setTimeout(resolve, 5));
      running -= 1;
      if (rounds === 2) throw new Error('second');
    };
    const every = new Every(1, round, (error) => failures.push(error));
    every.start();
    await pollUntil(() => Promise.resolve(rounds >= 4 ? true : null), 'four rounds');
    await every.stop();
    const before = rounds;
    every.start();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect([most, running, rounds]).toEqual([1, 0, before]);
    expect(failures).toEqual([new Error('second')]);
  });

  it('tells the round that runs to end, and waits for it', async () => {
    let ended = false;
    const begun = new Promise<void>((begin) => {
      const every = new Every(
        1,
        (ending) =>
          new Promise<void>((end) => {
            ending.addEventListener('abort', () => {
              ended = every.stopped;
              end();
            });
            begin();
            void every.stop();
          }),
        () => undefined,
      );
      every.start();
    });
    await begun;
    await pollUntil(() => Promise.resolve(ended ? true : null), 'the round to end');
  });

  it('repeats a step until nothing is left, and no longer than the rounds go on', async () => {
    const every = new Every(
      1,
      () => Promise.resolve(),
      () => undefined,
    );
    let steps = 0;
    await every.repeat(() => Promise.resolve((steps += 1) < 3));
    expect(steps).toBe(3);
    await every.repeat(async () => {
      steps += 1;
      if (steps === 5) await every.stop();
      return true;
    });
    expect(steps).toBe(5);
  });
});
