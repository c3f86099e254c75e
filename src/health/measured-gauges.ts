import { Inject, Injectable } from '@nestjs/common';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { Gauge, METRICS, type Registry } from '../platform/metrics/index.js';

/** A scrape waits no longer than this for one dependency; what does not answer keeps its last value. */
const ASK_MAX_MS = 1_000;

/** Gauges whose value is asked for by each scrape. */
@Injectable()
export class MeasuredGauges {
  constructor(
    @Inject(METRICS) private readonly registry: Registry,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @param measure a failure is logged and leaves the values as they are: one dependency must not hide the others. */
  gauge<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[] = [],
    measure?: (gauge: Gauge<Label>) => Promise<void> | void,
  ): Gauge<Label> {
    const gauge: Gauge<Label> = new Gauge<Label>({
      name,
      help,
      labelNames,
      registers: [this.registry],
      ...(measure === undefined ? {} : { collect: () => this.ask(name, async () => measure(gauge)) }),
    });
    return gauge;
  }

  private async ask(name: string, measure: () => Promise<void>): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error('no answer in time')), ASK_MAX_MS).unref();
    });
    try {
      await Promise.race([measure(), late]);
    } catch (error) {
      this.logger.warn({ metric: name, error: String(error) }, 'a metric could not be measured');
    } finally {
      clearTimeout(timer);
    }
  }
}
