export * from './gateway.module.js';
export * from './http.js';
export { RunningCalls } from './pipeline/running-calls.js';
export { openAiErrorDoor } from './errors/openai-errors.js';
export { catalogErrorDoor } from './catalog/index.js';
