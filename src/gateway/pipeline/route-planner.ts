import { Inject, Injectable } from '@nestjs/common';
import { estimateTokens, firstFreezeTokens } from '../../billing/index.js';
import { CONFIG, type Config } from '../../platform/config/index.js';
import { AppError } from '../../platform/errors/index.js';
import { RouterService, type Route } from '../../router/index.js';
import { WalletService, type Tier } from '../../wallet/index.js';
import { callerWordsOf } from '../openai/caller-words.js';
import {
  capabilitiesOf,
  guardedFieldsOf,
  namesSession,
  sessionKeyOf,
  type GuardedField,
} from '../openai/chat-request.js';
import { filled, type RequestContext } from './context.js';

const TOOL_TYPE_CHARS_MAX = 64;

/** Asks the router for a model of some tiers; used for the first choice and again for every wallet-aware fallback. */
@Injectable()
export class RoutePlanner {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly router: RouterService,
    private readonly wallets: WalletService,
  ) {}

  /**
   * @param requestedModel instead of the one that policy decided on.
   * @param promptTokensMin what the prompt is known to exceed, whatever its estimate says.
   * @throws AppError `model_not_found`, `policy_rejected`, `routing`, `unavailable` from the router; `invalid_request`
   * when the body uses a field that no endpoint of the model enables.
   */
  plan(
    context: RequestContext,
    allowedTiers: readonly Tier[],
    requestedModel?: string,
    promptTokensMin: number = 0,
  ): Route {
    const body = filled(context.body, 'body');
    const policy = filled(context.policy, 'policy');
    const key = filled(context.key, 'key');
    context.tokens ??= estimateTokens(body, this.config);
    const route = this.router.route({
      requestedModel: requestedModel ?? policy.model,
      callerId: key.billingAccountId,
      allowedTiers,
      isBlacklisted: policy.isBlacklisted,
      needs: {
        ...capabilitiesOf(body),
        inputTokens: Math.max(promptTokensMin, context.tokens.inputTokens),
        outputTokens: context.tokens.outputTokens,
        frozenOutputTokens: firstFreezeTokens(body, context.tokens),
      },
      sessionKey: sessionKeyOf(body, key.id),
      sessionNamed: namesSession(body),
      words: () => callerWordsOf(body),
      preferences: policy.routing,
      availableMicros: (tier) => this.wallets.freshlySeenMicros(key.billingAccountId, tier),
    });
    return withAllowedFields(route, guardedFieldsOf(body));
  }
}

/** Keeps the endpoints that enable every guarded field of the request. */
function withAllowedFields(route: Route, fields: readonly GuardedField[]): Route {
  const [first] = fields;
  if (first === undefined) return route;
  const allows = (endpoint: Route['endpoints'][number], { name }: GuardedField): boolean =>
    endpoint.allowedFields.includes(name);
  const endpoints = route.endpoints.filter((endpoint) => fields.every((field) => allows(endpoint, field)));
  if (endpoints.length > 0) return { ...route, endpoints, rescueModels: [] };
  // The one that no endpoint enables, where there is one: another is not what is wrong.
  throw unsupported(
    fields.find((field) => !route.endpoints.some((endpoint) => allows(endpoint, field))) ?? first,
    fields,
  );
}

function unsupported({ name, param, hostedTool }: GuardedField, fields: readonly GuardedField[]): AppError {
  const [message, hint] =
    hostedTool === undefined
      ? [
          `the field '${name}' is not accepted by this gateway`,
          'Remove the field; it would change where the request goes or what it costs.',
        ]
      : [
          `no endpoint of this model has the hosted tool '${shortened(hostedTool)}'`,
          "Remove the tool, or send it as a tool of type 'function' and answer its calls yourself.",
        ];
  return new AppError('invalid_request', message, {
    code: 'unsupported_parameter',
    param,
    hint,
    // The type of the tool is the caller's text.
    ...(hostedTool === undefined ? {} : { keptMessage: 'no endpoint of this model has the hosted tool' }),
    facts: { guarded_fields: fields.map((field) => field.name) },
  });
}

function shortened(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, '?').slice(0, TOOL_TYPE_CHARS_MAX);
}
