/** A request of `node:http` as the routes of protocols read it. Its body is read once, whichever view of the request asks. */
import * as NodeStream from "@effect/platform-node-shared/NodeStream"
import * as Effect from "effect/Effect"
import * as Cookies from "effect/http/Cookies"
import * as Headers from "effect/http/Headers"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import { HttpServerError, RequestParseError } from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as Multipart from "effect/http/Multipart"
import * as UrlParams from "effect/http/UrlParams"
import * as Inspectable from "effect/Inspectable"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http"

type Read<A> = Effect.Effect<A, HttpServerError>

/** Facts of a view in place of the request's own. */
type View = NonNullable<Parameters<HttpServerRequest.HttpServerRequest["modify"]>[0]>

/** HTTP/2 has the host among its pseudo-headers. */
const headersOf = ({ headers, httpVersionMajor }: IncomingMessage): IncomingHttpHeaders => {
  if (httpVersionMajor < 2) return headers
  const own = Object.entries(headers).filter(([name]) => !name.startsWith(":"))
  return Object.fromEntries([...own, ["host", headers[":authority"] ?? headers.host]])
}

export class NodeRequest extends Inspectable.Class implements HttpServerRequest.HttpServerRequest {
  readonly [HttpServerRequest.TypeId]: typeof HttpServerRequest.TypeId = HttpServerRequest.TypeId
  readonly [HttpIncomingMessage.TypeId]: typeof HttpIncomingMessage.TypeId = HttpIncomingMessage.TypeId
  readonly source: IncomingMessage
  readonly response: ServerResponse
  readonly arrayBuffer: Read<ArrayBuffer>
  readonly #view: View
  #headers: Headers.Headers | undefined

  constructor(source: IncomingMessage, response: ServerResponse, view: View = {}, body?: Read<ArrayBuffer>) {
    super()
    this.source = source
    this.response = response
    this.#view = view
    this.arrayBuffer = body ?? this.#readOnce()
  }

  get method(): string {
    return this.source.method?.toUpperCase() ?? "GET"
  }

  get url(): string {
    return this.#view.url ?? this.source.url ?? "/"
  }

  get originalUrl(): string {
    const { socket, url = "/" } = this.source
    const { host } = headersOf(this.source)
    if (!url.startsWith("/") || host === undefined) return url
    return `${"encrypted" in socket ? "https" : "http"}://${host}${url}`
  }

  get protocol(): "http" | "https" | undefined {
    return this.#view.protocol
  }

  get headers(): Headers.Headers {
    return (this.#headers ??= this.#view.headers ?? Headers.fromInput(headersOf(this.source)))
  }

  get cookies(): Readonly<Record<string, string>> {
    return Cookies.parseHeader(this.headers["cookie"] ?? "")
  }

  get remoteAddress(): Option.Option<string> {
    return this.#view.remoteAddress ?? Option.fromNullishOr(this.source.socket.remoteAddress)
  }

  get peerAddress(): Option.Option<string> {
    return this.#view.peerAddress ?? this.remoteAddress
  }

  get stream(): Stream.Stream<Uint8Array, HttpServerError> {
    // The rest of the body is discarded after the response.
    return NodeStream.fromReadable({ evaluate: () => this.source, onError: this.#unreadable, closeOnDone: false })
  }

  get text(): Read<string> {
    return Effect.map(this.arrayBuffer, (bytes) => new TextDecoder().decode(bytes))
  }

  get json(): Read<Schema.Json> {
    return Effect.flatMap(this.text, (text) =>
      Effect.try({ try: () => (text === "" ? null : (JSON.parse(text) as Schema.Json)), catch: this.#unreadable })
    )
  }

  get urlParamsBody(): Read<UrlParams.UrlParams> {
    return Effect.map(this.text, (text) => UrlParams.fromInput(new URLSearchParams(text)))
  }

  get multipartStream(): Stream.Stream<Multipart.Part, Multipart.MultipartError> {
    const parts = Multipart.makeChannel<HttpServerError>(this.headers)
    return Stream.pipeThroughChannel(this.stream, parts).pipe(
      Stream.mapError((error) =>
        error._tag === "MultipartError" ? error : Multipart.MultipartError.fromReason("InternalError", error)
      )
    )
  }

  get multipart(): HttpServerRequest.HttpServerRequest["multipart"] {
    return Multipart.toPersisted(this.multipartStream)
  }

  get upgrade(): Effect.Effect<never, HttpServerError> {
    const description = "a protocol declares its WebSockets as endpoints"
    return Effect.fail(new HttpServerError({ reason: new RequestParseError({ request: this, description }) }))
  }

  upgradeWith(): Effect.Effect<never, HttpServerError> {
    return this.upgrade
  }

  modify(view: View): NodeRequest {
    return new NodeRequest(this.source, this.response, { ...this.#view, ...view }, this.arrayBuffer)
  }

  toJSON(): object {
    return HttpIncomingMessage.inspect(this, { _id: "HttpServerRequest", method: this.method, url: this.url })
  }

  /** At most `MaxBodySize` bytes. */
  #readOnce(): Read<ArrayBuffer> {
    return Effect.runSync(
      Effect.cached(
        Effect.flatMap(HttpIncomingMessage.MaxBodySize, (maxBytes) =>
          NodeStream.toArrayBuffer(() => this.source, { onError: this.#unreadable, maxBytes, destroyOnOverflow: false })
        )
      )
    )
  }

  readonly #unreadable = (cause: unknown): HttpServerError => {
    const reason = cause instanceof NodeStream.MaxBytesError ? "BodyTooLarge" : "Parse"
    return new HttpServerError({ reason: new RequestParseError({ request: this, reason, cause }) })
  }
}
