/** A user with a xuanxuan client, which is always connected to one of the nodes, and acknowledges what it gets. */
import { createHash } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { Connection, ConnectionLost, type Packet, type Transport } from "./Connection.ts"
import type { Random } from "./random.ts"
import type { ConnectionSpan, Record } from "./Record.ts"

/** Password of the demonstration's users, as the protocol sends it. */
const PASSWORD = createHash("md5").update("123456").digest("hex")
/** Milliseconds between attempts to connect. */
const RETRY = 150
/** Milliseconds between two requests of an idle client: a node that does not reply is left. */
const HEARTBEAT = 2_000

export interface NodeAddress {
  readonly http: string
  readonly tcp: string
}

interface MessageData {
  readonly id: number
  readonly cgid: string
  readonly content: string
}

/** Logs in; returns the session's id. Rejects with `ConnectionLost` if the login is refused, as it may be without a database. */
export const logIn = async (connection: Connection, account: string): Promise<string> => {
  const reply = await connection.ask("login", { account, password: PASSWORD, status: "online" })
  if (reply.result !== "success") throw new ConnectionLost(`the login was refused: ${reply.message}`)
  connection.sid = reply.sid ?? ""
  return connection.sid
}

export class Member {
  readonly account: string
  readonly #transport: Transport
  readonly #record: Record
  readonly #random: Random
  readonly #nodes: () => ReadonlyArray<NodeAddress>
  #connection: Connection | undefined
  #sid = ""
  #isEnded = false
  #waiting: Array<(connection: Connection) => void> = []
  logins = 0
  resumes = 0
  /** Ids of all users, by account. */
  readonly users = new Map<string, number>()
  /** Gids of the chats, by id. */
  readonly chats = new Map<number, string>()
  #running: Promise<void> | undefined

  constructor(
    account: string,
    transport: Transport,
    record: Record,
    random: Random,
    nodes: () => ReadonlyArray<NodeAddress>
  ) {
    this.account = account
    this.#transport = transport
    this.#record = record
    this.#random = random
    this.#nodes = nodes
  }

  start(): void {
    this.#running = this.#run()
  }

  async #run(): Promise<void> {
    while (!this.#isEnded) {
      try {
        await this.#live()
      } catch (cause) {
        if (!(cause instanceof ConnectionLost)) throw cause
      }
      await sleep(RETRY)
    }
  }

  async #live(): Promise<void> {
    const span: ConnectionSpan = this.#record.connected(this.account)
    let isHeard = true
    let connection: Connection | undefined
    connection = await Connection.open(this.#random.pick(this.#nodes()), this.#transport, (packet) => {
      if (isHeard) this.#take(packet, span, connection)
    })
    try {
      await this.#authenticate(connection)
      this.#connection = connection
      for (const wake of this.#waiting.splice(0)) wake(connection)
      while (!connection.isClosed) {
        await Promise.race([connection.closed, sleep(HEARTBEAT)])
        if (connection.isClosed) break
        // Denied: the session ended, for example by a login of this user that arrived late.
        if ((await connection.ask("ping")).result === "denied") connection.drop()
      }
    } finally {
      isHeard = false
      span.closedAt = Date.now()
      this.#connection = undefined
      connection.drop()
    }
  }

  /** Resumes the session, or logs in. */
  async #authenticate(connection: Connection): Promise<void> {
    if (this.#sid !== "") {
      connection.sid = this.#sid
      if ((await connection.ask("ping")).result === "success") {
        this.resumes++
        return
      }
      connection.sid = ""
      this.#sid = ""
    }
    this.#sid = await logIn(connection, this.account)
    this.logins++
  }

  #take({ data, id, method }: Packet, span: ConnectionSpan, connection: Connection | undefined): void {
    if (method === "message" && id !== undefined) {
      for (const message of data as ReadonlyArray<MessageData>) {
        const { cgid: chat, content } = message
        const at = Date.now()
        this.#record.heard.push({ account: this.account, connection: span.number, chat, id: message.id, content, at })
      }
      connection?.acknowledge(id)
    } else if (method === "userGetList") {
      for (const user of data as ReadonlyArray<{ id: number; account: string }>) this.users.set(user.account, user.id)
    } else if (method === "getlist") {
      for (const chat of data as ReadonlyArray<{ id: number; gid: string }>) this.chats.set(chat.id, chat.gid)
    } else if (method === "create") {
      const chat = data as { readonly id: number; readonly gid: string }
      this.chats.set(chat.id, chat.gid)
    }
  }

  /** The connection, once there is one. */
  connected(): Promise<Connection> {
    if (this.#connection !== undefined && !this.#connection.isClosed) return Promise.resolve(this.#connection)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** Loses the connection; the next one resumes the session, on any node. */
  drop(): void {
    this.#connection?.drop()
  }

  /** Logs in again, on any node, while the earlier session is still connected. */
  forget(): void {
    this.#sid = ""
    this.drop()
  }

  async end(): Promise<void> {
    this.#isEnded = true
    this.drop()
    await this.#running
  }
}
