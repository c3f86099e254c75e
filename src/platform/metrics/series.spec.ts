import { Counter, createMetrics, Histogram, type Registry } from './metrics.js';
import { counterFamily, histogramFamily } from './series.js';

const BUCKETS = [0.5, 1, 2.5];

async function printed(registry: Registry, name: string): Promise<string> {
  return registry.getSingleMetricAsString(name);
}

describe('series that are counted by themselves', () => {
  it('print a counter as the library would', async () => {
    const [ours, theirs] = [createMetrics(), createMetrics()];
    const [name, help] = ['calls_total', 'Calls.'];
    const family = counterFamily({ name, help, labelNames: ['stage', 'status'], registry: ours });
    const counter = new Counter({ name, help, labelNames: ['stage', 'status'], registers: [theirs] });
    expect(await printed(ours, name)).toBe(await printed(theirs, name));
    const counted = [
      ['route', '200', 1],
      ['say "hi"\\\n', '404', 0.1],
      ['route', '200', 0.2],
    ] as const;
    for (const [stage, status, value] of counted) {
      family.of(stage, status).add(value);
      counter.inc({ stage, status }, value);
    }
    expect(await printed(ours, name)).toBe(await printed(theirs, name));
    // Asking changes nothing.
    expect(await printed(ours, name)).toBe(await printed(theirs, name));
  });

  it('print a histogram as the library would, on and between the bounds of its buckets', async () => {
    const [ours, theirs] = [createMetrics(), createMetrics()];
    const [name, help] = ['stage_seconds', 'Time.'];
    const family = histogramFamily({ name, help, labelNames: ['stage'], buckets: BUCKETS, registry: ours });
    const histogram = new Histogram({ name, help, labelNames: ['stage'], buckets: BUCKETS, registers: [theirs] });
    expect(await printed(ours, name)).toBe(await printed(theirs, name));
    for (const value of [0, 0.5, 0.500001, 1, 2.4, 2.5, 2.6, 100, 0.1]) {
      family.of(value < 1 ? 'route' : 'freeze').observe(value);
      histogram.observe({ stage: value < 1 ? 'route' : 'freeze' }, value);
    }
    expect(await printed(ours, name)).toBe(await printed(theirs, name));
    expect(await theirs.getSingleMetric(name)?.get()).toMatchObject({ ...(await ours.getSingleMetric(name)?.get()) });
  });

  it('print zeros of metrics without labels before anything is counted', async () => {
    const [ours, theirs] = [createMetrics(), createMetrics()];
    counterFamily({ name: 'calls_total', help: 'Calls.', registry: ours }).of();
    histogramFamily({ name: 'call_seconds', help: 'Time.', buckets: BUCKETS, registry: ours }).of();
    new Counter({ name: 'calls_total', help: 'Calls.', registers: [theirs] });
    new Histogram({ name: 'call_seconds', help: 'Time.', buckets: BUCKETS, registers: [theirs] });
    for (const name of ['calls_total', 'call_seconds']) {
      expect(await printed(ours, name)).toBe(await printed(theirs, name));
    }
  });
});
