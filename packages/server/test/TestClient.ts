/** A client that says anything at all, over WebSocket or raw TCP, and keeps apart what answers it and what is pushed. */
import { Context, Effect, Layer } from "effect"
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import * as net from "node:net"
import { WebSocket } from "ws"
import { folder, type Program, start } from "./serverProcess.ts"

export type Fields = { readonly [name: string]: unknown }

export const md5 = (text: string): string => createHash("md5").update(text).digest("hex")
export const PASSWORD = md5("123456")

/** What a server is started with that is to collect its garbage when it is told to. */
const COLLECTING = `--expose-gc --import=${new URL("./fixtures/collecting.mjs", import.meta.url).href}`

/** A started server of this protocol alone, with the demo users, and the folder that it works in. */
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

  /** Many logins in a short time, some of them wrong, are what these tests are made of. */
  static readonly patient = Server.layer("--set", "login.attempts=1000000")

  /** With `spark` beside it. */
  static readonly bridged = Server.started([], { PARLEY_DIALECTS: "xuanxuan,spark" })

  /** The same, ready for `settledMemory`. */
  static readonly measured = Server.started(["--set", "login.attempts=1000000"], { NODE_OPTIONS: COLLECTING })
}

export type Transport = "websocket" | "tcp"

/** How long a client waits for an answer that is due, milliseconds. */
const PATIENCE = 20_000

interface Wire {
  readonly write: (text: string) => void
  readonly writeBytes: (bytes: Buffer, binary: boolean) => void
  readonly destroy: () => void
}

export class Talk {
  /** Answers that nobody has asked for yet; there should be none. */
  readonly answers: Array<Fields> = []
  /** Packets that were pushed, with the frames taken apart. */
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
    for (const look of this.#waiting) look()
  }

  destroy(): void {
    this.#wire?.destroy()
  }

  /** Sends a frame: text as it is, everything else as JSON. */
  send(frame: unknown): void {
    this.#wire?.write(typeof frame === "string" ? frame : JSON.stringify(frame))
  }

  /** Sends these bytes as one frame; over WebSocket as a binary one, or as if they were text. */
  sendBytes(bytes: Buffer, as: "binary" | "text" = "binary"): void {
    this.#wire?.writeBytes(bytes, as === "binary")
  }

  #missing(what: string): Effect.Effect<never> {
    return Effect.die(new Error(`${what} did not come; closed: ${this.closed}, answers: ${short(this.answers)}`))
  }

  #until<A>(what: string, look: () => A | undefined): Effect.Effect<A> {
    return Effect.callback<A>((resume) => {
      const again = () => {
        const found = look()
        if (found === undefined && this.closed === undefined) return
        this.#waiting.delete(again)
        resume(found === undefined ? this.#missing(what) : Effect.succeed(found))
      }
      this.#waiting.add(again)
      again()
      return Effect.sync(() => void this.#waiting.delete(again))
    }).pipe(Effect.timeoutOrElse({ duration: PATIENCE, orElse: () => this.#missing(what) }))
  }

  /** The next answers, as many as these. */
  take(count: number): Effect.Effect<ReadonlyArray<Fields>> {
    return this.#until(`${count} answers`, () =>
      this.answers.length >= count ? this.answers.splice(0, count) : undefined
    )
  }

  /** The close code, once the connection has ended; 1005 for TCP. */
  get end(): Effect.Effect<number> {
    return this.#until("the end", () => this.closed)
  }

  /** What was pushed so far, once something like it has come. */
  pushed(method: string): Effect.Effect<Fields> {
    return this.#until(`a push of ${method}`, () => this.pushes.find((push) => push["method"] === method))
  }

  /** Answers to these requests, sent in one frame. `module` is chat and `sid` one's own where they are not given. */
  readonly askAll = (requests: ReadonlyArray<Fields>): Effect.Effect<ReadonlyArray<Fields>> =>
    Effect.suspend(() => {
      this.send(requests.map((request) => ({ module: "chat", sid: this.sid, ...request })))
      return this.take(requests.length)
    })

  readonly ask = (method: string, params?: unknown, extra: Fields = {}): Effect.Effect<Fields> =>
    Effect.map(this.askAll([{ method, ...(params !== undefined && { params }), ...extra }]), (answers) =>
      first(answers)
    )

  /** The same where anything but success ends the test. */
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

  /** Everything that was sent to this client before now has come; what was pushed since the last time. */
  readonly news: Effect.Effect<ReadonlyArray<Fields>> = Effect.suspend(() =>
    Effect.map(this.ask("ping"), () => this.pushes.splice(0))
  )
}

/** The first of what must not be empty. */
export const first = <A>(all: ReadonlyArray<A>): A => {
  const [one] = all
  if (one === undefined) throw new Error("there is nothing")
  return one
}

export const fields = (value: unknown): Fields => {
  if (typeof value !== "object" || value === null) throw new Error(`not an object: ${short(value)}`)
  return value as Fields
}

/** What is listed under `data`. */
export const listed = (answer: Fields): ReadonlyArray<Fields> => {
  const data = answer["data"]
  if (!Array.isArray(data)) throw new Error(`no list: ${short(answer)}`)
  return data as ReadonlyArray<Fields>
}

/** A value for a message about it. */
export const short = (value: unknown): string => {
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 300 ? `${text.slice(0, 200)}…${text.slice(-80)}` : text
}

const overWebSocket = (url: string, talk: Talk): Effect.Effect<Talk> =>
  Effect.callback((resume) => {
    const ws = new WebSocket(url, { perMessageDeflate: false, skipUTF8Validation: true })
    talk.attach({
      write: (text) => ws.send(text),
      writeBytes: (bytes, binary) => ws.send(bytes, { binary }),
      destroy: () => ws.terminate()
    })
    ws.on("message", (data: Buffer) => talk.receive(data.toString("utf8")))
    ws.on("close", (code) => talk.ended(code))
    ws.on("error", (error) => resume(Effect.die(error)))
    ws.once("open", () => resume(Effect.succeed(talk)))
  })

const overTcp = (url: string, talk: Talk): Effect.Effect<Talk> =>
  Effect.callback((resume) => {
    const { hostname, port } = new URL(url)
    const socket = net.connect(Number(port), hostname)
    talk.attach({
      write: (text) => socket.write(`${text}\n`),
      writeBytes: (bytes) => socket.write(Buffer.concat([bytes, Buffer.of(10)])),
      destroy: () => socket.destroy()
    })
    let rest: Array<Buffer> = []
    socket.on("data", (chunk: Buffer) => {
      let from = 0
      for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
        talk.receive(Buffer.concat([...rest, chunk.subarray(from, at)]).toString("utf8"))
        rest = []
        from = at + 1
      }
      if (from < chunk.length) rest.push(chunk.subarray(from))
    })
    socket.on("close", () => talk.ended(1005))
    socket.on("error", (error) => resume(Effect.die(error)))
    socket.once("connect", () => resume(Effect.succeed(talk)))
  })

/** A connection without a user; `path` is of WebSocket only. */
export const connect = (transport: Transport = "websocket", path = "/ws") =>
  Effect.flatMap(Server, ({ http, tcp }) =>
    Effect.acquireRelease(
      transport === "tcp"
        ? overTcp(tcp, new Talk())
        : overWebSocket(`${http.replace(/^http/, "ws")}${path}`, new Talk()),
      (talk) => Effect.sync(() => talk.destroy())
    )
  )

/** A connection whose user is logged in and has heard everything that a login pushes. */
export const loggedIn = Effect.fnUntraced(function* (
  account: string,
  transport: Transport = "websocket",
  path?: string
) {
  const talk = yield* connect(transport, path)
  const user = yield* talk.login(account)
  yield* talk.pushed("getlist")
  yield* talk.news
  return Object.assign(talk, { id: Number(user["id"]), account })
})

/** The same when the server has let its garbage go: one reading, that says what it keeps. */
export const settledMemory = Effect.fnUntraced(function* (server: Program) {
  server.child.kill("SIGUSR2")
  yield* server.until(/^collected$/)
  return residentMemory(server)
})

/** Memory of the server's process that is in use, KiB. */
export const residentMemory = (server: Program): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${server.child.pid}/status`, "utf8"))?.[1])
