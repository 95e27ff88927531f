/**
 * A proxy between the kit and the reference server, over HTTP, WebSocket and TCP, that applies one mutant at a time.
 */
import { createServer, type IncomingMessage, request as ask, type Server, type ServerResponse } from "node:http"
import { type AddressInfo, connect, createServer as createTcp, type Server as TcpServer, type Socket } from "node:net"
import type { Duplex } from "node:stream"
import { WebSocket, WebSocketServer } from "ws"
import { field, isArray, isObject, type Json, type JsonObject, parse } from "../../src/Json.ts"
import type { Target } from "../../src/transport/Target.ts"
import { aboutOf, type Answer, type Deed, type MutationContext, type Mutant, type Packet } from "./Mutant.ts"

/** A connection to the client and to the server. */
interface Link {
  readonly number: number
  readonly say: (text: string | Buffer) => void
  /** A truncated WebSocket frame. */
  readonly tear: (text: string) => void
  readonly end: () => void
  readonly asked: Array<JsonObject>
  user: JsonObject | undefined
}

/** Messages from the server, before mutation. */
export interface Traffic {
  readonly packets: ReadonlyArray<Packet>
  readonly answers: ReadonlyArray<Answer>
}

const port = (server: TcpServer | Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address: AddressInfo | string | null = server.address()
      resolve(typeof address === "object" && address !== null ? address.port : 0)
    })
  })

const bytesOf = async (stream: AsyncIterable<Buffer>): Promise<Buffer> => {
  const parts: Array<Buffer> = []
  for await (const part of stream) parts.push(part)
  return Buffer.concat(parts)
}

const readable = (headers: IncomingMessage["headers"]): Answer["headers"] =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined || ["content-length", "transfer-encoding", "connection", "keep-alive"].includes(name)
        ? []
        : [[name, String(value)]]
    )
  )

export class Proxy {
  target: Target = { http: "" }
  private mutant: Mutant = {}
  private readonly behind: Target
  private readonly links = new Map<number, Link>()
  private readonly sockets = new Set<Socket>()
  private packets: Array<Packet> = []
  private answers: Array<Answer> = []
  private pushed: Array<Packet> = []
  private asked: Array<JsonObject> = []
  private count = 0
  private requests = 0
  private readonly web: Server
  private readonly plain: TcpServer
  private readonly wss = new WebSocketServer({ noServer: true, perMessageDeflate: false })

  constructor(behind: Target) {
    this.behind = behind
    this.web = createServer((request, response) => void this.forward(request, response))
    this.web.on("upgrade", (request, socket, head) => {
      if (this.mutant.noConnection === true) return socket.destroy()
      return this.wss.handleUpgrade(request, socket, head, (client) =>
        this.webSocket(client, socket, request.url ?? "/ws")
      )
    })
    this.plain = createTcp((client) => this.tcp(client))
  }

  async open(): Promise<this> {
    const [web, plain] = await Promise.all([port(this.web), port(this.plain)])
    this.target = { http: `http://127.0.0.1:${web}`, ws: `ws://127.0.0.1:${web}/ws`, tcp: `tcp://127.0.0.1:${plain}` }
    return this
  }

  async close(): Promise<void> {
    for (const client of this.wss.clients) client.terminate()
    for (const socket of this.sockets) socket.destroy()
    this.web.closeAllConnections()
    await Promise.all([new Promise((done) => this.web.close(done)), new Promise((done) => this.plain.close(done))])
  }

  /** Applies a mutant from now on, and drops the record of earlier traffic. */
  become(mutant: Mutant): void {
    this.mutant = mutant
    for (const link of this.links.values()) link.end()
    this.links.clear()
    this.packets = []
    this.answers = []
    this.pushed = []
    this.asked = []
    this.count = 0
    this.requests = 0
  }

  /** Messages of the server since then, before mutation. */
  get traffic(): Traffic {
    return { packets: this.packets, answers: this.answers }
  }

  private context(link: Link): MutationContext {
    return {
      connection: link.number,
      open: [...this.links.keys()],
      pushed: this.pushed,
      asked: link.asked,
      askedByAll: this.asked,
      user: link.user
    }
  }

  private act(link: Link, deeds: ReadonlyArray<Deed>): void {
    for (const deed of deeds) {
      const to = "to" in deed && deed.to !== undefined ? this.links.get(deed.to) : link
      if ("close" in deed) link.end()
      else if ("torn" in deed) link.tear(JSON.stringify(deed.torn))
      else if ("raw" in deed) to?.say(deed.raw)
      else if ("after" in deed) setTimeout(() => to?.say(JSON.stringify(deed.send)), deed.after).unref()
      else to?.say(JSON.stringify(deed.send))
    }
  }

  private add(link: Omit<Link, "number" | "asked" | "user">): Link {
    const made: Link = { ...link, number: this.count++, asked: [], user: undefined }
    this.links.set(made.number, made)
    return made
  }

  private leave(link: Link): void {
    // Connections from before the present mutant are ignored.
    if (this.links.get(link.number) !== link) return
    this.links.delete(link.number)
    this.act(link, this.mutant.gone?.(this.context(link)) ?? [])
  }

  /** A frame from the server. */
  private down(link: Link, frame: string): void {
    const value = parse(frame)
    const bodies = (isArray(value) ? value : [value]).filter(isObject)
    const seen = bodies.map((body): Packet => {
      const way = field(body, "result") === undefined ? "push" : "reply"
      return { body, way, about: aboutOf(body) }
    })
    for (const packet of seen) {
      this.packets.push(packet)
      const user = field(packet.body, "data")
      if (packet.way === "reply" && packet.about === "chat/login" && isObject(user)) link.user = user
    }
    const { packet: mutate } = this.mutant
    if (mutate === undefined) link.say(frame)
    else for (const packet of seen) this.act(link, mutate(packet, this.context(link)))
    this.pushed.push(...seen.filter(({ way }) => way === "push"))
  }

  /** A frame from the client. Returns the frame for the server. */
  private up(link: Link, frame: string): string {
    const value = parse(frame)
    const { sent } = this.mutant
    const pass = (one: Json): Json => (isObject(one) && sent !== undefined ? sent(one, this.context(link)) : one)
    const passed =
      value === undefined || sent === undefined ? frame : JSON.stringify(isArray(value) ? value.map(pass) : pass(value))
    for (const request of isArray(value) ? value : [value]) {
      if (!isObject(request)) continue
      link.asked.push(request)
      this.asked.push(request)
    }
    const { request: mutate } = this.mutant
    if (mutate !== undefined && value !== undefined) this.act(link, mutate(value, this.context(link)))
    return passed
  }

  private webSocket(client: WebSocket, socket: Duplex, url: string): void {
    const origin = new URL(this.behind.ws ?? "")
    // This proxy itself would close the connection because of a forbidden frame.
    if (this.mutant.keepsOpen === true) client.close = () => undefined
    const server = new WebSocket(new URL(url, origin), { perMessageDeflate: false })
    const link = this.add({
      say: (text) => {
        if (client.readyState !== WebSocket.OPEN) return
        const bytes = Buffer.from(text)
        const size = this.mutant.pieces ?? Math.max(1, bytes.length)
        for (let at = 0; at < bytes.length; at += size) {
          const rest = { binary: typeof text !== "string", fin: at + size >= bytes.length }
          client.send(bytes.subarray(at, at + size), rest, () => undefined)
        }
      },
      tear: (text) => {
        // A frame whose length is larger than its content.
        const bytes = Buffer.from(text)
        const head = Buffer.from([0x81, 126, bytes.length >> 8, bytes.length & 255])
        socket.end(Buffer.concat([head, bytes.subarray(0, bytes.length >> 1)]))
      },
      end: () => client.terminate()
    })
    const waiting: Array<string> = []
    server.on("open", () => {
      for (const frame of waiting.splice(0)) server.send(frame)
    })
    client.on("message", (data: Buffer) => {
      const frame = this.up(link, data.toString("utf8"))
      if (server.readyState === WebSocket.OPEN) server.send(frame)
      else waiting.push(frame)
    })
    server.on("message", (data: Buffer) => this.down(link, data.toString("utf8")))
    client.on("error", () => undefined)
    server.on("error", () => undefined)
    client.on("close", () => {
      this.leave(link)
      server.close()
    })
    server.on("close", (code) => {
      if (this.mutant.keepsOpen !== true)
        client.close(code >= 1000 && code < 5000 && code !== 1005 && code !== 1006 ? code : 1000)
    })
  }

  private tcp(client: Socket): void {
    const { hostname, port: number } = new URL(this.behind.tcp ?? "")
    const server = connect({ host: hostname, port: Number(number), noDelay: true })
    client.setNoDelay(true)
    this.sockets.add(client)
    const write = (bytes: Buffer) => {
      const size = this.mutant.pieces ?? bytes.length
      for (let at = 0; at < bytes.length; at += size) client.write(bytes.subarray(at, at + size))
    }
    const link = this.add({
      say: (text) => write(Buffer.concat([Buffer.from(text), Buffer.from("\n")])),
      tear: (text) => client.end(text.slice(0, text.length >> 1)),
      end: () => client.destroy()
    })
    const lines = (take: (line: string) => void) => {
      let rest = ""
      return (chunk: string) => {
        const parts = (rest + chunk).split("\n")
        rest = parts.pop() ?? ""
        for (const part of parts) take(part)
      }
    }
    client.on("data", (chunk: Buffer) => server.write(chunk))
    client.setEncoding("utf8").on(
      "data",
      lines((line) => void this.up(link, line))
    )
    server.setEncoding("utf8").on(
      "data",
      lines((line) => this.down(link, line))
    )
    client.on("error", () => undefined)
    server.on("error", () => undefined)
    client.on("close", () => {
      this.sockets.delete(client)
      this.leave(link)
      server.destroy()
    })
    server.on("close", () => {
      if (this.mutant.keepsOpen !== true) client.end()
    })
  }

  private async forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const number = request.url?.startsWith("/auth/") === true ? -1 : this.requests++
    const { host: _, connection: __, "transfer-encoding": ___, ...kept } = request.headers
    const method = request.method ?? "GET"
    const came = { number, method, url: request.url ?? "/", headers: kept, body: await bytesOf(request) }
    const { headers, body, url: path } = this.mutant.asked?.(came) ?? came
    const url = new URL(path, this.behind.http)
    const forwarded = ask(url, { method, headers: { ...headers, "content-length": body.length } }, (found) => {
      void bytesOf(found).then((bytes) => {
        const answer = {
          number,
          method,
          path: url.pathname,
          status: found.statusCode ?? 0,
          headers: readable(found.headers),
          text: bytes.toString("utf8")
        }
        const became = this.mutant.answer?.(answer, this.answers) ?? answer
        this.answers.push(answer)
        // Unchanged responses keep their bytes, since a file may be binary.
        this.reply(response, became, became.text === answer.text ? bytes : Buffer.from(became.text))
      })
    })
    forwarded.on("error", () => response.destroy())
    forwarded.end(body)
  }

  private reply(response: ServerResponse, answer: Answer, bytes: Buffer): void {
    if (answer.end === "never") return
    const write = () => {
      const { pieces } = this.mutant
      if (pieces !== undefined) {
        response.writeHead(answer.status, answer.headers)
        for (let at = 0; at < bytes.length; at += pieces) response.write(bytes.subarray(at, at + pieces))
        return response.end()
      }
      response.writeHead(answer.status, { ...answer.headers, "content-length": bytes.length })
      if (answer.end === "cut") {
        response.write(bytes.subarray(0, bytes.length >> 1))
        return setImmediate(() => response.destroy())
      }
      return response.end(bytes)
    }
    if (answer.after === undefined) write()
    else setTimeout(write, answer.after).unref()
  }
}
