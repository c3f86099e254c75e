import type { Micros } from '../platform/money/index.js';
import { MICROS_MAX } from '../platform/money/index.js';
import { TIERS } from '../wallet/index.js';
import { invalidField } from './auth.errors.js';
import type { CreateKeyInput, KeyPatch, KeySettings } from './domain/api-key-record.js';

const NAME_CHARS_MAX = 200;
const INTEGER_MAX = 2_147_483_647;

/**
 * Trims a name.
 * @throws AppError `unprocessable` when it is empty or longer than 200 characters.
 */
export function checkedName(name: string): string {
  const trimmed = name.trim();
  if (trimmed === '' || trimmed.length > NAME_CHARS_MAX) {
    throw invalidField('name', `name must have 1 to ${NAME_CHARS_MAX} characters`);
  }
  return trimmed;
}

/**
 * The settings that are present, checked.
 * @throws AppError `unprocessable` naming the field.
 */
export function checkedSettings(input: CreateKeyInput | KeyPatch): Partial<KeySettings> {
  const { tier, fixedModel, limitDailyMicros, limitWeeklyMicros, limitRpm, limitConcurrency } = input;
  if (tier !== undefined && tier !== null && !TIERS.includes(tier)) {
    throw invalidField('tier', `tier must be one of ${TIERS.join(', ')}`);
  }
  if (fixedModel === '' || (typeof fixedModel === 'string' && /^auto(:|$)/.test(fixedModel))) {
    throw invalidField('fixed_model', 'fixed_model must name a concrete model; null removes it');
  }
  checkAmount('limit_daily', limitDailyMicros);
  checkAmount('limit_weekly', limitWeeklyMicros);
  checkCount('limit_rpm', limitRpm);
  checkCount('limit_concurrency', limitConcurrency);
  return presentSettings(input);
}

function presentSettings(input: CreateKeyInput | KeyPatch): Partial<KeySettings> {
  const { tier, fixedModel, policyId, limitDailyMicros, limitWeeklyMicros, limitRpm, limitConcurrency, expiresAt } =
    input;
  return {
    ...(tier === undefined ? {} : { tier }),
    ...(fixedModel === undefined ? {} : { fixedModel }),
    ...(policyId === undefined ? {} : { policyId }),
    ...(limitDailyMicros === undefined ? {} : { limitDailyMicros }),
    ...(limitWeeklyMicros === undefined ? {} : { limitWeeklyMicros }),
    ...(limitRpm === undefined ? {} : { limitRpm }),
    ...(limitConcurrency === undefined ? {} : { limitConcurrency }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
  };
}

function checkAmount(param: string, amountMicros: Micros | null | undefined): void {
  if (amountMicros === undefined || amountMicros === null) return;
  if (amountMicros < 0n || amountMicros > MICROS_MAX) throw invalidField(param, `${param} must not be negative`);
}

function checkCount(param: string, count: number | null | undefined): void {
  if (count === undefined || count === null) return;
  if (!Number.isInteger(count) || count < 0 || count > INTEGER_MAX) {
    throw invalidField(param, `${param} must be a whole number from 0 to ${INTEGER_MAX}`);
  }
}
