/** Requests to one bucket, signed by AWS Signature Version 4. Source: Amazon S3 API Reference. */
import { BlobFailed } from "@parley/core/Blobs"
import { AwsClient } from "aws4fetch"
import * as Effect from "effect/Effect"

interface Location {
  readonly bucket: string
  readonly endpoint?: string
  readonly region?: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

interface RequestParts {
  readonly method: string
  readonly query?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array<ArrayBuffer> | string
  /** Statuses beside 2xx that are returned to the caller. */
  readonly accepts?: ReadonlyArray<number>
}

/** Milliseconds until the status of a response must be there, for a part of 8 MiB too. */
const TIMEOUT = 30_000
/** Number of attempts: each request can be repeated. */
const ATTEMPTS = 3
/** Milliseconds before the second attempt; twice as many before the third one. */
const FIRST_PAUSE = 200

/** Waits by the clock of the machine. */
const pause = (milliseconds: number): Effect.Effect<void> =>
  Effect.callback((resume) => {
    const timer = setTimeout(() => resume(Effect.void), milliseconds)
    return Effect.sync(() => clearTimeout(timer))
  })

const isTransient = (status: number): boolean => status >= 500 || status === 408 || status === 429

/** The service refused a request. */
class Refused extends Error {
  readonly status: number

  constructor(status: number, code: string) {
    super(`the storage replied ${status}${code === "" ? "" : ` ${code}`}`)
    this.status = status
  }
}

const elementOf = (xml: string, name: string): string => new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? ""

const fromXml = (text: string): string =>
  text.replaceAll("&quot;", '"').replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&")

const toXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;")

const hexDigest = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  Buffer.from(await crypto.subtle.digest("SHA-256", bytes)).toString("hex")

export class Bucket {
  readonly #client: AwsClient
  /** URL of the bucket, with a slash at the end. */
  readonly #url: string

  constructor({ accessKeyId, bucket, endpoint, region = "us-east-1", secretAccessKey }: Location) {
    this.#client = new AwsClient({ accessKeyId, secretAccessKey, service: "s3", region, retries: 0 })
    this.#url =
      endpoint === undefined
        ? `https://${bucket}.s3.${region}.amazonaws.com/`
        : `${endpoint.replace(/\/$/, "")}/${bucket}/`
  }

  /** Sends a request, again after a failure that may pass. The response's body must be read or cancelled. */
  request(operation: string, name: string, parts: RequestParts): Effect.Effect<Response, BlobFailed> {
    const attempt = (left: number, wait: number): Effect.Effect<Response, BlobFailed> =>
      Effect.catch(
        Effect.tryPromise({ try: (signal) => this.#send(name, parts, signal), catch: (cause) => cause }),
        (cause): Effect.Effect<Response, BlobFailed> =>
          left > 1 && !(cause instanceof Refused && !isTransient(cause.status))
            ? Effect.andThen(pause(wait), attempt(left - 1, wait * 2))
            : Effect.fail(new BlobFailed({ operation, cause }))
      )
    return attempt(ATTEMPTS, FIRST_PAUSE)
  }

  async #send(name: string, parts: RequestParts, signal: AbortSignal): Promise<Response> {
    const { accepts = [], body, headers = {}, method, query = "" } = parts
    const path = name.split("/").map(encodeURIComponent).join("/")
    const bytes = typeof body === "string" ? new TextEncoder().encode(body) : (body ?? new Uint8Array(0))
    const signed = await this.#client.sign(`${this.#url}${path}${query}`, {
      method,
      headers: { ...headers, "x-amz-content-sha256": await hexDigest(bytes) },
      ...(body !== undefined && { body: bytes })
    })
    const timeout = new AbortController()
    const timer = setTimeout(() => timeout.abort(new Error(`no reply within ${TIMEOUT} ms`)), TIMEOUT)
    try {
      const response = await fetch(signed, { signal: AbortSignal.any([signal, timeout.signal]) })
      if (response.ok || accepts.includes(response.status)) return response
      throw new Refused(response.status, elementOf(await response.text(), "Code"))
    } finally {
      clearTimeout(timer)
    }
  }

  /** Sends a request whose response has a short body, and returns status, headers and body. */
  #short(operation: string, name: string, parts: RequestParts) {
    return Effect.flatMap(this.request(operation, name, parts), (response) =>
      Effect.tryPromise({
        try: async () => ({ headers: response.headers, text: await response.text() }),
        catch: (cause) => new BlobFailed({ operation, cause })
      })
    )
  }

  put(name: string, body: Uint8Array<ArrayBuffer>): Effect.Effect<void, BlobFailed> {
    return Effect.asVoid(this.#short("put", name, { method: "PUT", body }))
  }

  remove(name: string): Effect.Effect<void, BlobFailed> {
    return Effect.asVoid(this.#short("remove", name, { method: "DELETE", accepts: [404] }))
  }

  /** Starts an upload in parts, and returns its id. */
  startUpload(name: string): Effect.Effect<string, BlobFailed> {
    return Effect.flatMap(this.#short("put", name, { method: "POST", query: "?uploads=" }), ({ text }) => {
      const id = fromXml(elementOf(text, "UploadId"))
      const cause = new Error("the storage returned no upload id")
      return id === "" ? Effect.fail(new BlobFailed({ operation: "put", cause })) : Effect.succeed(id)
    })
  }

  /** Stores a part, numbered from 1, and returns its ETag. */
  putPart(
    name: string,
    upload: string,
    number: number,
    body: Uint8Array<ArrayBuffer>
  ): Effect.Effect<string, BlobFailed> {
    const query = `?partNumber=${number}&uploadId=${encodeURIComponent(upload)}`
    return Effect.map(
      this.#short("put", name, { method: "PUT", query, body }),
      ({ headers }) => headers.get("etag") ?? ""
    )
  }

  completeUpload(name: string, upload: string, etags: ReadonlyArray<string>): Effect.Effect<void, BlobFailed> {
    const parts = etags.map((etag, n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>${toXml(etag)}</ETag></Part>`)
    const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`
    const query = `?uploadId=${encodeURIComponent(upload)}`
    // Of a repeated request the first one may have completed the upload, which is then unknown.
    return Effect.flatMap(
      this.#short("put", name, { method: "POST", query, body, accepts: [404] }),
      ({ text }): Effect.Effect<void, BlobFailed> => {
        const code = elementOf(text, "Code")
        if (code === "NoSuchUpload") return Effect.asVoid(this.#short("put", name, { method: "HEAD" }))
        // The status is sent before the outcome is known.
        if (!/<Error>/.test(text)) return Effect.void
        return Effect.fail(new BlobFailed({ operation: "put", cause: new Error(`the storage replied ${code}`) }))
      }
    )
  }

  abortUpload(name: string, upload: string): Effect.Effect<void, BlobFailed> {
    const query = `?uploadId=${encodeURIComponent(upload)}`
    return Effect.asVoid(this.#short("abort", name, { method: "DELETE", query, accepts: [404] }))
  }
}
