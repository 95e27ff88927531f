/** One HTTP exchange of a scenario, bounded in time and size. */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { isArray, parse, printable, type Json, type JsonObject, show } from "../Json.ts"
import { accepting } from "../match/accepting.ts"
import { match, type Mismatch } from "../match/match.ts"
import { curl, type Request as HttpRequest } from "../Reproduce.ts"
import type { Http, Step } from "../scenarios/Scenario.ts"
import { build, type Variables } from "../match/Variables.ts"
import { bytesOf, textOf } from "../match/bytes.ts"
import { note, type ScenarioContext } from "./ScenarioContext.ts"

export type HttpStep = Extract<Step, typeof Http.Type>

/** The largest response, in bytes; a larger one fails the exchange. */
const largestBody = 16 * 1024 * 1024

const text = (template: Json, scope: Variables): string => {
  const value = build(template, scope)
  return typeof value === "string" ? value : JSON.stringify(value)
}

type Encoded = NonNullable<HttpStep["http"]["encoded"]>

const pairsOf = (encoded: Encoded, scope: Variables): Array<[string, string]> =>
  Object.entries(encoded).flatMap(([name, value]) =>
    (isArray(value) ? value : [value]).map((one): [string, string] => [name, text(one, scope)])
  )

/** The step's request with all templates built. */
export const requestOf = ({ http }: HttpStep, origin: string, scope: Variables): HttpRequest => {
  const { method, path, headers, form, encoded, body } = http
  const own = Object.entries(headers ?? {}).map(
    ([name, value]): readonly [string, string] => [name.toLowerCase(), text(value, scope)] as const
  )
  const base = { method, url: origin.replace(/\/$/, "") + text(path, scope) }
  const typed = (type: string) =>
    own.some(([name]) => name === "content-type") ? own : [["content-type", type] as const, ...own]
  if (form !== undefined) {
    const fields = Object.entries(form.fields).map(([name, value]) => [name, text(value, scope)] as const)
    const files = form.files.map(({ part, name, content }) => ({ part, name, content: text(content, scope) }))
    return { ...base, headers: own, form: { fields, files } }
  }
  if (encoded !== undefined) {
    const pairs = new URLSearchParams(pairsOf(encoded, scope)).toString()
    return { ...base, headers: typed("application/x-www-form-urlencoded;charset=UTF-8"), body: pairs }
  }
  if (body === undefined) return { ...base, headers: own }
  const isText = typeof body === "string" || typeof build(body, scope) === "string"
  return { ...base, headers: isText ? own : typed("application/json"), body: text(body, scope) }
}

const initOf = (request: HttpRequest, signal: AbortSignal): RequestInit => {
  const base = {
    method: request.method,
    redirect: "manual",
    headers: Object.fromEntries(request.headers),
    signal
  } as const
  if (request.form === undefined) return request.body === undefined ? base : { ...base, body: request.body }
  const data = new FormData()
  for (const [name, value] of request.form.fields) data.append(name, value)
  for (const file of request.form.files) data.append(file.part, new Blob([bytesOf(file.content)]), file.name)
  return { ...base, body: data }
}

const readBounded = async (response: Response): Promise<string> => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > largestBody) throw new Error(`a body of more than ${largestBody} bytes`)
    chunks.push(chunk)
  }
  return textOf(Buffer.concat(chunks))
}

const requestText = (request: HttpRequest): string =>
  [
    `${request.method} ${request.url}`,
    ...request.headers.map(([name, value]) => `${name}: ${value}`),
    ...(request.body === undefined ? [] : ["", request.body]),
    ...(request.form === undefined ? [] : ["", JSON.stringify(request.form)])
  ].join("\n")

const hasReceived = (response: Response, body: string): string =>
  [
    `HTTP ${response.status}`,
    ...Array.from(response.headers, ([name, value]) => `${name}: ${value}`).slice(0, 20),
    "",
    body.slice(0, 65_536)
  ].join("\n")

export interface HttpOutcome {
  /** Why there is no response. */
  readonly why?: string
  readonly problems: ReadonlyArray<Mismatch>
  /** Whether the request was accepted as expected, even if the content of the response is wrong. */
  readonly accepted: boolean
  readonly captures: ReadonlyMap<string, Json>
  readonly lenient: ReadonlyArray<string>
  readonly sent: string
  readonly came: string
  readonly wanted: Json
  /** The curl command of the same request. */
  readonly command: string
}

const errorText = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  const { message, cause: inner } = cause
  // The words of the HTTP client for a body that ends early.
  const text = message === "terminated" ? "the connection was closed before the response was complete" : message
  return inner instanceof Error ? `${text}: ${inner.message}` : text
}

/** A response with its body, or the reason why there is none. */
export type Answered = { readonly response: Response; readonly body: string } | { readonly why: string }

/** A sent request and its response. Both are recorded in the order of sending. */
export interface Sent {
  readonly request: HttpRequest
  readonly answered: Answered
}

/** Sends the step's request. A failed or endless exchange has no response, and is never an error. */
export const send = (step: HttpStep, context: ScenarioContext, actor: string): Effect.Effect<Sent> => {
  const request = requestOf(step, context.target.http, context.scope)
  note(context, actor, "sent", requestText(request))
  const here = context.target.fetch
  return Effect.tryPromise({
    try: async (signal): Promise<Answered> => {
      const init = initOf(request, signal)
      const response = await (here === undefined ? fetch(request.url, init) : here(new Request(request.url, init)))
      return { response, body: await readBounded(response) }
    },
    catch: errorText
  }).pipe(
    Effect.timeoutOption(context.timing.reply),
    Effect.map((found) =>
      Option.getOrElse(found, (): Answered => ({ why: `no response within ${context.timing.reply} ms` }))
    ),
    Effect.catch((why) => Effect.succeed<Answered>({ why })),
    Effect.map((answered) => {
      const text = "why" in answered ? `(${answered.why})` : hasReceived(answered.response, answered.body)
      note(context, actor, "came", text)
      return { request, answered }
    })
  )
}

/** The body as JSON if it is that, for a reader; a long one as text, cut. */
const contentOf = (body: string): JsonObject => {
  const json = body.length > 3_500 ? undefined : parse(body)
  return json === undefined ? { text: body.slice(0, 1_000) } : { json }
}

/** A body that is not JSON. */
const describeBody = (body: string): string => (body === "" ? "nothing" : `no JSON but ${show(body, 200)}`)

/** Compares a response with the step's pattern. */
export const judge = (step: HttpStep, context: ScenarioContext, { request, answered }: Sent): HttpOutcome => {
  const shown = {
    wanted: build({ ...step.answer }, context.scope),
    sent: printable(requestText(request), 1_000),
    command: curl(request).slice(0, 20_000)
  }
  if ("why" in answered) {
    const { why } = answered
    return { ...shown, problems: [], why, accepted: false, captures: new Map(), lenient: [], came: why }
  }
  const { response, body } = answered
  const { status, headers } = response
  const names = Object.keys(step.answer.headers ?? {})
  const json = parse(body)
  const found: JsonObject = {
    status,
    headers: Object.fromEntries(
      names.flatMap((name) => {
        const value = headers.get(name)
        return value === null ? [] : [[name, value]]
      })
    ),
    text: body,
    ...(step.answer.json === undefined || json === undefined ? {} : { json })
  }
  const { mismatches, captures, lenient } = match({ ...step.answer }, found, context.scope)
  return {
    ...shown,
    accepted: match(accepting({ ...step.answer }), found, context.scope).mismatches.length === 0,
    problems: mismatches.map((one) =>
      one.path === "json" && json === undefined ? { ...one, path: "the body", found: describeBody(body) } : one
    ),
    captures,
    lenient,
    came: show({ status, ...contentOf(body) }, 4_000)
  }
}
