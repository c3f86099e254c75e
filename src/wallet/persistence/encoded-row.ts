/** A column as a netstring, `<length in bytes>:<UTF-8>,`. */
const netstring = (text: string): string => `octet_length(${text}) || ':' || ${text} || ','`;
/** NULL is `-,`, which no text is written as. */
const nullable = (text: string): string => `coalesce(${netstring(text)}, '-,')`;

/**
 * The text of a row of `ledger_entry e` that is hashed: every column, in this order, so that no two rows have the same. Made
 * by the database, because twelve columns a row cost the worker more than their hash. It must never change.
 */
export const ENCODED_ROW = [
  netstring('e.account_id::text'),
  netstring('e.tier'),
  netstring('e.seq::text'),
  netstring('e.kind'),
  nullable('e.freeze_id'),
  netstring('e.available_delta::text'),
  netstring('e.frozen_delta::text'),
  netstring('e.available_after::text'),
  netstring('e.frozen_after::text'),
  netstring('e.idempotency_key'),
  nullable('e.note'),
  netstring('((extract(epoch from e.created_at) * 1000000)::bigint)::text'),
].join(' || ');
