/**
 * Port: posts a body to the URL of another service, for callbacks and webhooks. The host that serves the protocols
 * provides it; without it, every post fails.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"

/** A request. The URL is the operator's: any host is allowed, including this machine. */
export interface PostRequest {
  /** With the scheme `http` or `https`. */
  readonly url: string
  /** Value of the header `Content-Type`. */
  readonly contentType: string
  /** Sent as UTF-8. */
  readonly body: string
  /** Maximum time until the response is complete, in milliseconds. */
  readonly timeout: number
  /** Maximum size of the response's body, in bytes; a larger response is a failure. */
  readonly maxResponse: number
}

/** A complete response of any status; redirects are not followed. */
export interface PostResponse {
  /** Status of the response. */
  readonly status: number
  /** As UTF-8; invalid bytes are replaced. */
  readonly body: string
}

/** There is no complete response. `problem` completes a sentence after the URL: "was not reached: …". */
export class PostFailed extends Data.TaggedError("PostFailed")<{
  /** Completes a sentence after the URL: "was not reached: …". */
  readonly problem: string
}> {}

/** Posts a request. Interruption closes its connection. */
export type Post = (request: PostRequest) => Effect.Effect<PostResponse, PostFailed>

/** Posts requests to other services. */
export const HttpPost: Context.Reference<Post> = Context.Reference<Post>("@parley/core/HttpPost", {
  defaultValue: () => () => Effect.fail(new PostFailed({ problem: "was not called: this host makes no requests" }))
})
