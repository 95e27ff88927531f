/** One server with its disk and its clients, and the operations of a history on it. */
import * as MemoryBlobs from "@parley/adapter-memory/MemoryBlobs"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import type { Accept } from "@parley/core/Connection"
import type { ParleyEngine } from "@parley/core/ParleyEngine"
import { ParleyError } from "@parley/core/ParleyError"
import type { Cursor } from "@parley/core/Cursor"
import type { Store } from "@parley/core/Store"
import {
  type Committed,
  SeededRandom,
  SimulatedDisk,
  SimulatedServer,
  VirtualTime
} from "@parley/core/testing/Simulation"
import { dialect as spark } from "@parley/dialects/spark"
import { dialect as xuanxuan } from "@parley/dialects/xuanxuan"
import { Effect } from "effect"
import { openRoutes, type Post } from "./apps.ts"
import { type ChatJson, Client, type Reply } from "./Client.ts"
import { ACCOUNTS, CHATS, type Step } from "./History.ts"
import { Observed } from "./Observed.ts"

const PASSWORD = "simulated histories"
/** md5 of the password, as the protocol sends it. */
const MD5 = "65d7293686844a065443d8723227b114"
/** Milliseconds until a crashed server starts again. */
const RESTART = 300

/** Lines of the log that only a defect writes. */
const DEFECTS = /work failed|after a commit failed|end of a turn failed|defect/i

export class World {
  readonly time = new VirtualTime()
  readonly observed = new Observed()
  readonly store: Store["Service"] = MemoryStore.make()
  readonly clients: Array<Client> = []
  readonly #random: SeededRandom
  readonly #disk: SimulatedDisk
  readonly #server: SimulatedServer
  readonly #cursors = new Map<string, Cursor>()
  #accept: Accept | undefined
  #post: Post | undefined
  readonly #tokens = new Map<string, string>()
  #starts = 0
  #ends: Array<() => void> = []

  constructor(seed: number) {
    this.#random = new SeededRandom(seed ^ 0x5f3759df)
    this.#disk = new SimulatedDisk(this.time, new SeededRandom(this.#random.below(2 ** 31)), this.store, (committed) =>
      this.#onCommitted(committed)
    )
    this.#server = new SimulatedServer({
      time: this.time,
      random: new SeededRandom(this.#random.below(2 ** 31)),
      disk: this.#disk,
      blobs: MemoryBlobs.layer,
      settings: { sessions: this.#random.chance(0.5) ? "single" : "multi" },
      log: ({ error, level, message }) => {
        if (level === "fatal" || DEFECTS.test(message)) {
          this.observed.broken.push(`the log has a defect: ${message} ${String((error as Error)?.stack ?? error)}`)
        }
      }
    })
  }

  /** Starts the server for the first time, with users and chats, and connects the clients. */
  async open(): Promise<void> {
    const engine = await this.time.until(this.#server.start())
    await this.time.until(
      (async () => {
        for (const account of ACCOUNTS) await engine.users.add({ account, password: PASSWORD })
        for (const { gid, members, public: isPublic } of CHATS) {
          const [owner, ...others] = members.map((index) => ACCOUNTS[index])
          await engine
            .as(owner as string)
            .createGroup({ gid, name: gid, members: others as ReadonlyArray<string>, public: isPublic })
        }
        await this.#serve(engine)
      })()
    )
    for (const account of ACCOUNTS) {
      this.clients.push(
        new Client(account, MD5, {
          time: this.time,
          seed: this.#random.below(2 ** 31),
          server: () => this.#accept,
          observed: this.observed
        })
      )
    }
    await this.time.advance(500)
  }

  async #serve(engine: ParleyEngine): Promise<void> {
    const start = ++this.#starts
    const context = { settings: {}, tcp: () => undefined }
    const chat = await engine.runtime.runPromise(xuanxuan.open(context))
    this.#post = await openRoutes(engine, await engine.runtime.runPromise(spark.open(context)))
    this.#tokens.clear()
    for (const endpoint of chat.endpoints) if (endpoint._tag === "WebSocket") this.#accept = endpoint.accept
    this.#ends.push(
      engine.on("message", (event) => {
        this.observed.events.push({ start, chat: event.chat.id, id: event.message.id })
      })
    )
  }

  #onCommitted({ batch, results }: Committed): void {
    for (const write of batch.writes) {
      if (write._tag !== "MoveCursor") continue
      const { chat, device, user } = write.cursor
      const key = `${user}/${device}/${chat}`
      const stored = Effect.runSync(this.store.cursorsOf(user, device)).find((cursor) => cursor.chat === chat)
      const before = this.#cursors.get(key)
      if (stored === undefined) this.observed.broken.push(`the cursor ${key} is not stored`)
      else {
        for (const part of ["pushed", "delivered", "read"] as const) {
          if (before !== undefined && stored[part] < before[part]) {
            this.observed.broken.push(`${part} of the cursor ${key} moved back from ${before[part]} to ${stored[part]}`)
          }
        }
        this.#cursors.set(key, stored)
      }
    }
    this.observed.trace.push(`${this.time.now.toFixed(3)} disk ${JSON.stringify(results)}`)
  }

  #client(index: number): Client {
    return this.clients[index] as Client
  }

  #crash(): void {
    if (this.#server.engine === undefined) return
    this.observed.crashes.push(this.time.now)
    this.observed.trace.push(`${this.time.now.toFixed(3)} crash`)
    this.#accept = undefined
    this.#post = undefined
    this.#server.crash()
    for (const end of this.#ends.splice(0)) end()
    for (const client of this.clients) client.lose()
    this.time.after(RESTART, () => {
      const restart = async (): Promise<void> => {
        try {
          await this.#serve(await this.#server.start())
        } catch (cause) {
          // Reads fail in the beginning too; an operator starts it again.
          this.observed.trace.push(`the start failed: ${String(cause)}`)
          this.#server.crash()
          this.time.after(RESTART, () => void restart())
        }
      }
      void restart()
    })
  }

  /** Runs an operation of the embedding API; its outcome stays unknown if the server ends before. */
  #api(step: Step, work: (engine: ParleyEngine, account: string) => Promise<unknown>, done?: (outcome: Reply) => void) {
    const { engine } = this.#server
    if (engine === undefined || this.#accept === undefined) return
    const end = (outcome: Reply, result: unknown): void => {
      this.observed.trace.push(`${this.time.now.toFixed(3)} ${step.kind} ${step.number} ${outcome} ${String(result)}`)
      done?.(outcome)
    }
    work(engine, ACCOUNTS[step.user] as string).then(
      (result) => end("answered", result),
      (cause: unknown) => {
        const isUnknown = cause instanceof ParleyError && ["Unavailable", "Busy", "Closed"].includes(cause.code)
        if (!(cause instanceof ParleyError)) this.observed.broken.push(`${step.kind} failed: ${String(cause)}`)
        end(isUnknown ? "unknown" : "refused", cause)
      }
    )
  }

  async #spark(step: Step, path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const account = ACCOUNTS[step.user] as string
    const post = this.#post
    const { engine } = this.#server
    if (post === undefined || engine === undefined) throw new ParleyError("Closed", "down")
    const token = this.#tokens.get(account) ?? (await engine.openSession(account))
    this.#tokens.set(account, token)
    const { json, status } = await post(`${path}?token=${token}`, body)
    if (status >= 500 || status === 409) throw new ParleyError("Unavailable", JSON.stringify(json))
    if (status !== 200) throw new ParleyError("Invalid", JSON.stringify(json))
    return json
  }

  /** Carries out one step. */
  perform(step: Step): void {
    const { chat, choice, kind, number, other, user } = step
    const client = this.#client(user)
    const account = ACCOUNTS[user] as string
    const someone = ACCOUNTS[other] as string
    const gid = (CHATS[chat] as (typeof CHATS)[number]).gid
    const text = `text ${number}`
    const { observed } = this
    observed.trace.push(`${this.time.now.toFixed(3)} step ${JSON.stringify(step)}`)
    const send = (content: string): ((outcome: Reply) => void) => {
      const sent = { content, chat: gid, user: account, outcome: "unknown" as Reply }
      observed.sent.push(sent)
      return (outcome) => {
        sent.outcome = outcome
      }
    }
    const change = (name: string): ((outcome: Reply) => void) => {
      const noted = { name, chat: gid, outcome: "unknown" as Reply }
      observed.changes.push(noted)
      return (outcome) => {
        noted.outcome = outcome
      }
    }
    const request = (method: string, params: unknown, done?: (outcome: Reply) => void): void => {
      if (!client.isConnected) return done?.("unknown")
      client.ask(method, params, (reply) => {
        if (reply?.result === "success") client.applyReply(reply.data)
        done?.(client.outcomeOf(reply))
      })
    }
    const own = (): { readonly id: number; readonly gid: string } | undefined => {
      const mine = [...client.messages].filter(([, message]) => message.content.startsWith("text"))
      const found = mine[Math.floor(choice * mine.length)]
      return found && { id: found[0], gid: found[1].gid }
    }
    const idOf = (index: number): number => index + 1
    switch (kind) {
      case "send":
        return client.send(gid, [text])
      case "sendSeveral":
        return client.send(gid, [`${text}a`, `${text}b`, `${text}c`])
      case "sendByApi":
        return this.#api(step, (engine) => engine.as(account).send(gid, text), send(text))
      case "sendBySpark":
        return this.#api(
          step,
          () => this.#spark(step, "/message/push", { SessionId: gid, Type: 0, Content: text }),
          send(text)
        )
      case "recall": {
        const message = own()
        if (message !== undefined) this.#api(step, (engine) => engine.as(account).recall(message.gid))
        return
      }
      case "recallBySpark": {
        const message = own()
        if (message === undefined) return
        return this.#api(step, () => this.#spark(step, "/message/remove", { SessionId: gid, MessageId: message.gid }))
      }
      case "editMessage": {
        const message = own()
        if (message === undefined) return
        return this.#api(step, (engine) => engine.as(account).editMessage(message.gid, `text ${number} edited`))
      }
      case "read": {
        return this.#api(step, async (engine) => {
          const read = await engine.as(account).read(gid)
          observed.reads.push({ account, chat: gid, message: read })
        })
      }
      case "rename":
        return request("changename", { gid, name: `name ${number}` }, change(`name ${number}`))
      case "renameByApi":
        return this.#api(step, (engine) => engine.as(account).rename(gid, `name ${number}`), change(`name ${number}`))
      case "add":
        return request("addmember", { gid, members: [{ id: idOf(other) }], join: true })
      case "addByApi":
        return this.#api(step, (engine) => engine.as(account).addMembers(gid, [someone]))
      case "addBySpark":
        return this.#api(step, () => this.#spark(step, "/session/AddMember", { SessionId: gid, To: [someone] }))
      case "remove":
        return request("addmember", { gid, members: [{ id: idOf(other) }], join: false })
      case "removeBySpark":
        return this.#api(step, () => this.#spark(step, "/session/RemoveMember", { SessionId: gid, To: [someone] }))
      case "join":
        return request("joinchat", { gid, join: true })
      case "leave":
        return request("joinchat", { gid, join: false })
      case "publish":
        return request("changepublic", { gid, public: choice < 0.5 })
      case "setAdmins":
        return this.#api(step, (engine) => engine.as(account).setAdmins(gid, [someone], choice < 0.7))
      case "setSenders":
        return request("setcommitters", { gid, committers: choice < 0.5 ? "$ALL" : "$ADMINS" })
      case "silence":
        return this.#api(step, (engine) => engine.as(account).silence(gid, [someone], choice < 0.5))
      case "star":
        return request("star", { gid, star: choice < 0.5 })
      case "changeName":
        return request("userchangename", { name: `name ${number}` })
      case "changeStatus":
        return request("userchangestatus", { status: choice < 0.5 ? "busy" : "away" })
      case "create": {
        const members = [{ id: idOf(other) }]
        return request("create", { gid: `chat ${number}`, name: `chat ${number}`, type: "group", members })
      }
      case "logIn":
        return client.logInElsewhere(() => this.#accept)
      case "cut":
        return client.cut()
      case "halfOpen":
        return client.halfOpen()
      case "stopReading":
      case "startReading":
        return client.read(kind === "startReading")
      case "crash":
        return this.#crash()
      case "loseCommit":
        observed.failures++
        return this.#disk.failCommit("lost")
      case "unknownCommit":
        observed.failures++
        return this.#disk.failCommit("unknown")
      case "failReads":
        observed.failedReads++
        return this.#disk.failReads(1 + Math.floor(choice * 3))
      case "stepClock":
        return this.time.stepClock(Math.floor((choice - 0.5) * 7_200_000))
    }
  }

  /** Ends all faults, and lets every client get what it is owed. */
  async settle(): Promise<void> {
    this.#disk.repair()
    for (const client of this.clients) client.read(true)
    // Long enough for a client to notice that its connection is half-open.
    await this.time.advance(18_000)
    for (let rounds = 0; rounds < 40; rounds++) {
      await this.time.advance(1_500)
      if (this.clients.every((client) => client.isReady)) break
    }
    for (const client of this.clients) {
      if (!client.isReady) this.observed.broken.push(`${client.account} did not come to rest: ${client.waitsFor()}`)
    }
  }

  /** Reconnects every client, so that it gets what it has missed. */
  async reconnect(): Promise<void> {
    for (const client of this.clients) client.cut()
    await this.time.advance(1_000)
    await this.settle()
  }

  /** Logs in as every user on a new client, and returns their chats and users. */
  async freshClients(): Promise<ReadonlyArray<Client>> {
    const fresh = ACCOUNTS.map(
      (account) =>
        new Client(account, MD5, {
          time: this.time,
          seed: 1,
          server: () => this.#accept,
          observed: new Observed(),
          acknowledges: false
        })
    )
    await this.time.advance(1_500)
    return fresh
  }

  /** Ends the clients and the server. */
  end(): void {
    for (const client of this.clients) client.end()
    for (const end of this.#ends.splice(0)) end()
    this.#server.crash()
  }
}

export type { ChatJson }
