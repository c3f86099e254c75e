/** What a write changed, for the audit log. */
export interface Change {
  resource: string;
  resourceId: string;
  /** `null` for what did not exist before. */
  before: unknown;
  /** `null` for what no longer exists. */
  after: unknown;
}

/** The result of every write operation: what the caller is told and what the audit log is told. */
export class Written<T> {
  constructor(
    readonly body: T,
    readonly change: Change,
    /** The module recognised a repetition and changed nothing. */
    readonly replayed: boolean = false,
  ) {}
}

interface Identified {
  id: string;
}

/** A new resource. `touched` tells the audit log what the view does not show, e.g. a secret (masked in the log). */
export function created<T extends Identified>(
  resource: string,
  view: T,
  touched: Record<string, unknown> = {},
): Written<T> {
  return new Written(view, { resource, resourceId: view.id, before: null, after: { ...view, ...touched } });
}

/** A changed resource; `touched` as above. */
export function changed<T extends Identified>(
  resource: string,
  before: unknown,
  after: T,
  touched: Record<string, unknown> = {},
): Written<T> {
  return new Written(after, { resource, resourceId: after.id, before, after: { ...after, ...touched } });
}

/** A resource that is gone. */
export function removed(resource: string, id: string, before: unknown): Written<undefined> {
  return new Written(undefined, { resource, resourceId: id, before, after: null });
}
