import { Injectable } from '@nestjs/common';

interface KnownRoute {
  method: string;
  segments: readonly string[];
}

/** The routes that exist, to tell a wrong method from an unknown path. Filled by Fastify's `onRoute` hook. */
@Injectable()
export class RouteTable {
  private readonly routes: KnownRoute[] = [];

  add(method: string, pattern: string): void {
    this.routes.push({ method, segments: segmentsOf(pattern) });
  }

  /** Methods that the path of a URL accepts; empty when no route has this path. */
  methodsOf(url: string): string[] {
    const path = segmentsOf(url.split('?', 1)[0] ?? '');
    const methods = this.routes.filter((route) => matches(route.segments, path)).map((route) => route.method);
    return [...new Set(methods)].sort();
  }
}

function segmentsOf(path: string): string[] {
  return path.split('/').filter((segment) => segment !== '');
}

/** `:name` matches one segment; a last `*` matches all that follow, at least one. */
function matches(pattern: readonly string[], path: readonly string[]): boolean {
  const isOpen = pattern.at(-1) === '*';
  if (isOpen ? path.length < pattern.length : path.length !== pattern.length) return false;
  const fixed = isOpen ? pattern.slice(0, -1) : pattern;
  return fixed.every((segment, index) => segment.startsWith(':') || segment === path[index]);
}
