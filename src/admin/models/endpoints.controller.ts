import { Body, Delete, Get, Param, Patch, Post } from '@nestjs/common';
import { ProviderService, type Endpoint } from '../../provider/index.js';
import { EndpointService } from '../../router/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { changed, created, removed, type Written } from '../http/written.js';
import {
  createEndpointSchema,
  endpointFields,
  endpointListSchema,
  endpointSchema,
  endpointView,
  patchEndpointSchema,
  type CreateEndpoint,
  type EndpointListView,
  type EndpointView,
  type PatchEndpoint,
} from './endpoints.schema.js';

const TAG = 'Models';
const RESOURCE = 'endpoint';

@AdminController('models/:id/endpoints')
export class EndpointsController {
  constructor(
    private readonly endpoints: EndpointService,
    private readonly providers: ProviderService,
  ) {}

  @Post()
  @AdminOperation({
    versioned: true,
    summary: 'Add a place where a model can be called',
    tag: TAG,
    status: 201,
    body: createEndpointSchema,
    response: endpointSchema,
    write: { action: 'endpoint.create' },
  })
  async create(@Param('id') id: string, @Body() body: CreateEndpoint): Promise<Written<EndpointView>> {
    const input = { ...endpointFields(body), providerId: body.provider_id, upstreamModel: body.upstream_model };
    return created(RESOURCE, this.view(await this.endpoints.create(id, input)));
  }

  @Get()
  @AdminOperation({
    summary: 'List the endpoints of a model in the order of trial',
    tag: TAG,
    response: endpointListSchema,
  })
  async list(@Param('id') id: string): Promise<EndpointListView> {
    const endpoints = await this.endpoints.list(id);
    return { data: endpoints.map((endpoint) => this.view(endpoint)), next_cursor: null };
  }

  @Get(':endpoint_id')
  @AdminOperation({ versioned: true, summary: 'Read an endpoint', tag: TAG, response: endpointSchema })
  async read(@Param('id') id: string, @Param('endpoint_id') endpointId: string): Promise<EndpointView> {
    return this.view(await this.endpoints.read(id, endpointId));
  }

  @Patch(':endpoint_id')
  @AdminOperation({
    versioned: true,
    summary: 'Change an endpoint',
    tag: TAG,
    body: patchEndpointSchema,
    response: endpointSchema,
    write: { action: 'endpoint.patch' },
  })
  async patch(
    @Param('id') id: string,
    @Param('endpoint_id') endpointId: string,
    @Body() body: PatchEndpoint,
  ): Promise<Written<EndpointView>> {
    const before = this.view(await this.endpoints.read(id, endpointId));
    const input = { ...endpointFields(body), providerId: body.provider_id, upstreamModel: body.upstream_model };
    return changed(RESOURCE, before, this.view(await this.endpoints.patch(id, endpointId, input)));
  }

  @Delete(':endpoint_id')
  @AdminOperation({
    versioned: true,
    summary: 'Remove an endpoint',
    description: 'Calls that run on it end as they would have.',
    tag: TAG,
    status: 204,
    write: { action: 'endpoint.delete' },
  })
  async remove(@Param('id') id: string, @Param('endpoint_id') endpointId: string): Promise<Written<undefined>> {
    const before = this.view(await this.endpoints.read(id, endpointId));
    await this.endpoints.remove(id, endpointId);
    return removed(RESOURCE, endpointId, before);
  }

  private view(endpoint: Endpoint): EndpointView {
    return endpointView(endpoint, this.providers.standing(endpoint.id));
  }
}
