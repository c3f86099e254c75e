import { Counter, Histogram, type Registry } from 'prom-client';

/** What a metric is and which labels its series have. */
export interface FamilyOptions {
  name: string;
  help: string;
  labelNames?: readonly string[];
  registry: Registry;
}

/** One series of a counter. */
export class CounterSeries {
  total = 0;

  /** @param value not negative. */
  add(value = 1): void {
    this.total += value;
  }
}

/** One series of a histogram. */
export class HistogramSeries {
  sum = 0;
  count = 0;
  /** How many values fell into each bucket and into no lower one; the last one has no bound. */
  readonly counts: number[];

  /** @param bounds of the buckets, ascending. */
  constructor(private readonly bounds: readonly number[]) {
    this.counts = new Array<number>(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    let at = 0;
    while (value > (this.bounds[at] ?? Number.POSITIVE_INFINITY)) at += 1;
    this.counts[at] = (this.counts[at] ?? 0) + 1;
    this.sum += value;
    this.count += 1;
  }
}

/**
 * The series of one metric by the values of its labels. What is counted for every request must not cost more than an addition:
 * the library makes and hashes an object of labels each time, here that is done when the metrics are printed.
 */
export class Family<Series> {
  private readonly known = new Map<string, { labels: Record<string, string>; series: Series }>();

  constructor(
    private readonly labelNames: readonly string[],
    private readonly make: () => Series,
  ) {}

  /** The series with these values of the labels, in their order; made, and printed from now on, when it is new. */
  of(first = '', second = '', third = ''): Series {
    const name = second === '' ? first : `${first}\n${second}\n${third}`;
    const found = this.known.get(name);
    if (found !== undefined) return found.series;
    const values = [first, second, third];
    const labels = Object.fromEntries(this.labelNames.map((label, at) => [label, values[at] ?? '']));
    const series = this.make();
    this.known.set(name, { labels, series });
    return series;
  }

  /** All series, in the order in which they were made. */
  all(): Iterable<{ labels: Record<string, string>; series: Series }> {
    return this.known.values();
  }
}

/** A counter whose series are counted by themselves. */
export function counterFamily({ name, help, labelNames = [], registry }: FamilyOptions): Family<CounterSeries> {
  const family = new Family(labelNames, () => new CounterSeries());
  new Counter({
    name,
    help,
    labelNames,
    registers: [registry],
    collect() {
      this.reset();
      for (const { labels, series } of family.all()) this.inc(labels, series.total);
    },
  });
  return family;
}

/** A histogram whose series are counted by themselves. @param buckets their bounds, ascending. */
export function histogramFamily(options: FamilyOptions & { buckets: readonly number[] }): Family<HistogramSeries> {
  const family = new Family(options.labelNames ?? [], () => new HistogramSeries(options.buckets));
  new PrintedHistogram(options, family);
  return family;
}

/** Prints the series of a family as the library prints its own. */
class PrintedHistogram extends Histogram {
  constructor(
    private readonly options: FamilyOptions & { buckets: readonly number[] },
    private readonly family: Family<HistogramSeries>,
  ) {
    const { name, help, labelNames = [], buckets, registry } = options;
    super({ name, help, labelNames: [...labelNames], buckets: [...buckets], registers: [registry] });
  }

  /** Where the library's own `get()` and the registry read the values. */
  getForPromString(): Promise<object> {
    const { name, help } = this.options;
    const values = [...this.family.all()].flatMap((one) => this.valuesOf(one));
    return Promise.resolve({ name, help, type: 'histogram', aggregator: 'sum', values });
  }

  private valuesOf({ labels, series }: { labels: Record<string, string>; series: HistogramSeries }): object[] {
    const { name, buckets } = this.options;
    const line = (suffix: string, value: number, le?: number | string): object => ({
      metricName: `${name}_${suffix}`,
      value,
      labels: le === undefined ? {} : { le },
      sharedLabels: labels,
    });
    let below = 0;
    const counted = buckets.map((le, at) => line('bucket', (below += series.counts[at] ?? 0), le));
    return [...counted, line('bucket', series.count, '+Inf'), line('sum', series.sum), line('count', series.count)];
  }
}
