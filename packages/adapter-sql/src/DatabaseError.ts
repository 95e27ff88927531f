import * as Data from "effect/Data"

/** A database that cannot be used: another server holds it, it is not ours, it is newer than we are, … */
export class DatabaseError extends Data.TaggedError("DatabaseRefused")<{
  /** As the operator named it. */
  readonly file: string
  /** One sentence for the operator. */
  readonly message: string
}> {}
