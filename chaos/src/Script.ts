/** Random operations of the users: messages, changes of members, logins, lost connections. */
import { randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import type { Outcome } from "./apps.ts"
import { ConnectionLost, type Packet } from "./Connection.ts"
import type { Random } from "./random.ts"
import { isMemberThroughout, type Move, type Protocol, type Sent } from "./Record.ts"
import { ACCOUNTS, type Chat, type World } from "./World.ts"

/** Milliseconds between two attempts. */
const RETRY = 200
/** Milliseconds after a fault until requests that a node took before it have taken effect. */
const CALM = 3_000
/** Maximum number of operations in flight. */
const MAX_PENDING = 100

type Attempt = "done" | "refused" | "unknown"

const attemptOf = ({ message, result }: Packet): Attempt =>
  result === "success" ? "done" : result === "denied" || message?.includes("retry") === true ? "unknown" : "refused"

export class Script {
  readonly #world: World
  readonly #random: Random
  readonly #pending = new Set<Promise<void>>()
  /** Users whose membership in a chat is being changed. */
  readonly #moving = new Set<string>()
  #count = 0
  #isEnding = false
  /** Refusals and errors that the script cannot cause. */
  readonly problems: Array<string> = []

  constructor(world: World, random: Random) {
    this.#world = world
    this.#random = random
  }

  /** Runs operations at this rate per second until `end` is called. */
  async run(rate: number): Promise<void> {
    while (!this.#isEnding) {
      await sleep((1000 / rate) * (0.5 + this.#random.next()))
      // Nothing is started beside the last messages.
      if (!this.#isEnding && this.#pending.size < MAX_PENDING) this.#start(this.#next())
    }
  }

  #start(operation: Promise<void>): void {
    const running = operation
      .catch((cause: unknown) => void this.problems.push(String(cause)))
      .finally(() => this.#pending.delete(running))
    this.#pending.add(running)
  }

  #next(): Promise<void> {
    const random = this.#random
    const dice = random.below(100)
    const account = random.pick(ACCOUNTS)
    const chat = random.pick(this.#world.chats)
    if (dice < 4) this.#world.member(account).drop()
    else if (dice < 7) this.#world.member(account).forget()
    else if (dice < 9) return this.#world.apps.login(account)
    else if (dice < 18) return this.#move(chat, random.pick(chat.kind === "direct" ? chat.members : ACCOUNTS))
    else if (!this.#isMember(chat, account)) return Promise.resolve()
    else if (dice < 70) return this.#sendFromClient(chat, account)
    else if (chat.kind === "direct" && dice < 85) return this.#sendFromApp("ha", chat, account)
    else return this.#sendFromApp("spark", chat, account)
    return Promise.resolve()
  }

  #isMember({ gid }: Chat, account: string): boolean {
    const now = Date.now() + 1
    return isMemberThroughout(this.#world.record.movesOf(gid, account), now, now)
  }

  #begin({ gid }: Chat, by: string, protocol: Protocol): Sent {
    const content = `${++this.#count} ${by} ${protocol}`
    const sent: Sent = {
      content,
      chat: gid,
      by,
      protocol,
      startedAt: Date.now(),
      outcome: "unknown",
      endedAt: Number.POSITIVE_INFINITY
    }
    this.#world.record.sent.push(sent)
    return sent
  }

  /** Sends with the same gid until there is an answer. */
  async #sendFromClient(chat: Chat, account: string): Promise<void> {
    const sent = this.#begin(chat, account, "xuanxuan")
    const message = { gid: randomUUID(), cgid: chat.gid, content: sent.content }
    for (let attempts = 1; ; attempts++) {
      const attempt = await this.#ask(account, "message", [message])
      if (attempt === "done") sent.outcome = "answered"
      else if (attempt === "refused" && attempts === 1) sent.outcome = "refused"
      if (attempt !== "unknown") break
      await sleep(RETRY)
    }
    sent.endedAt = Date.now()
  }

  async #ask(account: string, method: string, params: unknown): Promise<Attempt> {
    try {
      return attemptOf(await (await this.#world.member(account).connected()).ask(method, params))
    } catch (cause) {
      if (cause instanceof ConnectionLost) return "unknown"
      throw cause
    }
  }

  /** Sends once: these protocols have no id by which a message could be sent again. */
  async #sendFromApp(protocol: "spark" | "ha", chat: Chat, account: string): Promise<void> {
    const sent = this.#begin(chat, account, protocol)
    const { apps } = this.#world
    const { content } = sent
    const outcome = await (protocol === "ha"
      ? apps.ha(account, "/message", { conversationid: chat.id, type: -1, content, time: String(Date.now()) })
      : apps.spark(account, "/message/push", { SessionId: chat.gid, Type: 0, Content: content }))
    sent.outcome = outcome._tag === "done" ? "answered" : outcome._tag
    sent.endedAt = Date.now()
  }

  /** Removes a member, or adds one who was removed. */
  async #move(chat: Chat, account: string): Promise<void> {
    const key = `${chat.gid} ${account}`
    if (chat.kind === "direct" || account === chat.owner || this.#moving.has(key)) return
    this.#moving.add(key)
    const kind = this.#isMember(chat, account) ? "remove" : "add"
    const move: Move = {
      chat: chat.gid,
      account,
      kind,
      startedAt: Date.now(),
      endedAt: Number.POSITIVE_INFINITY
    }
    this.#world.record.moves.push(move)
    // A lost request may take effect late, after a contrary one: it is repeated when that cannot happen any more.
    while (await this.#moveRepeatedly(chat, account, kind)) {
      for (; !this.#isCalm();) await sleep(RETRY)
    }
    move.endedAt = Date.now()
    this.#moving.delete(key)
  }

  #isCalm(): boolean {
    const now = Date.now()
    return !this.#world.record.hasFault(now - CALM, now)
  }

  /** Returns whether a request was lost. */
  async #moveRepeatedly(chat: Chat, account: string, kind: Move["kind"]): Promise<boolean> {
    for (let attempts = 1; ; attempts++) {
      const attempt = await this.#moveOnce(chat, account, kind)
      // A removed member cannot be removed again.
      if (attempt === "done" || (attempt === "refused" && kind === "remove")) return attempts > 1
      if (attempt === "refused") this.problems.push(`${kind} ${account} in ${chat.gid} was refused`)
      await sleep(RETRY)
    }
  }

  #moveOnce(chat: Chat, account: string, kind: Move["kind"]): Promise<Attempt> {
    const { apps } = this.#world
    const tag = ({ _tag }: Outcome): Attempt => _tag
    if (chat.kind === "organisation") return apps.moveInOrganisation(chat.id, account, kind).then(tag)
    const owner = this.#world.member(chat.owner)
    if (this.#random.next() < 0.5) {
      const path = kind === "add" ? "/session/AddMember" : "/session/RemoveMember"
      return apps.spark(chat.owner, path, { SessionId: chat.gid, To: [account] }).then(tag)
    }
    const members = [{ id: owner.users.get(account) ?? 0 }]
    return this.#ask(chat.owner, "addmember", { gid: chat.gid, members, join: kind === "add" })
  }

  /** Starts no more operations, and waits for those in flight; then sends a last message to each chat. */
  async end(): Promise<ReadonlyArray<Sent>> {
    this.#isEnding = true
    await Promise.all(this.#pending)
    const before = this.#world.record.sent.length
    for (const chat of this.#world.chats) await this.#sendFromClient(chat, chat.owner)
    return this.#world.record.sent.slice(before)
  }
}
