import { jest } from '@jest/globals';
import { ErrorBrake } from './error-brake.js';

/** Notes what the brake asks of a worker. */
function worker(): { asked: string[]; pause: () => Promise<void>; resume: () => Promise<void> } {
  const asked: string[] = [];
  return {
    asked,
    pause: () => Promise.resolve(void asked.push('pause')),
    resume: () => Promise.resolve(void asked.push('resume')),
  };
}

describe('the brake of a worker', () => {
  beforeEach(() => jest.useFakeTimers());
  afterEach(() => jest.useRealTimers());

  it('lets a few errors pass', () => {
    const { asked, ...target } = worker();
    const brake = new ErrorBrake(target);
    for (let error = 0; error < 10; error += 1) brake.press(error);
    expect(asked).toEqual([]);
  });

  it('pauses a worker that fails in a loop once, and lets it go on after a second', () => {
    const { asked, ...target } = worker();
    const brake = new ErrorBrake(target);
    for (let error = 0; error < 500; error += 1) brake.press(error / 10);
    expect(asked).toEqual(['pause']);
    jest.advanceTimersByTime(1_000);
    expect(asked).toEqual(['pause', 'resume']);
  });

  it('forgets errors that are a second old', () => {
    const { asked, ...target } = worker();
    const brake = new ErrorBrake(target);
    for (let error = 0; error < 50; error += 1) brake.press(error * 200);
    expect(asked).toEqual([]);
  });
});
