import * as Data from "effect/Data"

/** A command failed; `message` is for the operator, one line unless it lists lines of a file. */
export class CommandFailed extends Data.TaggedError("CommandFailed")<{ readonly message: string }> {}
