/** Small clients of the xuanxuan protocol over real sockets: WebSocket, and raw TCP like the desktop client. */
import { Effect, type Scope } from "effect"
import { createHash } from "node:crypto"
import * as net from "node:net"
import { type RawData, WebSocket } from "ws"

/** A reply if it has a `result`, otherwise a push. */
export interface Packet {
  readonly id?: number
  readonly module: string
  readonly method: string
  readonly result?: string
  readonly message?: string
  readonly sid?: string
  readonly data?: unknown
}

export interface Message {
  readonly id: number
  readonly gid: string
  readonly cgid: string
  readonly user: number
  readonly content: string
}

export interface Closed {
  /** The WebSocket close code; 0 for TCP. */
  readonly code: number
  readonly reason: string
}

export interface Client {
  /** Received frames, unparsed. */
  readonly frames: ReadonlyArray<string>
  /** Received packets in order. */
  readonly received: ReadonlyArray<Packet>
  readonly answers: ReadonlyArray<Packet>
  /** Pushed messages. */
  readonly delivered: ReadonlyArray<Message>
  /** Packet id of each pushed message, for acknowledgements. */
  readonly packets: ReadonlyArray<number>
  /** Returns the pushes of this method. */
  readonly pushes: (method: string) => ReadonlyArray<Packet>
  /** Returns the close code and reason, undefined before the end. */
  readonly closed: () => Closed | undefined
  readonly sid: () => string
  /** Sets the session id of further requests. */
  readonly take: (sid: string) => void
  /** Sends one frame. */
  readonly send: (frame: unknown) => void
  /** Sends raw bytes; TCP only. */
  readonly write: (bytes: Uint8Array | string) => void
  /** Sends a request and waits for the next reply; no other request may be pending. */
  readonly ask: (method: string, params?: unknown, module?: string) => Effect.Effect<Packet>
  /** Like `ask`, for a request that must succeed; returns its data. */
  readonly get: <A>(method: string, params?: unknown, module?: string) => Effect.Effect<A>
  /** Sends texts to a chat, one request each, and waits for each reply. Returns the stored messages. */
  readonly say: (cgid: string, ...texts: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<Message>>
  readonly acknowledge: (ids: number | ReadonlyArray<number>) => void
  /** Waits for a condition, checked after each frame and at the end of the connection. */
  readonly until: (what: string, isDone: () => boolean) => Effect.Effect<void>
  /** Waits for a message with this content. */
  readonly untilMessage: (content: string) => Effect.Effect<void>
  readonly untilClosed: Effect.Effect<Closed>
  readonly stopReading: () => void
  readonly startReading: () => void
  /** Closes the connection and waits for the server's end. */
  readonly leave: Effect.Effect<Closed>
  /** Destroys the connection. */
  readonly drop: () => void
}

export const PASSWORD = "123456"
/** Returns a password as the protocol sends it. */
export const md5 = (password: string): string => createHash("md5").update(password).digest("hex")

/** Maximum wait; then the test fails with the name of the condition. */
const WAIT_TIMEOUT = "40 seconds"

interface ClientSocket {
  readonly send: (frame: string) => void
  readonly write: (bytes: Uint8Array | string) => void
  readonly stopReading: () => void
  readonly startReading: () => void
  readonly end: () => void
  readonly destroy: () => void
}

interface SocketHandlers {
  readonly frame: (text: string) => void
  readonly closed: (how: Closed) => void
}

let gids = 0
/** Returns a gid that is unique in this process. */
export const newGid = (): string => `gid-${process.pid}-${++gids}`

const clientOn = (open: (handlers: SocketHandlers) => Effect.Effect<ClientSocket, string, Scope.Scope>) =>
  Effect.gen(function* () {
    const frames: Array<string> = []
    const received: Array<Packet> = []
    const answers: Array<Packet> = []
    const delivered: Array<Message> = []
    const packets: Array<number> = []
    const watchers = new Set<() => void>()
    let closed: Closed | undefined
    let sid = ""
    const wake = (): void => {
      for (const check of watchers) check()
    }
    const receive = (packet: Packet): void => {
      received.push(packet)
      if (packet.result !== undefined) answers.push(packet)
      else if (packet.method === "message" && packet.id !== undefined) {
        for (const message of packet.data as ReadonlyArray<Message>) {
          delivered.push(message)
          packets.push(packet.id)
        }
      }
    }
    const connection = yield* open({
      frame: (text) => {
        frames.push(text)
        const json = JSON.parse(text) as Packet | ReadonlyArray<Packet>
        if (Array.isArray(json)) for (const packet of json as ReadonlyArray<Packet>) receive(packet)
        else receive(json as Packet)
        wake()
      },
      closed: (how) => {
        closed ??= how
        wake()
      }
    })
    const state = (): string =>
      `closed: ${JSON.stringify(closed)}, ${received.length} packets, the last: ${JSON.stringify(received.at(-1))?.slice(0, 300)}`
    const until = (what: string, isDone: () => boolean): Effect.Effect<void> =>
      Effect.callback<void>((resume) => {
        const check = (): void => {
          if (isDone()) resume(Effect.void)
          else if (closed !== undefined) resume(Effect.die(new Error(`closed before ${what}; ${state()}`)))
          else return
          watchers.delete(check)
        }
        watchers.add(check)
        check()
        return Effect.sync(() => void watchers.delete(check))
      }).pipe(
        Effect.timeoutOrElse({
          duration: WAIT_TIMEOUT,
          orElse: () => Effect.die(new Error(`timed out waiting for ${what}; ${state()}`))
        })
      )
    const untilClosed = Effect.callback<Closed>((resume) => {
      const check = (): void => {
        if (closed === undefined) return
        watchers.delete(check)
        resume(Effect.succeed(closed))
      }
      watchers.add(check)
      check()
    }).pipe(
      Effect.timeoutOrElse({
        duration: WAIT_TIMEOUT,
        orElse: () => Effect.die(new Error(`timed out waiting for the end; ${state()}`))
      })
    )
    const send = (frame: unknown): void => connection.send(JSON.stringify(frame))
    const ask: Client["ask"] = Effect.fnUntraced(function* (method, params, module = "chat") {
      const index = answers.length
      send({ module, method, ...(sid !== "" && { sid }), ...(params !== undefined && { params }) })
      yield* until(`the answer to ${method}`, () => answers.length > index)
      const answer = answers[index]
      if (answer?.method !== method)
        return yield* Effect.die(new Error(`${method} answered: ${JSON.stringify(answer)}`))
      if (method === "login" && answer.result === "success") sid = answer.sid ?? ""
      return answer
    })
    const get = <A>(method: string, params?: unknown, module?: string): Effect.Effect<A> =>
      Effect.flatMap(ask(method, params, module), (answer) =>
        answer.result === "success"
          ? Effect.succeed(answer.data as A)
          : Effect.die(new Error(`${method} failed: ${JSON.stringify(answer)}`))
      )
    const client: Client = {
      frames,
      received,
      answers,
      delivered,
      packets,
      pushes: (method) => received.filter((packet) => packet.result === undefined && packet.method === method),
      closed: () => closed,
      sid: () => sid,
      take: (token) => {
        sid = token
      },
      send,
      write: connection.write,
      ask,
      get,
      say: (cgid, ...texts) =>
        Effect.forEach(texts, (content) =>
          Effect.flatMap(get<ReadonlyArray<Message>>("message", [{ gid: newGid(), cgid, content }]), ([stored]) =>
            stored === undefined
              ? Effect.die(new Error(`${content} was answered with nothing`))
              : Effect.succeed(stored)
          )
        ),
      acknowledge: (id) => send({ module: "chat", method: "message", id, sid }),
      until,
      untilMessage: (content) => until(content, () => delivered.some((message) => message.content === content)),
      untilClosed,
      stopReading: connection.stopReading,
      startReading: connection.startReading,
      leave: Effect.andThen(Effect.sync(connection.end), untilClosed),
      drop: connection.destroy
    }
    return client
  })

const textOf = (data: RawData): string =>
  (Buffer.isBuffer(data) ? data : Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data)).toString()

/** Connects to `/ws`; `http` is the server's address as it prints it. Fails with what the server answers instead. */
export const webSocket = (http: string, query = "", headers: Readonly<Record<string, string>> = {}) =>
  clientOn((handlers) =>
    Effect.acquireRelease(
      Effect.callback<WebSocket, string>((resume) => {
        const ws = new WebSocket(`${http.replace("http:", "ws:")}/ws${query}`, { perMessageDeflate: false, headers })
        ws.on("message", (data) => handlers.frame(textOf(data)))
        ws.on("close", (code, reason) => handlers.closed({ code, reason: String(reason) }))
        ws.on("error", (error) => resume(Effect.fail(error.message)))
        ws.once("open", () => resume(Effect.succeed(ws)))
      }),
      (ws) => Effect.sync(() => ws.terminate())
    ).pipe(
      Effect.map((ws) => ({
        send: (frame) => ws.send(frame),
        write: () => {
          throw new Error("a WebSocket has frames, not bytes")
        },
        stopReading: () => ws.pause(),
        startReading: () => ws.resume(),
        end: () => ws.close(),
        destroy: () => ws.terminate()
      }))
    )
  )

/** Connects over raw TCP; `address` is as the server prints it: `tcp://host:port`. */
export const desktop = (address: string) =>
  clientOn((handlers) =>
    Effect.acquireRelease(
      Effect.callback<net.Socket, string>((resume) => {
        const { hostname, port } = new URL(address)
        const socket = net.connect({ host: hostname, port: Number(port), noDelay: true })
        let rest = ""
        socket.setEncoding("utf8").on("data", (text) => {
          const lines = (rest + String(text)).split("\n")
          rest = lines.pop() ?? ""
          for (const one of lines) handlers.frame(one)
        })
        socket.on("close", () => handlers.closed({ code: 0, reason: "" }))
        socket.on("error", (error) => resume(Effect.fail(error.message)))
        socket.once("connect", () => resume(Effect.succeed(socket)))
      }),
      (socket) => Effect.sync(() => socket.destroy())
    ).pipe(
      Effect.map((socket) => ({
        send: (frame) => void socket.write(`${frame}\n`),
        write: (bytes) => void socket.write(bytes),
        stopReading: () => void socket.pause(),
        startReading: () => void socket.resume(),
        end: () => void socket.end(),
        destroy: () => void socket.destroy()
      }))
    )
  )

/** Connects and logs in over WebSocket; returns after the push of the list of chats. */
export const online = Effect.fnUntraced(function* (
  http: string,
  account: string,
  { query = "", ...options }: { readonly query?: string; readonly status?: string; readonly device?: string } = {}
) {
  const client = yield* webSocket(http, query)
  yield* client.get("login", { account, password: md5(PASSWORD), ...options })
  yield* client.until("the list of chats", () => client.pushes("getlist").length > 0)
  return client
})

/** Returns the users' ids by account, from the pushes of this client's login. */
export const idsOf = (client: Client): ReadonlyMap<string, number> => {
  const users = (client.pushes("userGetList")[0]?.data ?? []) as ReadonlyArray<{ id: number; account: string }>
  return new Map(users.map(({ id, account }) => [account, id]))
}

/** Creates a group with these accounts and the client itself; returns its gid. */
export const newGroup = Effect.fnUntraced(function* (client: Client, ...accounts: ReadonlyArray<string>) {
  const ids = idsOf(client)
  const members = accounts.map((account) => ({ id: ids.get(account) ?? 0 }))
  const gid = newGid()
  yield* client.get("create", { gid, name: "group", type: "group", members })
  return gid
})

/** Returns the whole history of a chat, oldest first. */
export const historyOf = Effect.fnUntraced(function* (client: Client, gid: string) {
  const recPerPage = 1000
  const pages: Array<ReadonlyArray<Message>> = []
  for (let pageID = 1; ; pageID++) {
    const page = yield* client.get<ReadonlyArray<Message>>("history", { gid, recPerPage, pageID })
    pages.push(page)
    if (page.length < recPerPage) break
  }
  return pages.flat().reverse()
})

export const contents = (messages: ReadonlyArray<Message>): ReadonlyArray<string> =>
  messages.map(({ content }) => content)
