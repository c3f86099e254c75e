import { Column, Entity, PrimaryColumn } from 'typeorm';
import { microsColumn } from '../../platform/database/index.js';
import type { UsdMicros } from '../../platform/money/index.js';
import type { EndpointWaits } from '../../provider/index.js';

@Entity('model_endpoint')
export class ModelEndpointEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'model_id' })
  modelId!: string;

  @Column('uuid', { name: 'provider_id' })
  providerId!: string;

  @Column('text', { name: 'upstream_model' })
  upstreamModel!: string;

  @Column('integer', { default: 1 })
  priority!: number;

  @Column('integer', { default: 1 })
  weight!: number;

  @Column('jsonb', { default: {} })
  timeouts!: Partial<EndpointWaits>;

  @Column('integer', { name: 'context_window', nullable: true })
  contextWindow!: number | null;

  @Column('bigint', { name: 'input_usd_mtok', default: 0, transformer: microsColumn })
  inputUsdPerMtok!: UsdMicros;

  @Column('bigint', { name: 'output_usd_mtok', default: 0, transformer: microsColumn })
  outputUsdPerMtok!: UsdMicros;

  @Column('boolean', { name: 'supports_prefill', default: false })
  supportsPrefill!: boolean;

  @Column('text', { name: 'allowed_fields', array: true, default: [] })
  allowedFields!: readonly string[];

  @Column('boolean', { default: true })
  enabled!: boolean;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}
