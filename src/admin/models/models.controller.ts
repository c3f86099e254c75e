import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ModelService } from '../../router/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { changed, created, Written } from '../http/written.js';
import {
  createModelSchema,
  modelFields,
  modelQuerySchema,
  modelSchema,
  modelView,
  patchModelSchema,
  type CreateModel,
  type ModelQuery,
  type ModelView,
  type PatchModel,
} from './models.schema.js';

const TAG = 'Models';
const RESOURCE = 'model';

@AdminController('models')
export class ModelsController {
  constructor(private readonly models: ModelService) {}

  @Post()
  @AdminOperation({
    versioned: true,
    summary: 'Add a model to the pool',
    description:
      'An enabled model needs `customer_input_mtok` and `customer_output_mtok`; absent cache rates equal the input rate.',
    tag: TAG,
    status: 201,
    body: createModelSchema,
    response: modelSchema,
    write: { action: 'model.create' },
  })
  async create(@Body() body: CreateModel): Promise<Written<ModelView>> {
    const { model_key: modelKey, tier, context_window: contextWindow, max_output_tokens: maxOutputTokens } = body;
    const input = { ...modelFields(body), modelKey, tier, contextWindow, maxOutputTokens };
    return created(RESOURCE, modelView(await this.models.create(input)));
  }

  @Get()
  @AdminOperation({ summary: 'List models', tag: TAG, query: modelQuerySchema, response: pageOf(modelSchema) })
  async list(@Query() query: ModelQuery): Promise<Page<ModelView>> {
    const page = await this.models.list({ tier: query.tier, enabled: query.enabled }, pageRequest(query));
    return pageView(page, modelView);
  }

  @Get(':id')
  @AdminOperation({ versioned: true, summary: 'Read a model', tag: TAG, response: modelSchema })
  async read(@Param('id') id: string): Promise<ModelView> {
    return modelView(await this.models.read(id));
  }

  @Patch(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Change a model',
    description: 'A changed rate makes the next price version; requests that run keep the one of their freeze.',
    tag: TAG,
    body: patchModelSchema,
    response: modelSchema,
    write: { action: 'model.patch' },
  })
  async patch(@Param('id') id: string, @Body() body: PatchModel): Promise<Written<ModelView>> {
    const { model_key: modelKey, tier, context_window: contextWindow, max_output_tokens: maxOutputTokens } = body;
    const before = modelView(await this.models.read(id));
    const input = { ...modelFields(body), modelKey, tier, contextWindow, maxOutputTokens };
    return changed(RESOURCE, before, modelView(await this.models.patch(id, input)));
  }

  @Delete(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Take a model out of service',
    description: 'The model is disabled and stays readable: usage and prices refer to it.',
    tag: TAG,
    status: 204,
    write: { action: 'model.disable' },
  })
  async remove(@Param('id') id: string): Promise<Written<undefined>> {
    const before = modelView(await this.models.read(id));
    const after = modelView(await this.models.disable(id));
    return new Written(undefined, { resource: RESOURCE, resourceId: id, before, after });
  }
}
