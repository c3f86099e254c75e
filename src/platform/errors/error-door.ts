import type { AppError } from './app-error.js';

/** The two ids that every answer carries. */
export interface RequestIds {
  requestId: string;
  clientRequestId: string;
}

export interface RenderedError {
  status: number;
  contentType: string;
  headers: Record<string, string>;
  body: object;
}

/** How one door of the house writes errors; the door with the longest matching path prefix is used. */
export interface ErrorDoor {
  prefix: string;
  render(error: AppError, ids: RequestIds): RenderedError;
}
