import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { Injectable } from '@nestjs/common';
import { DOCS_START_SCRIPT } from './docs.page.js';

export interface Asset {
  contentType: string;
  content: Buffer;
}

/** The only files that are served, with their types; a name that is not here does not exist. */
const ASSET_TYPES: Readonly<Record<string, string>> = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
};

/** Static files of the document viewer, read from the installed package when first asked for. */
@Injectable()
export class DocsAssets {
  private readonly loaded = new Map<string, Promise<Buffer>>();

  /** @returns `null` for a name that is not on the list. */
  async find(name: string): Promise<Asset | null> {
    if (name === 'start.js')
      return { contentType: 'text/javascript; charset=utf-8', content: Buffer.from(DOCS_START_SCRIPT) };
    const contentType = Object.hasOwn(ASSET_TYPES, name) ? ASSET_TYPES[name] : undefined;
    if (contentType === undefined) return null;
    return { contentType, content: await this.load(name) };
  }

  private load(name: string): Promise<Buffer> {
    const known = this.loaded.get(name) ?? readFile(join(packageDir(), name));
    this.loaded.set(name, known);
    return known;
  }
}

function packageDir(): string {
  return dirname(createRequire(import.meta.url).resolve('swagger-ui-dist/package.json'));
}
