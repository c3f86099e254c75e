export type * from './domain/model.js';
export type * from './domain/tier-rate.js';
export type { Catalog } from './domain/pool.js';
export type { Page, PageRequest } from './domain/page.js';
export type {
  EndpointPatch,
  ModelPatch,
  NewEndpoint,
  NewModel,
  NewPrice,
  NewTierRate,
  RatesInput,
} from './domain/inputs.js';
export type { ModelFilter } from './persistence/model.repository.js';
export { canDo } from './domain/capability.js';
export { routeFactsOf } from './domain/candidate-facts.js';
export { isAutoModel, KNOB_PRESETS, knobOf } from './domain/knob.js';
export { replay, type Replay } from './domain/replay.js';
export { DEFAULT_WEIGHTS, FACTORS, type Factor, type Weights } from './domain/weights.js';
export { AUTO_MODEL, isReservedModelKey, MODEL_KEY_PATTERN } from './domain/model-key.js';
export { EndpointSpeeds, type ServedCall } from './endpoint-speeds.js';
export { EndpointService } from './endpoint.service.js';
export { HiddenOutputs } from './hidden-outputs.js';
export { ModelService } from './model.service.js';
export { PriceService } from './price.service.js';
export type { RoutingReport } from './domain/routing-report.js';
export { RoutingSums } from './routing-sums.js';
export { RouterModule } from './router.module.js';
export { RouterService } from './router.service.js';
export { TierRateService } from './tier-rate.service.js';
export { evaluateGain, type BenchmarkReport, type EvaluationReport } from './training/evaluation.js';
export { trainWeights } from './training/shipping.js';
