import { applyDecorators, Controller, UseGuards, UseInterceptors } from '@nestjs/common';
import { AdminAuthGuard } from '../access/admin-auth.guard.js';
import { EntityTagInterceptor } from './entity-tag.interceptor.js';
import { RequestValidationInterceptor } from './request-validation.interceptor.js';
import { WriteInterceptor } from './write.interceptor.js';

const ADMIN_PREFIX = 'admin/v1';

/** A controller of this door: authenticated, validated, audited, repeatable. */
export function AdminController(path: string): ClassDecorator {
  return applyDecorators(
    Controller(`${ADMIN_PREFIX}/${path}`),
    UseGuards(AdminAuthGuard),
    UseInterceptors(RequestValidationInterceptor, EntityTagInterceptor, WriteInterceptor),
  );
}
