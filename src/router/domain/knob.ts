import { unknownKnob } from '../router.errors.js';
import { AUTO_MODEL } from './model-key.js';

/** What a caller may add to `auto`: a name, or how much quality counts against price, from 0 to 1. */
export const KNOB_PRESETS = ['cheap', 'best', 'fast'] as const;
export type KnobPreset = (typeof KNOB_PRESETS)[number];

/** The wish of a caller; `null` leaves it to the weights of the policy. */
export type Knob = KnobPreset | number | null;

const SHARE = /^(?:0|1|0?\.\d{1,6}|[01]\.0{1,6}|0\.\d{1,6})$/;

/** Whether the gateway chooses: `auto`, or `auto:` and anything. */
export function isAutoModel(requestedModel: string): boolean {
  return requestedModel === AUTO_MODEL || requestedModel.startsWith(`${AUTO_MODEL}:`);
}

/**
 * The knob of `auto`, `auto:cheap`, `auto:best`, `auto:fast` or `auto:<0–1>`.
 * @throws AppError `invalid_request` naming what exists.
 */
export function knobOf(requestedModel: string): Knob {
  if (requestedModel === AUTO_MODEL) return null;
  const text = requestedModel.slice(AUTO_MODEL.length + 1);
  const preset = KNOB_PRESETS.find((name) => name === text);
  if (preset !== undefined) return preset;
  if (SHARE.test(text)) return Number(text);
  throw unknownKnob(requestedModel);
}
