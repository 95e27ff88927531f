/** A request body that cannot be read, for every protocol that comes in by HTTP. */
import * as Data from "effect/Data"

/** `problem` in words that follow "the body". */
export class UnreadableBody extends Data.TaggedError("UnreadableBody")<{
  /** 400 for bytes that are not as their content type says, 413 over a limit, 415 for what is not read at that path. */
  readonly status: 400 | 413 | 415
  readonly problem: string
}> {}
