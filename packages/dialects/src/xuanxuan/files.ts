/**
 * Files over HTTP: upload and download, streamed both ways. Source: seeds/002, "上传文件", "下载文件"; PROTOCOLS, "Files
 * over HTTP".
 */
import { StreamBody } from "@parley/core/InputBudget"
import type { Blobs } from "@parley/core/Blobs"
import { networkOf } from "@parley/core/ClientAddress"
import type { Caller } from "@parley/core/Event"
import { fileTitle } from "@parley/core/FileTitle"
import { FileId } from "@parley/core/Ids"
import { type Reason, refuse, type Refused } from "@parley/core/Refused"
import { Slots, userHolder } from "@parley/core/Slots"
import * as Effect from "effect/Effect"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { compressionsIn, unsupported } from "../_http/decompress.ts"
import { fieldText, isFile, isMultipart, readParts } from "../_http/multipart.ts"
import type { Query } from "../_http/query.ts"
import { bearerOf, authenticate } from "../_http/authenticate.ts"
import type { UnreadableBody } from "../_http/UnreadableBody.ts"
import { retryAfter } from "../_http/retryAfter.ts"
import { byteRange, contentDisposition, entityTag, precondition } from "./fileHeaders.ts"
import { messageOf } from "./errors.ts"
import type { Services } from "./session.ts"
import type { Json } from "./encode.ts"

type Response = HttpServerResponse.HttpServerResponse

/** Bytes of the form's other parts, at most. */
const FIELD = 4096
/** Room in a form beside its files: boundaries and part headers. */
const OVERHEAD = 1024 * 1024

/** Cost of an upload or a download, whatever its size: bytes are bounded elsewhere. */
const TRANSFER = 10

export interface FileServices extends Services {
  readonly blobs: Blobs["Service"]
  readonly transfers: Transfers
}

/** Uploads and downloads under way: each holds an open file. One user and one address have a share of them. */
export class Transfers {
  readonly #slots: Slots

  /** `share` in percent. */
  constructor(limit: number, share: number) {
    this.#slots = new Slots(limit, share)
  }

  /** Returns whether there is room for one more; it counts until the request is answered, or broken off. */
  begin(caller: Caller, request: HttpServerRequest): Effect.Effect<boolean, never, Scope.Scope> {
    return Effect.suspend(() => {
      const slot = this.#slots.take(networkOf(Option.getOrElse(request.remoteAddress, () => "")))
      if (slot === undefined) return Effect.succeed(false)
      if ("user" in caller && !slot.claim(userHolder(caller.user))) {
        slot.release()
        return Effect.succeed(false)
      }
      return Effect.as(
        Effect.addFinalizer(() => Effect.sync(() => slot.release())),
        true
      )
    })
  }
}

const crowded = (method: "upload" | "download"): Response =>
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

/** Who asks: by `sid` in the query, in a cookie, or as a bearer token; without one, whom the embedder's authenticator knows. */
const callerOf = Effect.fnUntraced(function* (
  { engine, sessions }: Services,
  request: HttpServerRequest,
  query: Query
): Effect.fn.Return<Caller, Refused> {
  const user = yield* authenticate(sessions, request, query, {
    token: query.get("sid"),
    cookie: request.cookies["sid"],
    bearer: bearerOf(request)
  })
  if (user === undefined) return yield* refuse({ _tag: "NotLoggedIn" })
  yield* engine.limits.charge(user.id, TRANSFER)
  return { user: user.id, device: null }
})

interface Uploaded {
  readonly title: string
  readonly size: number
  readonly blob: string
}

/** `POST`, multipart: parts `files` or `files[]`, and the chat's `gid` in the form or in the query. */
export const upload = (
  services: FileServices,
  request: HttpServerRequest,
  query: Query
): Effect.Effect<Response, never, Scope.Scope> => {
  const { engine, blobs, settings } = services
  const kept: Array<Uploaded> = []
  /** Whether the files are stored, or may be: then their contents stay, whatever becomes of the request. */
  let stored = false

  const work = Effect.gen(function* () {
    const caller = yield* callerOf(services, request, query)
    const type = request.headers["content-type"]
    const [compression] = compressionsIn(request.headers["content-encoding"])
    if (compression !== undefined) return yield* unsupported(compression)
    if (!isMultipart(type)) {
      return yield* refuse({ _tag: "Invalid", field: "body", problem: "must be multipart/form-data" })
    }
    if (!(yield* services.transfers.begin(caller, request))) return crowded("upload")
    const run = yield* engine.commands.scoped()
    let gid = query.get("gid")
    const check = (): Effect.Effect<void, Refused> =>
      gid === undefined ? Effect.void : Effect.asVoid(run(caller, { _tag: "ListFiles", chat: { gid } }))
    yield* check()
    const limits = {
      parts: settings.filesPerUpload * 2 + 8,
      field: FIELD,
      total: settings.file * settings.filesPerUpload + OVERHEAD
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
          gid = yield* fieldText(part, FIELD)
          yield* check()
        } else if (part.name === "files" || part.name === "files[]") {
          if (kept.length >= settings.filesPerUpload) {
            yield* Stream.runDrain(part.content)
            return yield* refuse({
              _tag: "Invalid",
              field: "files",
              problem: `must be at most ${settings.filesPerUpload}`
            })
          }
          const { key, size } = yield* blobs.put(part.content, settings.file)
          kept.push({ title: fileTitle(part.filename ?? ""), size, blob: key })
        }
      })
    )
    if (gid === undefined) return yield* refuse({ _tag: "Invalid", field: "gid", problem: "is missing" })
    if (kept.length === 0) return yield* refuse({ _tag: "Invalid", field: "files", problem: "must hold a file" })
    const chat = { gid }
    const files = yield* Effect.suspend(() => {
      stored = true
      return run(caller, { _tag: "AddFiles", chat, files: kept })
    }).pipe(
      Effect.tapError(({ reason }) =>
        Effect.sync(() => {
          stored = reason._tag === "Unavailable"
        })
      ),
      Effect.uninterruptible
    )
    return respond("upload", 200, {
      result: "success",
      data: files.map(({ id, title }) => ({ id, title }))
    })
  })

  const drop = Effect.suspend(() =>
    stored ? Effect.void : Effect.ignore(Effect.forEach(kept, ({ blob }) => blobs.remove(blob)))
  )
  return work.pipe(
    Effect.tapError(() => drop),
    Effect.onInterrupt(() => drop),
    Effect.catchTags({
      Refused: ({ reason }) => Effect.succeed(refused("upload", reason)),
      BlobTooLarge: ({ limit }) => Effect.succeed(tooLarge(limit)),
      BlobFailed: (failed) =>
        Effect.as(Effect.logError("an upload could not be kept", failed), refused("upload", { _tag: "Unavailable" })),
      UnreadableBody: (error) => Effect.succeed(unreadable(error)),
      HttpServerError: () => Effect.succeed(unreadable({ status: 400, problem: "could not be read" }))
    })
  )
}

/** `GET`, whole or a range, and `HEAD`. */
export const download = (
  services: FileServices,
  request: HttpServerRequest,
  query: Query,
  id: string
): Effect.Effect<Response, never, Scope.Scope> =>
  Effect.gen(function* () {
    const caller = yield* callerOf(services, request, query)
    if (!/^[1-9][0-9]{0,14}$/.test(id))
      return yield* refuse({ _tag: "Invalid", field: "id", problem: "must be a file's id" })
    const run = yield* services.engine.commands.scoped()
    const file = yield* run(caller, { _tag: "ReadFile", file: FileId(Number(id)) })
    const etag = entityTag(file)
    // Revalidated each time, since a file can be withdrawn.
    const validators = { etag, "cache-control": "private, no-cache" }
    const { headers: asked } = request
    const condition = precondition(
      { ifMatch: asked["if-match"], ifNoneMatch: asked["if-none-match"], ifRange: asked["if-range"] },
      etag
    )
    if (condition.status === 304) return HttpServerResponse.empty({ status: 304, headers: validators })
    if (condition.status === 412) {
      return respond("download", 412, { result: "fail", message: "The file is not the one that If-Match names." })
    }
    const headers = {
      ...validators,
      "accept-ranges": "bytes",
      "content-disposition": contentDisposition(file.title),
      "content-type": "application/octet-stream",
      "x-content-type-options": "nosniff"
    }
    // A range is defined for GET alone. Source: RFC 9110, 14.2.
    const range = request.method === "GET" && condition.range ? byteRange(asked["range"], file.size) : undefined
    if (range === "unsatisfiable") {
      return respond("download", 416, { result: "fail", message: "There are no such bytes in the file." }).pipe(
        HttpServerResponse.setHeader("content-range", `bytes */${file.size}`)
      )
    }
    if (!(yield* services.transfers.begin(caller, request))) return crowded("download")
    const part = range === undefined ? {} : { "content-range": `bytes ${range.start}-${range.end}/${file.size}` }
    const contentLength = range === undefined ? file.size : range.end - range.start + 1
    // A failure that comes after the head was sent can only break the connection off.
    const content = Stream.orDie(
      range === undefined ? services.blobs.get(file.blob) : services.blobs.get(file.blob, range)
    )
    return HttpServerResponse.stream(contentLength === 0 ? Stream.empty : content, {
      status: range === undefined ? 200 : 206,
      headers: { ...headers, ...part },
      contentLength
    })
  }).pipe(Effect.catchTag("Refused", ({ reason }) => Effect.succeed(refused("download", reason))))
