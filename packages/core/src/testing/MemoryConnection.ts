/**
 * A connection without a network, with both ends in this process: for tests, and for clients in the engine's own
 * program. Frames are delivered between turns, never inside the call that sends them.
 */
import { type Accept, type Connection, nextConnectionId, type Handshake, type Peer } from "../ports/Connection.ts"
import type { Frame } from "../ports/Frame.ts"
import { textBytes } from "../model/Utf8.ts"

/** The client's end. */
export interface MemoryClient {
  /** Sends one whole frame; does nothing after the end. */
  readonly send: (text: string) => void
  /** Stops reading, so that the server's frames pile up. */
  readonly stopReading: () => void
  /** Reads again after `stopReading`. */
  readonly startReading: () => void
  /** Ends the connection from the client's side. */
  readonly close: () => void
}

/** Callbacks of the client's end. */
export interface MemoryListener {
  /** Called with each whole frame from the server. */
  readonly frame: (text: string) => void
  /** Called once; with the server's close code and reason, or undefined if the server did not close. */
  readonly ended: (closed: { readonly code: number; readonly reason: string } | undefined) => void
}

/** Options of a connection in memory. */
export interface Options {
  /** Creates the session at the server's end. */
  readonly accept: Accept
  /** Callbacks of the client's end. */
  readonly client: MemoryListener
  /** Maximum number of bytes of one frame from the client. 1 MiB by default. */
  readonly frame?: number
  /** Maximum number of bytes buffered for the client. 8 MiB by default. */
  readonly sendBuffer?: number
  /** Address of the client as the server sees it. Default: 127.0.0.1. */
  readonly address?: string
  /** Request that opened the connection. Default: none. */
  readonly opening?: Handshake
}

/** Key under which frames cache their bytes. */
export const TRANSPORT = "memory"

/** Opens a connection. `accept` is called before this returns. */
export const connect = (options: Options): MemoryClient => {
  const { accept, client, frame: maxFrame = 1024 * 1024, sendBuffer = 8 * 1024 * 1024 } = options
  let toClient: Array<{ readonly text: string; readonly size: number }> = []
  let toServer: Array<string> = []
  let frameLimit = maxFrame
  let bufferedBytes = 0
  /** Buffered bytes that do not count against the limit: replies, and frames larger than it. */
  let exempt = 0
  let clientReads = true
  let serverReads = true
  let closing: { readonly code: number; readonly reason: string } | undefined
  let ended = false
  let isScheduled = false
  let peer: Peer | undefined
  let watchers: Array<{ readonly low: number; readonly callback: () => void }> = []

  const schedule = (): void => {
    if (isScheduled) return
    isScheduled = true
    void Promise.resolve().then(() => {
      isScheduled = false
      deliver()
    })
  }

  const notifyWatchers = (): void => {
    const reached = watchers.filter(({ low }) => ended || bufferedBytes <= low)
    watchers = watchers.filter((watcher) => !reached.includes(watcher))
    for (const { callback } of reached) callback()
  }

  const end = (): void => {
    if (ended) return
    ended = true
    bufferedBytes = 0
    toServer = []
    toClient = []
    notifyWatchers()
    peer?.closed()
    client.ended(closing)
  }

  const deliver = (): void => {
    while (clientReads && !ended) {
      const next = toClient.shift()
      if (next === undefined) break
      bufferedBytes -= next.size
      client.frame(next.text)
    }
    if (closing !== undefined && toClient.length === 0) end()
    while (serverReads && !ended && closing === undefined) {
      const next = toServer.shift()
      if (next === undefined) break
      const bytes = textBytes(next).length
      if (bytes > frameLimit) peer?.oversized(frameLimit)
      // An unpaired surrogate has no UTF-8.
      else if (!next.isWellFormed()) peer?.invalidUtf8()
      else peer?.receive(next.startsWith("\ufeff") ? next.slice(1) : next, bytes)
    }
    notifyWatchers()
  }

  const connection: Connection = {
    id: nextConnectionId(),
    address: options.address ?? "127.0.0.1",
    send: (frame: Frame, isReply = false) => {
      if (ended || closing !== undefined) return
      const size = frame.bytes(TRANSPORT, ({ text }) => textBytes(text)).length
      exempt = Math.min(exempt, bufferedBytes)
      if (bufferedBytes > sendBuffer + exempt) {
        // The connection must not end inside `send`: senders iterate over lists of connections.
        toClient = []
        closing = { code: 1006, reason: "" }
        return schedule()
      }
      if (isReply || (size > sendBuffer && exempt === 0)) exempt += size
      bufferedBytes += size
      toClient.push({ text: frame.text, size })
      schedule()
    },
    buffered: () => bufferedBytes,
    onDrained: (low, callback) => {
      watchers.push({ low, callback })
      schedule()
    },
    pause: () => {
      serverReads = false
    },
    resume: () => {
      serverReads = true
      schedule()
    },
    limitFrames: (bytes) => {
      frameLimit = Math.min(bytes, maxFrame)
    },
    close: (code, reason) => {
      if (ended || closing !== undefined) return
      closing = { code, reason }
      toServer = []
      schedule()
    }
  }

  peer = accept(connection, options.opening ?? { query: new Map() })

  let clientClosed = false
  return {
    send: (text) => {
      if (ended || clientClosed) return
      toServer.push(text)
      schedule()
    },
    stopReading: () => {
      clientReads = false
    },
    startReading: () => {
      clientReads = true
      schedule()
    },
    close: () => {
      if (clientClosed) return
      clientClosed = true
      // After the sent frames, which are still received.
      void Promise.resolve().then(() => void Promise.resolve().then(end))
    }
  }
}
