/**
 * A mutant alters the reference server in one way: pure functions on messages, which `Proxy` applies between the kit and
 * the server. Messages without a function pass unchanged.
 */
import type { IncomingHttpHeaders } from "node:http"
import { field, isArray, isObject, type Json, type JsonObject, parse } from "../../src/Json.ts"

/** A packet that the server sent over a connection. */
export interface Packet {
  readonly body: JsonObject
  /** `reply` has a result, `push` has none. */
  readonly way: "reply" | "push"
  /** `module/method` in lower case. */
  readonly about: string
}

/** The context of a packet. Connections are numbered from 0 in the order of opening. */
export interface MutationContext {
  readonly connection: number
  /** The open connections. */
  readonly open: ReadonlyArray<number>
  /** Earlier pushes of the server on any connection, oldest first. */
  readonly pushed: ReadonlyArray<Packet>
  /** Requests over this connection, oldest first. */
  readonly asked: ReadonlyArray<JsonObject>
  /** Requests over any connection, oldest first. */
  readonly askedByAll: ReadonlyArray<JsonObject>
  /** The user in the login response of this connection. */
  readonly user: JsonObject | undefined
}

/** An action in place of passing a packet on. */
export type Deed =
  | { readonly send: Json; readonly to?: number }
  /** Sends a text unchanged. */
  | { readonly raw: string | Buffer; readonly to?: number }
  /** The delay, in milliseconds. */
  | { readonly send: Json; readonly after: number; readonly to?: number }
  /** Sends the first part of a frame and ends the connection. */
  | { readonly torn: Json }
  | { readonly close: true }

/** An HTTP request. */
export interface Asked {
  /** The order of arrival, from 0, without requests below `/auth/`; -1 for those. */
  readonly number: number
  readonly method: string
  /** With the query. */
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** An HTTP response. */
export interface Answer {
  /** The number of its request. */
  readonly number: number
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly status: number
  readonly headers: { readonly [name: string]: string }
  readonly text: string
  /** `cut`: the connection ends before the body does; `never`: there is no response. */
  readonly end?: "cut" | "never"
  /** The delay, in milliseconds. */
  readonly after?: number
}

export interface Mutant {
  readonly packet?: (packet: Packet, context: MutationContext) => ReadonlyArray<Deed>
  /** Packets for the client beside a request, which reaches the server unchanged. */
  readonly request?: (request: Json, context: MutationContext) => ReadonlyArray<Deed>
  /** Packets for other clients after the client closed a connection. */
  readonly gone?: (context: MutationContext) => ReadonlyArray<Deed>
  readonly answer?: (answer: Answer, before: ReadonlyArray<Answer>) => Answer
  /** Changes a request over a WebSocket on its way to the server. */
  readonly sent?: (request: JsonObject, context: MutationContext) => JsonObject
  /** Changes a request over HTTP on its way to the server. */
  readonly asked?: (request: Asked) => Asked
  /** Rejects connections. */
  readonly noConnection?: true
  /** Hides the server's close from the client. */
  readonly keepsOpen?: true
  /** The size of fragments in bytes: of WebSocket frames, TCP writes and body chunks. */
  readonly pieces?: number
}

export const asIs = ({ body }: Packet): ReadonlyArray<Deed> => [{ send: body }]

/**
 * The value with each value under a key replaced, at any depth; `undefined` removes the key.
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

/** A path in a value: keys, and `*` for the items of an array. */
export type Path = ReadonlyArray<string>

/** The value without the last key of a path, at every place that the path matches. */
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

/** The response with its JSON body changed; any other body is unchanged. */
export const changed = (answer: Answer, change: (body: Json) => Json): Answer => {
  const body = parse(answer.text)
  return body === undefined ? answer : { ...answer, text: JSON.stringify(change(body)) }
}

const text = (value: Json | undefined): string => (typeof value === "string" ? value.toLowerCase() : "")

/** `module/method` of a request or a packet. */
export const aboutOf = (body: JsonObject): string => `${text(field(body, "module"))}/${text(field(body, "method"))}`
