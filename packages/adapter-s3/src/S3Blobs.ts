/**
 * Uploaded files as objects of S3-compatible storage, which several nodes share. Names are generated; no client input becomes part of
 * one. An object appears when its whole content is stored.
 */
import { Blobs, BlobTooLarge, type BlobFailed } from "@parley/core/Blobs"
import { check, checkOptions, nonEmpty, optional, secret } from "@parley/core/Check"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { randomBytes } from "node:crypto"
import { Bucket } from "./internal/Bucket.ts"
import { read } from "./internal/read.ts"
import { PartBuffer } from "./internal/PartBuffer.ts"

/** Location of the objects. */
export interface Options {
  /** Name of the bucket, which must exist. */
  readonly bucket: string
  /** Name before each object's key, such as `parley/files/`; "" by default. */
  readonly prefix?: string
  /**
   * URL of the service, such as `http://127.0.0.1:9000`; the bucket is then the first part of the path. Default: Amazon S3 in `region`,
   * with the bucket in the host name.
   */
  readonly endpoint?: string
  /** Default: `us-east-1`. */
  readonly region?: string
  /** Access key; it needs to read, write, list and delete the objects below `prefix`. */
  readonly accessKeyId: string
  /** Secret of the access key. */
  readonly secretAccessKey: string
}

const KEY = /^[0-9a-f]{32}$/

/** Size of a part in bytes: memory of one upload. At most 10,000 parts make an object. */
const PART_SIZE = 8 * 1024 * 1024

const endpoint = check(
  "the URL of a service without a path, such as http://127.0.0.1:9000",
  (value) => typeof value === "string" && isEndpoint(value)
)

/** Whether a text is the URL of a service: without a path, a query or credentials. */
export const isEndpoint = (text: string): boolean => {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) return false
  const { password, pathname, search, username } = new URL(text)
  return pathname === "/" && search === "" && username === "" && password === ""
}

const bucketName = check(
  "the name of a bucket: 3 to 63 lower-case letters, digits, points and hyphens",
  (value) => typeof value === "string" && isBucketName(value)
)

/** Whether a text is a name of a bucket. Source: Amazon S3 User Guide, "General purpose bucket naming rules". */
export const isBucketName = (text: string): boolean => /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(text)

/** Splits content into parts, and stores the last one by `finish`; `part` is called for each full one before it. */
const inParts = <E, R>(
  content: Stream.Stream<Uint8Array, E, R>,
  limit: number,
  part: (bytes: Uint8Array<ArrayBuffer>) => Effect.Effect<void, BlobFailed>
): Effect.Effect<{ readonly size: number; readonly rest: Uint8Array<ArrayBuffer> }, E | BlobTooLarge | BlobFailed, R> =>
  Effect.gen(function* () {
    const buffer = new PartBuffer(PART_SIZE)
    let size = 0
    yield* Stream.runForEach(content, (bytes): Effect.Effect<void, BlobTooLarge | BlobFailed> => {
      size += bytes.length
      if (size > limit) return Effect.fail(new BlobTooLarge({ limit }))
      return Effect.forEach(buffer.add(bytes), part, { discard: true })
    })
    return { size, rest: buffer.rest() }
  })

/** File storage in a bucket, which must exist. The service is not contacted before the first file. */
export const layer = (options: Options): Layer.Layer<Blobs> => {
  checkOptions("S3Blobs.layer", options, {
    bucket: bucketName,
    prefix: optional(check("a string", (value) => typeof value === "string")),
    endpoint: optional(endpoint),
    region: optional(nonEmpty),
    accessKeyId: secret,
    secretAccessKey: secret
  })
  return Layer.sync(Blobs, () => {
    const bucket = new Bucket(options)
    const prefix = options.prefix ?? ""
    return Blobs.of({
      put: (content, limit) =>
        Effect.suspend(() => {
          const key = randomBytes(16).toString("hex")
          const name = prefix + key
          let upload: string | undefined
          const parts: Array<string> = []
          const putPart = (bytes: Uint8Array<ArrayBuffer>): Effect.Effect<void, BlobFailed> =>
            Effect.gen(function* () {
              upload ??= yield* bucket.startUpload(name)
              parts.push(yield* bucket.putPart(name, upload, parts.length + 1, bytes))
            })
          const store = Effect.gen(function* () {
            const { rest, size } = yield* inParts(content, limit, putPart)
            if (upload === undefined) yield* bucket.put(name, rest)
            else {
              if (rest.length > 0) yield* putPart(rest)
              yield* bucket.completeUpload(name, upload, parts)
            }
            return { key, size }
          })
          // A request whose outcome is unknown may have stored the object.
          const discard = Effect.suspend(() =>
            upload === undefined
              ? Effect.ignore(bucket.remove(name))
              : Effect.andThen(Effect.ignore(bucket.abortUpload(name, upload)), Effect.ignore(bucket.remove(name)))
          )
          return Effect.onError(store, () => discard)
        }),
      get: (key, range) => read(bucket, prefix, KEY.test(key) ? key : undefined, key, range),
      remove: (key) => (KEY.test(key) ? bucket.remove(prefix + key) : Effect.void)
    })
  })
}
