import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Tier } from '../../wallet/index.js';
import type { RoutingPreferences } from '../domain/policy.js';

@Entity('policy')
export class PolicyEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text', { name: 'allowed_tiers', array: true, default: '{}' })
  allowedTiers!: Tier[];

  @Column('text', { name: 'ip_allowlist', array: true, default: '{}' })
  ipAllowlist!: string[];

  @Column('text', { name: 'ip_blocklist', array: true, default: '{}' })
  ipBlocklist!: string[];

  @Column('text', { name: 'model_blacklist', array: true, default: '{}' })
  modelBlacklist!: string[];

  @Column('jsonb', { default: { weights: {}, tags: [] } })
  routing!: RoutingPreferences;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}
