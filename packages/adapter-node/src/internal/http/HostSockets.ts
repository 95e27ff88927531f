/** Connections of a host's clients: WebSockets on HTTP servers, and raw TCP. */
import type { Accept } from "@parley/core/Connection"
import * as Effect from "effect/Effect"
import * as net from "node:net"
import type { Duplex } from "node:stream"
import { WebSocketServer } from "ws"
import { attachListener, type Server, type UnmatchedUpgrade } from "../socket/attach.ts"
import type { SocketConnection } from "../socket/SocketConnection.ts"
import { SocketShares } from "../socket/SocketShares.ts"
import { TcpConnection } from "../socket/TcpConnection.ts"
import { handshakeOf, refuse } from "../socket/upgrade.ts"
import { runUpgradeMiddleware } from "../socket/upgradeMiddleware.ts"
import { WebSocketConnection } from "../socket/WebSocketConnection.ts"
import type { HostContext } from "./HostContext.ts"
import { type Address, ListenError, listen } from "./listen.ts"
import { isLocal, NOT_LOCAL } from "./localOnly.ts"
import { type ParsedRequest, urlOf } from "./requestBody.ts"
import { forwardedFor, headerOf, pathOf, targetOf } from "./requestHead.ts"

/** Shared by all sockets: a closure per socket would retain its upgrade request. */
const nothing = (): void => {}

export interface AttachOptions {
  readonly foreign?: UnmatchedUpgrade
  readonly own?: boolean
}

/** Accepts WebSockets at these paths, and raw TCP. */
export const makeHostSockets = (context: HostContext, paths: ReadonlyMap<string, Accept>, tcp: Accept | undefined) => {
  const { authenticator, mount, clientOf, pages, isRefused, connectionOptions, logDropped, drain } = context
  const { settings, localOnly, upgradeMiddleware, logError } = context
  const webSockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    // A frame over the limit gets an error of its protocol; one far over it is rejected by `ws`.
    maxPayload: 4 * connectionOptions.frame
  })

  const connections = new Set<SocketConnection>()
  const servers = new Set<net.Server>()
  const attached = new Map<Server, () => void>()
  const shares = new SocketShares({
    sockets: settings.sockets,
    share: settings.share,
    isTrusted: context.isTrusted,
    dropped: (address) => logDropped("a connection was dropped", "too many sockets from this address", address)
  })

  const onClosed = (connection: SocketConnection): void => {
    connections.delete(connection)
    drain.notify()
  }

  const upgrade = (request: ParsedRequest, socket: Duplex, head: Buffer): boolean => {
    const url = mount.within(targetOf(urlOf(request)))
    const accept = url === undefined ? undefined : paths.get(pathOf(url))
    if (url === undefined || accept === undefined) return false
    // First: a socket may fail immediately, and without a listener the error would end the process.
    socket.on("error", nothing)
    if (drain.isClosing) {
      refuse(socket, "503 Service Unavailable")
      return true
    }
    const address = clientOf(request.socket.remoteAddress, forwardedFor(request))
    const peer = request.socket.remoteAddress
    const header = headerOf(request.headers)
    const refusal = pages.refusal(peer, header)
    if (refusal !== undefined) {
      pages.note(peer, header, address, Object.keys(request.headers))
      refuse(socket, "403 Forbidden", refusal)
      return true
    }
    if (isRefused(peer, request.headers)) {
      refuse(socket, "403 Forbidden", NOT_LOCAL)
      return true
    }
    const open = (): void => {
      const handshake = handshakeOf(request, url, address, pages.forwarded(peer, header), authenticator)
      webSockets.handleUpgrade(request, socket, head, (ws) => {
        shares.upgraded(socket)
        const connection = new WebSocketConnection(ws, socket, address, connectionOptions, onClosed)
        connections.add(connection)
        connection.open(accept, ws.protocol === "" ? handshake : { ...handshake, subprotocol: ws.protocol })
      })
    }
    if (upgradeMiddleware.length === 0) open()
    else void afterMiddleware(request, socket as net.Socket, open)
    return true
  }

  /** Calls back once the host's middleware has passed the request on; otherwise the upgrade is refused. */
  const afterMiddleware = async (request: ParsedRequest, socket: net.Socket, open: () => void): Promise<void> => {
    const result = await runUpgradeMiddleware(upgradeMiddleware, request, socket)
    if (result._tag === "Ended") return
    if (result._tag === "Failed") {
      logError("upgradeMiddleware failed", result.cause)
      return refuse(socket, "500 Internal Server Error", "The server's middleware failed.")
    }
    if (drain.isClosing) refuse(socket, "503 Service Unavailable")
    else if (!socket.destroyed) open()
  }

  const attach = (server: Server, { foreign = "alone", own = false }: AttachOptions = {}): (() => void) => {
    const before = attached.get(server)
    if (before !== undefined) return before
    const release = attachListener(server, upgrade, foreign)
    if (own) {
      servers.add(server)
      server.on("connection", shares.opened)
    }
    const detach = (): void => {
      if (attached.delete(server)) release()
    }
    attached.set(server, detach)
    return detach
  }

  const listenTcp = Effect.fnUntraced(function* (address: Address) {
    if (tcp === undefined) {
      return yield* new ListenError({ ...address, message: "No served protocol uses raw TCP." })
    }
    const server = net.createServer({ allowHalfOpen: true }, (socket) => {
      if (localOnly && !isLocal(socket.remoteAddress)) return socket.destroy()
      const connection = new TcpConnection(socket, connectionOptions, onClosed)
      connections.add(connection)
      connection.open(tcp, { query: new Map() })
    })
    server.maxConnections = settings.sockets
    servers.add(server)
    return yield* listen(server, address)
  })

  return {
    upgrade,
    attach,
    listenTcp,
    /** Accepts no more sockets. */
    stop: (): void => {
      for (const detach of Array.from(attached.values())) detach()
      for (const server of servers) server.close()
    },
    connections,
    /** Releases the rest, once there are no connections. */
    end: (): void => webSockets.close()
  }
}
