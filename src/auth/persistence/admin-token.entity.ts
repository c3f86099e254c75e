import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { AdminRole } from '../domain/identity.js';

@Entity('admin_token')
export class AdminTokenEntity {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text', { default: 'owner' })
  role!: AdminRole;

  @Column('bytea', { name: 'token_hash', unique: true })
  tokenHash!: Buffer;

  @Column('integer', { name: 'hash_version' })
  hashVersion!: number;

  @Column('timestamptz', { name: 'expires_at', nullable: true })
  expiresAt!: Date | null;

  @Column('timestamptz', { name: 'revoked_at', nullable: true })
  revokedAt!: Date | null;

  /** First and last characters of the token; empty for tokens made before this was kept. */
  @Column('text', { default: '' })
  display!: string;

  @Column('timestamptz', { name: 'updated_at', default: () => 'now()' })
  updatedAt!: Date;

  @Column('timestamptz', { name: 'created_at', default: () => 'now()' })
  createdAt!: Date;
}
