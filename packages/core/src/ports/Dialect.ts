/**
 * Port: a protocol. One folder contains its terms and formats. A host reads its endpoints, and is independent of the
 * protocols it hosts.
 *
 * `Http` is the host's type of HTTP routes; the core has no HTTP of its own.
 */
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { Accept } from "./Connection.ts"
import type { Setting } from "./Settings.ts"

/**
 * WebSocket endpoint at `path`; one message is one frame. The first subprotocol that a client asks for is echoed, and is in
 * the handshake.
 */
export interface WebSocketEndpoint {
  readonly _tag: "WebSocket"
  /** Begins with `/`. */
  readonly path: string
  /** Creates the session of a new connection. */
  readonly accept: Accept
}

/**
 * Raw TCP endpoint; frames are UTF-8 lines ended by `\n` (a `\r` before it is white space of the frame).
 */
export interface TcpEndpoint {
  readonly _tag: "Tcp"
  /** Creates the session of a new connection. */
  readonly accept: Accept
}

/** HTTP endpoint. */
export interface HttpEndpoint<Http> {
  readonly _tag: "Http"
  /** Routes in the host's form. */
  readonly routes: Http
  /**
   * Routes for all paths. They handle requests that match none of `routes` but begin like one of them, up to its first
   * parameter, so that clients are refused in their own protocol's format. If several protocols share such a beginning,
   * the longest counts. Without it, such requests are not handled.
   */
  readonly fallback?: Http
}

/** Entry of a protocol for clients. */
export type Endpoint<Http> = WebSocketEndpoint | TcpEndpoint | HttpEndpoint<Http>

/** One flag or argument of a command. */
export interface CommandInput {
  /** Name of the flag or argument, in lower case with hyphens. */
  readonly name: string
  /** Kind of its value; `boolean` is a flag without one. */
  readonly kind: "text" | "integer" | "boolean"
  /** True for an argument by position instead of by `--name`. */
  readonly positional?: boolean
  /** Whether the command needs it. */
  readonly required: boolean
  /** Description in `parley <command> --help`. */
  readonly description: string
  /** True for a flag of kind `text` that may be given several times; its values are joined by line breaks. */
  readonly repeats?: true
}

/** A list for an operator: printed as a table, or as JSON. */
export interface Listing {
  /** Names of the fields, in the order of the table's columns; a table of one column has no header. */
  readonly columns: ReadonlyArray<string>
  /** One object per row; times are ISO 8601 texts, and null is a value that does not exist. */
  readonly rows: ReadonlyArray<Readonly<Record<string, string | number | boolean | null>>>
  /** Printed in place of a table without rows. */
  readonly empty?: string
}

/** An operator's command, run by the process that owns the database. */
export interface OperatorCommand {
  /** Words after `parley`: `["app", "add"]`. */
  readonly path: ReadonlyArray<string>
  /** Description of the first word in `parley --help`; one command of a group is enough. */
  readonly group?: string
  /** Description in `parley --help`. */
  readonly description: string
  /** Flags and arguments, in the order of their positions. */
  readonly inputs: ReadonlyArray<CommandInput>
  /** True if the command writes its own line in the audit log, in place of the one that every command has. */
  readonly audits?: boolean
  /**
   * True if it runs only while no server uses the database: it writes past the caches of a server, and reads files by
   * `CommandFiles`.
   */
  readonly offline?: true
  /** True if it returns a `Listing`: it has the flag `--json`. */
  readonly lists?: true
  /** Returns the text or the list to print; fails with a sentence for the operator. */
  readonly run: (inputs: Readonly<Record<string, string | number | boolean>>) => Effect.Effect<string | Listing, string>
}

/** A protocol opened over an engine. */
export interface OpenDialect<Http> {
  /** Entry points for clients. */
  readonly endpoints: ReadonlyArray<Endpoint<Http>>
  /** Commands for operators. */
  readonly commands: ReadonlyArray<OperatorCommand>
  /**
   * Work beside requests, such as calls of other services. The host runs it while it serves the protocol; an operator's
   * command on a stopped server does not.
   */
  readonly background?: Effect.Effect<void>
  /**
   * Asks connected clients to reconnect elsewhere, and waits until they have left. The host runs it when it begins to close,
   * while it still answers requests, and interrupts it after at most one second; then it closes the connections that are left.
   */
  readonly drain?: Effect.Effect<void>
  /** Adds the protocol's demonstration data, after the demo users and chats exist. */
  readonly demo: Effect.Effect<void>
  /**
   * Removes the data of `demo` that others could use, keys and apps, if it is unchanged. Returns a short description of
   * each removed item; fails with a sentence for the operator.
   */
  readonly removeDemo?: Effect.Effect<ReadonlyArray<string>, string>
}

/** Context in which a dialect is served. */
export interface ServeContext {
  /** Values of the declared settings, by key. */
  readonly settings: Readonly<Record<string, string | number | boolean>>
  /** Returns the address of raw TCP while it is served, otherwise undefined. */
  readonly tcp: () => { readonly host: string; readonly port: number } | undefined
  /** True only if demonstration data is served to this machine alone, so that others cannot abuse it. */
  readonly demonstration?: boolean
}

/** The dialect cannot be served with its settings; `message` is one line for the operator that names the setting. */
export class DialectConfigError extends Data.TaggedError("DialectConfigError")<{
  /** One line for the operator, which names the setting. */
  readonly message: string
}> {}

/** `E` is `DialectConfigError` for a protocol whose settings may prevent it from being served. */
export interface Dialect<Http, R, E = never> {
  /** Lower case; equal to the prefix of its settings' keys and to its folder. */
  readonly name: string
  /** Settings of the protocol, with keys that begin with its name. */
  readonly settings: ReadonlyArray<Setting>
  /** Opens the protocol over an engine. Run once before it is served. */
  readonly open: (context: ServeContext) => Effect.Effect<OpenDialect<Http>, E, R>
}
