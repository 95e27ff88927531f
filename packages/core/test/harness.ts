/** An engine on a store in memory, with cheap password hashes, and clients of a test protocol. */
import { Effect, Layer } from "effect"
import * as MemoryStore from "@parley/adapter-memory/MemoryStore"
import { Engine } from "@parley/core/Engine"
import type { Event, UserCaller as Caller } from "@parley/core/Event"
import { packetFraming } from "@parley/core/Frame"
import type { ChatId, UserId } from "@parley/core/Ids"
import * as Parley from "@parley/core/Parley"
import { Passwords } from "@parley/core/Passwords"
import { Acceptor } from "@parley/core/Acceptor"
import type { Refused } from "@parley/core/Refused"
import type { Requests } from "@parley/core/ClientSession"
import { Sessions } from "@parley/core/Sessions"
import { Store } from "@parley/core/Store"
import type { Serializer } from "@parley/core/Serializer"
import { type UserDraft, Users } from "@parley/core/Users"
import { connect } from "../src/testing/MemoryConnection.ts"

/** Cheap hashes for tests that do not depend on them. */
export const plainPasswords = Layer.succeed(
  Passwords,
  Passwords.of({
    hash: (secret) => Effect.succeed(`$plain$${secret}`),
    verify: (secret, hash) => Effect.succeed(hash === `$plain$${secret}`)
  })
)

export const engineLayer = Parley.layer.pipe(Layer.provideMerge(Layer.merge(MemoryStore.layer, plainPasswords)))

/** One packet in the tests' protocol. */
export interface Packet {
  readonly id: number
  readonly kind: string
  readonly text: string
}

const packetOf = (event: Event): Packet =>
  event._tag === "UserEvent"
    ? { id: event.id, kind: event.what, text: event.user.account }
    : event._tag !== "ChatEvent"
      ? { id: event.id, kind: event._tag, text: String(event.user) }
      : { id: event.entry.id, kind: event.entry.body._tag, text: event.message?.content ?? event.chat.name }

/** Number of times an event was encoded. */
export const encoded = { count: 0 }

export const serializer = (acknowledgement: Serializer["acknowledgement"]): Serializer => ({
  encode: (event) => {
    encoded.count++
    return [JSON.stringify(packetOf(event))]
  },
  framing: packetFraming("[", ",", "]"),
  takenOver: '[{"id":0,"kind":"takenOver","text":""}]',
  connectionLimitReached: '[{"id":0,"kind":"connectionLimitReached","text":""}]',
  rejected: ({ _tag }) => `[{"id":0,"kind":"${_tag}","text":""}]`,
  invalidUtf8: '[{"id":0,"kind":"invalidUtf8","text":""}]',
  oversized: () => '[{"id":0,"kind":"oversized","text":""}]',
  acknowledgement
})

/** Adds users without passwords; returns them as callers, in order. */
export const people = Effect.fnUntraced(function* (...drafts: ReadonlyArray<string | UserDraft>) {
  const users = yield* Users
  const added = yield* users.add(drafts.map((draft) => (typeof draft === "string" ? { account: draft } : draft)))
  return added.map((user): Caller => ({ user: user.id, device: null }))
})

export interface Client {
  /** Every packet received, in order. */
  readonly packets: ReadonlyArray<Packet>
  /** The packets of this kind. */
  readonly of: (kind: string) => ReadonlyArray<Packet>
  readonly until: (there: () => boolean) => Effect.Effect<void>
  /** Sends a frame and waits for its reply, which follows all earlier frames. */
  readonly ask: (frame?: string) => Effect.Effect<string>
  /** Broadcasts a login or, after detaching the user, a logout. */
  readonly announce: (presence: "login" | "logout") => Effect.Effect<string>
  readonly acknowledge: (...ids: ReadonlyArray<number>) => Effect.Effect<string>
  readonly stopReading: () => void
  readonly startReading: () => void
  readonly leave: Effect.Effect<void>
  readonly ended: () => boolean
  readonly caller: () => Caller
  /** Begins a new session on the same connection. */
  readonly enterAgain: Effect.Effect<void, Refused>
}

const everySerializer = { explicit: serializer("explicit"), implicit: serializer("implicit") }

/** Logs a user in on a connection in memory. */
export const online = Effect.fnUntraced(function* (
  { user: id }: Caller,
  options: {
    readonly device?: string
    readonly acknowledgement?: Serializer["acknowledgement"]
    readonly sendBuffer?: number
    /** Token of a session to resume, in place of a login. */
    readonly resume?: string
  } = {}
) {
  const acceptor = yield* Acceptor
  const sessions = yield* Sessions
  const store = yield* Store
  const { context } = yield* Engine
  const resumed = options.resume === undefined ? undefined : yield* sessions.resume(options.resume)
  const live = resumed?.session ?? (yield* sessions.issue(id, "chat", options.device ?? ""))
  const user = yield* context.users.find(id)
  if (user === undefined) return yield* Effect.die("no such user")

  const packets: Array<Packet> = []
  const answers: Array<string> = []
  const watchers = new Set<() => void>()
  let over = false
  const requests: Requests = (session, frame) => {
    const { ack, presence } = JSON.parse(frame) as {
      readonly ack?: ReadonlyArray<number>
      readonly presence?: "login" | "logout"
    }
    const reply = Effect.suspend(() => {
      if (presence === "logout") session.detachUser()
      return Effect.succeed({ frame, ...(presence !== undefined && { presence: [{ what: presence, user }] }) })
    })
    return [() => (ack === undefined ? reply : Effect.andThen(session.acknowledge(ack), reply))]
  }
  let session: ReturnType<typeof acceptor.accept> | undefined
  const client = connect({
    accept: (connection) => {
      session = acceptor.accept(connection, everySerializer[options.acknowledgement ?? "explicit"], requests)
      return session
    },
    client: {
      frame: (text) => {
        const json = JSON.parse(text) as Packet | ReadonlyArray<Packet>
        if (Array.isArray(json)) packets.push(...json)
        else answers.push(text)
        for (const watcher of watchers) watcher()
      },
      ended: () => {
        over = true
        for (const watcher of watchers) watcher()
      }
    },
    ...(options.sendBuffer !== undefined && { sendBuffer: options.sendBuffer })
  })
  const mine = session
  if (mine === undefined) return yield* Effect.die("not accepted")
  mine.attachUser(live, user, "online")
  yield* mine.open(yield* store.chatsOf(id), () => [])

  const until = (there: () => boolean): Effect.Effect<void> =>
    Effect.callback((resume) => {
      const look = (): void => {
        if (!there()) return
        watchers.delete(look)
        resume(Effect.void)
      }
      watchers.add(look)
      look()
    })
  let requested = 0
  const ask = Effect.fnUntraced(function* (frame?: string) {
    const before = answers.length
    client.send(frame ?? JSON.stringify({ requested: requested++ }))
    yield* until(() => answers.length > before || over)
    return answers[before] ?? ""
  })
  return {
    packets,
    of: (kind) => packets.filter((packet) => packet.kind === kind),
    until,
    ask,
    announce: (presence) => ask(JSON.stringify({ presence, requested: requested++ })),
    acknowledge: (...ids) => ask(JSON.stringify({ ack: ids, requested: requested++ })),
    stopReading: client.stopReading,
    startReading: client.startReading,
    leave: Effect.andThen(
      Effect.sync(() => client.close()),
      until(() => over)
    ),
    ended: () => over,
    caller: () => mine.caller(),
    enterAgain: Effect.map(sessions.issue(id, "chat"), (again) => mine.attachUser(again, user, "online"))
  } satisfies Client
})

export const chatRef = (id: ChatId): { readonly id: ChatId } => ({ id })
export const idsOf = (callers: ReadonlyArray<Caller>): ReadonlyArray<UserId> => callers.map(({ user }) => user)
