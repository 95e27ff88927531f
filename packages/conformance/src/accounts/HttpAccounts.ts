/** Accounts from an HTTP hook, which the implementer provides beside the server in any language. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { accountFrom, type Accounts, NotPrepared } from "./Accounts.ts"
import { parse, printable } from "../Json.ts"

/** The timeout of one response, in milliseconds. */
const timeout = 10_000
/** The largest response, in bytes. */
const largestAnswer = 64 * 1024

const readBounded = async (response: Response): Promise<string> => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > largestAnswer) throw new Error(`a response of more than ${largestAnswer} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

const errorText = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  return cause.cause instanceof Error ? cause.cause.message : cause.message
}

const post = (base: string, path: string, body: object, time: number): Effect.Effect<unknown, NotPrepared> => {
  const address = `${base.replace(/\/$/, "")}${path}`
  const failed = (why: string) => new NotPrepared({ message: `POST ${address}: ${why}` })
  return Effect.tryPromise({
    try: async (signal) => {
      const headers = { "content-type": "application/json" }
      const response = await fetch(address, { method: "POST", headers, body: JSON.stringify(body), signal })
      return { status: response.status, text: await readBounded(response) }
    },
    catch: (cause) => failed(errorText(cause))
  }).pipe(
    Effect.timeoutOption(time),
    Effect.flatMap((answered) => {
      if (Option.isNone(answered)) return Effect.fail(failed(`no response within ${time} ms`))
      const { status, text } = answered.value
      if (status >= 200 && status < 300) return Effect.succeed(parse(text))
      return Effect.fail(failed(`returned ${status} ${printable(text, 200)}`))
    })
  )
}

/**
 * Accounts from an HTTP hook:
 *
 * - `POST <base>/actors` `{"name": "alice", "role": "user"}` → `{"id": 3, "account": "…", "password": "…", "token": "…"}`;
 *   `id` and `token` if the protocol needs them. Called once for each role, and again after its token was expired.
 * - `POST <base>/reset` `{}` before them, if `reset` is on.
 * - `POST <base>/expire` `{"token": "…"}`: from now on the server treats this token or `sid` as expired. An account's own
 *   token is requested again afterwards.
 *
 * A status other than 2xx means that the target is not prepared, or for `expire` that it is not supported, so that the
 * scenario is not applicable.
 */
export const httpAccounts = (
  base: string,
  options?: { readonly reset?: boolean; readonly timeout?: number }
): Accounts => {
  const time = options?.timeout ?? timeout
  return Effect.succeed({
    actor: (name, role) =>
      post(base, "/actors", { name, role }, time).pipe(
        Effect.flatMap((answer) => accountFrom(answer, `POST ${base}/actors for ${name}`))
      ),
    ...(options?.reset === true ? { reset: Effect.asVoid(post(base, "/reset", {}, time)) } : {}),
    expiry: (token) => Effect.asVoid(post(base, "/expire", { token }, time))
  })
}
