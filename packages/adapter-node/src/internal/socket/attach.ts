/** WebSocket upgrades of a shared server. */
import { check, checkArgument } from "@parley/core/Check"
import type { IncomingMessage, Server as HttpServer } from "node:http"
import type { Server as HttpsServer } from "node:https"
import { Server as NetServer } from "node:net"
import type { Duplex } from "node:stream"
import { refuse } from "./upgrade.ts"

export type Server = HttpServer | HttpsServer

/** Handling of upgrades for other paths; see `HttpHost.attach`. */
export type UnmatchedUpgrade = "alone" | "ignore" | "refuse"

/** An application of a framework emits no upgrades: it would never be noticed. */
const listening = check(
  "the server that listens, as createServer or app.listen returns it",
  (value) => value instanceof NetServer
)

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean

/**
 * Returns a function that detaches. Upgrades are handled by wrapping `emit`, before any listener: some libraries reply 400
 * to unknown paths and end the socket, and a listener cannot prevent that. A listener is added too, since Node emits
 * upgrades only if there is one.
 */
export const attachListener = (server: Server, upgrade: Upgrade, foreign: UnmatchedUpgrade): (() => void) => {
  checkArgument("attach", "server", listening, server)
  let isAttached = true
  const before = Object.getOwnPropertyDescriptor(server, "emit")
  const emit = server.emit
  const wrapped = (event: string | symbol, ...args: ReadonlyArray<unknown>): boolean => {
    if (isAttached && event === "upgrade" && upgrade(...(args as [IncomingMessage, Duplex, Buffer]))) return true
    return Reflect.apply(emit, server, [event, ...args])
  }
  const listener = (_request: IncomingMessage, socket: Duplex): void => {
    if (foreign === "ignore" || (foreign === "alone" && server.listenerCount("upgrade") > 1)) return
    socket.on("error", () => {})
    refuse(socket, "404 Not Found")
  }
  Object.defineProperty(server, "emit", { value: wrapped, configurable: true, writable: true, enumerable: false })
  server.on("upgrade", listener)
  return () => {
    isAttached = false
    server.off("upgrade", listener)
    // If `emit` was wrapped again since, this wrapper stays inside and passes all events on.
    if (server.emit !== wrapped) return
    if (before === undefined) Reflect.deleteProperty(server, "emit")
    else Object.defineProperty(server, "emit", before)
  }
}
