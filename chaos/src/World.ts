/** The users, their clients and apps, and the chats they talk in. */
import { setTimeout as sleep } from "node:timers/promises"
import { Apps, type Outcome } from "./apps.ts"
import { Member, type NodeAddress } from "./Member.ts"
import type { Random } from "./random.ts"
import type { Record } from "./Record.ts"

/** Users of the demonstration. */
export const ACCOUNTS = ["admin", "alice", "bob", "carol", "dave", "erin"] as const
/** These use raw TCP; all others WebSocket. */
const TCP: ReadonlyArray<string> = ["dave", "erin"]

/** Milliseconds until all clients must be connected, with their lists of users and chats. */
const TIMEOUT = 40_000

export interface Chat {
  readonly gid: string
  /** How members are moved; in a direct chat they are not. */
  readonly kind: "group" | "organisation" | "direct"
  /** A member who is never removed, and may add and remove others. */
  readonly owner: string
  readonly members: ReadonlyArray<string>
  /** Its id in hisihi, or in ha. */
  readonly id: number
}

const required = (outcome: Outcome, field: string): unknown => {
  if (outcome._tag !== "done") throw new Error(`a chat could not be created: ${JSON.stringify(outcome)}`)
  return outcome.json[field]
}

export class World {
  readonly record: Record
  readonly apps: Apps
  readonly members: ReadonlyMap<string, Member>
  readonly chats: Array<Chat> = []

  constructor(record: Record, random: Random, nodes: () => ReadonlyArray<NodeAddress>) {
    this.record = record
    this.apps = new Apps(nodes, random)
    this.members = new Map(
      ACCOUNTS.map((account) => {
        const transport = TCP.includes(account) ? "tcp" : "websocket"
        return [account, new Member(account, transport, record, random, nodes)]
      })
    )
  }

  member(account: string): Member {
    const found = this.members.get(account)
    if (found === undefined) throw new Error(`there is no ${account}`)
    return found
  }

  async #until<A>(what: string, find: () => A | undefined): Promise<A> {
    for (const deadline = Date.now() + TIMEOUT; ;) {
      const found = find()
      if (found !== undefined) return found
      if (Date.now() > deadline) throw new Error(`timed out waiting for ${what}`)
      await sleep(20)
    }
  }

  #add(chat: Omit<Chat, "id"> & { readonly id?: number }): void {
    this.chats.push({ id: 0, ...chat })
    const now = Date.now()
    for (const account of chat.members) {
      this.record.moves.push({ chat: chat.gid, account, kind: "add", startedAt: now, endedAt: now })
    }
  }

  /** Connects all clients, and creates a chat through each protocol. */
  async start(): Promise<void> {
    for (const member of this.members.values()) member.start()
    for (const member of this.members.values()) await member.connected()
    const alice = this.member("alice")
    const idOf = await this.#until("the list of users", () => {
      const { users } = alice
      return ACCOUNTS.every((account) => users.has(account)) ? (account: string) => users.get(account) ?? 0 : undefined
    })
    const gid = "chaos-xuanxuan"
    const others = ACCOUNTS.filter((account) => account !== "alice")
    const members = others.map((account) => ({ id: idOf(account) }))
    const created = await (await alice.connected()).ask("create", { gid, name: "chaos", type: "group", members })
    if (created.result !== "success") throw new Error(`a group could not be created: ${created.message}`)
    this.#add({ gid, kind: "group", owner: "alice", members: ACCOUNTS })

    const withoutErin = ACCOUNTS.filter((account) => account !== "erin")
    const session = await this.apps.spark("bob", "/session/start", { To: withoutErin })
    this.#add({ gid: String(required(session, "SessionId")), kind: "group", owner: "bob", members: withoutErin })

    const id = Number(required(await this.apps.organisationGroup("chaos", ACCOUNTS), "group_id"))
    const organisation = await this.#until("the group of hisihi", () => this.member("admin").chats.get(id))
    this.#add({ gid: organisation, kind: "organisation", owner: "admin", members: ACCOUNTS, id })

    for (const [one, other] of [
      ["alice", "bob"],
      ["carol", "dave"]
    ] as const) {
      const body = { passiveuser: idOf(other), time: String(Date.now()) }
      const { conversationid } = required(await this.apps.ha(one, "/conversation", body), "data") as {
        readonly conversationid: number
      }
      const direct = [String(idOf(one)), String(idOf(other))].toSorted().join("&")
      this.#add({ gid: direct, kind: "direct", owner: one, members: [one, other], id: conversationid })
    }
  }

  async end(): Promise<void> {
    await Promise.all([...this.members.values()].map((member) => member.end()))
  }
}
