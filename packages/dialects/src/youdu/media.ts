/**
 * Files of an app's organisation: uploaded before they are sent in messages. An app with an envelope seals the contents too;
 * see `envelopeFiles`. Source: PROTOCOLS, "youdu"; the public documentation, "素材管理".
 */
import type { Blobs } from "@parley/core/Blobs"
import type { Engine } from "@parley/core/Engine"
import { fileTitle } from "@parley/core/FileTitle"
import { StreamBody } from "@parley/core/InputBudget"
import { type Refused, refuse } from "@parley/core/Refused"
import type { EngineSettings } from "@parley/core/Settings"
import { refuseOnStorageFailure } from "@parley/core/StorageErrors"
import type { StorageFailed, Store } from "@parley/core/Store"
import * as Clock from "effect/Clock"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { contentDisposition } from "../_http/contentDisposition.ts"
import { compressionsIn, unsupported } from "../_http/decompress.ts"
import { type Fields, invalid, text } from "../_http/fields.ts"
import { JSON_LIMITS } from "../_http/jsonLimits.ts"
import { fieldText, isMultipart, readParts } from "../_http/multipart.ts"
import type { RouteTable } from "../_http/protocolRoutes.ts"
import type { Transfers } from "../_http/Transfers.ts"
import { UnreadableBody } from "../_http/UnreadableBody.ts"
import { DIALECT } from "./apps.ts"
import type { AppUsers } from "./appUsers.ts"
import { isType, KIND, type Media, mediaNamed, type MediaType, TYPES } from "./mediaRecords.ts"
import { openEnvelope, type Operations, type RequestContext } from "./operations.ts"
import { wordsOf } from "./responses.ts"
import { chatFile, isFileId } from "./sharedMedia.ts"

export interface MediaDeps {
  readonly engine: Engine["Service"]
  readonly store: Store["Service"]
  readonly blobs: Blobs["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly settings: EngineSettings
  readonly transfers: Transfers
  readonly appUsers: AppUsers
}

/** Random bytes in a `mediaId`. */
const ID_SIZE = 16
/** Maximum size of a form field that is not the file, in bytes. */
const MAX_FIELD_SIZE = 8192
const MAX_PARTS = 16
/** Maximum size of a form in addition to its file, in bytes. */
const MAX_OVERHEAD = 256 * 1024
/** Cost of an upload or a download, regardless of its size. */
const TRANSFER_COST = 10
const RETRY_AFTER_SECONDS = 1

const WORDS = wordsOf("session", {}, { NoSuchFile: "mediaId: there is no such file." })

/** Takes a transfer until the request ends. */
const beginTransfer = Effect.fnUntraced(function* (
  { engine, transfers }: MediaDeps,
  { request, principal }: RequestContext
): Effect.fn.Return<void, Refused, Scope.Scope> {
  yield* engine.limits.charge(principal.payer, TRANSFER_COST)
  if (!(yield* transfers.begin(request, String(principal.payer)))) {
    return yield* refuse({ _tag: "RateLimited", retryAfterSeconds: RETRY_AFTER_SECONDS })
  }
})

const orUnavailable = refuseOnStorageFailure("a file")

/** A form with the fields of an envelope, or of plain JSON, and the part `file`. The parts may come in any order. */
const upload = Effect.fnUntraced(function* (deps: MediaDeps, context: RequestContext) {
  const { engine, blobs, settings } = deps
  const { request, principal } = context
  const { app } = principal
  const contentType = request.headers["content-type"]
  const [compression] = compressionsIn(request.headers["content-encoding"])
  if (compression !== undefined) return yield* unsupported(compression)
  if (!isMultipart(contentType)) {
    return yield* new UnreadableBody({ status: 400, problem: "must be multipart/form-data" })
  }
  yield* beginTransfer(deps, context)
  const sealedSize = app === undefined ? settings.file : app.envelope.files.sealedSize(settings.file)
  const limits = { parts: MAX_PARTS, field: MAX_FIELD_SIZE, total: sealedSize + MAX_OVERHEAD }
  const form: Record<string, string> = {}
  let file: { readonly key: string; readonly size: number } | undefined
  let filename = ""
  /** Whether the record is or may be stored: the content is kept then. */
  let mayBeStored = false

  const work = Effect.gen(function* () {
    const streamed = yield* StreamBody
    streamed()
    yield* readParts(
      request.stream,
      contentType,
      limits,
      Effect.fnUntraced(function* (part) {
        if (part.name !== "file") {
          form[part.name] = yield* fieldText(part, MAX_FIELD_SIZE)
          return
        }
        if (file !== undefined) return yield* invalid("file", "must be one file")
        filename = part.filename ?? ""
        const content = app === undefined ? part.content : app.envelope.files.open(part.content)
        file = yield* blobs.put(content, settings.file)
      })
    )
    const fields = app === undefined ? form : yield* openEnvelope(app, form, JSON_LIMITS)
    const { type, name } = yield* describe(fields, app === undefined ? filename : "")
    if (file === undefined) return yield* invalid("file", "is missing")
    const mediaId = Hex.encode(yield* deps.random.randomBytes(ID_SIZE))
    const value: Media = {
      organisation: app?.organisation ?? null,
      type,
      name,
      size: file.size,
      blob: file.key,
      at: yield* Clock.currentTimeMillis
    }
    mayBeStored = true
    yield* Effect.uninterruptible(
      orUnavailable(
        engine.commit({
          expectedVersions: [],
          writes: [{ _tag: "PutRecord", record: { dialect: DIALECT, kind: KIND, key: mediaId, value } }]
        })
      )
    )
    return { mediaId }
  })

  const removeBlob = Effect.suspend(() =>
    mayBeStored || file === undefined ? Effect.void : Effect.ignore(blobs.remove(file.key))
  )
  return yield* work.pipe(
    Effect.tapError(() => removeBlob),
    Effect.onInterrupt(() => removeBlob),
    Effect.catchTags({
      InvalidEnvelope: () => invalid("file", "must be sealed with the app's key"),
      BlobTooLarge: ({ limit }) =>
        Effect.fail(new UnreadableBody({ status: 413, problem: `has a file of more than ${limit} bytes` })),
      BlobFailed: (failed) => orUnavailable(Effect.fail(failed)),
      HttpServerError: () => Effect.fail(new UnreadableBody({ status: 400, problem: "could not be read" }))
    })
  )
})

/** Reads type and name; the name is that of the part by default. One SDK sends `fileType`. */
const describe = Effect.fnUntraced(function* (
  fields: Fields,
  filename: string
): Effect.fn.Return<{ readonly type: MediaType; readonly name: string }, Refused> {
  const type = yield* text({ type: fields["fileType"], ...fields }, "type")
  if (!isType(type)) return yield* invalid("type", `must be ${TYPES.join(", ")}`)
  const name = yield* text({ ...(filename !== "" && { name: filename }), ...fields }, "name")
  if (name.trim() === "") return yield* invalid("name", "must not be blank")
  return { type, name: fileTitle(name) }
})

/** Returns an uploaded file, or one that was sent to the app's user. */
const mediaFor = Effect.fnUntraced(function* (
  { store, appUsers }: MediaDeps,
  { principal, scope, fields, runCommand }: RequestContext
): Effect.fn.Return<Pick<Media, "name" | "size" | "blob">, Refused | StorageFailed> {
  const id = yield* text(fields, "mediaId")
  if (!isFileId(id) || principal.app === undefined) return yield* mediaNamed(store, scope, id)
  const user = yield* appUsers.find(principal.app)
  if (user === undefined) return yield* refuse({ _tag: "NoSuchFile" })
  const { title, size, blob } = yield* chatFile(runCommand, { user: user.id, device: null }, id)
  return { name: title, size, blob }
})

/** Returns the content itself; with an envelope it is sealed, and name and size are in the header `encrypt`. */
const download = Effect.fnUntraced(function* (deps: MediaDeps, context: RequestContext) {
  const { app } = context.principal
  const { name, size, blob } = yield* mediaFor(deps, context)
  yield* beginTransfer(deps, context)
  // A failure after the headers were sent can only abort the connection.
  const content = Stream.orDie(deps.blobs.get(blob))
  const headers = {
    "content-disposition": contentDisposition(name),
    "cache-control": "no-store",
    "x-content-type-options": "nosniff"
  }
  const contentType = "application/octet-stream"
  if (app === undefined) {
    return HttpServerResponse.stream(size === 0 ? Stream.empty : content, { headers, contentType, contentLength: size })
  }
  const { envelope } = app
  return HttpServerResponse.stream(envelope.files.seal(size === 0 ? Stream.empty : content, size), {
    headers: { ...headers, encrypt: yield* envelope.seal(JSON.stringify({ name, size })) },
    contentType,
    contentLength: envelope.files.sealedSize(size)
  })
})

const search = Effect.fnUntraced(function* (deps: MediaDeps, context: RequestContext) {
  const { name, size } = yield* mediaFor(deps, context)
  return { name, size }
})

export const mediaRoutes = (deps: MediaDeps, { inBody, inForm }: Operations): RouteTable => ({
  "/cgi/media/upload": { POST: inForm((context) => upload(deps, context), WORDS) },
  "/cgi/media/get": { POST: inBody((context) => download(deps, context), WORDS) },
  "/cgi/media/search": { POST: inBody((context) => search(deps, context), WORDS) }
})
