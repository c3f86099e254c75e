import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { ChangeFeed } from '../../platform/changes/index.js';
import { Clock } from '../../platform/clock/index.js';
import { AppError } from '../../platform/errors/index.js';
import { RouterService, type Catalog, type Model } from '../../router/index.js';
import { isFiltered, matchesQuery, type CatalogQuery } from './catalog-query.js';
import { LOCALES, modelView, type Locale } from './catalog-view.js';

/** Without contact to the database for this long the catalogue is down: prices that may be wrong are not shown. */
const STALENESS_MAX_MS = 3_000;

interface PrintedModel {
  model: Model;
  json: string;
}

/** One state of the catalogue, written once and sent many times. */
interface PrintedCatalog {
  catalog: Catalog;
  models: Readonly<Record<Locale, readonly PrintedModel[]>>;
  /** The whole list. */
  all: Readonly<Record<Locale, string>>;
  etag: string;
}

export interface ModelList {
  json: string;
  /** Changes whenever any model does; equal in all processes. */
  etag: string;
}

/** The public list of models, from memory. */
@Injectable()
export class CatalogService {
  private printed: PrintedCatalog | null = null;

  constructor(
    private readonly router: RouterService,
    private readonly feed: ChangeFeed,
    private readonly clock: Clock,
  ) {}

  /**
   * The catalogue as it is now.
   * @throws AppError `unavailable` when it was never loaded or the database cannot be reached.
   */
  current(): Catalog {
    if (this.feed.stalenessMs(this.clock.nowMs()) > STALENESS_MAX_MS) {
      throw new AppError('unavailable', 'admin-bff not available', {
        code: 'catalog_unavailable',
        retryAfterS: 2,
        detail: 'the change feed has lost the database',
      });
    }
    return this.router.catalog();
  }

  /** @throws AppError `unavailable` as `current`. */
  list(query: CatalogQuery): ModelList {
    const printed = this.print(this.current());
    if (!isFiltered(query)) return { json: printed.all[query.locale], etag: printed.etag };
    const matching = printed.models[query.locale].filter(({ model }) => matchesQuery(model, query));
    return { json: envelopeOf(matching), etag: printed.etag };
  }

  private print(catalog: Catalog): PrintedCatalog {
    if (this.printed?.catalog === catalog) return this.printed;
    const printIn = (locale: Locale): PrintedModel[] =>
      catalog.models.map((model) => ({ model, json: JSON.stringify(modelView(model, locale)) }));
    const models = { en: printIn('en'), zh: printIn('zh') };
    const all = { en: envelopeOf(models.en), zh: envelopeOf(models.zh) };
    const hash = createHash('sha256');
    for (const locale of LOCALES) hash.update(all[locale]);
    this.printed = { catalog, models, all, etag: `"${hash.digest('base64url').slice(0, 22)}"` };
    return this.printed;
  }
}

function envelopeOf(models: readonly PrintedModel[]): string {
  return `{"code":0,"message":"success","data":{"models":[${models.map(({ json }) => json).join(',')}]}}`;
}
