import { applyDecorators, UseGuards, UseInterceptors } from '@nestjs/common';
import { AuthenticateGuard } from './authenticate.guard.js';
import { CaptureInterceptor } from './capture.interceptor.js';
import { FreezeGuard } from './freeze.guard.js';
import { PolicyGuard } from './policy.guard.js';
import { ReadBodyGuard } from './read-body.guard.js';
import { RouteGuard } from './route.guard.js';

/**
 * The life of a model call, in order. Each stage fills its slot of the `RequestContext` and can refuse; a refusal leaves
 * no trace in later stages.
 *
 *   1 receive        http.ts, on every request: ids, key source; an unknown route or method ends here
 *   2 authenticate   guard
 *   3 read_body      guard; never before 2
 *   4 policy         guard: address, tier, fixed model, blacklist, quotas, wallet precheck
 *   5 route          guard: model and endpoints
 *   6 freeze         guard: credits are reserved in one round trip
 *   7 provider       the handler (chat.controller.ts): the call with failover
 *   8 capture        interceptor: the outcome is durable, then the caller sees the end of the answer
 *   9 settle         billing's workers, afterwards
 */
export const PIPELINE_GUARDS = [AuthenticateGuard, ReadBodyGuard, PolicyGuard, RouteGuard, FreezeGuard] as const;

/** Around the handler. */
export const PIPELINE_INTERCEPTORS = [CaptureInterceptor] as const;

/** Puts a route handler behind the whole pipeline. */
export function ChatPipeline(): MethodDecorator {
  return applyDecorators(UseGuards(...PIPELINE_GUARDS), UseInterceptors(...PIPELINE_INTERCEPTORS));
}
