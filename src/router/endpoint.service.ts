import { Injectable } from '@nestjs/common';
import { newId } from '../platform/ids/index.js';
import type { Endpoint } from '../provider/index.js';
import { endpointPatchSchema, newEndpointSchema, type EndpointPatch, type NewEndpoint } from './domain/inputs.js';
import { isDangling, isDuplicate, ModelRepository } from './persistence/model.repository.js';
import { PoolReader } from './persistence/pool.reader.js';
import * as errors from './router.errors.js';
import { checked, definedOf } from './validation.js';

/** Endpoints of models, for the administration. `enabled` of an answer also says whether the provider is enabled. */
@Injectable()
export class EndpointService {
  constructor(
    private readonly repository: ModelRepository,
    private readonly reader: PoolReader,
  ) {}

  /**
   * Adds a place where a model can be called.
   * @throws AppError `not_found`, `unprocessable` (`invalid_field`, `unknown_reference`), `conflict` (`name_taken`).
   */
  async create(modelId: string, input: NewEndpoint): Promise<Endpoint> {
    const fields = checked(newEndpointSchema, input);
    await this.list(modelId);
    const id = newId();
    await this.write(() => this.repository.insertEndpoint({ ...columnsOf(fields), id, modelId }));
    return this.read(modelId, id);
  }

  /**
   * Endpoints of a model in priority order.
   * @throws AppError `not_found` when there is no such model.
   */
  async list(modelId: string): Promise<readonly Endpoint[]> {
    const [model] = await this.reader.byIds([modelId]);
    if (model === undefined) throw errors.noSuch('model');
    return model.endpoints;
  }

  /** @throws AppError `not_found`. */
  async read(modelId: string, id: string): Promise<Endpoint> {
    const endpoint = (await this.list(modelId)).find((one) => one.id === id);
    if (endpoint === undefined) throw errors.noSuch('endpoint');
    return endpoint;
  }

  /** @throws AppError `not_found`, `unprocessable` (`invalid_field`, `unknown_reference`), `conflict` (`name_taken`). */
  async patch(modelId: string, id: string, input: EndpointPatch): Promise<Endpoint> {
    const fields = checked(endpointPatchSchema, input);
    const found = await this.write(() => this.repository.updateEndpoint(modelId, id, columnsOf(fields)));
    if (!found) throw errors.noSuch('endpoint');
    return this.read(modelId, id);
  }

  /**
   * Removes an endpoint; calls that run on it end as they would have.
   * @throws AppError `not_found`.
   */
  async remove(modelId: string, id: string): Promise<void> {
    if (!(await this.repository.deleteEndpoint(modelId, id))) throw errors.noSuch('endpoint');
  }

  private async write<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (isDuplicate(error)) {
        throw errors.taken(
          'upstream_model',
          'this model has an endpoint with this provider and upstream_model already',
        );
      }
      if (isDangling(error)) throw errors.unknownReference('provider_id', 'provider');
      throw error;
    }
  }
}

/** Time-outs are replaced as a whole. */
function columnsOf(fields: EndpointPatch) {
  const { timeouts, ...rest } = fields;
  return { ...definedOf(rest), ...(timeouts === undefined ? {} : { timeouts: definedOf(timeouts) }) };
}
