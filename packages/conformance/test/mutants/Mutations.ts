/** The mutations that `requirements/mutants.txt` names, on messages as values. */
import { isArray, isObject, type Json, type JsonObject, parse } from "../../src/Json.ts"
import { type Answer, changed, type Path, without } from "./Mutant.ts"

/** Another value of the same kind. */
const another = (value: Json): Json => {
  if (typeof value === "string") return `${value}~`
  if (typeof value === "number") return value + 1
  if (typeof value === "boolean") return !value
  if (value === null) return "~"
  if (isArray(value)) return value.length === 0 ? ["~"] : value.slice(0, -1)
  return {}
}

/** A list with one more item, which is like its last. */
const longer = (value: Json): Json => {
  if (!isArray(value)) return another(value)
  const last = value.at(-1)
  if (!isObject(last)) return [...value, last === undefined ? "~" : another(last)]
  return [
    ...value,
    Object.fromEntries(Object.entries(last).map(([key, item]) => [key, isObject(item) ? item : another(item)]))
  ]
}

/** The value with a change at every place that the path matches; the last key may have several names, as `a|b`. */
export const altered = (value: Json, [key, ...rest]: Path, change: (value: Json) => Json): Json => {
  if (key === undefined) return change(value)
  if (isArray(value)) return key === "*" ? value.map((item) => altered(item, rest, change)) : value
  if (!isObject(value)) return value
  const names = key.split("|").filter((name) => Object.hasOwn(value, name))
  return Object.assign(
    {},
    value,
    Object.fromEntries(names.map((name) => [name, altered(value[name] ?? null, rest, change)]))
  )
}

const pathOf = (place: string): Path => (place === "" ? [] : place.split("."))

const dropped = (body: Json, place: string): Json => {
  const keys = pathOf(place)
  const last = keys.at(-1) ?? ""
  return last.split("|").reduce((value, name) => without(value, [...keys.slice(0, -1), name]), body)
}

/** Changes of the content of a message, by their names; `place` is a path of keys joined by dots. */
const contentChanges: { readonly [name: string]: (body: Json, place: string) => Json } = {
  drop: dropped,
  change: (body, place) => altered(body, pathOf(place), another),
  shorten: (body, place) => altered(body, pathOf(place), (value) => (isArray(value) ? value.slice(0, -1) : value)),
  extend: (body, place) => altered(body, pathOf(place), longer),
  empty: (body, place) => altered(body, pathOf(place), () => ({})),
  text: (body, place) => altered(body, pathOf(place), (value) => JSON.stringify(value)),
  keyed: (body, place) =>
    altered(body, pathOf(place), (value) => (isArray(value) ? Object.fromEntries(value.entries()) : value))
}

export const isContentChange = (name: string): boolean => Object.hasOwn(contentChanges, name)

/** The message with the mutation of its content. */
export const contentOf = (name: string, place: string, body: Json): Json => contentChanges[name]?.(body, place) ?? body

/** A response or packet in place of the server's own. */
export const refusedPacket = (body: JsonObject): JsonObject => {
  const { data: _, ...rest } = body
  return { ...rest, result: "fail", message: "It is refused." }
}

export const acceptedPacket = (body: JsonObject): JsonObject => {
  const { message: _, ...rest } = body
  return { ...rest, result: "success", data: {} }
}

/** The success of the protocol's documents, without data. */
const emptySuccess = JSON.stringify({ code: 0, msg: "成功", data: null, success: true, errcode: 0, errmsg: "ok" })

/** Changes of a response over HTTP, by their names. `before` are earlier responses. */
const answerChanges: {
  readonly [name: string]: (answer: Answer, before: ReadonlyArray<Answer>) => Answer
} = {
  refuse: (answer) => ({ ...answer, status: 403, text: '{"error":"It is refused.","message":"It is refused."}' }),
  elsewhere: (answer) => ({ ...answer, status: 404, text: '{"error":"There is nothing at this address."}' }),
  status: (answer) => ({ ...answer, status: answer.status === 200 ? 202 : 200 }),
  accept: (answer, before) => {
    const like = before.findLast(
      (one) =>
        one.method === answer.method && one.path === answer.path && one.status < 300 && parse(one.text) !== undefined
    )
    return { ...answer, status: like?.status ?? 200, text: like?.text ?? emptySuccess }
  },
  silent: (answer) => ({ ...answer, end: "never" })
}

export const isAnswerChange = (name: string): boolean => Object.hasOwn(answerChanges, name)

export const answerOf = (name: string, place: string, answer: Answer, before: ReadonlyArray<Answer>): Answer =>
  isContentChange(name)
    ? changed(answer, (body) => contentOf(name, place, body))
    : (answerChanges[name]?.(answer, before) ?? answer)
