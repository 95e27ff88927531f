/** Impostors: servers that send the same to every client. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo, Socket } from "node:net"
import { type WebSocket, WebSocketServer } from "ws"
import { isObject, parse } from "../../src/Json.ts"
import type { Target } from "../../src/transport/Target.ts"

export interface Impostor {
  readonly name: string
  readonly description: string
  /** Checks that pass by accident, with the reason. */
  readonly passes?: ReadonlyArray<{ readonly why: string; readonly checks: ReadonlyArray<string> }>
  /** Never responds, so runs use short timeouts. */
  readonly silent?: true
  /** Handles a WebSocket frame. */
  readonly frame: (text: string, socket: WebSocket) => void
  /** Called when a connection is opened. */
  readonly opened?: (socket: WebSocket) => void
  readonly answer: (body: Buffer, request: IncomingMessage, response: ServerResponse) => void
}

const always =
  (status: number, text: string, type = "application/json") =>
  (_: Buffer, __: IncomingMessage, response: ServerResponse) => {
    response.writeHead(status, { "content-type": type }).end(text)
  }

/** A response in the shape of all five protocols at once. */
const good = {
  code: 0,
  msg: "成功",
  success: true,
  errcode: 0,
  errmsg: "ok",
  result: "success",
  data: {},
  token: "t".repeat(40),
  user: { id: 1 },
  expiresIn: 3600
}
const bad = {
  code: 1,
  msg: "不成功",
  data: null,
  success: false,
  errcode: 1,
  errmsg: "denied",
  error: "denied",
  message: "denied",
  result: "denied"
}

const about = (text: string): object => {
  const request = parse(text)
  return isObject(request) ? { module: request["module"] ?? "null", method: request["method"] ?? "null" } : {}
}

const html = "<!doctype html><html><body><h1>500 Internal Server Error</h1></body></html>"
const garbage = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 167 + 13) % 256))
const megabyte = Buffer.alloc(1024 * 1024, 0x78)

/** Writes a little at intervals until the connection is closed. */
const drip = (response: ServerResponse, write: () => void): void => {
  const timer = setInterval(write, 20)
  response.on("close", () => clearInterval(timer))
}

export const impostors: ReadonlyArray<Impostor> = [
  {
    name: "empty-object",
    description: "answers `{}` to everything",
    frame: (_, socket) => socket.send("{}"),
    answer: always(200, "{}")
  },
  {
    name: "echo",
    description: "gives back what it was sent",
    frame: (text, socket) => socket.send(text),
    answer: (body, request, response) => {
      response.writeHead(200, { "content-type": request.headers["content-type"] ?? "text/plain" }).end(body)
    }
  },
  {
    name: "yes",
    description: "everything succeeds",
    passes: [{ why: "lets in who may come in", checks: ["xuanxuan/login/response-first#response"] }],
    frame: (text, socket) => socket.send(JSON.stringify({ ...about(text), ...good, sid: "s".repeat(40) })),
    answer: always(200, JSON.stringify(good))
  },
  {
    name: "no",
    description: "everything is denied",
    frame: (text, socket) => socket.send(JSON.stringify({ ...about(text), ...bad })),
    answer: always(403, JSON.stringify(bad))
  },
  { name: "mute", description: "never answers", silent: true, frame: () => undefined, answer: () => undefined },
  {
    name: "slammed-door",
    description: "closes every connection at once",
    silent: true,
    frame: () => undefined,
    opened: (socket) => socket.close(),
    answer: (_, request) => void request.socket.destroy()
  },
  {
    name: "html",
    description: "a page about an internal error, whatever is asked",
    frame: (_, socket) => socket.send(html),
    answer: always(500, html, "text/html")
  },
  {
    name: "garbage",
    description: "bytes that are nothing",
    frame: (_, socket) => socket.send(garbage.toString("latin1")),
    answer: (_, __, response) => void response.writeHead(200, { "content-type": "application/json" }).end(garbage)
  },
  {
    name: "hundred-megabytes",
    description: "100 MB to every question",
    silent: true,
    frame: (_, socket) => {
      for (let sent = 0; sent < 100; sent++) socket.send(megabyte, { binary: false, fin: sent === 99 }, () => undefined)
    },
    answer: (_, __, response) => {
      response.writeHead(200, { "content-type": "application/json" })
      let sent = 0
      const more = () => {
        while (sent++ < 100) if (!response.write(megabyte)) return void response.once("drain", more)
        response.end()
      }
      more()
    }
  },
  {
    name: "slow-loris",
    description: "a byte now and again, without end",
    silent: true,
    frame: (_, socket) => {
      const timer = setInterval(() => {
        if (socket.readyState === socket.OPEN) socket.send(" ", { binary: false, fin: false })
        else clearInterval(timer)
      }, 20)
    },
    answer: (_, __, response) => {
      response.writeHead(200, { "content-type": "application/json" }).flushHeaders()
      drip(response, () => response.write(" "))
    }
  }
]

/** A listening impostor. */
export class Stage {
  target: Target = { http: "" }
  private impostor: Impostor
  private readonly web: Server
  private readonly wss = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  private readonly sockets = new Set<Socket>()

  constructor(impostor: Impostor) {
    this.impostor = impostor
    this.web = createServer((request, response) => {
      const parts: Array<Buffer> = []
      request.on("data", (part: Buffer) => parts.push(part))
      request.on("end", () => this.impostor.answer(Buffer.concat(parts), request, response))
    })
    this.web.on("connection", (socket) => {
      this.sockets.add(socket)
      socket.on("close", () => this.sockets.delete(socket))
    })
    this.web.on("upgrade", (request, socket, head) =>
      this.wss.handleUpgrade(request, socket, head, (client) => {
        client.on("error", () => undefined)
        client.on("message", (data: Buffer) => this.impostor.frame(data.toString("utf8"), client))
        this.impostor.opened?.(client)
      })
    )
  }

  async open(): Promise<this> {
    await new Promise<void>((done) => this.web.listen(0, "127.0.0.1", done))
    const address: AddressInfo | string | null = this.web.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    this.target = { http: `http://127.0.0.1:${port}`, ws: `ws://127.0.0.1:${port}/ws` }
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.sockets) socket.destroy()
    await new Promise((done) => this.web.close(done))
  }
}
