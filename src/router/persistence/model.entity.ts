import { Column, Entity, PrimaryColumn } from 'typeorm';
import { microsColumn } from '../../platform/database/index.js';
import type { Micros } from '../../platform/money/index.js';
import type { Tier } from '../../wallet/index.js';

@Entity('model')
export class ModelEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { name: 'model_key', unique: true })
  modelKey!: string;

  @Column('text', { name: 'display_name' })
  displayName!: string;

  @Column('text', { default: '' })
  alias!: string;

  @Column('text')
  tier!: Tier;

  @Column('text', { array: true, default: [] })
  tags!: readonly string[];

  @Column('text', { name: 'feature_tags', array: true, default: [] })
  featureTags!: readonly string[];

  @Column('text', { name: 'scenario_tags', array: true, default: [] })
  scenarioTags!: readonly string[];

  @Column('text', { name: 'sku_tags', array: true, default: [] })
  skuTags!: readonly string[];

  @Column('text', { name: 'industry_packs', array: true, default: [] })
  industryPacks!: readonly string[];

  @Column('double precision', { name: 'mci_score', default: 0 })
  mciScore!: number;

  @Column('text', { default: '' })
  description!: string;

  @Column('text', { name: 'description_zh', default: '' })
  descriptionZh!: string;

  @Column('integer', { name: 'context_window' })
  contextWindow!: number;

  @Column('integer', { name: 'max_output_tokens' })
  maxOutputTokens!: number;

  @Column('integer', { name: 'hidden_output_max', nullable: true })
  hiddenOutputMax!: number | null;

  @Column('integer', { name: 'hidden_output_seen', default: 0 })
  hiddenOutputSeen!: number;

  @Column('text', { name: 'customer_image_input_mtok', default: '' })
  customerImageInputMtok!: string;

  @Column('text', { name: 'customer_image_output_mtok', default: '' })
  customerImageOutputMtok!: string;

  @Column('text', { name: 'customer_image_cached_input_mtok', default: '' })
  customerImageCachedInputMtok!: string;

  @Column('boolean', { default: false })
  enabled!: boolean;

  /** The price in force when the row was last written: an enabled model has one. Scheduled ones follow by time alone. */
  @Column('uuid', { name: 'current_price_id', nullable: true })
  currentPriceId!: string | null;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}

/** Immutable: a change of a rate is a new row. */
@Entity('model_price')
export class ModelPriceEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('uuid', { name: 'model_id' })
  modelId!: string;

  @Column('integer')
  version!: number;

  @Column('bigint', { name: 'input_per_mtok', transformer: microsColumn })
  inputPerMtok!: Micros;

  @Column('bigint', { name: 'output_per_mtok', transformer: microsColumn })
  outputPerMtok!: Micros;

  @Column('bigint', { name: 'cache_read_per_mtok', transformer: microsColumn })
  cacheReadPerMtok!: Micros;

  @Column('bigint', { name: 'cache_write_per_mtok', transformer: microsColumn })
  cacheWritePerMtok!: Micros;

  @Column('timestamptz', { name: 'effective_at', default: () => 'now()' })
  effectiveAt!: Date;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}
