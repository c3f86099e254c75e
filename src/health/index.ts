export { HealthModule } from './health.module.js';
export { ServingState } from './serving-state.js';
