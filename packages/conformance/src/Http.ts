/** One HTTP exchange of a scenario, bounded in time and size. */
import * as Effect from "effect/Effect"
import { isArray, parse, printable, type Json, type JsonObject, show } from "./Json.ts"
import { match } from "./Match.ts"
import type { Http, Step } from "./Scenario.ts"
import { build } from "./Scope.ts"
import type { World } from "./World.ts"

type HttpStep = Extract<Step, typeof Http.Type>

/** Over this an answer is cut off, and the exchange fails; bytes. */
const largestBody = 16 * 1024 * 1024

const text = (template: Json, world: World): string => {
  const value = build(template, world.scope)
  return typeof value === "string" ? value : JSON.stringify(value)
}

const request = (step: HttpStep, world: World): { readonly url: string; readonly init: RequestInit } => {
  const { method, path, headers, form, encoded, body } = step.http
  const own = Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), text(value, world)])
  )
  const init: RequestInit = {
    method,
    redirect: "manual",
    headers: own
  }
  if (form !== undefined) {
    const data = new FormData()
    for (const [name, value] of Object.entries(form.fields)) data.append(name, text(value, world))
    for (const file of form.files) data.append(file.part, new Blob([text(file.content, world)]), file.name)
    init.body = data
  } else if (encoded !== undefined) {
    const pairs = Object.entries(encoded).flatMap(([name, value]) =>
      (isArray(value) ? value : [value]).map((one): [string, string] => [name, text(one, world)])
    )
    init.body = new URLSearchParams(pairs)
  } else if (body !== undefined) {
    const isText = typeof body === "string" || typeof build(body, world.scope) === "string"
    init.body = text(body, world)
    init.headers = { ...(!isText && { "content-type": "application/json" }), ...own }
  }
  return { url: world.target.http.replace(/\/$/, "") + text(path, world), init }
}

const readBounded = async (response: Response): Promise<string> => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > largestBody) throw new Error(`a body of more than ${largestBody} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}

export interface HttpOutcome {
  readonly problems: ReadonlyArray<string>
  readonly captures: ReadonlyMap<string, Json>
  readonly sent: string
  readonly came: string
  readonly wanted: Json
}

/** Sends the step's request and compares its answer. A failed or endless exchange is a problem, never an error. */
export const exchange = (step: HttpStep, world: World): Effect.Effect<HttpOutcome> => {
  const { url, init } = request(step, world)
  const wanted = build({ ...step.answer }, world.scope)
  const sent = printable(`${step.http.method} ${url}${typeof init.body === "string" ? ` ${init.body}` : ""}`, 1_000)
  return Effect.tryPromise(async (signal) => {
    const until = AbortSignal.any([signal, AbortSignal.timeout(world.timing.reply)])
    const response = await fetch(url, { ...init, signal: until })
    return { status: response.status, headers: response.headers, body: await readBounded(response) }
  }).pipe(
    Effect.map(({ status, headers, body }): HttpOutcome => {
      const names = Object.keys(step.answer.headers ?? {})
      const found: JsonObject = {
        status,
        headers: Object.fromEntries(
          names.flatMap((name) => {
            const value = headers.get(name)
            return value === null ? [] : [[name, value]]
          })
        ),
        text: body,
        ...(step.answer.json === undefined ? {} : { json: parse(body) ?? null })
      }
      const { mismatches, captures } = match({ ...step.answer }, found, world.scope)
      return {
        problems: mismatches.map(({ path, expected, found: value }) => `${path}: expected ${expected}, found ${value}`),
        captures,
        sent,
        came: show({ status, text: body.slice(0, 1_000) }),
        wanted
      }
    }),
    Effect.catch((error) => {
      const cause = error.cause instanceof Error ? error.cause : error
      const why = cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message
      return Effect.succeed<HttpOutcome>({ problems: [why], captures: new Map(), sent, came: why, wanted })
    })
  )
}
