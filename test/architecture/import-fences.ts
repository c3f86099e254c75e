import ts from 'typescript';
import { importsOf, nodesOf, parse, placeOf, type Import, type Source } from './sources.js';

const DRIVERS = /^(typeorm|pg)(\/|$)/;
const MAY_USE_DRIVERS = /^(src\/[\w-]+\/persistence\/|src\/platform\/database\/|migrations\/|test\/)/;
const DOMAIN = /^src\/[\w-]+\/domain\//;
const IMPURE_PACKAGES =
  /^(@nestjs|@fastify|fastify|bullmq|ioredis|undici|typeorm|pg|pino|prom-client|node:(fs|http|https|timers|child_process|process)(\/.*)?)(\/|$)/;
const PURE_PLATFORM = /^src\/platform\/(money|ids|errors)\//;
const MAY_READ_ENVIRONMENT = /^(src\/platform\/config\/|src\/start\/|src\/main\.ts$|src\/worker\.ts$|test\/)/;
/** Files that put everything together. */
const ROOT_FILES = /^src\/[\w.]+\.ts$/;
/** Files outside of an index.ts that may be imported, and why. */
const ENTRY_FILES: Readonly<Record<string, string>> = {
  'src/platform/platform.module.ts': 'belongs to no part of the platform',
  'src/platform/database/migrate.ts': 'runs before the application is loaded, and must not load it',
};
const BANNED_FOLDERS = new Set(['utils', 'common', 'helpers', 'shared', 'util', 'helper', 'misc', 'lib']);

/** `auth` of `src/auth/key.service.ts`; `null` for files directly in `src` and outside of it. */
function moduleOf(path: string): string | null {
  const [root, module, ...rest] = path.split('/');
  return root === 'src' && module !== undefined && rest.length > 0 ? module : null;
}

/** `platform/money` of `src/platform/money/money.ts`, `auth` of `src/auth/domain/identity.ts`. */
function unitOf(path: string): string | null {
  const [, module, part, ...rest] = path.split('/');
  return module === 'platform' && rest.length > 0 ? `platform/${part ?? ''}` : moduleOf(path);
}

function fileImports(sources: readonly Source[]): Import[] {
  return sources.flatMap(importsOf).filter(({ kind }) => kind === 'file');
}

const shown = ({ from, to }: Import): string => `${from} imports ${to}`;

/** Modules import only what the table allows. */
export function forbiddenPairs(
  sources: readonly Source[],
  allowed: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  const unknown = new Set(
    sources.map(({ path }) => moduleOf(path)).filter((name) => name !== null && !allowed.has(name)),
  );
  const pairs = fileImports(sources).filter(({ from, to }) => {
    const [importer, imported] = [moduleOf(from), moduleOf(to)];
    if (importer === null || importer === imported) return false;
    if (to.startsWith('test/')) return !from.endsWith('.spec.ts');
    if (ROOT_FILES.test(to)) return importer !== 'start';
    return imported === null || allowed.get(importer)?.has(imported) !== true;
  });
  return [...[...unknown].map((name) => `src/${String(name)} is not in the table`), ...pairs.map(shown)];
}

/** Another module, or another part of the platform, is imported through its index.ts. */
export function facadeBypasses(sources: readonly Source[]): string[] {
  return fileImports(sources)
    .filter(({ from, to }) => from.startsWith('src/') && unitOf(to) !== null && unitOf(from) !== unitOf(to))
    .filter(({ to }) => to !== `src/${String(unitOf(to))}/index.ts` && !Object.hasOwn(ENTRY_FILES, to))
    .filter(({ from, to }) => !isStart(from, to) && !/^src\/platform\/.*\/index\.ts$/.test(to))
    .map(shown);
}

/** `start/` is no module: the entry files import its parts one by one, to load the application as late as they can. */
function isStart(from: string, to: string): boolean {
  return ROOT_FILES.test(from) && moduleOf(to) === 'start';
}

/** Only persistence talks to the database. */
export function driverImports(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => !MAY_USE_DRIVERS.test(path))
    .flatMap(importsOf)
    .filter(({ to, kind }) => kind === 'package' && DRIVERS.test(to))
    .map(shown);
}

/** `domain/` knows no framework, no input or output, and no time of its own. */
export function impureDomains(sources: readonly Source[]): string[] {
  const domain = sources.filter(({ path }) => DOMAIN.test(path) && !path.endsWith('.spec.ts'));
  const imports = domain.flatMap(importsOf).filter(({ from, to, kind }) => {
    if (kind === 'package') return IMPURE_PACKAGES.test(to);
    if (moduleOf(to) === 'platform') return !PURE_PLATFORM.test(to);
    return moduleOf(to) === moduleOf(from) && !DOMAIN.test(to) && !to.endsWith('.errors.ts');
  });
  return [...imports.map(shown), ...domain.flatMap(clockReads)];
}

function clockReads(source: Source): string[] {
  const file = parse(source);
  return [...nodesOf(file)].filter(isClockRead).map((node) => `${placeOf(file, node)} reads the clock`);
}

function isClockRead(node: ts.Node): boolean {
  if (ts.isNewExpression(node)) return node.expression.getText() === 'Date' && (node.arguments?.length ?? 0) === 0;
  return ts.isCallExpression(node) && /^(Date|performance)\.now$/.test(node.expression.getText());
}

/** Settings come from platform/config. */
export function environmentReads(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => !MAY_READ_ENVIRONMENT.test(path))
    .flatMap((source) => {
      const file = parse(source);
      const reads = [...nodesOf(file)].filter(
        (node) => (ts.isPropertyAccessExpression(node) || ts.isElementAccessExpression(node)) && isEnvironment(node),
      );
      return reads.map((node) => `${placeOf(file, node)} reads process.env`);
    });
}

function isEnvironment(node: ts.PropertyAccessExpression | ts.ElementAccessExpression): boolean {
  return /^process(\??\.env|\[['"]env['"]\])$/.test(node.getText());
}

/** Folders are named after what is in them. */
export function vagueFolders(sources: readonly Source[]): string[] {
  return sources
    .filter(({ path }) => path.split('/').some((folder) => BANNED_FOLDERS.has(folder)))
    .map(({ path }) => `${path} is in a folder that says nothing`);
}
