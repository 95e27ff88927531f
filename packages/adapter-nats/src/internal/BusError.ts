import * as Data from "effect/Data"

/** The bus cannot be opened. An unreachable server is not an error. */
export class BusError extends Data.TaggedError("BusError")<{
  /** One sentence for the operator. */
  readonly message: string
}> {}
