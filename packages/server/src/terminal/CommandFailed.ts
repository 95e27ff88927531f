import * as Data from "effect/Data"

/** A command could not be carried out; `message` is what the operator reads, one line unless it lists lines of a file. */
export class CommandFailed extends Data.TaggedError("Failed")<{ readonly message: string }> {}
