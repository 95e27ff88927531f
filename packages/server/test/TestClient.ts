/** A client that sends arbitrary frames over WebSocket or raw TCP, and records replies and pushes separately. */
import { Context, Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import * as net from "node:net"
import { WebSocket } from "ws"
import { folder, type Program, start } from "./serverProcess.ts"

export type Fields = { readonly [name: string]: unknown }

export const md5 = (text: string): string => createHash("md5").update(text).digest("hex")
export const PASSWORD = md5("123456")

/** Node options of a server that collects its garbage on SIGUSR2. */
const COLLECTING = `--expose-gc --import=${new URL("./fixtures/collecting.mjs", import.meta.url).href}`

/** A running server of xuanxuan with the demo users, and its working folder. */
export class Server extends Context.Service<Server, Program & { http: string; tcp: string; cwd: string }>()(
  "test/Server"
) {
  static readonly layer = (...args: ReadonlyArray<string>) => Server.started(args)

  private static readonly started = (args: ReadonlyArray<string>, environment: Record<string, string> = {}) =>
    Layer.effect(
      Server,
      Effect.gen(function* () {
        const cwd = yield* folder
        const program = yield* start(cwd, ["serve", "--port", "0", "--tcp-port", "0", "--demo", ...args], {
          PARLEY_DIALECTS: "xuanxuan",
          ...environment
        })
        const [, http = "", tcp = ""] = (yield* program.until(/^listening /)).split(" ")
        return { ...program, http, tcp, cwd }
      })
    )

  /** Without a practical limit of failed logins. */
  static readonly patient = Server.layer("--set", "login.attempts=1000000")

  /** With `spark` in addition. */
  static readonly bridged = Server.started([], { PARLEY_DIALECTS: "xuanxuan,spark" })

  /** Like `patient`, for `settledMemory`. */
  static readonly measured = Server.started(["--set", "login.attempts=1000000"], { NODE_OPTIONS: COLLECTING })
}

export type Transport = "websocket" | "tcp"

/** Maximum wait for a reply, in milliseconds. */
const REPLY_TIMEOUT = 20_000

interface Wire {
  readonly write: (text: string) => void
  readonly writeBytes: (bytes: Buffer, binary: boolean) => void
  readonly destroy: () => void
}

export class TestClient {
  /** Replies not taken yet; empty between requests. */
  readonly answers: Array<Fields> = []
  /** Pushed packets, one by one. */
  readonly pushes: Array<Fields> = []
  closed: number | undefined
  sid = ""
  #wire: Wire | undefined
  readonly #waiting = new Set<() => void>()

  attach(wire: Wire): void {
    this.#wire = wire
  }

  receive(text: string): void {
    const json: unknown = JSON.parse(text)
    if (Array.isArray(json)) this.pushes.push(...(json as ReadonlyArray<Fields>))
    else this.answers.push(json as Fields)
    this.#wake()
  }

  ended(code: number): void {
    this.closed = code
    this.#wake()
  }

  #wake(): void {
    for (const check of this.#waiting) check()
  }

  destroy(): void {
    this.#wire?.destroy()
  }

  /** Sends a frame: text unchanged, other values as JSON. */
  send(frame: unknown): void {
    this.#wire?.write(typeof frame === "string" ? frame : JSON.stringify(frame))
  }

  /** Sends bytes as one frame; over WebSocket as a binary or a text one. */
  sendBytes(bytes: Buffer, as: "binary" | "text" = "binary"): void {
    this.#wire?.writeBytes(bytes, as === "binary")
  }

  #missing(what: string): Effect.Effect<never> {
    return Effect.die(new Error(`${what} did not arrive; closed: ${this.closed}, answers: ${short(this.answers)}`))
  }

  #until<A>(what: string, check: () => A | undefined): Effect.Effect<A> {
    return Effect.callback<A>((resume) => {
      const recheck = () => {
        const found = check()
        if (found === undefined && this.closed === undefined) return
        this.#waiting.delete(recheck)
        resume(found === undefined ? this.#missing(what) : Effect.succeed(found))
      }
      this.#waiting.add(recheck)
      recheck()
      return Effect.sync(() => void this.#waiting.delete(recheck))
    }).pipe(Effect.timeoutOrElse({ duration: REPLY_TIMEOUT, orElse: () => this.#missing(what) }))
  }

  /** Takes the next replies. */
  take(count: number): Effect.Effect<ReadonlyArray<Fields>> {
    return this.#until(`${count} answers`, () =>
      this.answers.length >= count ? this.answers.splice(0, count) : undefined
    )
  }

  /** Waits for the end of the connection; returns the close code, 1005 for TCP. */
  get end(): Effect.Effect<number> {
    return this.#until("the end", () => this.closed)
  }

  /** Waits for a push of this method. */
  pushed(method: string): Effect.Effect<Fields> {
    return this.#until(`a push of ${method}`, () => this.pushes.find((push) => push["method"] === method))
  }

  /** Sends requests in one frame, and returns their replies. Defaults are `chat` for `module` and the own `sid`. */
  readonly askAll = (requests: ReadonlyArray<Fields>): Effect.Effect<ReadonlyArray<Fields>> =>
    Effect.suspend(() => {
      this.send(requests.map((request) => ({ module: "chat", sid: this.sid, ...request })))
      return this.take(requests.length)
    })

  readonly ask = (method: string, params?: unknown, extra: Fields = {}): Effect.Effect<Fields> =>
    Effect.map(this.askAll([{ method, ...(params !== undefined && { params }), ...extra }]), (answers) =>
      first(answers)
    )

  /** Like `ask`; fails the test unless the reply is a success. */
  readonly done = (method: string, params?: unknown, extra: Fields = {}): Effect.Effect<Fields> =>
    Effect.flatMap(this.ask(method, params, extra), (answer) =>
      answer["result"] === "success" ? Effect.succeed(answer) : Effect.die(new Error(short(answer)))
    )

  readonly login = (account: string, extra: Fields = {}): Effect.Effect<Fields> =>
    Effect.map(
      this.done("login", { account, password: PASSWORD, status: "online", ...extra }, { sid: undefined }),
      (answer) => {
        this.sid = String(answer["sid"])
        return fields(answer["data"])
      }
    )

  /** Waits until all frames sent before have arrived; returns the pushes since the last call. */
  readonly news: Effect.Effect<ReadonlyArray<Fields>> = Effect.suspend(() =>
    Effect.map(this.ask("ping"), () => this.pushes.splice(0))
  )
}

/** Returns the first element; throws if there is none. */
export const first = <A>(all: ReadonlyArray<A>): A => {
  const [one] = all
  if (one === undefined) throw new Error("the list is empty")
  return one
}

export const fields = (value: unknown): Fields => {
  if (typeof value !== "object" || value === null) throw new Error(`not an object: ${short(value)}`)
  return value as Fields
}

/** Returns the array in `data`. */
export const listed = (answer: Fields): ReadonlyArray<Fields> => {
  const data = answer["data"]
  if (!Array.isArray(data)) throw new Error(`not an array: ${short(answer)}`)
  return data as ReadonlyArray<Fields>
}

/** Abbreviates a value for an error message. */
export const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 300 ? `${text.slice(0, 200)}…${text.slice(-80)}` : text
}

const overWebSocket = (url: string, client: TestClient): Effect.Effect<TestClient> =>
  Effect.callback((resume) => {
    const ws = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true })
    client.attach({
      write: (text) => ws.send(text),
      writeBytes: (bytes, binary) => ws.send(bytes, { binary }),
      destroy: () => ws.terminate()
    })
    ws.on("message", (data: Buffer) => client.receive(data.toString("utf8")))
    ws.on("close", (code) => client.ended(code))
    ws.on("error", (error) => resume(Effect.die(error)))
    ws.once("open", () => resume(Effect.succeed(client)))
  })

const overTcp = (url: string, client: TestClient): Effect.Effect<TestClient> =>
  Effect.callback((resume) => {
    const { hostname, port } = new URL(url)
    const socket = net.connect(Number(port), hostname)
    client.attach({
      write: (text) => socket.write(`${text}\n`),
      writeBytes: (bytes) => socket.write(Buffer.concat([bytes, Buffer.of(10)])),
      destroy: () => socket.destroy()
    })
    let rest: Array<Buffer> = []
    socket.on("data", (chunk: Buffer) => {
      let from = 0
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        client.receive(Buffer.concat([...rest, chunk.subarray(from, at)]).toString("utf8"))
        rest = []
        from = at + 1
      }
      if (from < chunk.length) rest.push(chunk.subarray(from))
    })
    socket.on("close", () => client.ended(1005))
    socket.on("error", (error) => resume(Effect.die(error)))
    socket.once("connect", () => resume(Effect.succeed(client)))
  })

/** Opens an unauthenticated connection; `path` is for WebSocket only. */
export const connect = (transport: Transport = "websocket", path = "/ws") =>
  Effect.flatMap(Server, ({ http, tcp }) =>
    Effect.acquireRelease(
      transport === "tcp"
        ? overTcp(tcp, new TestClient())
        : overWebSocket(`${http.replace(/^http/, "ws")}${path}`, new TestClient()),
      (client) => Effect.sync(() => client.destroy())
    )
  )

/** Opens a connection and logs in; returns after all pushes of the login. */
export const loggedIn = Effect.fnUntraced(function* (
  account: string,
  transport: Transport = "websocket",
  path?: string
) {
  const client = yield* connect(transport, path)
  const user = yield* client.login(account)
  yield* client.pushed("getlist")
  yield* client.news
  return Object.assign(client, { id: Number(user["id"]), account })
})

/** Returns the resident memory after a full garbage collection. */
export const settledMemory = Effect.fnUntraced(function* (server: Program) {
  server.child.kill("SIGUSR2")
  yield* server.until(/^collected$/)
  return residentMemory(server)
})

/** Returns the resident memory of the server's process, in KiB. */
export const residentMemory = (server: Program): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.child.pid}/status`, "utf8"))?.[1])
