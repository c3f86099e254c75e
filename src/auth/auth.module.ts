import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { EventsModule } from '../events/index.js';
import { WalletModule } from '../wallet/index.js';
import { AccountService } from './account.service.js';
import { AdminTokenRegistry } from './admin-token-registry.js';
import { AdminTokenService } from './admin-token.service.js';
import { CredentialCheck } from './credential-check.js';
import { FailedLogins } from './failed-logins.js';
import { KeyAuthenticator } from './key-authenticator.js';
import { KeyEvents } from './key-events.js';
import { KeyLastUse } from './key-last-use.js';
import { KeySnapshot } from './key-snapshot.js';
import { KeyService } from './key.service.js';
import { AccountEntity, AccountMemberEntity } from './persistence/account.entity.js';
import { AccountRepository } from './persistence/account.repository.js';
import { AdminTokenEntity } from './persistence/admin-token.entity.js';
import { AdminTokenRepository } from './persistence/admin-token.repository.js';
import { ApiKeyEntity, ApiKeyLastUseEntity, ApiKeySecretEntity } from './persistence/api-key.entity.js';
import { FailedLoginRepository } from './persistence/failed-login.repository.js';
import { KeySnapshotReader } from './persistence/key-snapshot.reader.js';
import { KeyRepository } from './persistence/key.repository.js';
import { SecretHasher } from './secret-hasher.js';
import { SharedFailedLogins } from './shared-failed-logins.js';

const ENTITIES = [
  AccountEntity,
  AccountMemberEntity,
  ApiKeyEntity,
  ApiKeySecretEntity,
  ApiKeyLastUseEntity,
  AdminTokenEntity,
];

/** Accounts, API keys and admin tokens. */
@Module({
  imports: [TypeOrmModule.forFeature(ENTITIES), EventsModule, WalletModule],
  providers: [
    SecretHasher,
    KeyRepository,
    KeySnapshotReader,
    KeySnapshot,
    KeyAuthenticator,
    KeyEvents,
    KeyLastUse,
    KeyService,
    AccountRepository,
    AccountService,
    AdminTokenRepository,
    AdminTokenRegistry,
    AdminTokenService,
    CredentialCheck,
    FailedLogins,
    FailedLoginRepository,
    SharedFailedLogins,
  ],
  exports: [KeyService, AccountService, AdminTokenRegistry, AdminTokenService, CredentialCheck, SecretHasher],
})
export class AuthModule {}
