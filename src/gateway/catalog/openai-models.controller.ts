import { Controller, Get, Param, Req, UseGuards } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { ApiKeyAccess } from '../../platform/access/index.js';
import { AppError } from '../../platform/errors/index.js';
import { Operation } from '../../platform/openapi/index.js';
import { AUTO_MODEL, type ModelRecord } from '../../router/index.js';
import { ApiKeyGuard, apiKeyOf } from './api-key.guard.js';
import { CallableModelsFinder, type CallableModels } from './callable-models.js';
import { providerOf } from './catalog-view.js';
import { LIST_CALLABLE_MODELS, READ_CALLABLE_MODEL } from './catalog.operations.js';

/** A model as OpenAI's list shows it. */
interface OpenAiModel {
  id: string;
  object: 'model';
  /** Seconds since the epoch. */
  created: number;
  owned_by: string;
}

const GATEWAY_OWNER = 'joytoken-gateway';

/** `GET /openai/v1/models`: what the caller's key may name in a call. */
@Controller('openai/v1/models')
@ApiKeyAccess()
@UseGuards(ApiKeyGuard)
export class OpenAiModelsController {
  constructor(private readonly callable: CallableModelsFinder) {}

  @Get()
  @Operation(LIST_CALLABLE_MODELS)
  list(@Req() request: FastifyRequest): { object: 'list'; data: OpenAiModel[] } {
    return { object: 'list', data: listed(this.callable.find(apiKeyOf(request), request)) };
  }

  /** A model_key may hold slashes, plain or encoded. A model that the key may not call does not exist for it. */
  @Get('*')
  @Operation(READ_CALLABLE_MODEL)
  read(@Req() request: FastifyRequest, @Param('*') name: string): OpenAiModel {
    const { models, ...rest } = this.callable.find(apiKeyOf(request), request);
    const byId = models.find((model) => model.id === name)?.modelKey;
    const found = listed({ models, ...rest }).find((model) => model.id === (byId ?? name));
    if (found === undefined) throw notFound();
    return found;
  }
}

function listed({ auto, models, updatedAt }: CallableModels): OpenAiModel[] {
  const choice: OpenAiModel = {
    id: AUTO_MODEL,
    object: 'model',
    created: secondsOf(updatedAt),
    owned_by: GATEWAY_OWNER,
  };
  return [...(auto ? [choice] : []), ...models.map(openAiModel)];
}

function openAiModel(model: ModelRecord): OpenAiModel {
  return {
    id: model.modelKey,
    object: 'model',
    created: secondsOf(model.createdAt),
    owned_by: providerOf(model) || GATEWAY_OWNER,
  };
}

function secondsOf(time: Date): number {
  return Math.floor(time.getTime() / 1000);
}

function notFound(): AppError {
  return new AppError('model_not_found', 'The model does not exist or you do not have access to it.', {
    code: 'model_not_found',
    param: 'model',
    hint: 'GET /openai/v1/models lists the models that this key may call.',
  });
}
