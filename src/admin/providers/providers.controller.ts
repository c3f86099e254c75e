import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { ProviderAdmin } from '../../provider/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { changed, created, removed, Written } from '../http/written.js';
import {
  createProviderSchema,
  patchProviderSchema,
  providerFields,
  providerPatch,
  providerQuerySchema,
  providerSchema,
  providerTestSchema,
  providerTestView,
  providerView,
  testProviderSchema,
  touchedSecret,
  type CreateProvider,
  type PatchProvider,
  type ProviderQuery,
  type ProviderTestView,
  type ProviderView,
  type TestProvider,
} from './providers.schema.js';

const TAG = 'Providers';
const RESOURCE = 'provider';

@AdminController('providers')
export class ProvidersController {
  constructor(private readonly providers: ProviderAdmin) {}

  @Post()
  @AdminOperation({
    versioned: true,
    summary: 'Add a provider',
    tag: TAG,
    status: 201,
    body: createProviderSchema,
    response: providerSchema,
    write: { action: 'provider.create' },
  })
  async create(@Body() body: CreateProvider): Promise<Written<ProviderView>> {
    const { name, adapter, base_url: baseUrl } = body;
    const view = providerView(await this.providers.create({ ...providerFields(body), name, adapter, baseUrl }));
    return created(RESOURCE, view, touchedSecret(body));
  }

  @Get()
  @AdminOperation({ summary: 'List providers', tag: TAG, query: providerQuerySchema, response: pageOf(providerSchema) })
  async list(@Query() query: ProviderQuery): Promise<Page<ProviderView>> {
    return pageView(await this.providers.list(pageRequest(query)), providerView);
  }

  @Get(':id')
  @AdminOperation({ versioned: true, summary: 'Read a provider', tag: TAG, response: providerSchema })
  async read(@Param('id') id: string): Promise<ProviderView> {
    return providerView(await this.providers.read(id));
  }

  @Patch(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Change a provider',
    tag: TAG,
    body: patchProviderSchema,
    response: providerSchema,
    write: { action: 'provider.patch' },
  })
  async patch(@Param('id') id: string, @Body() body: PatchProvider): Promise<Written<ProviderView>> {
    const before = providerView(await this.providers.read(id));
    const after = await this.providers.patch(id, providerPatch(body));
    return changed(RESOURCE, before, providerView(after), touchedSecret(body));
  }

  @Delete(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Delete a provider that no endpoint uses',
    tag: TAG,
    status: 204,
    write: { action: 'provider.delete' },
  })
  async remove(@Param('id') id: string): Promise<Written<undefined>> {
    const before = providerView(await this.providers.read(id));
    await this.providers.remove(id);
    return removed(RESOURCE, id, before);
  }

  @Post(':id/test')
  @AdminOperation({
    summary: 'Call the provider once',
    description:
      'A real call, by default one that costs nothing. 200 also when it fails: `diagnosis` and `message` say what is wrong.',
    tag: TAG,
    body: testProviderSchema,
    response: providerTestSchema,
    write: { action: 'provider.test', transaction: 'own' },
  })
  async test(@Param('id') id: string, @Body() body: TestProvider): Promise<Written<ProviderTestView>> {
    const view = providerTestView(await this.providers.test(id, body?.model ?? null));
    return new Written(view, { resource: RESOURCE, resourceId: id, before: null, after: view });
  }
}
