/** A request body that cannot be read, for every protocol over HTTP. */
import * as Data from "effect/Data"

/** `problem` completes "the body …". */
export class UnreadableBody extends Data.TaggedError("UnreadableBody")<{
  /** 400 for bytes that do not match their content type, 413 over a limit, 415 for a type that the path does not accept. */
  readonly status: 400 | 413 | 415
  readonly problem: string
}> {}
