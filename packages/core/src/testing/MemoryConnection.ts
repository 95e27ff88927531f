/**
 * A connection without a network, both of its ends in this process: for tests, and to talk to an engine in the same
 * program. Frames travel between turns, never inside the call that sends them.
 */
import { type Accept, type Connection, nextConnectionId, type Handshake, type Peer } from "../ports/Connection.ts"
import type { Frame } from "../ports/Frame.ts"
import { textBytes } from "../model/Utf8.ts"

/** The client's end. */
export interface MemoryClient {
  /** Sends one whole frame; does nothing after the end. */
  readonly send: (text: string) => void
  readonly stopReading: () => void
  readonly startReading: () => void
  readonly close: () => void
}

/** What the client's end calls. */
export interface MemoryListener {
  readonly frame: (text: string) => void
  /** Once; the code and the reason that the server closed with, or undefined where it did not. */
  readonly ended: (closed: { readonly code: number; readonly reason: string } | undefined) => void
}

export interface Options {
  readonly accept: Accept
  readonly client: MemoryListener
  /** Bytes of one frame from the client, at most. 1 MiB by default. */
  readonly frame?: number
  /** Bytes that may wait for the client. 8 MiB by default. */
  readonly sendBuffer?: number
  readonly address?: string
  readonly opening?: Handshake
}

/** The name under which frames keep their bytes. */
export const TRANSPORT = "memory"

/** Opens a connection. `accept` is called before this returns. */
export const connect = (options: Options): MemoryClient => {
  const { accept, client, frame: mostFrame = 1024 * 1024, sendBuffer = 8 * 1024 * 1024 } = options
  let toClient: Array<{ readonly text: string; readonly size: number }> = []
  let toServer: Array<string> = []
  let frameLimit = mostFrame
  let waiting = 0
  /** What may wait beside the limit: answers, and frames larger than it. */
  let exempt = 0
  let clientReads = true
  let serverReads = true
  let goodbye: { readonly code: number; readonly reason: string } | undefined
  let ended = false
  let due = false
  let peer: Peer | undefined
  let watchers: Array<{ readonly low: number; readonly callback: () => void }> = []

  const later = (): void => {
    if (due) return
    due = true
    void Promise.resolve().then(() => {
      due = false
      travel()
    })
  }

  const tellWatchers = (): void => {
    const reached = watchers.filter(({ low }) => ended || waiting <= low)
    watchers = watchers.filter((watcher) => !reached.includes(watcher))
    for (const { callback } of reached) callback()
  }

  const end = (): void => {
    if (ended) return
    ended = true
    waiting = 0
    toServer = []
    toClient = []
    tellWatchers()
    peer?.closed()
    client.ended(goodbye)
  }

  const travel = (): void => {
    while (clientReads && !ended) {
      const next = toClient.shift()
      if (next === undefined) break
      waiting -= next.size
      client.frame(next.text)
    }
    if (goodbye !== undefined && toClient.length === 0) end()
    while (serverReads && !ended && goodbye === undefined) {
      const next = toServer.shift()
      if (next === undefined) break
      const bytes = textBytes(next).length
      if (bytes > frameLimit) peer?.oversized(frameLimit)
      // Half a surrogate pair has no UTF-8.
      else if (!next.isWellFormed()) peer?.invalidUtf8()
      else peer?.receive(next.startsWith("\ufeff") ? next.slice(1) : next, bytes)
    }
    tellWatchers()
  }

  const connection: Connection = {
    id: nextConnectionId(),
    address: options.address ?? "127.0.0.1",
    send: (frame: Frame, asked = false) => {
      if (ended || goodbye !== undefined) return
      const size = frame.bytes(TRANSPORT, ({ text }) => textBytes(text)).length
      exempt = Math.min(exempt, waiting)
      if (waiting > sendBuffer + exempt) {
        // What ends a connection must not be called from inside `send`: senders go through lists of connections.
        toClient = []
        goodbye = { code: 1006, reason: "" }
        return later()
      }
      if (asked || (size > sendBuffer && exempt === 0)) exempt += size
      waiting += size
      toClient.push({ text: frame.text, size })
      later()
    },
    buffered: () => waiting,
    onDrained: (low, callback) => {
      watchers.push({ low, callback })
      later()
    },
    pause: () => {
      serverReads = false
    },
    resume: () => {
      serverReads = true
      later()
    },
    limitFrames: (bytes) => {
      frameLimit = Math.min(bytes, mostFrame)
    },
    close: (code, reason) => {
      if (ended || goodbye !== undefined) return
      goodbye = { code, reason }
      toServer = []
      later()
    }
  }

  peer = accept(connection, options.opening ?? { query: new Map() })

  let clientClosed = false
  return {
    send: (text) => {
      if (ended || clientClosed) return
      toServer.push(text)
      later()
    },
    stopReading: () => {
      clientReads = false
    },
    startReading: () => {
      clientReads = true
      later()
    },
    close: () => {
      if (clientClosed) return
      clientClosed = true
      // Behind what was sent: it is still received.
      void Promise.resolve().then(() => void Promise.resolve().then(end))
    }
  }
}
