import { Module } from '@nestjs/common';
import { AuthModule } from '../../auth/index.js';
import { PolicyModule } from '../../policy/index.js';
import { RouterModule } from '../../router/index.js';
import { ApiKeyGuard } from './api-key.guard.js';
import { CallableModelsFinder } from './callable-models.js';
import { CatalogService } from './catalog.service.js';
import { ModelsController } from './models.controller.js';
import { OpenAiModelsController } from './openai-models.controller.js';
import { ReferenceController } from './reference.controller.js';

/** What can be called and what it costs: `/api/v1` and `/openai/v1/models`. */
@Module({
  imports: [AuthModule, PolicyModule, RouterModule],
  controllers: [ModelsController, ReferenceController, OpenAiModelsController],
  providers: [ApiKeyGuard, CallableModelsFinder, CatalogService],
  exports: [ApiKeyGuard],
})
export class CatalogModule {}
