import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Clock } from '../platform/clock/index.js';
import { LOGGER, type Logger } from '../platform/logging/index.js';
import { ChoiceMix } from './choice-mix.js';
import { reportOf, sumsOf, type RoutedCall, type RoutingReport } from './domain/routing-report.js';
import { RoutingSumRepository, type HourSum } from './persistence/routing-sum.repository.js';

const HOUR_MS = 3_600_000;
const FLUSH_AFTER_MS = 2_000;
/** Different sums that wait to be written; more than so many labels an hour are not told apart. */
const WAITING_MAX = 5_000;
const KEPT_HOURS = 24 * 400;

/**
 * Counts what became of the requests of `auto`, by group, in memory, and adds it to the sums of the hour every few seconds: a
 * request never waits for it. A process that is killed loses the last seconds of the statistics, nothing else.
 */
@Injectable()
export class RoutingSums implements OnApplicationShutdown {
  private waiting = new Map<string, HourSum>();
  private timer: NodeJS.Timeout | null = null;
  private flushing: Promise<void> = Promise.resolve();
  private cleanedHour = 0;

  constructor(
    private readonly repository: RoutingSumRepository,
    private readonly clock: Clock,
    private readonly mix: ChoiceMix,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Counts one request; returns at once. */
  note(call: RoutedCall): void {
    if (call.kind !== null) this.mix.spent(call.kind, call.group, call.usd);
    const hour = new Date(Math.floor(this.clock.nowMs() / HOUR_MS) * HOUR_MS);
    for (const sum of sumsOf(call)) this.add({ ...sum, hour });
    this.timer ??= setTimeout(() => void this.flush(), FLUSH_AFTER_MS).unref();
  }

  /** The groups compared over whole hours from `from` to before `to`. */
  async report(from: Date, to: Date): Promise<RoutingReport> {
    await this.flush();
    return reportOf(await this.repository.between(from, to));
  }

  async onApplicationShutdown(): Promise<void> {
    await this.flush();
  }

  private flush(): Promise<void> {
    this.flushing = this.flushing.then(() => this.write());
    return this.flushing;
  }

  private async write(): Promise<void> {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const taken = [...this.waiting.values()];
    if (taken.length === 0) return;
    this.waiting = new Map();
    try {
      await this.repository.add(taken);
      await this.clean();
    } catch (error) {
      this.logger.warn({ error: String(error) }, 'sums of routing could not be written yet');
      for (const sum of taken) this.add(sum);
      this.timer ??= setTimeout(() => void this.flush(), FLUSH_AFTER_MS).unref();
    }
  }

  private add(sum: HourSum): void {
    const name = `${sum.hour.getTime()} ${sum.group} ${sum.measure} ${sum.label}`;
    const known = this.waiting.get(name);
    if (known !== undefined) known.value += sum.value;
    else if (this.waiting.size < WAITING_MAX) this.waiting.set(name, { ...sum });
  }

  /** Once an hour, what is older than anyone asks for goes. */
  private async clean(): Promise<void> {
    const hour = Math.floor(this.clock.nowMs() / HOUR_MS);
    if (hour === this.cleanedHour) return;
    this.cleanedHour = hour;
    await this.repository.removeBefore(new Date((hour - KEPT_HOURS) * HOUR_MS));
  }
}
