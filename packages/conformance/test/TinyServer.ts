/**
 * A server that supports a few scenarios over WebSocket, TCP and HTTP, with one optional fault at a time, for the kit's own
 * tests.
 */
import { createServer, type Server as HttpServer, type ServerResponse } from "node:http"
import { createServer as createTcpServer, type AddressInfo, type Server, type Socket } from "node:net"
import { createHash, randomUUID } from "node:crypto"
import { WebSocketServer } from "ws"

export type Fault =
  | "none"
  | "no-push"
  | "double-push"
  | "push-to-all"
  | "text-id"
  | "millisecond-dates"
  | "no-sid"
  | "never-answers"
  | "silent-after-login"
  | "garbage"
  | "binary"
  | "flood-of-brackets"
  | "hang-up"
  | "hang-up-at-once"
  | "always-success"
  | "always-denied"
  | "always-empty"
  | "echo"
  | "half-a-line"
  | "extra-fields"
  | "bundled"
  | "split"
  | "echo-of-pushes"
  | "noise"
  | "renames"
  | "admins-as-list"
  | "no-star-field"
  | "leaks-its-input"
  | "huge-frame"
  | "flood"
  | "deep-frame"
  | "drip"
  | "trickle"
  /** Not a fault: a user has one connection at a time. */
  | "one-login"

type Fields = Record<string, unknown>
type Profile = "documented" | "client-1.0"

interface Peer {
  readonly profile: Profile
  readonly raw: (text: string) => void
  readonly close: () => void
  user?: number
  sid?: string
}

interface Chat extends Fields {
  id: number
  gid: string
  members: Array<number>
  star: Set<number>
}

const names = ["admin", "demo", "alice", "bob", "carol", "dave", "erin"]
const md5 = createHash("md5").update("123456").digest("hex")
const now = () => Math.floor(Date.now() / 1000)
const record = (value: unknown): Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {}

export class TinyServer {
  fault: Fault = "none"
  /** Waited for before a request is handled. */
  before: (request: Fields) => Promise<void> | undefined = () => undefined
  ws = ""
  tcp = ""
  http = ""
  private readonly peers = new Set<Peer>()
  private readonly chats = new Map<string, Chat>()
  private readonly sockets = new Set<Socket>()
  readonly web: HttpServer
  private readonly plain: Server
  private readonly wss = new WebSocketServer({ noServer: true })
  private counter = 100

  constructor() {
    this.web = createServer((request, response) => this.answerHttp(request.url ?? "", response))
    this.web.on("upgrade", (request, socket, head) =>
      this.wss.handleUpgrade(request, socket, head, (peer) => {
        const binary = () => this.fault === "binary"
        const to: Peer = {
          profile: request.url?.includes("client-1.0") === true ? "client-1.0" : "documented",
          raw: (text) => peer.send(binary() ? Buffer.from(text) : text),
          close: () => peer.close()
        }
        this.open(to)
        peer.on("message", (data: Buffer) => this.frame(to, data.toString("utf8")))
        peer.on("error", () => undefined)
        peer.on("close", () => this.leave(to))
      })
    )
    this.plain = createTcpServer((socket) => {
      this.sockets.add(socket)
      const half = () => this.fault === "half-a-line"
      const to: Peer = {
        profile: "client-1.0",
        raw: (text) => (half() ? socket.end(text.slice(0, 20)) : socket.write(`${text}\n`)),
        close: () => socket.destroy()
      }
      this.open(to)
      let rest = ""
      socket.setEncoding("utf8")
      socket.on("data", (chunk: string) => {
        const lines = (rest + chunk).split("\n")
        rest = lines.pop() ?? ""
        for (const line of lines) this.frame(to, line)
      })
      socket.on("error", () => undefined)
      socket.on("close", () => {
        this.sockets.delete(socket)
        this.leave(to)
      })
    })
  }

  async listen(): Promise<this> {
    const port = (server: Server) =>
      new Promise<number>((resolve) => {
        server.listen(0, "127.0.0.1", () => {
          const address: AddressInfo | string | null = server.address()
          resolve(typeof address === "object" && address !== null ? address.port : 0)
        })
      })
    const web = await port(this.web)
    this.http = `http://127.0.0.1:${web}`
    this.ws = `ws://127.0.0.1:${web}/ws`
    this.tcp = `tcp://127.0.0.1:${await port(this.plain)}`
    return this
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.wss.clients) client.terminate()
    for (const socket of this.sockets) socket.destroy()
    this.web.closeAllConnections()
    await Promise.all([new Promise((done) => this.web.close(done)), new Promise((done) => this.plain.close(done))])
  }

  private answerHttp(url: string, response: ServerResponse): void {
    if (this.fault === "drip") return this.drip(response)
    const good = url.includes("getconfig") && this.fault !== "always-empty"
    const body = {
      version: "1.0",
      requestType: "PATH_INFO",
      pathType: "clean",
      sessionName: this.fault === "text-id" ? "zentaosid" : "sid",
      sessionID: "",
      rand: 1,
      expiredTime: 1,
      ip: "127.0.0.1",
      port: 1
    }
    response.writeHead(good ? 200 : 500, { "content-type": "application/json" })
    response.end(good ? JSON.stringify(body) : "<h1>Internal Server Error</h1>")
  }

  /** Writes single bytes of a body without end. */
  private drip(response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" })
    const timer = setInterval(() => response.write(" "), 20)
    response.on("close", () => clearInterval(timer))
  }

  /** Sends unrelated packets without end. */
  private trickle(peer: Peer): void {
    const timer = setInterval(() => {
      if (this.peers.has(peer)) peer.raw('{"id":1,"module":"chat","method":"noise","data":[]}')
      else clearInterval(timer)
    }, 20)
  }

  private open(peer: Peer): void {
    this.peers.add(peer)
    if (this.fault === "hang-up-at-once") peer.close()
  }

  private leave(peer: Peer): void {
    this.peers.delete(peer)
  }

  private send(peer: Peer, ...packets: ReadonlyArray<Fields>): void {
    const extra = this.fault === "extra-fields" ? { v: 2, extra: { deep: [null] } } : {}
    const noise = { id: 1, module: "chat", method: "message", data: [{ gid: "somebody", cgid: "elsewhere" }] }
    const all = packets.map((packet) => ({ ...extra, ...packet }))
    if (this.fault === "noise") peer.raw(JSON.stringify([noise, noise]))
    if (this.fault === "bundled") peer.raw(JSON.stringify(all))
    else for (const packet of all) peer.raw(JSON.stringify(packet))
  }

  private push(from: Peer, users: ReadonlyArray<number>, method: string, data: (profile: Profile) => unknown): void {
    if (this.fault === "no-push") return
    for (const peer of this.peers) {
      const wanted = peer.user !== undefined && (users.includes(peer.user) || this.fault === "push-to-all")
      if (!wanted || (peer === from && this.fault !== "echo-of-pushes")) continue
      const packet = { id: ++this.counter, module: "chat", method, data: data(peer.profile) }
      this.send(peer, packet)
      if (this.fault === "double-push") this.send(peer, packet)
    }
  }

  private person(id: number): Fields {
    const online = [...this.peers].some((peer) => peer.user === id)
    const account = names[id - 1]
    return { id, account, realname: account, avatar: "", role: "", dept: 0, status: online ? "online" : "offline" }
  }

  private view(chat: Chat, profile: Profile, user: number): Fields {
    const { members, star, ...rest } = chat
    const id = this.fault === "text-id" ? String(chat.id) : chat.id
    const date = this.fault === "millisecond-dates" ? now() * 1000 : now()
    const shown = profile === "documented" ? members.map((member) => ({ id: member })) : members
    const listed = this.fault === "admins-as-list" ? { admins: [user] } : {}
    return { ...rest, ...listed, id, createdDate: date, star: star.has(user), hide: false, members: shown }
  }

  private frame(peer: Peer, text: string): void {
    switch (this.fault) {
      case "never-answers":
        return
      case "garbage":
        return peer.raw("<html>\u0000 not found")
      case "flood-of-brackets":
        return peer.raw("[".repeat(100_000))
      case "hang-up":
        return peer.close()
      case "always-empty":
        return peer.raw("{}")
      case "leaks-its-input":
        return peer.raw(`<h1>Error</h1> could not handle ${text}`)
      case "huge-frame":
        return peer.raw(`{"module":"chat","method":"login","data":"${"x".repeat(100 * 1024 * 1024)}"}`)
      case "flood":
        for (let sent = 0; sent < 50_000; sent++) peer.raw('{"id":1,"module":"chat","method":"noise","data":[]}')
        return
      case "deep-frame":
        return peer.raw(`{"module":"chat","method":"login","result":${"[".repeat(50_000)}${"]".repeat(50_000)}}`)
      case "trickle":
        return this.trickle(peer)
      case "echo":
        return peer.raw(text)
    }
    const value: unknown = JSON.parse(text)
    for (const one of Array.isArray(value) ? value : [value]) {
      const request = record(one)
      const ready = this.before(request)
      if (ready === undefined) this.request(peer, request)
      else void ready.then(() => this.request(peer, request))
    }
  }

  private request(peer: Peer, request: Fields): void {
    const { module, method } = request
    const reply = (fields: Fields) => {
      const sid = this.fault === "no-sid" || peer.sid === undefined ? {} : { sid: peer.sid }
      this.send(peer, { module, method, ...sid, ...fields })
    }
    if (this.fault === "always-success") return reply({ result: "success" })
    if (this.fault === "always-denied") return reply({ result: "denied", message: "log in first" })
    const params = record(request["params"])
    const name = String(method).toLowerCase()
    if (name === "login") return this.login(peer, params, reply)
    if (this.fault === "silent-after-login") return
    if (peer.user === undefined || request["sid"] !== peer.sid) {
      return reply({ result: "denied", message: "log in first" })
    }
    this.speak(peer, peer.user, name, params, request, reply)
  }

  private login(peer: Peer, params: Fields, reply: (fields: Fields) => void): void {
    const id = names.indexOf(String(params["account"])) + 1
    if (id === 0 || params["password"] !== md5) return reply({ result: "fail", message: "wrong account or password" })
    if (this.fault === "one-login") this.endEarlier(id)
    peer.user = id
    peer.sid = randomUUID()
    reply({ result: "success", sid: peer.sid, data: this.person(id) })
    const mine = [...this.chats.values()].filter((chat) => chat.members.includes(id))
    const lists = [
      { id: 1, module: "chat", method: "userGetList", data: names.map((_, index) => this.person(index + 1)) },
      { id: 2, module: "chat", method: "getlist", data: mine.map((chat) => this.view(chat, peer.profile, id)) }
    ]
    this.send(peer, ...lists)
    const others = names.map((_, index) => index + 1).filter((other) => other !== id)
    this.push(peer, others, "login", () => this.person(id))
  }

  /** Ends the connections with which a user logged in before. */
  private endEarlier(id: number): void {
    for (const peer of this.peers) {
      if (peer.user !== id) continue
      peer.raw(JSON.stringify({ id: ++this.counter, module: "null", method: "null", message: "elsewhere" }))
      delete peer.user
      peer.close()
    }
  }

  private speak(
    peer: Peer,
    user: number,
    name: string,
    params: Fields,
    request: Fields,
    reply: (fields: Fields) => void
  ): void {
    if (name === "ping") return reply({ result: "success" })
    if (name === "getpubliclist") return reply({ result: "success", data: [] })
    if (name === "logout") {
      delete peer.user
      return reply({ result: "success", data: this.person(user) })
    }
    if (name === "message" && request["params"] === undefined) return
    const chat = this.chats.get(String(params["gid"]))
    if (name === "create") return this.create(peer, user, params, chat, reply)
    if (name === "getlist") {
      const mine = [...this.chats.values()].filter((one) => one.members.includes(user))
      return reply({ result: "success", data: mine.map((one) => this.view(one, peer.profile, user)) })
    }
    if (chat === undefined || !chat.members.includes(user)) return reply({ result: "fail", message: "no such chat" })
    if (name === "star") {
      const value = params["star"] ?? true
      if (typeof value !== "boolean") return reply({ result: "fail", message: "star: not a boolean" })
      if (value) chat.star.add(user)
      else chat.star.delete(user)
      const shown = this.fault === "no-star-field" ? {} : { star: value }
      return reply({ result: "success", data: { gid: chat.gid, ...shown } })
    }
    reply({ result: "fail", message: "no such method" })
  }

  private create(
    peer: Peer,
    user: number,
    params: Fields,
    stored: Chat | undefined,
    reply: (fields: Fields) => void
  ): void {
    if (stored !== undefined) {
      if (this.fault === "renames") stored["name"] = params["name"]
      return reply({ result: "success", data: this.view(stored, peer.profile, user) })
    }
    const listed = Array.isArray(params["members"]) ? params["members"].map((one) => Number(record(one)["id"])) : []
    const members = [...new Set([user, ...listed])]
    const account = names[user - 1]
    const chat: Chat = {
      id: ++this.counter,
      gid: String(params["gid"]),
      name: params["name"],
      type: params["type"],
      admins: String(user),
      subject: 0,
      public: false,
      createdBy: account,
      editedBy: "",
      editedDate: 0,
      lastActiveTime: 0,
      members,
      star: new Set()
    }
    this.chats.set(chat.gid, chat)
    reply({ result: "success", data: this.view(chat, peer.profile, user) })
    this.push(peer, members, "create", (profile) => this.view(chat, profile, user))
  }
}
