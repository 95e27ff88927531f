/**
 * A mutant is a good server made wrong in one way: pure functions on what goes over the wire, put between the kit and
 * the server by `Proxy`. What a mutant leaves out passes as it is.
 */
import { field, isArray, isObject, type Json, type JsonObject, parse } from "../../src/Json.ts"

/** One packet that the server sent over a connection. */
export interface Packet {
  readonly body: JsonObject
  /** `reply` has a result, `push` has none. */
  readonly way: "reply" | "push"
  /** `module/method` in lower case. */
  readonly about: string
}

/** What a mutant knows beside the packet. Connections are numbered from 0 in the order in which they were opened. */
export interface MutationContext {
  readonly connection: number
  /** The open connections. */
  readonly open: ReadonlyArray<number>
  /** What the server pushed before, to whichever connection, oldest first. */
  readonly pushed: ReadonlyArray<Packet>
  /** What was asked over this connection, oldest first. */
  readonly asked: ReadonlyArray<JsonObject>
  /** What was asked over any connection, oldest first. */
  readonly askedByAll: ReadonlyArray<JsonObject>
  /** What the server answered over this connection at login: the user. */
  readonly user: JsonObject | undefined
}

/** What is done instead of passing a packet on. */
export type Deed =
  | { readonly send: Json; readonly to?: number }
  /** As it is, whatever it is. */
  | { readonly raw: string | Buffer; readonly to?: number }
  /** After so many milliseconds. */
  | { readonly send: Json; readonly after: number; readonly to?: number }
  /** The first part of a frame, and then the end of the connection without a word. */
  | { readonly torn: Json }
  | { readonly close: true }

/** An answer over HTTP. */
export interface Answer {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly text: string
  /** `cut`: the connection ends before the body does; `never`: there is no answer at all. */
  readonly end?: "cut" | "never"
  /** Milliseconds before it is sent. */
  readonly after?: number
}

export interface Mutant {
  readonly packet?: (packet: Packet, context: MutationContext) => ReadonlyArray<Deed>
  /** What is sent to the client beside a request, which reaches the server as it is. */
  readonly request?: (request: Json, context: MutationContext) => ReadonlyArray<Deed>
  /** What others are sent when the client has closed a connection. */
  readonly gone?: (context: MutationContext) => ReadonlyArray<Deed>
  readonly answer?: (answer: Answer) => Answer
  /** No connection can be opened. */
  readonly noConnection?: true
  /** The server's closing of a connection does not reach the client. */
  readonly keepsOpen?: true
  /** How many bytes at once reach the client: fragments of a WebSocket's frame, writes of TCP, chunks of a body. */
  readonly pieces?: number
}

export const asIs = ({ body }: Packet): ReadonlyArray<Deed> => [{ send: body }]

/**
 * The value with each string, number, … or object under a key replaced, at whatever depth; `undefined` takes it out.
 */
export const everywhere = (value: Json, change: (key: string, value: Json) => Json | undefined): Json => {
  if (isArray(value)) return value.map((item) => everywhere(item, change))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) => {
      const changed = change(key, item)
      return changed === undefined ? [] : [[key, changed === item ? everywhere(item, change) : changed]]
    })
  )
}

/** A place in a value: keys, and `*` for the items of an array. */
export type Path = ReadonlyArray<string>

/** The value with a path's last key taken out, wherever the path leads. */
export const without = (value: Json, [key, ...rest]: Path): Json => {
  if (key === undefined) return value
  if (isArray(value)) return key === "*" ? value.map((item) => without(item, rest)) : value
  if (!isObject(value) || !Object.hasOwn(value, key)) return value
  const { [key]: item, ...others } = value
  return rest.length === 0 || item === undefined ? others : { ...others, [key]: without(item, rest) }
}

/** Every path to a key of this name. */
export const pathsTo = (value: Json, name: string, at: Path = []): ReadonlyArray<Path> => {
  if (isArray(value)) return value.flatMap((item) => pathsTo(item, name, [...at, "*"]))
  if (!isObject(value)) return []
  return Object.entries(value).flatMap(([key, item]) => [
    ...(key === name ? [[...at, key]] : []),
    ...pathsTo(item, name, [...at, key])
  ])
}

/** The body as JSON, changed; a body that is no JSON stays. */
export const changed = (answer: Answer, change: (body: Json) => Json): Answer => {
  const body = parse(answer.text)
  return body === undefined ? answer : { ...answer, text: JSON.stringify(change(body)) }
}

const text = (value: Json | undefined): string => (typeof value === "string" ? value.toLowerCase() : "")

/** `module/method` of a request or a packet. */
export const aboutOf = (body: JsonObject): string => `${text(field(body, "module"))}/${text(field(body, "method"))}`
