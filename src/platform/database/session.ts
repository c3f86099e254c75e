interface Session {
  query(sql: string): Promise<unknown>;
}

/**
 * Whatever the server, the database or the role has for a default: a commit is on disk when it is told (a stricter setting
 * stays), statements see what was committed before them (the wallet functions lock and then read), and times are read as ISO.
 */
const SETTINGS = `select set_config('default_transaction_isolation', 'read committed', false),
  set_config('synchronous_commit', case current_setting('synchronous_commit') when 'off' then 'on'
    else current_setting('synchronous_commit') end, false),
  set_config('datestyle', 'ISO', false)`;

/**
 * Makes a new connection fit for money, before anybody uses it. In a pool, as `onConnect`, it also closes a gap: the pool listens
 * to the errors of a connection until its first user does, but for the moment in which it is handed over as soon as it is
 * ready; one that the server ended in that moment ended the process.
 */
export async function prepareSession(session: Session): Promise<void> {
  await session.query(SETTINGS);
}
