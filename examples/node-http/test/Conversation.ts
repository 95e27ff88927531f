/**
 * Requirements of every example, from its users' side: the program is started, its users sign in as the application has
 * it, and talk, one through the chat client over WebSocket, the other through spark over HTTP.
 */
import { connect, type Parley } from "@parley/client"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { WebSocket as NodeWebSocket } from "ws"
import { afterAll, assert, beforeAll, describe, it } from "vitest"

/** Headers of a request with the application's own session. */
export type Session = Readonly<Record<string, string>>

export interface Example {
  readonly server: URL
  /** Path of the engine. */
  readonly at: string
  /** Path of the application's own routes. */
  readonly own: string
  /** Of what the application answers to a login. */
  readonly session: (answer: Response) => Promise<Session>
  /** Logs in at the application. Default: `POST /login` with `login` and `password`. */
  readonly login?: (http: string, login: string, password: string) => Promise<Response>
  /** The account of a user in the chat. Default: the login. */
  readonly accountOf?: (login: string) => string
}

export interface Running {
  readonly http: string
  /** Signs in at the application; rejected with the status where that fails. */
  readonly signIn: (login: string, password: string) => Promise<Session>
  /** The application's own page for this session. */
  readonly own: (path: string, session?: Session) => Promise<Response>
  /** A chat client with this session: by its cookie, without other credentials, or by a session token. */
  readonly chat: (session: Session) => Promise<Parley>
  /** Asks spark. */
  readonly spark: (path: string, session: Session, body: object) => Promise<Record<string, unknown>>
  /** Stops the program; returns its exit code. */
  readonly stop: () => Promise<number | null>
}

const post = (body: object, headers: Session = {}): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json", ...headers },
  body: JSON.stringify(body)
})

/** A WebSocket with the headers of a page's: its cookies, and its origin. */
const webSocketOf = (headers: Session) =>
  class extends NodeWebSocket {
    constructor(url: string) {
      super(url, { headers })
    }
  }

export const start = async ({ server, at, own, session, login: logIn }: Example): Promise<Running> => {
  const data = mkdtempSync(join(tmpdir(), "parley-example-"))
  const program = spawn(process.execPath, [fileURLToPath(server)], { env: { ...process.env, PORT: "0", DATA: data } })
  let out = ""
  const ended = new Promise<number | null>((resolve) => program.once("close", resolve))
  const http = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      out += chunk.toString()
      const [, port] = /ready .*port: (\d+)/.exec(out) ?? []
      if (port !== undefined) resolve(`http://127.0.0.1:${port}`)
    }
    program.stdout.on("data", hear)
    program.stderr.on("data", hear)
    void ended.then(() => reject(new Error(`it ended: ${out}`)))
  })
  const page = (path: string, headers: Session = {}) => fetch(`${http}${own}${path}`, { headers })
  return {
    http,
    own: page,
    signIn: async (login, password) => {
      const answer = await (logIn?.(http, login, password) ?? fetch(`${http}${own}/login`, post({ login, password })))
      if (!answer.ok) throw new Error(String(answer.status))
      return session(answer)
    },
    chat: (mine) =>
      mine["cookie"] === undefined
        ? connect({
            url: `${http}${at}/ws`,
            token: async () => (await (await page("/chat-token", mine)).json()) as string
          })
        : connect({ url: `${http}${at}`, WebSocket: webSocketOf({ ...mine, origin: http }) }),
    spark: async (path, mine, body) => {
      const answer = await fetch(`${http}${at}${path}`, post(body, mine))
      return { status: answer.status, ...((await answer.json()) as object) }
    },
    stop: async () => {
      program.kill("SIGTERM")
      const code = await ended
      rmSync(data, { recursive: true, force: true })
      return code
    }
  }
}

export const cookie = async (answer: Response): Promise<Session> => ({
  cookie: answer.headers
    .getSetCookie()
    .map((one) => one.split(";", 1)[0])
    .join("; ")
})

/** Content of the next message of another user. */
export const nextContent = (client: Parley): Promise<string> =>
  new Promise((resolve) => {
    const stop = client.on("message", ({ content }) => {
      stop()
      resolve(String(content))
    })
  })

/** The tests that every example passes; `more` are its own. */
export const example = (name: string, given: Example, more: (running: () => Running) => void = () => {}): void => {
  const { accountOf = (login) => login } = given
  describe(`the example for ${name}`, () => {
    let running: Running | undefined
    const current = (): Running => {
      assert(running !== undefined)
      return running
    }
    beforeAll(async () => {
      running = await start(given)
    })
    afterAll(async () => {
      await running?.stop()
    })

    it("lets its own users talk through two protocols", async () => {
      const { signIn, own, chat, spark } = current()
      const [ann, ben] = [await signIn("ann", "tea"), await signIn("ben", "coffee")]
      const client = await chat(ben)
      const heard = nextContent(client)
      const { SessionId } = await spark("/session/start", ann, { To: [accountOf("ben")] })
      const sent = await spark("/message/push", ann, { SessionId, Type: 0, Content: "Hello from spark, 你好" })
      assert.include(sent, { success: true })
      assert.strictEqual(await heard, "Hello from spark, 你好")
      await client.send(String(SessionId), "Hello from the chat client")
      // The application's own page shows that Ann has not read it.
      assert.deepInclude(((await (await own("/unread", ann)).json()) as ReadonlyArray<object>)[0], {
        gid: SessionId,
        count: 1
      })
      client.close()
    })

    it("keeps out who has no session of it", async () => {
      const { http, signIn, own, spark } = current()
      assert.strictEqual(await signIn("ann", "coffee").catch((error: Error) => error.message), "401")
      assert.strictEqual((await own("/unread")).status, 401)
      assert.include(await spark("/session/start", {}, { To: [accountOf("ben")] }), { status: 401, success: false })
      const socket = new WebSocket(`${http.replace("http", "ws")}${given.at}/ws`)
      await new Promise((resolve) => socket.addEventListener("open", resolve))
      const answer = new Promise<string>((resolve) =>
        socket.addEventListener("message", ({ data }) => resolve(String(data)), { once: true })
      )
      socket.send(
        JSON.stringify({ module: "chat", method: "login", params: { account: accountOf("ann"), password: "" } })
      )
      assert.deepInclude(JSON.parse(await answer) as object, { method: "login", result: "fail" })
      socket.close()
    })

    it("refuses a page of another origin that has the cookies of a user", async () => {
      const { http, signIn } = current()
      const mine = await signIn("ann", "tea")
      const refused = (headers: Session) =>
        new Promise<number | undefined>((resolve, reject) => {
          const socket = new NodeWebSocket(`${http.replace("http", "ws")}${given.at}/ws`, { headers })
          socket.on("unexpected-response", (request, { statusCode }) => {
            resolve(statusCode)
            request.destroy()
          })
          socket.on("error", reject)
          socket.on("open", () => reject(new Error("it was accepted")))
        })
      for (const origin of ["https://evil.example", `${http}.evil.example`, "null", http.replace("http", "ftp")]) {
        assert.strictEqual(await refused({ ...mine, origin }), 403, origin)
      }
    })

    it("has its own pages beside", async () => {
      const { http } = current()
      assert.strictEqual((await fetch(`${http}/nothing`)).status, 404)
      assert.strictEqual((await fetch(`${http}/session/start`, { method: "POST" })).status, 404)
    })

    more(current)

    it("stops on a signal without delay", async () => {
      const { signIn, chat, stop } = current()
      const client = await chat(await signIn("ben", "coffee"))
      // Nest sends itself the signal again once it is done.
      assert.include([0, null], await stop())
      client.close()
    })
  })
}
