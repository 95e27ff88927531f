/**
 * Reading of responses and pushes by the handlers of the 1.0 desktop client: the fields, and the state that they lead to. A
 * field that the client would fail on is a problem. Source: PROTOCOLS, "Two wire profiles".
 */

type Fields = Readonly<Record<string, unknown>>

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

export interface ReadUser {
  readonly account: string
  readonly realname: string
  readonly admin: string
  status: string
}

export interface ReadChat {
  name: string
  members: ReadonlySet<number>
  public: boolean
  admins: string
  committers: string
  star: boolean
  hide: boolean
}

export interface ReadMessage {
  readonly cgid: string
  readonly user: number
  readonly type: string
  readonly contentType: string
  readonly content: string
}

const STATUSES = ["online", "away", "busy", "offline"]

/** Reads fields, and notes those that are missing or have another type. */
class Reader {
  readonly #fields: Fields
  readonly #path: string
  readonly #problems: Array<string>

  constructor(value: unknown, path: string, problems: Array<string>) {
    this.#path = path
    this.#problems = problems
    if (!isFields(value)) problems.push(`${path} is ${JSON.stringify(value)}, not an object`)
    this.#fields = isFields(value) ? value : {}
  }

  has(name: string): boolean {
    return this.#fields[name] !== undefined
  }

  note(problem: string): void {
    this.#problems.push(`${this.#path} ${problem}`)
  }

  text(name: string): string {
    return this.#typed(name, "string", "")
  }

  filled(name: string): string {
    const text = this.text(name)
    if (text === "") this.note(`has an empty ${name}`)
    return text
  }

  integer(name: string): number {
    const number = this.#typed(name, "number", 0)
    if (!Number.isSafeInteger(number)) this.note(`has ${name} ${number}`)
    return number
  }

  boolean(name: string): boolean {
    return this.#typed(name, "boolean", false)
  }

  oneOf(name: string, values: ReadonlyArray<string>): string {
    const text = this.text(name)
    if (!values.includes(text)) this.note(`has ${name} ${text}`)
    return text
  }

  integers(name: string): ReadonlyArray<number> {
    const list = this.#fields[name]
    if (Array.isArray(list) && list.every((one): one is number => Number.isSafeInteger(one))) return list
    this.note(`has ${name} ${JSON.stringify(list)}`)
    return []
  }

  list(name: string): ReadonlyArray<unknown> {
    const list = this.#fields[name]
    if (Array.isArray(list)) return list
    this.note(`has ${name} ${JSON.stringify(list)}`)
    return []
  }

  at(name: string): Reader {
    return new Reader(this.#fields[name], `${this.#path}.${name}`, this.#problems)
  }

  #typed<A extends string | number | boolean>(name: string, type: string, otherwise: A): A {
    const value = this.#fields[name]
    if (typeof value === type) return value as A
    this.note(`has ${name} ${JSON.stringify(value)}`)
    return otherwise
  }
}

export class DesktopReading {
  /** Faults on which the client would have failed, in order. */
  readonly problems: Array<string> = []
  /** Methods that were read, in the client's spelling: lower case. */
  readonly methods = new Set<string>()
  readonly users = new Map<number, ReadUser>()
  readonly chats = new Map<string, ReadChat>()
  readonly messages = new Map<string, ReadMessage>()
  publicChats: ReadonlyArray<string> = []
  sid = ""
  self = 0
  loginFailure: string | undefined
  kickedOff: string | undefined
  #rest = ""

  /** Reads a chunk of TCP as the client does: as text by itself, and everything so far once it ends with a newline. */
  receive(chunk: Uint8Array): void {
    const text = Buffer.from(chunk).toString()
    if (/[^\0-\x7f]/.test(text)) this.problems.push(`a chunk is not ASCII: ${text.slice(0, 80)}`)
    this.#rest += text
    if (!this.#rest.endsWith("\n")) return
    const lines = this.#rest.slice(0, -1)
    this.#rest = ""
    for (const line of lines.split("\n")) this.#readFrame(line)
  }

  /** Whether the client waits for the rest of a frame. */
  get isWaiting(): boolean {
    return this.#rest !== ""
  }

  #readFrame(line: string): void {
    let json: unknown
    try {
      json = JSON.parse(line)
    } catch {
      this.problems.push(`not JSON: ${line.slice(0, 80)}`)
      return
    }
    for (const packet of Array.isArray(json) ? json : [json]) this.#readPacket(packet)
  }

  #readPacket(packet: unknown): void {
    const reader = new Reader(packet, "a packet", this.problems)
    const method = reader.text("method").toLowerCase()
    const named = new Reader(packet, `${reader.text("module")}/${method}`, this.problems)
    const isSuccess = named.has("result") ? named.text("result") === "success" : named.has("data")
    this.methods.add(method)
    if (method === "kickoff") this.kickedOff = named.filled("message")
    else if (method === "login" && !isSuccess) this.loginFailure = named.filled("data")
    else if (isSuccess) this.handlers[method]?.(named)
  }

  /** Handlers by method. */
  readonly handlers: Readonly<Record<string, ((packet: Reader) => void) | undefined>> = {
    login: (packet) => {
      const data = packet.at("data")
      const id = data.integer("id")
      if (packet.has("result")) {
        this.sid = packet.filled("sid")
        this.self = id
        this.#readUser(data)
        return
      }
      this.#setStatus(id, data.oneOf("status", STATUSES))
    },
    userchangestatus: (packet) =>
      this.#setStatus(packet.at("data").integer("id"), packet.at("data").oneOf("status", STATUSES)),
    logout: (packet) => this.#setStatus(packet.at("data").integer("id"), "offline"),
    usergetlist: (packet) => {
      this.users.clear()
      for (const user of packet.list("data")) {
        const reader = new Reader(user, "a user", this.problems)
        this.users.set(reader.integer("id"), this.#readUser(reader))
      }
    },
    getlist: (packet) => {
      this.chats.clear()
      for (const chat of packet.list("data")) {
        const reader = new Reader(chat, "a listed chat", this.problems)
        const read = this.#readChat(reader)
        read.star = reader.boolean("star")
        read.hide = reader.boolean("hide")
        reader.boolean("mute")
      }
    },
    create: (packet) => void this.#readChat(packet.at("data")),
    addmember: (packet) => {
      const data = packet.at("data")
      const before = this.chats.get(data.filled("gid"))
      // The client shows the names of new members.
      for (const id of before === undefined ? [] : data.integers("members")) {
        if (!before?.members.has(id) && !this.users.has(id)) data.note(`has an unknown member ${id}`)
      }
      this.#readChat(data)
    },
    joinchat: (packet) => {
      const data = packet.at("data")
      const gid = data.filled("gid")
      if (!data.boolean("join")) {
        this.chats.delete(gid)
        return
      }
      const chat = this.chats.get(gid)
      if (chat === undefined) this.#readChat(data.at("chat"))
      else chat.members = new Set([...chat.members, this.self])
    },
    changename: (packet) => this.#change(packet, (chat, data) => (chat.name = data.filled("name"))),
    changepublic: (packet) => this.#change(packet, (chat, data) => (chat.public = data.boolean("public"))),
    setcommitters: (packet) => this.#change(packet, (chat, data) => (chat.committers = data.text("committers"))),
    star: (packet) => this.#change(packet, (chat, data) => (chat.star = data.boolean("star"))),
    hide: (packet) => this.#change(packet, (chat, data) => (chat.hide = data.boolean("hide"))),
    getpubliclist: (packet) => {
      this.publicChats = packet.list("data").map((chat) => {
        const reader = new Reader(chat, "a public chat", this.problems)
        reader.integers("members")
        return reader.filled("gid")
      })
    },
    message: (packet) => {
      for (const message of packet.list("data")) this.#readMessage(message)
    },
    history: (packet) => {
      for (const message of packet.list("data")) this.#readMessage(message)
      const pager = packet.at("pager")
      pager.filled("gid")
      pager.boolean("continued")
      for (const name of ["pageID", "recPerPage", "recTotal"]) pager.integer(name)
    }
  }

  #setStatus(id: number, status: string): void {
    const user = this.users.get(id)
    if (user === undefined) this.problems.push(`the status of the unknown user ${id}`)
    else user.status = status
  }

  #readUser(user: Reader): ReadUser {
    user.text("avatar")
    user.text("role")
    user.integer("dept")
    return {
      account: user.filled("account"),
      realname: user.text("realname"),
      admin: user.oneOf("admin", ["super", "no"]),
      status: user.oneOf("status", STATUSES)
    }
  }

  #readChat(chat: Reader): ReadChat {
    const gid = chat.filled("gid")
    chat.integer("id")
    chat.filled("type")
    chat.text("createdBy")
    for (const name of ["createdDate", "lastActiveTime"]) chat.integer(name)
    const read: ReadChat = {
      star: false,
      hide: false,
      ...this.chats.get(gid),
      name: chat.text("name"),
      members: new Set(chat.integers("members")),
      public: chat.boolean("public"),
      admins: chat.text("admins"),
      committers: chat.text("committers")
    }
    this.chats.set(gid, read)
    return read
  }

  #change(packet: Reader, change: (chat: ReadChat, data: Reader) => void): void {
    const data = packet.at("data")
    const chat = this.chats.get(data.filled("gid"))
    if (chat !== undefined) change(chat, data)
  }

  #readMessage(value: unknown): void {
    const message = new Reader(value, "a message", this.problems)
    message.integer("id")
    if (message.integer("date") <= 0) message.note("has no date")
    const user = message.integer("user")
    if (user !== 0 && !this.users.has(user)) message.note(`is of the unknown user ${user}`)
    const contentType = message.filled("contentType")
    const content = message.text("content")
    if (contentType === "image" || contentType === "file") this.#readFile(message, content)
    this.messages.set(message.filled("gid"), {
      cgid: message.filled("cgid"),
      user,
      type: message.oneOf("type", ["normal", "broadcast"]),
      contentType,
      content
    })
  }

  /** An image or a file is parsed; its name becomes part of a local path, and it is downloaded if it has an id. */
  #readFile(message: Reader, content: string): void {
    let json: unknown
    try {
      json = JSON.parse(content)
    } catch {
      return message.note(`has content that is not JSON: ${content}`)
    }
    const file = new Reader(json, "a file", this.problems)
    if (file.has("type") && isFields(json) && ["base64", "emoji"].includes(String(json["type"]))) return
    if (/[/\\]|^\.{1,2}$/.test(file.filled("name"))) file.note("has a path in its name")
    file.integer("size")
    // Only what has an id is downloaded.
    const { id, send } = isFields(json) ? json : {}
    if (file.has("url") && !id) file.note("has a url and no id")
    if (id && send !== true) file.note("has an id and is not sent")
  }
}
