import { Column, CreateDateColumn, Entity, PrimaryColumn, UpdateDateColumn } from 'typeorm';
import type { HangupBilling } from '../domain/endpoint.js';

@Entity('provider')
export class ProviderEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text', { unique: true })
  name!: string;

  @Column('text')
  adapter!: string;

  @Column('text', { name: 'base_url' })
  baseUrl!: string;

  @Column('text', { name: 'api_key_sealed', nullable: true })
  apiKeySealed!: string | null;

  @Column('text', { name: 'hangup_billing', default: 'estimate' })
  hangupBilling!: HangupBilling;

  @Column('boolean', { default: true })
  enabled!: boolean;

  @CreateDateColumn({ type: 'timestamptz', name: 'created_at', default: () => 'now()' })
  createdAt!: Date;

  @UpdateDateColumn({ type: 'timestamptz', name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;
}
