import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { PolicyService } from '../../policy/index.js';
import { AdminController } from '../http/admin-controller.decorator.js';
import { AdminOperation } from '../http/admin-operation.js';
import { pageOf, pageRequest, pageView, type Page } from '../http/pagination.js';
import { changed, created, removed, type Written } from '../http/written.js';
import {
  createPolicySchema,
  patchPolicySchema,
  policyFields,
  policyQuerySchema,
  policySchema,
  policyView,
  type CreatePolicy,
  type PatchPolicy,
  type PolicyQuery,
  type PolicyView,
} from './policies.schema.js';

const TAG = 'Policies';
const RESOURCE = 'policy';

@AdminController('policies')
export class PoliciesController {
  constructor(private readonly policies: PolicyService) {}

  @Post()
  @AdminOperation({
    versioned: true,
    summary: 'Create a policy',
    description: 'Lists that are empty or absent do not restrict.',
    tag: TAG,
    status: 201,
    body: createPolicySchema,
    response: policySchema,
    write: { action: 'policy.create' },
  })
  async create(@Body() body: CreatePolicy): Promise<Written<PolicyView>> {
    const policy = await this.policies.create({ ...policyFields(body), name: body.name });
    return created(RESOURCE, policyView(policy));
  }

  @Get()
  @AdminOperation({ summary: 'List policies', tag: TAG, query: policyQuerySchema, response: pageOf(policySchema) })
  async list(@Query() query: PolicyQuery): Promise<Page<PolicyView>> {
    return pageView(await this.policies.list(pageRequest(query)), policyView);
  }

  @Get(':id')
  @AdminOperation({ versioned: true, summary: 'Read a policy', tag: TAG, response: policySchema })
  async read(@Param('id') id: string): Promise<PolicyView> {
    return policyView(await this.policies.read(id));
  }

  @Patch(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Change a policy',
    description: 'Lists are replaced as a whole. In force for all of its keys within a second.',
    tag: TAG,
    body: patchPolicySchema,
    response: policySchema,
    write: { action: 'policy.patch' },
  })
  async patch(@Param('id') id: string, @Body() body: PatchPolicy): Promise<Written<PolicyView>> {
    const before = policyView(await this.policies.read(id));
    const policy = await this.policies.patch(id, { ...policyFields(body), name: body.name });
    return changed(RESOURCE, before, policyView(policy));
  }

  @Delete(':id')
  @AdminOperation({
    versioned: true,
    summary: 'Delete a policy that no key uses',
    tag: TAG,
    status: 204,
    write: { action: 'policy.delete' },
  })
  async remove(@Param('id') id: string): Promise<Written<undefined>> {
    const before = policyView(await this.policies.read(id));
    await this.policies.remove(id);
    return removed(RESOURCE, id, before);
  }
}
