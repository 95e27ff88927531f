/**
 * Link of this node to others that share its store. Packets of a bus contain the entries and events of others. The journal is
 * read each second, so that no change of facts is missed without them; the log is read by id when packets of a live node
 * are missing. A single node has no link, and its engine does none of this.
 */
import * as Clock from "effect/Clock"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import * as Layer from "effect/Layer"
import { Sessions } from "../auth/Sessions.ts"
import { RemoteBroadcasts } from "../delivery/Broadcaster.ts"
import { Hub } from "../delivery/Hub.ts"
import { Engine } from "../engine/Engine.ts"
import type { Broadcast } from "../model/Event.ts"
import { type ChatId, nextEphemeralId, type UserId } from "../model/Ids.ts"
import { Bus } from "../ports/Bus.ts"
import { Fence, PassesFence } from "../ports/Fence.ts"
import { HostFacts, LEASE_MS, type NodeLease, Nodes } from "../ports/Nodes.ts"
import { Settings } from "../ports/Settings.ts"
import { logStorageFailure } from "../ports/StorageErrors.ts"
import { type StorageFailed, Store } from "../ports/Store.ts"
import { JournalReader } from "./JournalReader.ts"
import { LocalPresence } from "./LocalPresence.ts"
import { decodePacket, type EntryNotice, type Notice, type RemoteTransientEvent } from "./Packet.ts"
import { PacketReceiver } from "./PacketReceiver.ts"
import { PacketSender } from "./PacketSender.ts"
import { type Later, RemoteEntries } from "./RemoteEntries.ts"
import { RemotePresence } from "./RemotePresence.ts"
import { RemoteUsers } from "./RemoteUsers.ts"
import { keepContact, StoreContact } from "./StoreContact.ts"
import { SeenEntries } from "./SeenEntries.ts"
import { TaskQueue } from "./TaskQueue.ts"
import { Watermark } from "./Watermark.ts"

/** Milliseconds between two checks; the journal is read, and a packet sent, at every second one. */
const TICK_MS = 500
/** Milliseconds without a packet after which a live node counts as silent. */
const SILENCE_MS = 1500
/** Milliseconds by which the read of the log begins before the newest known entry: packets may be missed for as long. */
const MAX_UNNOTICED_MS = 3000
/** Milliseconds between two such reads while a node is silent; those between begin with the entries of the last second. */
const COMPLETE_READ_MS = 5000
const RECENT_MS = 1000
/** Maximum number of entries per read of the log by id. */
const PAGE_SIZE = 5000
/** Number of entries that may be appended within the overlap of a store. */
const MAX_LATE = 50_000
/** Maximum number of notices that wait for reads of the store. */
const MAX_QUEUED = 10_000
/** WebSocket close code: the client reconnects. RFC 6455 registry, "Service Restart". */
const CLOSE_RESTART = 1012
/** WebSocket close code: the client connects to another node. RFC 6455, "going away". */
const CLOSE_GOING_AWAY = 1001
const NODE_ID_BYTES = 8

const entryNotice = ({ event }: Broadcast): EntryNotice | undefined => {
  if (event._tag !== "ChatEvent") return undefined
  const { chat, entry, message } = event
  const { _tag } = entry.body
  return {
    _tag: "Entry",
    entry,
    version: chat.version,
    ...((_tag === "Replaced" || _tag === "Recalled") && message !== undefined && { message }),
    ...(_tag === "Created" && chat.type !== "system" && { members: [...chat.members.keys()] })
  }
}

type Requirements = Bus | Nodes | Fence | Hub | RemoteBroadcasts | Engine | Sessions | Store | SecureRandom.SecureRandom

const link = Effect.fnUntraced(function* (bus: Bus["Service"]) {
  const registry = yield* Nodes
  const hub = yield* Hub
  const remote = yield* RemoteBroadcasts
  const engine = yield* Engine
  const sessions = yield* Sessions
  const store = yield* Store
  const { sessions: sessionsAllowed } = yield* Settings
  const hostFacts = yield* HostFacts
  const startedAt = yield* Clock.currentTimeMillis
  const fence = yield* Fence
  const clock = yield* Clock.Clock
  const scope = yield* Effect.scope
  const fork = Effect.runForkWith(yield* Effect.context<never>())
  const run = (work: Effect.Effect<void>): void => void fork(Effect.forkIn(work, scope))
  const now = (): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

  const node = Hex.encode(yield* (yield* SecureRandom.SecureRandom).randomBytes(NODE_ID_BYTES))
  const { context } = engine
  const { presence } = hub
  const { journal } = store

  const sender = new PacketSender(bus, node, (milliseconds, callback) =>
    run(Effect.andThen(Effect.sleep(milliseconds), Effect.sync(callback)))
  )
  const receiver = new PacketReceiver(node)
  /** Packets that arrive before the marks below are known. */
  let early: Array<string> | undefined = []
  let receive = (text: string): void => void early?.push(text)
  const unsubscribe = bus.subscribe((text) => receive(text))
  yield* Effect.addFinalizer(() => Effect.sync(unsubscribe))

  // Nothing that was committed before is in memory. Entries that become visible late are not seen yet.
  const { entry: newest } = yield* Effect.orDie(journal.newest)
  const seen = new SeenEntries(newest)
  const logStart = journal.overlap === 0 ? newest : Math.max(0, newest - MAX_LATE)
  for (let after = logStart; after < newest;) {
    const page = yield* Effect.orDie(journal.appended(after, PAGE_SIZE))
    for (const { id } of page) seen.add(id)
    after = page.at(-1)?.id ?? newest
  }
  const logMark = new Watermark(journal.overlap + MAX_UNNOTICED_MS, logStart)
  const recentMark = new Watermark(Math.min(journal.overlap, RECENT_MS), newest)
  const advanceMarks = (at: number, id: number): void => {
    logMark.advance(at, id)
    recentMark.advance(at, id)
  }
  advanceMarks(now(), newest)
  const entries = new RemoteEntries({ hub, remote, chats: context.chats, users: context.users, store, seen })
  const remoteUsers = new RemoteUsers({ hub, remote, engine, sessions })
  const dropCaches = (): void => {
    context.chats.clear()
    if (context.users.external === undefined) context.users.clear()
    else context.users.invalidate()
    sessions.clear()
    engine.recordsChanged()
  }
  const changes = yield* Effect.orDie(
    JournalReader.make({
      store,
      engine,
      sessions,
      users: remoteUsers,
      entries,
      now,
      dropCaches,
      reset: () => {
        dropCaches()
        for (const session of hub.allSessions()) session.connection.close(CLOSE_RESTART, "reconnect to this server")
      }
    })
  )
  const contact = new StoreContact(fence, now())
  const local = new LocalPresence(registry, node)
  /** Milliseconds by which the registry's clock is ahead of this node's. */
  let clockOffset = 0
  const registryNow = (): number => clock.currentTimeMillisUnsafe() + clockOffset
  /** A session that was resumed on another node, without a login, is taken over there, as a login does. */
  const onConnected = (user: UserId, since: number): void => {
    const own = local.since(user)
    if (sessionsAllowed !== "single" || own === 0 || since <= own) return
    for (const session of hub.sessionsOf(user)) session.takeOver()
  }
  const others = new RemotePresence({ registry, node, presence, users: context.users, remote, onConnected })

  /** Leases at the last renewal, and their nodes. */
  let leases: ReadonlyArray<NodeLease> = []
  let live: ReadonlySet<string> = new Set()
  /** Whether the log must be read: packets, or what they told, were missed. */
  let isBehind = false
  let wasSilent = false
  /** Time of the last read that began with the entries of `MAX_UNNOTICED_MS` before. */
  let completeAt = Number.NEGATIVE_INFINITY

  const runQueue = (work: Effect.Effect<void>): void => run(Effect.provideService(work, PassesFence, true))
  const queue = new TaskQueue(MAX_QUEUED, runQueue, (cause) => {
    isBehind = true
    return logStorageFailure("changes by other nodes could not be read", cause)
  })
  /** Adds a task unless the same one is queued and has not begun. */
  const once = (task: Effect.Effect<void, StorageFailed>): (() => void) => {
    let isQueued = false
    const begun = Effect.suspend(() => {
      isQueued = false
      return task
    })
    return () => {
      if (!isQueued) isQueued = queue.add(begun)
    }
  }

  const readJournal = once(contact.readingJournal(changes.read, now))
  const readLog = once(
    Effect.gen(function* () {
      const at = now()
      const isComplete = isBehind || at - completeAt >= COMPLETE_READ_MS
      isBehind = false
      if (isComplete) completeAt = at
      for (let after = (isComplete ? logMark : recentMark).after(at); ;) {
        const page = yield* journal.appended(after, PAGE_SIZE)
        yield* entries.applyLocated(page)
        const last = page.at(-1)?.id
        if (last !== undefined) advanceMarks(at, last)
        if (last === undefined || page.length < PAGE_SIZE) return
        after = last
      }
    })
  )
  const followNodes = once(
    Effect.gen(function* () {
      yield* local.save
      yield* others.follow(leases)
    })
  )
  const renew = Effect.suspend(() => {
    const { saved } = local
    const before = clock.currentTimeMillisUnsafe()
    const facts = { ...hostFacts, startedAt, connections: hub.size }
    return Effect.map(registry.renew(node, facts), (renewed) => {
      leases = renewed
      live = new Set(leases.map((lease) => lease.node))
      receiver.retain(live, now(), LEASE_MS)
      const own = leases.find((lease) => lease.node === node)
      local.restoreFrom(own?.presence ?? 0, saved)
      // The lease was renewed between the request and the reply.
      if (own !== undefined) clockOffset = own.endsAt - LEASE_MS - (before + clock.currentTimeMillisUnsafe()) / 2
      followNodes()
    })
  })
  /** Reads what others have changed meanwhile, before this node serves again. */
  const catchUp = once(
    Effect.gen(function* () {
      yield* contact.readingJournal(changes.read, now)
      context.chats.clear()
      yield* contact.resume(now())
      isBehind = true
      readLog()
    })
  )

  /**
   * A chat with connections here is cached, as a rule; otherwise the event is dropped, as packets may be. The sender of a
   * message is read first: protocols name senders from memory, and may not have them in a system chat.
   */
  const applyTransient = (id: ChatId, event: RemoteTransientEvent): Later => {
    const chat = context.chats.peek(id)?.chat
    if (chat === undefined) return undefined
    const deliver = (): void => {
      const broadcasts = [{ event: { ...event, id: nextEphemeralId(), chat }, to: { chat: id } }]
      remote.deliver(broadcasts)
      remote.observeBroadcasts(broadcasts)
    }
    if (event._tag === "TransientMessageEvent" && context.users.getCached(event.user) === undefined) {
      return Effect.map(context.users.findMany([event.user]), deliver)
    }
    deliver()
    return undefined
  }

  const apply = (from: string, notice: Notice): Later => {
    switch (notice._tag) {
      case "Entry":
        return entries.apply(notice)
      case "Appended":
        return entries.applyAppended(notice.chat, notice.id, notice.seq)
      case "Status":
        others.applyStatus(from, notice)
        return undefined
      case "User":
        if (notice.what === "renamed") {
          context.users.change(notice.user.id, { realname: notice.user.realname })
          remoteUsers.announceName(notice.user)
        } else others.applyUser(from, notice)
        return undefined
      case "Transient":
        return applyTransient(notice.chat, notice.event)
      case "Journal":
        readJournal()
        return undefined
    }
  }
  /** In the order of arrival, also behind notices that wait for the store. */
  const applyInOrder = (from: string, notice: Notice): void => {
    const later = queue.isIdle ? apply(from, notice) : Effect.suspend(() => apply(from, notice) ?? Effect.void)
    if (later !== undefined && !queue.add(later)) isBehind = true
  }
  const receiveNotices = (from: string, notices: ReadonlyArray<Notice>): boolean => {
    try {
      for (const notice of notices) applyInOrder(from, notice)
      return true
    } catch (cause) {
      // A text of the bus must not end its connection, whatever it has.
      run(Effect.logWarning("a packet of the bus could not be applied", cause))
      return false
    }
  }
  receive = (text) => {
    const packet = decodePacket(text)
    const { gap, notices } = receiver.receive(packet, now())
    if (fence.isFenced) {
      // Its chats and users cannot be loaded; all entries are read afterwards.
      isBehind = true
      return
    }
    const isApplied = receiveNotices(packet?.node ?? "", notices)
    if (isApplied && !gap) return
    isBehind = true
    readJournal()
    readLog()
  }
  for (const text of early) receive(text)
  early = undefined

  hub.nodes = {
    id: node,
    committed: ({ id }) => seen.add(id),
    journaled: () => sender.add({ _tag: "Journal" }),
    count: () => Math.max(1, live.size),
    live: () => live,
    broadcast: (broadcasts) => {
      for (const broadcast of broadcasts) {
        const { event } = broadcast
        const notice = entryNotice(broadcast)
        if (notice !== undefined) {
          const { chat, id, seq } = notice.entry
          sender.add(notice, { _tag: "Appended", chat, id, seq })
        } else if (event._tag === "UserEvent") {
          const { user, what } = event
          if (what === "renamed") remoteUsers.announced(user)
          const version = what === "renamed" ? 0 : local.announced(user.id, what)
          sender.add({ _tag: "User", what, user, version })
        } else if (event._tag !== "ChatEvent") {
          const { chat, id: _, ...rest } = event
          sender.add({ _tag: "Transient", chat: chat.id, event: rest })
        }
      }
    }
  }
  for (const [user, status] of presence.local()) local.changed(user, status, registryNow())
  presence.onLocalChange = (user, status) => {
    const { version, since } = local.changed(user, status, Math.round(registryNow()))
    sender.add({ _tag: "Status", user, status, version, since })
  }
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      hub.nodes = undefined
      presence.onLocalChange = undefined
      return Effect.ignore(registry.leave(node))
    })
  )

  const tick = Effect.gen(function* () {
    for (let ticks = 0; ; ticks++) {
      if (ticks % 2 === 0) {
        sender.beat()
        readJournal()
      }
      const isSilent = receiver.isSilent(live, now(), SILENCE_MS)
      // Packets may have been lost before the silence was noticed.
      if (isSilent && !wasSilent) isBehind = true
      wasSilent = isSilent
      if (isBehind || isSilent) readLog()
      else advanceMarks(now(), seen.newest)
      yield* Effect.sleep(TICK_MS)
    }
  })
  yield* Effect.forkIn(tick, scope)
  const onFenced = Effect.sync(() => {
    context.chats.clear()
    engine.recordsChanged()
  })
  const closeConnections = Effect.sync(() => {
    for (const session of hub.allSessions()) session.connection.close(CLOSE_GOING_AWAY, "the database is unreachable")
  })
  yield* Effect.forkIn(keepContact(contact, { renew, catchUp, onFenced, closeConnections, now }), scope)
})

/** Links the engine to other nodes, unless its bus is that of a single node. */
export const layer: Layer.Layer<never, never, Requirements> = Layer.effectDiscard(
  Effect.flatMap(Bus, (bus) => (bus.maxBytes === 0 ? Effect.void : link(bus)))
)
