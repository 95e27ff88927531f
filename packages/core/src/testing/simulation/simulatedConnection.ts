/**
 * A connection over a simulated network. Frames of one direction keep their order; each connection has its own delays, so
 * that frames of different connections overtake each other.
 */
import { type Accept, type Connection, type Handshake, nextConnectionId, type Peer } from "../../ports/Connection.ts"
import { textBytes } from "../../model/Utf8.ts"
import type { MemoryListener } from "../MemoryConnection.ts"
import { TRANSPORT } from "../MemoryConnection.ts"
import type { SeededRandom } from "./SeededRandom.ts"
import type { VirtualTime } from "./VirtualTime.ts"

/** Maximum delay of a frame, in milliseconds. */
const MAX_DELAY = 20
/** Milliseconds after which the server notices a connection whose client is gone. */
const HALF_OPEN = 30_000

/** The client's end, and the faults of its network. */
export interface SimulatedClient {
  /** Sends one whole frame; does nothing after the end. */
  readonly send: (text: string) => void
  /** Ends the connection from the client's side, after the frames that it has sent. */
  readonly close: () => void
  /** Cuts the connection: frames on their way to the client are lost, and the server notices it later. */
  readonly cut: () => void
  /** Ends the connection as the end of the server's process does: nothing more is received there. */
  readonly lose: () => void
  /** Loses all frames of both directions from now on; the server notices it after half a minute. */
  readonly halfOpen: () => void
  /** Stops reading, so that the server's frames pile up. */
  readonly stopReading: () => void
  /** Reads again after `stopReading`. */
  readonly startReading: () => void
}

/** Options of a simulated connection. */
export interface SimulatedConnectionOptions {
  /** Time in which frames travel. */
  readonly time: VirtualTime
  /** Delays of the frames. */
  readonly random: SeededRandom
  /** Creates the session at the server's end. */
  readonly accept: Accept
  /** Callbacks of the client's end. */
  readonly client: MemoryListener
  /** Called when the server has taken a frame of the client. */
  readonly onReceived?: (text: string) => void
  /** Maximum number of bytes buffered for the client; 64 KiB by default. */
  readonly sendBuffer?: number
  /** Request that opened the connection; none by default. */
  readonly opening?: Handshake
}

/** Opens a connection. `accept` is called before this returns. */
export const connectSimulated = (options: SimulatedConnectionOptions): SimulatedClient => {
  const { time, random, client, sendBuffer = 64 * 1024 } = options
  let toClient: Array<{ readonly text: string; readonly size: number; isHere: boolean }> = []
  let toServer: Array<string> = []
  let buffered = 0
  let isReading = true
  let isServerReading = true
  let isLost = false
  let serverEnded = false
  let clientEnded = false
  let lastToClient = 0
  let lastToServer = 0
  let watchers: Array<{ readonly low: number; readonly callback: () => void }> = []
  let peer: Peer | undefined

  /** Returns the delay of a frame, which arrives after the one before. */
  const arrival = (last: number): number => Math.max(last, time.now + random.next() * MAX_DELAY)
  const notifyWatchers = (): void => {
    const reached = watchers.filter(({ low }) => serverEnded || buffered <= low)
    watchers = watchers.filter((watcher) => !reached.includes(watcher))
    for (const { callback } of reached) callback()
  }
  const endServer = (): void => {
    if (serverEnded) return
    serverEnded = true
    buffered = 0
    toServer = []
    notifyWatchers()
    peer?.closed()
  }
  const endClient = (closed: { readonly code: number; readonly reason: string } | undefined): void => {
    if (clientEnded) return
    clientEnded = true
    client.ended(closed)
  }
  const read = (): void => {
    while (isReading && !isLost && toClient[0]?.isHere === true) {
      const { size, text } = toClient.shift() as { readonly text: string; readonly size: number }
      buffered -= size
      if (!clientEnded) client.frame(text)
    }
    notifyWatchers()
  }
  const receive = (): void => {
    while (isServerReading && !serverEnded && !isLost) {
      const text = toServer.shift()
      if (text === undefined) return
      options.onReceived?.(text)
      peer?.receive(text, textBytes(text).length)
    }
  }

  let isClosing = false
  const connection: Connection = {
    id: nextConnectionId(),
    address: "127.0.0.1",
    send: (frame) => {
      if (serverEnded || isClosing) return
      const size = frame.bytes(TRANSPORT, ({ text }) => textBytes(text)).length
      if (buffered > sendBuffer) {
        isClosing = true
        time.after(0, () => {
          endServer()
          time.after(random.next() * MAX_DELAY, () => endClient(undefined))
        })
        return
      }
      const one = { text: frame.text, size, isHere: false }
      buffered += size
      toClient.push(one)
      lastToClient = arrival(lastToClient)
      time.after(lastToClient - time.now, () => {
        one.isHere = true
        // A half-open connection acknowledges nothing, and the operating system keeps the bytes.
        read()
      })
    },
    buffered: () => buffered,
    onDrained: (low, callback) => {
      watchers.push({ low, callback })
      time.after(0, notifyWatchers)
    },
    pause: () => {
      isServerReading = false
    },
    resume: () => {
      isServerReading = true
      time.after(0, receive)
    },
    limitFrames: () => undefined,
    close: (code, reason) => {
      if (serverEnded || isClosing) return
      isClosing = true
      lastToClient = arrival(lastToClient)
      time.after(lastToClient - time.now, () => {
        if (!isLost) endClient({ code, reason })
      })
      time.after(0, endServer)
    }
  }
  peer = options.accept(connection, options.opening ?? { query: new Map() })

  return {
    send: (text) => {
      if (clientEnded) return
      lastToServer = arrival(lastToServer)
      time.after(lastToServer - time.now, () => {
        if (isLost || serverEnded) return
        toServer.push(text)
        receive()
      })
    },
    close: () => {
      if (clientEnded) return
      clientEnded = true
      lastToServer = arrival(lastToServer)
      time.after(lastToServer - time.now, endServer)
    },
    cut: () => {
      toClient = []
      const before = clientEnded
      endClient(undefined)
      if (!before) time.after(random.next() * MAX_DELAY * 4, endServer)
    },
    lose: () => {
      isLost = true
      serverEnded = true
      endClient(undefined)
    },
    halfOpen: () => {
      isLost = true
      time.after(HALF_OPEN, endServer)
    },
    stopReading: () => {
      isReading = false
    },
    startReading: () => {
      isReading = true
      time.after(0, read)
    }
  }
}
