/** WebSocket upgrades of a server that others use as well. */
import type { IncomingMessage, Server as HttpServer } from "node:http"
import type { Server as HttpsServer } from "node:https"
import type { Duplex } from "node:stream"
import { refuse } from "./upgrade.ts"

export type Server = HttpServer | HttpsServer

/** What happens to upgrades for foreign paths; see `Host.attach`. */
export type UnmatchedUpgrade = "alone" | "ignore" | "refuse"

type Upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => boolean

/**
 * Answers what detaches. Our upgrades are taken before any listener sees them, whenever it was added: some libraries
 * answer 400 to every path that is not theirs and end the socket, and a listener cannot keep the others from being called.
 * Without a listener of our own, a server that has no other does not tell of upgrades at all.
 */
export const attachListener = (server: Server, upgrade: Upgrade, foreign: UnmatchedUpgrade): (() => void) => {
  let isAttached = true
  const before = Object.getOwnPropertyDescriptor(server, "emit")
  const emit = server.emit
  const emitting = (event: string | symbol, ...args: ReadonlyArray<unknown>): boolean => {
    if (isAttached && event === "upgrade" && upgrade(...(args as [IncomingMessage, Duplex, Buffer]))) return true
    return Reflect.apply(emit, server, [event, ...args])
  }
  const listener = (_request: IncomingMessage, socket: Duplex): void => {
    if (foreign === "ignore" || (foreign === "alone" && server.listenerCount("upgrade") > 1)) return
    socket.on("error", () => {})
    refuse(socket, "404 Not Found")
  }
  Object.defineProperty(server, "emit", { value: emitting, configurable: true, writable: true, enumerable: false })
  server.on("upgrade", listener)
  return () => {
    isAttached = false
    server.off("upgrade", listener)
    // Who has wrapped it since goes on with ours, which does nothing any more.
    if (server.emit !== emitting) return
    if (before === undefined) Reflect.deleteProperty(server, "emit")
    else Object.defineProperty(server, "emit", before)
  }
}
