/**
 * One step of a scenario as a statement: the actor, the kind, the check if the kind has one, and what the kind needs.
 *
 * ```
 * alice connect ["query"]            alice disconnect      alice closed <check> [code]
 * alice send [module/method] [value] [sid value]           alice raw value
 * alice ack value [sid value]        alice expire          alice use <routine>       alice frames value
 * alice reply <check> value [to module/method|value]
 * alice push <check> value [as name] [after name]
 * alice quiet <check> value                                alice drain
 * alice until <check> [module/method] [value] => value
 * alice that <check> value is value
 * alice http <check> METHOD path [headers value] [form|encoded|body value] => status [headers value] [value] [text value]
 *   [times n] [racing]
 * ```
 *
 * A step with a check may begin with `setup` or `cleanup`: it has no verdict then. Each may end with `unlike <check>`, the
 * accepted request of a refused one, `wire <form>…`, the wire forms that it is for, and `§ <source>`.
 */
import type { Json, JsonObject } from "../Json.ts"
import type { Scanner } from "./Scanner.ts"
import { readValue } from "./Value.ts"

const name = /[\p{L}\p{N}_-]+/uy
const methodName = /[A-Za-z]+\/[A-Za-z]+(?![^\s])/y
const slug = /[a-z0-9-]+/y

type Fields = { [key: string]: Json }

const atEnd = (scanner: Scanner): boolean => {
  scanner.skipSpace()
  return scanner.ended || scanner.take(/(?=§)|(?=(?:wire|unlike|times)\s)|(?=racing(?:\s|$))|(?==>)/y) !== undefined
}

const operationOf = (text: string): Fields => {
  const [module = "", method = ""] = text.split("/")
  return { module, method }
}

/** The values of these keywords, in the order of the list. */
const options = (scanner: Scanner, ...keywords: ReadonlyArray<string>): Fields =>
  Object.fromEntries(
    keywords.flatMap((keyword) => (scanner.keyword(keyword) ? [[keyword, readValue(scanner)] as const] : []))
  )

/** A frame: `module/method` with params and sid, or a value as it is. */
const frame = (scanner: Scanner): Json => {
  scanner.skipSpace()
  const operation = scanner.take(methodName)
  if (operation === undefined) return readValue(scanner)
  const fields = operationOf(operation)
  const sidNext = scanner.keyword("sid")
  if (sidNext) return { ...fields, sid: readValue(scanner) }
  if (atEnd(scanner)) return fields
  return { ...fields, params: readValue(scanner), ...options(scanner, "sid") }
}

const http = (scanner: Scanner): Fields => {
  const method = scanner.expect(/[A-Z]+/y, "an HTTP method")
  const path = readValue(scanner)
  const request = { method, path, ...options(scanner, "headers", "form", "encoded", "body") }
  if (!scanner.accept("=>")) scanner.fail("=> expected")
  const status = readValue(scanner)
  const headers = options(scanner, "headers")
  const text = options(scanner, "text")
  const json = Object.keys(text).length > 0 || atEnd(scanner) ? {} : { json: readValue(scanner) }
  const answer = { status, ...headers, ...json, ...text, ...options(scanner, "text") }
  const times = scanner.keyword("times") ? { times: Number(scanner.expect(/[0-9]+/y, "a number")) } : {}
  return { http: request, answer, ...times, ...(scanner.keyword("racing") ? { racing: true } : {}) }
}

const until = (scanner: Scanner): Fields => {
  const send = frame(scanner)
  if (!scanner.accept("=>")) scanner.fail("=> expected")
  return { send, until: readValue(scanner) }
}

const push = (scanner: Scanner): Fields => {
  const pattern = readValue(scanner)
  const named = (keyword: string) => (scanner.keyword(keyword) ? { [keyword]: scanner.expect(name, "a name") } : {})
  return { push: pattern, ...named("as"), ...named("after") }
}

const reply = (scanner: Scanner): Fields => {
  const pattern = readValue(scanner)
  if (!scanner.keyword("to")) return { reply: pattern }
  scanner.skipSpace()
  const operation = scanner.take(methodName)
  return { reply: pattern, to: operation === undefined ? readValue(scanner) : operationOf(operation) }
}

const that = (scanner: Scanner): Fields => {
  const value = readValue(scanner)
  if (!scanner.keyword("is")) scanner.fail("is expected")
  return { that: value, is: readValue(scanner) }
}

/** Kinds without a check. */
const plain: { readonly [kind: string]: (scanner: Scanner) => Fields } = {
  connect: (scanner) => ({ connect: atEnd(scanner) ? {} : { query: readValue(scanner) } }),
  send: (scanner) => ({ send: frame(scanner) }),
  raw: (scanner) => ({ raw: readValue(scanner) }),
  frames: (scanner) => ({ frames: readValue(scanner) }),
  ack: (scanner) => ({ ack: readValue(scanner), ...options(scanner, "sid") }),
  disconnect: () => ({ disconnect: true }),
  drain: () => ({ drain: true }),
  expire: () => ({ expire: true }),
  use: (scanner) => ({ use: scanner.expect(name, "the name of a routine") })
}

const checked: { readonly [kind: string]: (scanner: Scanner) => Fields } = {
  reply,
  push,
  quiet: (scanner) => ({ quiet: readValue(scanner) }),
  until,
  closed: (scanner) => ({ closed: atEnd(scanner) ? {} : { code: readValue(scanner) } }),
  http,
  that
}

const wires = (scanner: Scanner): Fields => {
  if (!scanner.keyword("wire")) return {}
  const found: Array<string> = []
  while (!atEnd(scanner)) found.push(scanner.expect(/[a-z0-9.-]+/y, "a wire form"))
  return { profiles: found }
}

/**
 * The fields of a step. `acted`: the statement begins with the actor, as in scenarios; routines have none. `sourceOf`
 * gives the source for the text behind `§`, and the scenario's own for `undefined`. Throws `SyntaxError`.
 */
export const readStep = (
  scanner: Scanner,
  acted: boolean,
  sourceOf: (text: string | undefined) => JsonObject
): JsonObject => {
  const role = acted ? scanner.take(/(?:setup|cleanup)(?=\s)/y) : undefined
  const by: Fields = acted ? { by: (scanner.skipSpace(), scanner.expect(name, "an actor")) } : {}
  const kind = scanner.expect(name, "a kind of step")
  const bare = Object.hasOwn(plain, kind) ? plain[kind] : undefined
  const withCheck = Object.hasOwn(checked, kind) ? checked[kind] : undefined
  const read = bare ?? withCheck
  if (read === undefined) {
    return scanner.fail(`no kind of step ${kind}; one of ${Object.keys({ ...plain, ...checked }).join(", ")} expected`)
  }
  if (role !== undefined && withCheck === undefined) scanner.fail(`${kind} is never a check: no ${role}`)
  const check: Fields = withCheck === undefined ? {} : { check: scanner.expect(slug, "the name of a check") }
  const fields = read(scanner)
  const unlike: Fields = scanner.keyword("unlike") ? { unlike: scanner.expect(slug, "the name of a step") } : {}
  const profiles = wires(scanner)
  const cited = scanner.accept("§") ? scanner.expect(/\S+/y, "a source") : undefined
  if (!scanner.ended) scanner.fail("the end of the step expected")
  return {
    ...by,
    ...(role === undefined ? {} : { role }),
    ...check,
    ...fields,
    ...unlike,
    ...profiles,
    source: sourceOf(cited)
  }
}
