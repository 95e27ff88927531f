/** Posts requests with Node's HTTP clients, for callbacks and webhooks. Connections are kept and used again. */
import { type Post, PostFailed, type PostRequest, type PostResponse } from "@parley/core/HttpPost"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as http from "node:http"
import * as https from "node:https"

/** Maximum number of connections to one receiver, and of idle ones kept. */
const AGENT = { keepAlive: true, maxSockets: 8, maxFreeSockets: 2 } as const

interface Agents {
  readonly plain: http.Agent
  readonly secure: https.Agent
}

const failed = (problem: string): PostFailed => new PostFailed({ problem })

const messageOf = (cause: unknown): string => {
  // Several addresses were tried: the error itself has no text.
  const first = cause instanceof AggregateError ? cause.errors[0] : cause
  return (first instanceof Error ? first.message : String(first)).split("\n", 1)[0] ?? ""
}

const send = (agents: Agents, asked: PostRequest): Effect.Effect<PostResponse, PostFailed> =>
  Effect.callback((resume) => {
    const { url, contentType, body, maxResponse } = asked
    const isSecure = url.startsWith("https:")
    let request: http.ClientRequest
    try {
      request = (isSecure ? https : http).request(url, {
        method: "POST",
        agent: isSecure ? agents.secure : agents.plain,
        headers: { "content-type": contentType, "content-length": Buffer.byteLength(body) }
      })
    } catch (cause) {
      return resume(Effect.fail(failed(`cannot be called: ${messageOf(cause)}`)))
    }
    request.on("error", (cause) => {
      // The receiver closed an idle connection at this moment: the request was not read.
      const isStale = request.reusedSocket && "code" in cause && cause.code === "ECONNRESET"
      resume(isStale ? send(agents, asked) : Effect.fail(failed(`was not reached: ${messageOf(cause)}`)))
    })
    request.on("response", (response) => {
      const chunks: Array<Buffer> = []
      let size = 0
      response.on("error", (cause) => resume(Effect.fail(failed(`broke its response off: ${messageOf(cause)}`))))
      response.on("data", (chunk: Buffer) => {
        size += chunk.length
        if (size <= maxResponse) {
          chunks.push(chunk)
          return
        }
        resume(Effect.fail(failed(`sent more than ${maxResponse} bytes`)))
        request.destroy()
      })
      response.on("end", () =>
        resume(Effect.succeed({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString("utf8") }))
      )
    })
    request.end(body)
    return Effect.sync(() => void request.destroy())
  })

/** Returns a port that posts until the scope closes, which ends its connections. */
export const make: Effect.Effect<Post, never, Scope.Scope> = Effect.map(
  Effect.acquireRelease(
    Effect.sync((): Agents => ({ plain: new http.Agent(AGENT), secure: new https.Agent(AGENT) })),
    ({ plain, secure }) =>
      Effect.sync(() => {
        plain.destroy()
        secure.destroy()
      })
  ),
  (agents): Post =>
    (request) =>
      Effect.timeoutOrElse(send(agents, request), {
        duration: request.timeout,
        orElse: () => Effect.fail(failed(`did not respond within ${request.timeout / 1000} seconds`))
      })
)
