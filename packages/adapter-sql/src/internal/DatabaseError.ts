import * as Data from "effect/Data"

/** The database cannot be used: held by another server, not a Parley database, newer than this version, … */
export class DatabaseError extends Data.TaggedError("DatabaseError")<{
  /** As the operator named it. */
  readonly file: string
  /** One sentence for the operator. */
  readonly message: string
}> {}
