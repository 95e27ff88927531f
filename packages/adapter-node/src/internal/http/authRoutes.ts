/**
 * `POST /auth/login` and `POST /auth/logout`: issue and revoke tokens for the HTTP protocols, whose documents define no login.
 * Source: PROTOCOLS, "One access token store".
 */
import { Credentials } from "@parley/core/Credentials"
import { Hub } from "@parley/core/Hub"
import { describeReason } from "@parley/core/describeReason"
import { type Reason, refuse } from "@parley/core/Refused"
import { Sessions } from "@parley/core/Sessions"
import { Settings } from "@parley/core/Settings"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type { HttpRoutes } from "./routes.ts"

/** Maximum bytes of a body: more than an escaped account and password need. */
const MAX_BODY = 16 * 1024

const Text = Schema.String.check(Schema.makeFilter((text) => text.isWellFormed(), { expected: "well-formed Unicode" }))
const LoginBody = Schema.Struct({ account: Text, password: Text })

const utf8 = new TextDecoder("utf-8", { fatal: true })

/** Returns the body's bytes; undefined if over `MAX_BODY` or `limits.frame`. */
const bytesOf = Effect.fnUntraced(function* (request: HttpServerRequest.HttpServerRequest) {
  const limit = Math.min(MAX_BODY, Number((yield* HttpIncomingMessage.MaxBodySize) ?? MAX_BODY))
  return yield* request.arrayBuffer.pipe(
    Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(limit)),
    Effect.catchIf(
      ({ reason }) => reason._tag === "RequestParseError" && reason.reason === "BodyTooLarge",
      () => Effect.succeed(undefined)
    )
  )
})

/** Decodes account and password. Rejects invalid UTF-8 and lone surrogates. */
const credentialsIn = (bytes: ArrayBuffer) =>
  Effect.try({ try: (): unknown => JSON.parse(utf8.decode(bytes)), catch: (cause) => cause }).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(LoginBody))
  )

const TOO_LARGE = HttpServerResponse.jsonUnsafe({ error: "Invalid", message: "body is too large." }, { status: 413 })

/** Content codings that change the bytes; others, such as a wrong `UTF-8`, are ignored. */
const COMPRESSED = /^\s*(x-)?(gzip|deflate|br|zstd|compress)\s*$/i

/** Returns why the body's format is not supported; undefined if it may be JSON. */
const unsupported = ({ headers }: HttpServerRequest.HttpServerRequest): string | undefined => {
  const coding = headers["content-encoding"]?.split(",").find((one) => COMPRESSED.test(one))
  if (coding !== undefined)
    return `body has the Content-Encoding ${coding.trim().toLowerCase()}, which is not supported.`
  const type = headers["content-type"]?.split(";", 1)[0]?.trim().toLowerCase()
  return type === "multipart/form-data" ? "body is multipart/form-data; only JSON is supported." : undefined
}

const UNREADABLE = {
  _tag: "Invalid",
  field: "body",
  problem: "must be JSON with account and password, both strings"
} as const

const STATUS: Partial<Record<Reason["_tag"], number>> = {
  WrongPassword: 401,
  NotLoggedIn: 401,
  TooManyAttempts: 429,
  RateLimited: 429,
  Unavailable: 503
}

const failure = (reason: Reason): HttpServerResponse.HttpServerResponse =>
  HttpServerResponse.jsonUnsafe(
    {
      error: reason._tag,
      message: describeReason(reason, { sentences: { NotLoggedIn: "There is no live session with this token." } })
    },
    {
      status: STATUS[reason._tag] ?? 400,
      ...((reason._tag === "TooManyAttempts" || reason._tag === "RateLimited") && {
        headers: { "retry-after": String(reason.retryAfterSeconds) }
      })
    }
  )

const bearer = (header: string | undefined): string => /^bearer\s+(\S+)$/i.exec(header ?? "")?.[1] ?? ""

const ALLOW = { allow: "POST, OPTIONS" } as const

const OPTIONS = Effect.succeed(HttpServerResponse.empty({ status: 204, headers: ALLOW }))

const NOT_ALLOWED = Effect.succeed(
  HttpServerResponse.jsonUnsafe(
    { error: "MethodNotAllowed", message: "This path takes POST." },
    { status: 405, headers: ALLOW }
  )
)

/** A route for POST and OPTIONS; other methods get 405. */
const route = (
  path: `/${string}`,
  post: Effect.Effect<HttpServerResponse.HttpServerResponse, never, HttpServerRequest.HttpServerRequest>
): HttpRoutes =>
  HttpRouter.add("*", path, ({ method }) => (method === "POST" ? post : method === "OPTIONS" ? OPTIONS : NOT_ALLOWED))

/** The routes over an engine. */
export const authRoutes: Effect.Effect<HttpRoutes, never, Sessions | Credentials | Hub> = Effect.gen(function* () {
  const sessions = yield* Sessions
  const credentials = yield* Credentials
  const hub = yield* Hub
  const { sessionIdle, sessionLifetime } = yield* Settings

  const login = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    const message = unsupported(request)
    if (message !== undefined) return HttpServerResponse.jsonUnsafe({ error: "Invalid", message }, { status: 415 })
    const bytes = yield* Effect.catch(bytesOf(request), () => refuse(UNREADABLE))
    if (bytes === undefined) return TOO_LARGE
    const { account, password } = yield* Effect.catch(credentialsIn(bytes), () => refuse(UNREADABLE))
    const { session, user } = yield* sessions.login({
      account,
      secret: yield* credentials.md5Secret(password),
      password,
      kind: "token",
      device: "",
      address: Option.getOrElse(request.remoteAddress, () => "")
    })
    const { id, realname, avatar, role, dept, admin, organisation } = user
    return HttpServerResponse.jsonUnsafe({
      token: session.token,
      user: {
        id,
        account: user.account,
        realname,
        avatar,
        role,
        dept,
        status: hub.presence.status(id),
        admin,
        organisation
      },
      expiresIn: Math.min(sessionIdle, sessionLifetime)
    })
  }).pipe(
    Effect.catchTag("Refused", ({ reason }) => Effect.succeed(failure(reason))),
    Effect.map(HttpServerResponse.setHeader("cache-control", "no-store"))
  )

  const logout = Effect.gen(function* () {
    const request = yield* HttpServerRequest.HttpServerRequest
    // The content is ignored, but the size is bounded.
    const bytes = yield* Effect.catch(bytesOf(request), () => Effect.succeed(new ArrayBuffer(0)))
    if (bytes === undefined) return TOO_LARGE
    const found = yield* sessions.resume(bearer(request.headers["authorization"]))
    if (found === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
    yield* sessions.end(found.session)
    return HttpServerResponse.empty()
  }).pipe(Effect.catchTag("Refused", ({ reason }) => Effect.succeed(failure(reason))))

  return Layer.mergeAll(route("/auth/login", login), route("/auth/logout", logout))
})
