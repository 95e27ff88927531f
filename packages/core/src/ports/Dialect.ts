/**
 * A protocol, as a port: one folder that knows its own words, and nothing else does. A host reads from it where clients
 * come in; it never learns which protocol it hosts.
 *
 * `Http` is how the host takes HTTP routes; the core has no HTTP of its own.
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { Accept } from "./Connection.ts"
import type { Setting } from "./Settings.ts"

/** Clients come in by WebSocket at `path`; one text frame is one frame. */
export interface WebSocketEndpoint {
  readonly _tag: "WebSocket"
  /** Begins with `/`. */
  readonly path: string
  readonly accept: Accept
}

/** Clients come in by raw TCP; frames are UTF-8 lines ended by `\n` (a `\r` before it is white space of the frame). */
export interface TcpEndpoint {
  readonly _tag: "Tcp"
  readonly accept: Accept
}

/** Clients come in by HTTP. */
export interface HttpEndpoint<Http> {
  readonly _tag: "Http"
  readonly routes: Http
  /**
   * Routes for all paths. They answer what fits none of `routes`, but begins as one of them does, up to its first
   * parameter: clients of this protocol are refused in its own words. Where several protocols have such a beginning, the
   * longest counts. Without it, such requests are nobody's.
   */
  readonly fallback?: Http
}

export type Endpoint<Http> = WebSocketEndpoint | TcpEndpoint | HttpEndpoint<Http>

/** One flag or argument of a command. */
export interface CommandInput {
  readonly name: string
  readonly kind: "text" | "integer" | "boolean"
  /** An argument by its place instead of by `--name`. */
  readonly positional?: boolean
  readonly required: boolean
  readonly description: string
}

/** A command for the operator, carried out by the process that holds the database. */
export interface OperatorCommand {
  /** The words behind `parley`: `["app", "add"]`. */
  readonly path: ReadonlyArray<string>
  readonly description: string
  readonly inputs: ReadonlyArray<CommandInput>
  /** Whether the command writes its own line in the audit log, in place of the one that every command has. */
  readonly audits?: boolean
  /** Answers what to print; fails with a sentence for the operator. */
  readonly run: (inputs: Readonly<Record<string, string | number | boolean>>) => Effect.Effect<string, string>
}

/** A protocol that has been opened over an engine. */
export interface OpenDialect<Http> {
  readonly endpoints: ReadonlyArray<Endpoint<Http>>
  readonly commands: ReadonlyArray<OperatorCommand>
  /** Adds what the protocol shows in a demonstration, after the demo users and chats are there. */
  readonly demo: Effect.Effect<void>
  /**
   * Removes what `demo` adds and strangers could use, keys and apps, where it is still as it was added. Returns what was
   * removed, a few words for each; fails with a sentence for the operator.
   */
  readonly removeDemo?: Effect.Effect<ReadonlyArray<string>, string>
}

/** What a dialect is told about where it is served. */
export interface ServeContext {
  /** Values of the declared settings, by key. */
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** Where raw TCP is served, once it is; undefined while it is not. */
  readonly tcp: () => { readonly host: string; readonly port: number } | undefined
  /** True only where demonstration data is served to this machine alone: there is nothing that strangers could take. */
  readonly demonstration?: boolean
}

/** A protocol cannot be served as it is set; `message` is one line for the operator that names the setting. */
export class DialectConfigError extends Data.TaggedError("SiteRefused")<{ readonly message: string }> {}

/** `E` is `SiteRefused` for a protocol that is not served everywhere. */
export interface Dialect<Http, R, E = never> {
  /** Lower case; its settings' keys and its folder have the same name. */
  readonly name: string
  readonly settings: ReadonlyArray<Setting>
  readonly open: (site: ServeContext) => Effect.Effect<OpenDialect<Http>, E, R>
}
