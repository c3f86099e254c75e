interface Queryable {
  query<T>(sql: string): Promise<T>;
}

/** The time of the database in milliseconds since 1970: what is deleted for its age must not depend on one machine's clock. */
export async function databaseNowMs(queryable: Queryable): Promise<number> {
  const rows = await queryable.query<{ ms: string }[]>('select (extract(epoch from now()) * 1000)::bigint as ms');
  return Number(rows[0]?.ms);
}
