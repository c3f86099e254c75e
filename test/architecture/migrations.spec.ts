import { readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { Column, DataSource, Entity, PrimaryColumn, type EntityTarget, type MigrationInterface } from 'typeorm';
import { createTestDatabase, type TestDatabase } from '../support/database.js';

type Migration = new () => MigrationInterface;

/** Constraints and indexes are written in migrations only; entities describe columns. */
const CONSTRAINT_ONLY_IN_MIGRATIONS = /^(ALTER TABLE "\w+" DROP CONSTRAINT "\w+"|DROP INDEX "public"\."\w+")$/;

/** Everything that a migration can leave behind in a schema, as comparable lines. */
const SCHEMA_LINES = `
  select format('column %s.%s %s %s %s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
      case when a.attnotnull then 'not null' end, pg_get_expr(d.adbin, d.adrelid)) as line
    from pg_attribute a join pg_class c on c.oid = a.attrelid
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'v', 'm', 'p') and a.attnum > 0 and not a.attisdropped
  union all select format('table %s %s %s', relname, relkind, reloptions) from pg_class
    where relnamespace = 'public'::regnamespace and relkind not in ('i', 't', 'c')
  union all select format('constraint %s.%s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint
    where connamespace = 'public'::regnamespace
  union all select indexdef from pg_indexes where schemaname = 'public'
  union all select pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
  union all select pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace and prokind in ('f', 'p')
  union all select format('type %s', typname) from pg_type where typnamespace = 'public'::regnamespace and typtype in ('e', 'd')
  order by 1`;

/** The ORM's own list of what has run. */
const BOOKKEEPING = /migrations/;

@Entity('policy')
class PolicyWithAnotherColumn {
  @PrimaryColumn('uuid')
  id!: string;

  @Column('text')
  name!: string;

  @Column('text')
  forgotten!: string;
}

async function exportsOf(paths: readonly string[]): Promise<unknown[]> {
  const modules = await Promise.all(paths.map((path) => import(resolve(path)) as Promise<Record<string, unknown>>));
  return modules.flatMap((module) => Object.values(module)).filter((value) => typeof value === 'function');
}

function filesIn(folder: string, suffix: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return files.filter((file) => file.endsWith(suffix)).map((file) => `${folder}/${file}`);
}

/** What the ORM would change to make the tables fit these entities. */
async function driftOf(url: string, entities: readonly EntityTarget<object>[]): Promise<string[]> {
  const source = await new DataSource({ type: 'postgres', url, entities: entities as never }).initialize();
  try {
    const { upQueries } = await source.driver.createSchemaBuilder().log();
    return upQueries.map(({ query }) => query).filter((query) => !CONSTRAINT_ONLY_IN_MIGRATIONS.test(query));
  } finally {
    await source.destroy();
  }
}

describe('migrations', () => {
  let database: TestDatabase;
  let source: DataSource;

  beforeAll(async () => {
    database = await createTestDatabase();
    const migrations = (await exportsOf(filesIn('migrations', '.ts'))) as Migration[];
    source = await new DataSource({ type: 'postgres', url: database.url, migrations }).initialize();
  });

  afterAll(async () => {
    await source.destroy();
    await database.drop();
  });

  async function schema(): Promise<string[]> {
    const rows = await source.query<{ line: string }[]>(SCHEMA_LINES);
    return rows.map(({ line }) => line).filter((line) => !BOOKKEEPING.test(line));
  }

  it('go up, down to nothing, and up to the same schema', async () => {
    const up = await schema();
    expect(up.length).toBeGreaterThan(100);
    for (let left = source.migrations.length; left > 0; left--) await source.undoLastMigration({ transaction: 'each' });
    expect(await schema()).toEqual([]);
    await source.runMigrations({ transaction: 'each' });
    expect(await schema()).toEqual(up);
  });

  it('make the very columns that the entities describe', async () => {
    const entities = (await exportsOf(filesIn('src', '.entity.ts'))) as EntityTarget<object>[];
    expect(entities.length).toBeGreaterThan(15);
    expect(await driftOf(database.url, entities)).toEqual([]);
  });

  it('are compared with the entities by a test that finds a planted difference', async () => {
    const drift = (await driftOf(database.url, [PolicyWithAnotherColumn])).join('\n');
    expect(drift).toContain('ADD "forgotten" text NOT NULL');
    expect(drift).toContain('DROP COLUMN "allowed_tiers"');
  });
});
