import 'reflect-metadata';
import { SetMetadata } from '@nestjs/common';
import type { z } from 'zod';

/** What one route tells the OpenAPI document. The schemas are the ones that check requests, so that the two agree. */
export interface OperationSpec {
  summary: string;
  /** Markdown. */
  description?: string;
  /** Heading in the document. */
  tag: string;
  /** Status of success. Default 200. */
  status?: number;
  query?: z.ZodObject;
  headers?: z.ZodObject;
  body?: z.ZodType;
  /** Absent: the answer has no body, or its media type is not JSON. */
  response?: z.ZodType;
  /** Headers of a successful answer, with what they say. */
  answerHeaders?: Readonly<Record<string, string>>;
  /** Needs a viewer token, or any admin token, unless it has a port of its own. */
  forObservers?: true;
  /** It may also answer as server-sent events. */
  streams?: boolean;
  /** Other media types of a successful answer, beside JSON. */
  otherTypes?: readonly string[];
}

const OPERATION_METADATA = 'joytoken:operation';

/** Puts a route into the OpenAPI document. */
export function Operation(spec: OperationSpec): MethodDecorator {
  return SetMetadata(OPERATION_METADATA, spec);
}

/** What `@Operation` declares on a handler; `null` when it declares nothing. */
export function operationOf(handler: object): OperationSpec | null {
  return (Reflect.getMetadata(OPERATION_METADATA, handler) as OperationSpec | undefined) ?? null;
}
