export { catalogErrorDoor } from './catalog-errors.js';
export { CatalogModule } from './catalog.module.js';
