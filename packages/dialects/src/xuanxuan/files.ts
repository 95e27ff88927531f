/**
 * Files over HTTP: upload and download, streamed both ways. Source: seeds/002, "上传文件", "下载文件"; PROTOCOLS, "Files
 * over HTTP".
 */
import { StreamBody } from "@parley/core/InputBudget"
import type { Blobs } from "@parley/core/Blobs"
import type { Caller } from "@parley/core/Event"
import { fileTitle } from "@parley/core/FileTitle"
import { FileId } from "@parley/core/Ids"
import { type Reason, refuse, type Refused } from "@parley/core/Refused"
import { userHolder } from "@parley/core/Slots"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { compressionsIn, unsupported } from "../_http/decompress.ts"
import { fieldText, isFile, isMultipart, readParts } from "../_http/multipart.ts"
import type { Query } from "../_http/query.ts"
import { bearerOf, authenticate } from "../_http/authenticate.ts"
import type { UnreadableBody } from "../_http/UnreadableBody.ts"
import { retryAfter } from "../_http/retryAfter.ts"
import type { Transfers } from "../_http/Transfers.ts"
import { contentDisposition } from "../_http/contentDisposition.ts"
import { byteRange, entityTag, precondition } from "./fileHeaders.ts"
import { messageOf } from "./errors.ts"
import type { Deps } from "./context.ts"
import type { Json } from "./encode.ts"

type Response = HttpServerResponse.HttpServerResponse

/** Maximum size of a form field that is not a file, in bytes. */
const MAX_FIELD_SIZE = 4096
/** Maximum size of a form in addition to its files, in bytes: boundaries, headers and fields. */
const MAX_OVERHEAD = 1024 * 1024

/** Cost of an upload or a download, regardless of its size; bytes are limited elsewhere. */
const TRANSFER_COST = 10

export interface FileDeps extends Deps {
  readonly blobs: Blobs["Service"]
  readonly transfers: Transfers
}

const tooManyTransfers = (method: "upload" | "download"): Response =>
  respond(method, 503, { result: "fail", message: "Too many files in flight; retry later." }).pipe(
    HttpServerResponse.setHeader("retry-after", "1")
  )

const respond = (method: "upload" | "download", status: number, body: { readonly [key: string]: Json }): Response =>
  HttpServerResponse.jsonUnsafe({ module: "attach", method, ...body }, { status })

const STATUS: Partial<Record<Reason["_tag"], number>> = {
  NotLoggedIn: 401,
  NoSuchChat: 404,
  NoSuchFile: 404,
  NotMember: 404,
  Rejected: 403,
  Busy: 503,
  Unavailable: 503,
  TooManyAttempts: 429,
  RateLimited: 429
}

const refused = (method: "upload" | "download", reason: Reason): Response =>
  respond(method, STATUS[reason._tag] ?? 400, {
    result: reason._tag === "NotLoggedIn" ? "denied" : "fail",
    message: messageOf(reason)
  }).pipe(HttpServerResponse.setHeaders(retryAfter(reason)))

const unreadable = ({ status, problem }: Pick<UnreadableBody, "status" | "problem">): Response =>
  respond("upload", status, { result: "fail", message: `The body ${problem}.` })

const tooLarge = (limit: number): Response =>
  respond("upload", 413, { result: "fail", message: `A file may have at most ${limit} bytes.` })

/** Authenticates by `sid` in the query, in a cookie, or as a bearer token; otherwise by the embedder's authenticator. */
const callerOf = Effect.fnUntraced(function* (
  { engine, sessions }: Deps,
  request: HttpServerRequest,
  query: Query
): Effect.fn.Return<Caller, Refused> {
  const user = yield* authenticate(sessions, request, query, {
    token: query.get("sid"),
    cookie: request.cookies["sid"],
    bearer: bearerOf(request)
  })
  if (user === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
  yield* engine.limits.charge(user.id, TRANSFER_COST)
  return { user: user.id, device: null }
})

const holderOf = (caller: Caller): string => ("user" in caller ? userHolder(caller.user) : "")

interface Uploaded {
  readonly title: string
  readonly size: number
  readonly blob: string
}

/** `POST`, multipart: parts `files` or `files[]`, and the chat's `gid` in the form or in the query. */
export const upload = (
  deps: FileDeps,
  request: HttpServerRequest,
  query: Query
): Effect.Effect<Response, never, Scope.Scope> => {
  const { engine, blobs, settings } = deps
  const uploads: Array<Uploaded> = []
  /** Whether the files are or may be stored: their contents are kept then, regardless of the request's result. */
  let mayBeStored = false

  const work = Effect.gen(function* () {
    const caller = yield* callerOf(deps, request, query)
    const type = request.headers["content-type"]
    const [compression] = compressionsIn(request.headers["content-encoding"])
    if (compression !== undefined) return yield* unsupported(compression)
    if (!isMultipart(type)) {
      return yield* refuse({ _tag: "Invalid", field: "body", problem: "must be multipart/form-data" })
    }
    if (!(yield* deps.transfers.begin(request, holderOf(caller)))) return tooManyTransfers("upload")
    const runCommand = yield* engine.commands.scoped()
    let gid = query.get("gid")
    const check = (): Effect.Effect<void, Refused> =>
      gid === undefined ? Effect.void : Effect.asVoid(runCommand(caller, { _tag: "ListFiles", chat: { gid } }))
    yield* check()
    const limits = {
      parts: settings.filesPerUpload * 2 + 8,
      field: MAX_FIELD_SIZE,
      total: settings.file * settings.filesPerUpload + MAX_OVERHEAD
    }
    const streamed = yield* StreamBody
    streamed()
    yield* readParts(
      request.stream,
      type,
      limits,
      Effect.fnUntraced(function* (part) {
        if (!isFile(part)) {
          if (part.name !== "gid") return
          gid = yield* fieldText(part, MAX_FIELD_SIZE)
          yield* check()
        } else if (part.name === "files" || part.name === "files[]") {
          if (uploads.length >= settings.filesPerUpload) {
            yield* Stream.runDrain(part.content)
            return yield* refuse({
              _tag: "Invalid",
              field: "files",
              problem: `must be at most ${settings.filesPerUpload}`
            })
          }
          const { key, size } = yield* blobs.put(part.content, settings.file)
          uploads.push({ title: fileTitle(part.filename ?? ""), size, blob: key })
        }
      })
    )
    if (gid === undefined) return yield* refuse({ _tag: "Invalid", field: "gid", problem: "is missing" })
    if (uploads.length === 0) return yield* refuse({ _tag: "Invalid", field: "files", problem: "must hold a file" })
    const chat = { gid }
    const files = yield* Effect.suspend(() => {
      mayBeStored = true
      return runCommand(caller, { _tag: "AddFiles", chat, files: uploads })
    }).pipe(
      Effect.tapError(({ reason }) =>
        Effect.sync(() => {
          mayBeStored = reason._tag === "Unavailable"
        })
      ),
      Effect.uninterruptible
    )
    return respond("upload", 200, {
      result: "success",
      data: files.map(({ id, title }) => ({ id, title }))
    })
  })

  const removeBlobs = Effect.suspend(() =>
    mayBeStored ? Effect.void : Effect.ignore(Effect.forEach(uploads, ({ blob }) => blobs.remove(blob)))
  )
  return work.pipe(
    Effect.tapError(() => removeBlobs),
    Effect.onInterrupt(() => removeBlobs),
    Effect.catchTags({
      Refused: ({ reason }) => Effect.succeed(refused("upload", reason)),
      BlobTooLarge: ({ limit }) => Effect.succeed(tooLarge(limit)),
      BlobFailed: (failed) =>
        Effect.as(Effect.logError("an upload could not be stored", failed), refused("upload", { _tag: "Unavailable" })),
      UnreadableBody: (error) => Effect.succeed(unreadable(error)),
      HttpServerError: () => Effect.succeed(unreadable({ status: 400, problem: "could not be read" }))
    })
  )
}

/** `GET`, complete or a range, and `HEAD`. */
export const download = (
  deps: FileDeps,
  request: HttpServerRequest,
  query: Query,
  id: string
): Effect.Effect<Response, never, Scope.Scope> =>
  Effect.gen(function* () {
    const caller = yield* callerOf(deps, request, query)
    if (!/^[1-9][0-9]{0,14}$/.test(id))
      return yield* refuse({ _tag: "Invalid", field: "id", problem: "must be a file's id" })
    const runCommand = yield* deps.engine.commands.scoped()
    const file = yield* runCommand(caller, { _tag: "ReadFile", file: FileId(Number(id)) })
    const etag = entityTag(file)
    // Revalidated each time, since access to a file can end.
    const validators = { etag, "cache-control": "private, no-cache" }
    const { headers: requestHeaders } = request
    const condition = precondition(
      {
        ifMatch: requestHeaders["if-match"],
        ifNoneMatch: requestHeaders["if-none-match"],
        ifRange: requestHeaders["if-range"]
      },
      etag
    )
    if (condition.status === 304) return HttpServerResponse.empty({ status: 304, headers: validators })
    if (condition.status === 412) {
      return respond("download", 412, { result: "fail", message: "The file does not match If-Match." })
    }
    const headers = {
      ...validators,
      "accept-ranges": "bytes",
      "content-disposition": contentDisposition(file.title),
      "content-type": "application/octet-stream",
      "x-content-type-options": "nosniff"
    }
    // A range is defined for GET alone. Source: RFC 9110, 14.2.
    const range =
      request.method === "GET" && condition.range ? byteRange(requestHeaders["range"], file.size) : undefined
    if (range === "unsatisfiable") {
      return respond("download", 416, { result: "fail", message: "The range cannot be satisfied." }).pipe(
        HttpServerResponse.setHeader("content-range", `bytes */${file.size}`)
      )
    }
    if (!(yield* deps.transfers.begin(request, holderOf(caller)))) return tooManyTransfers("download")
    const part = range === undefined ? {} : { "content-range": `bytes ${range.start}-${range.end}/${file.size}` }
    const contentLength = range === undefined ? file.size : range.end - range.start + 1
    // A failure after the headers were sent can only abort the connection.
    const content = Stream.orDie(range === undefined ? deps.blobs.get(file.blob) : deps.blobs.get(file.blob, range))
    return HttpServerResponse.stream(contentLength === 0 ? Stream.empty : content, {
      status: range === undefined ? 200 : 206,
      headers: { ...headers, ...part },
      contentLength
    })
  }).pipe(Effect.catchTag("Refused", ({ reason }) => Effect.succeed(refused("download", reason))))
