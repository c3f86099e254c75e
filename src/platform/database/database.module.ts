import { Global, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { CONFIG, type Config } from '../config/index.js';
import { DatabasePool } from './database-pool.js';
import { databaseUrl, HotConnectionFactory } from './hot-connection.factory.js';
import { prepareSession } from './session.js';
import { joiningUnitsOfWork, UnitOfWork } from './unit-of-work.js';

/** The general pool (TypeORM) and the factory of dedicated connections, for every module's `persistence/`. */
@Global()
@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      inject: [CONFIG],
      useFactory: (config: Config) => ({
        type: 'postgres',
        url: databaseUrl(config),
        autoLoadEntities: true,
        retryAttempts: 5,
        retryDelay: 500,
        applicationName: 'joytoken-gateway pool',
        poolSize: config.DATABASE_POOL_MAX,
        connectTimeoutMS: 2_000,
        extra: { statement_timeout: 30_000, idleTimeoutMillis: 30_000, onConnect: prepareSession },
      }),
      dataSourceFactory: (options) => Promise.resolve(joiningUnitsOfWork(new DataSource(options as DataSourceOptions))),
    }),
  ],
  providers: [DatabasePool, HotConnectionFactory, UnitOfWork],
  exports: [DatabasePool, HotConnectionFactory, UnitOfWork, TypeOrmModule],
})
export class DatabaseModule {}
