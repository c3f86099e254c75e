export * from './domain/call.js';
export * from './domain/endpoint.js';
export * from './domain/completion-text.js';
export type { NewProvider, ProviderPatch, ProviderTest, ProviderView } from './domain/provider.js';
export { attemptsOf, CallerGoneError } from './provider.errors.js';
export { ProviderAdmin, type ProviderPage } from './provider.admin.js';
export { ProviderModule } from './provider.module.js';
export { ProviderService } from './provider.service.js';
export { TokenCounter } from './tokens/token-counter.js';
