/**
 * Registry of connected sessions and their subscriptions. Delivery is synchronous and plain: no fiber, no queue and no
 * encoding per recipient.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Broadcast, ChatEvent, TransientEvent, UserEvent } from "../model/Event.ts"
import { type Chat, isMember } from "../model/Chat.ts"
import { Broadcaster, RemoteBroadcasts } from "./Broadcaster.ts"
import { Channel } from "./Channel.ts"
import { atEndOfTurn } from "./EndOfTurn.ts"
import type { Subscriber } from "./Subscriber.ts"
import type { ChatId, UserId } from "../model/Ids.ts"
import { type Entry, isDurable } from "../model/Log.ts"
import { Presence } from "./Presence.ts"
import { NewUsers } from "./NewUsers.ts"
import type { PresenceAudience } from "./PresenceAudience.ts"
import { PresenceBroadcaster, type BroadcastTiming } from "./PresenceBroadcaster.ts"
import { EntryLocationCache } from "./EntryLocationCache.ts"
import type { HubSession } from "./HubSession.ts"
import type { Subscription } from "./Subscriber.ts"
import type { User } from "../model/User.ts"
import { EventEncoding } from "./Serializer.ts"

/** Number of characters of presence events sent in one turn. */
const BROADCAST_CHUNK_SIZE = 1024 * 1024

/** Observer of all broadcasts of this node and of others, called in the same turn. Must not throw. */
export interface Observer {
  readonly broadcast: (broadcast: Broadcast) => void
}

/** Link to other nodes that share the store, called in the same turn. Must not throw. */
export interface NodeLinkHooks {
  /** An entry was committed by this node, and is about to be broadcast. */
  readonly committed: (entry: Entry) => void
  /** A commit of this node has added to the journal. */
  readonly journaled: () => void
  /** Broadcasts of this node's commands. */
  readonly broadcast: (broadcasts: ReadonlyArray<Broadcast>) => void
  /** Number of live nodes, this one included. */
  readonly count: () => number
}

/** Connections, subscriptions and presence of this process. */
export class LocalHub {
  readonly presence = new Presence()
  readonly newUsers: NewUsers
  readonly #presenceBroadcaster: PresenceBroadcaster
  readonly #observers = new Set<Observer>()
  readonly #sessions = new Map<UserId, Set<HubSession>>()
  readonly #channels = new Map<ChatId, Channel>()
  /** Channels with broadcasts for the end of this turn. */
  #due: Array<Channel> = []
  readonly recent = new EntryLocationCache()
  /** Undefined for a single node. */
  nodes: NodeLinkHooks | undefined
  /** Undefined if everybody gets all presence events. */
  #audience: PresenceAudience | undefined
  /** Sessions by the class of their user, for an audience of classes. */
  readonly #classes = new Map<string, Set<HubSession>>()
  /** Classes under which sessions were added: a user may have moved to another one. */
  readonly #classOfSession = new WeakMap<HubSession, string>()
  /** Recipients of events that are being sent, for an audience of events. */
  readonly #recipients = new WeakMap<UserEvent, ReadonlySet<UserId>>()

  constructor(timing: BroadcastTiming) {
    this.newUsers = new NewUsers(this.presence, timing, () => this.#everySession())
    this.#presenceBroadcaster = new PresenceBroadcaster(timing, (events, except) =>
      this.#broadcastToAll(events, except)
    )
  }

  /** Limits the recipients of presence events, before the first session. */
  limitPresence(audience: PresenceAudience): void {
    this.#audience = audience
    if (audience._tag !== "Classes") return
    this.newUsers.limit({
      ofUser: audience.classOf,
      ofRecipient: (user) => {
        const [session] = this.#sessions.get(user) ?? []
        return session === undefined ? undefined : this.#classOfSession.get(session)
      }
    })
  }

  /**
   * Version of the user list. A cached list of the same version may be sent: its recipients get all later changes as
   * events. The version changes with each broadcast while presence events are batched, otherwise with each status
   * change. A disconnect without logout is not broadcast, even to users who were online a moment earlier.
   */
  get userListVersion(): string {
    return `${this.#presenceBroadcaster.generation}/${this.#presenceBroadcaster.isBatching ? "" : this.presence.changes}`
  }

  /** The user's connections, oldest first. */
  sessionsOf(user: UserId): ReadonlyArray<HubSession> {
    return [...(this.#sessions.get(user) ?? [])]
  }

  /** All authenticated connections. */
  allSessions(): ReadonlyArray<HubSession> {
    return [...this.#sessions.values()].flatMap((sessions) => [...sessions])
  }

  /** Whether the user has a connection to this node or to another one. */
  isOnline(user: UserId): boolean {
    return this.#sessions.has(user) || this.presence.isElsewhere(user)
  }

  /** Whether the user has a connection to this node. */
  isConnected(user: UserId): boolean {
    return this.#sessions.has(user)
  }

  /** Number of authenticated connections. */
  get size(): number {
    let size = 0
    for (const sessions of this.#sessions.values()) size += sessions.size
    return size
  }

  addSession(user: UserId, session: HubSession): void {
    const sessions = this.#sessions.get(user)
    if (sessions === undefined) this.#sessions.set(user, new Set([session]))
    else sessions.add(session)
    this.#addToClass(session)
  }

  #addToClass(session: HubSession): void {
    if (this.#audience?._tag !== "Classes" || session.user === undefined) return
    const key = this.#audience.classOf(session.user)
    this.#classOfSession.set(session, key)
    const sessions = this.#classes.get(key)
    if (sessions === undefined) this.#classes.set(key, new Set([session]))
    else sessions.add(session)
  }

  #removeFromClass(session: HubSession): void {
    const key = this.#classOfSession.get(session)
    const sessions = key === undefined ? undefined : this.#classes.get(key)
    if (key !== undefined && sessions?.delete(session) === true && sessions.size === 0) this.#classes.delete(key)
  }

  /** Returns whether it was the user's last connection. */
  removeSession(user: UserId, session: HubSession): boolean {
    const sessions = this.#sessions.get(user)
    if (sessions === undefined || !sessions.delete(session)) return false
    this.#removeFromClass(session)
    if (sessions.size > 0) return false
    this.#sessions.delete(user)
    this.presence.set(user, "offline")
    return true
  }

  subscribe(subscription: Subscription): void {
    let channel = this.#channels.get(subscription.chat)
    if (channel === undefined) {
      channel = new Channel(subscription.chat)
      this.#channels.set(subscription.chat, channel)
    }
    channel.subscriptions.add(subscription)
  }

  unsubscribe(subscription: Subscription): void {
    const channel = this.#channels.get(subscription.chat)
    if (channel === undefined) return
    channel.subscriptions.delete(subscription)
    if (channel.isEmpty) this.#channels.delete(subscription.chat)
  }

  /** Delivers this turn's broadcasts to a connection, so that its next frame comes after them. */
  flushBroadcasts(subscriber: Subscriber): void {
    if (this.#due.length === 0) return
    if (this.#due.length <= subscriber.size) {
      for (const channel of this.#due) {
        const subscription = subscriber.subscription(channel.chat)
        if (subscription !== undefined) channel.advance(subscription)
      }
    } else {
      for (const subscription of subscriber.subscriptions()) {
        this.#channels.get(subscription.chat)?.advance(subscription)
      }
    }
  }

  /** Adds an observer until the returned function is called. */
  observe(observer: Observer): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }

  /** Whether broadcasts have observers. */
  get isObserved(): boolean {
    return this.#observers.size > 0
  }

  /** Chats with subscriptions of this node's connections. */
  subscribedChats(): ReadonlyArray<ChatId> {
    return [...this.#channels.keys()]
  }

  isSubscribed(chat: ChatId): boolean {
    return this.#channels.has(chat)
  }

  /**
   * Announces a user who was just created. Later clients have the user in their lists. If each event has its own recipients,
   * clients get the user with the first presence event instead.
   */
  addUser(user: User): void {
    if (this.#sessions.size > 0 && this.#audience?._tag !== "Events") this.newUsers.add(user)
  }

  /** Sends broadcasts of this node to all recipients except the requesting connection. */
  broadcast(broadcasts: ReadonlyArray<Broadcast>, except?: number): void {
    this.deliver(broadcasts, except)
    this.observeBroadcasts(broadcasts)
    this.nodes?.broadcast(broadcasts)
  }

  /** Delivers broadcasts to the connections of this node. */
  deliver(broadcasts: ReadonlyArray<Broadcast>, except?: number): void {
    for (const { event } of broadcasts) {
      if (event._tag === "ChatEvent") this.#broadcastToChat(event, except)
      else if (event._tag !== "UserEvent") this.#broadcastTransient(event, except)
      else this.#publishPresence(event, except)
    }
  }

  /** Calls the observers of broadcasts. */
  observeBroadcasts(broadcasts: ReadonlyArray<Broadcast>): void {
    if (this.#observers.size === 0) return
    for (const observer of this.#observers) {
      for (const broadcast of broadcasts) observer.broadcast(broadcast)
    }
  }

  #publishPresence(event: UserEvent, except: number | undefined): void {
    const audience = this.#audience
    if (audience?._tag === "Events") {
      const online = [...this.#sessions.values()].flatMap(([session]) => session?.user ?? [])
      audience.resolve(event, online, (recipients) => {
        this.#recipients.set(event, recipients)
        this.#presenceBroadcaster.publish(event, recipients.size, except)
      })
      return
    }
    const recipients =
      audience === undefined ? this.#sessions.size : (this.#classes.get(audience.classOf(event.user))?.size ?? 0)
    this.#presenceBroadcaster.publish(event, recipients, except)
  }

  /**
   * Makes subscriptions agree with a chat's facts, which another node has changed by entries from `seq` on: users who joined
   * by one of them subscribe, and users who are not members unsubscribe.
   */
  reconcile(chat: Chat, seq: number): void {
    const channel = this.#channels.get(chat.id)
    channel?.flush()
    for (const { subscriber } of channel?.subscriptions ?? []) {
      const { user } = subscriber.key
      if (!chat.dissolved && isMember(chat, user)) continue
      for (const session of this.#sessions.get(user) ?? []) session.leaveChat(chat.id)
    }
    if (chat.dissolved) return
    const members = chat.type === "system" ? this.#sessions.keys() : chat.members.keys()
    for (const user of members) {
      const joinSeq = chat.members.get(user)?.joinSeq ?? 1
      if (joinSeq < seq) continue
      for (const session of this.#sessions.get(user) ?? []) session.joinChat(chat.id, joinSeq)
    }
  }

  /** Makes subscriptions read a chat's log up to `head`, to which another node has appended. */
  readAppended(chat: ChatId, head: number): void {
    const channel = this.#channels.get(chat)
    if (channel === undefined) return
    channel.flush()
    for (const subscription of channel.subscriptions) {
      if (subscription.position < head) subscription.subscriber.fallBehind(subscription, head)
    }
  }

  /**
   * Pushes to the recipients, in turns of about `BROADCAST_CHUNK_SIZE` characters, so that thousands of them do not block
   * one turn. The events of one set of recipients are encoded together.
   */
  *#broadcastToAll(events: ReadonlyArray<UserEvent>, except: number | undefined): Generator<void, void> {
    let sent = 0
    for (const [encoding, sessions] of this.#audiencesOf(events)) {
      for (const session of sessions) {
        const { subscriber } = session
        if (subscriber === undefined) continue
        if (!this.newUsers.isEmpty) sent += this.newUsers.pushTo(subscriber)
        if (session.connection.id !== except) sent += subscriber.pushEphemeral(encoding)
        if (sent >= BROADCAST_CHUNK_SIZE) {
          sent = 0
          yield
        }
      }
    }
  }

  /** Returns events with the sessions that get them. */
  *#audiencesOf(
    events: ReadonlyArray<UserEvent>
  ): Generator<readonly [encoding: EventEncoding, sessions: Iterable<HubSession>], void> {
    const audience = this.#audience
    if (audience === undefined) return yield [new EventEncoding(...events), this.#all(this.#sessions.keys())]
    if (audience._tag === "Events") {
      for (const event of events) {
        yield [new EventEncoding(event), this.#all([...(this.#recipients.get(event) ?? [])])]
      }
      return
    }
    const byClass = new Map<string, Array<UserEvent>>()
    for (const event of events) {
      const key = audience.classOf(event.user)
      const earlier = byClass.get(key)
      if (earlier === undefined) byClass.set(key, [event])
      else earlier.push(event)
    }
    for (const [key, ofClass] of byClass) yield [new EventEncoding(...ofClass), this.#classes.get(key) ?? []]
  }

  /** Returns the sessions of these users. */
  *#all(users: Iterable<UserId>): Generator<HubSession, void> {
    for (const user of users) yield* this.#sessions.get(user) ?? []
  }

  /** All authenticated connections, also those that are added meanwhile. */
  *#everySession(): Generator<HubSession, void> {
    for (const sessions of this.#sessions.values()) yield* sessions
  }

  /** Pushes new users to a chat's clients before an event that names one of them. */
  #pushNewUsersTo(channel: Channel | undefined): void {
    for (const { subscriber } of channel?.subscriptions ?? []) this.newUsers.pushTo(subscriber)
  }

  #broadcastToChat(event: ChatEvent, except: number | undefined): void {
    const { entry, chat } = event
    const { body } = entry
    const namesNewUsers = !this.newUsers.isEmpty && this.newUsers.areNamedBy(event)
    if (isDurable(body)) {
      if (namesNewUsers) this.#pushNewUsersTo(this.#channels.get(chat.id))
      this.recent.put(entry.id, entry.chat, entry.seq)
      const channel = this.#channels.get(chat.id)
      const characters = event.message?.content.length ?? 0
      if (channel?.enqueue({ seq: entry.seq, encoding: new EventEncoding(event), characters, except }) !== true) return
      if (this.#due.push(channel) === 1) atEndOfTurn(this)
      return
    }
    // The entry changes the recipients of the chat: pending broadcasts go to the earlier ones first.
    this.#channels.get(chat.id)?.flush()
    if (body._tag === "Created") {
      this.#joinSessions(chat.type === "system" ? this.#sessions.keys() : chat.members.keys(), event)
    } else if (body.added !== undefined) this.#joinSessions(body.added, event)

    const channel = this.#channels.get(chat.id)
    if (channel === undefined) return
    if (namesNewUsers) this.#pushNewUsersTo(channel)
    const gone = new Set(
      body._tag !== "Changed"
        ? []
        : body.dissolved
          ? Array.from(channel.subscriptions, ({ subscriber }) => subscriber.key.user)
          : body.removed
    )
    const encoding = new EventEncoding(event)
    const toRemoved = gone.size === 0 ? encoding : new EventEncoding({ ...event, toRemoved: true })
    for (const subscription of channel.subscriptions) {
      const { subscriber } = subscription
      const own = gone.has(subscriber.key.user) ? toRemoved : encoding
      subscriber.deliverEphemeral(subscription, entry.seq, own, subscriber.connection.id === except)
    }
    for (const user of gone) {
      for (const session of this.#sessions.get(user) ?? []) session.leaveChat(chat.id)
    }
  }

  /**
   * Pushes to connections of the chat that have asked for such events. In a system chat, whose members are all users,
   * read marks reach the reader's own devices only.
   */
  #broadcastTransient(event: TransientEvent, except: number | undefined): void {
    const { chat, user } = event
    const channel = this.#channels.get(chat.id)
    if (channel === undefined) return
    const ownOnly = event._tag === "ReadEvent" && chat.type === "system"
    let encoding: EventEncoding | undefined
    for (const { subscriber } of channel.subscriptions) {
      if (!subscriber.receivesTransient || subscriber.connection.id === except) continue
      if (ownOnly && subscriber.key.user !== user) continue
      subscriber.pushEphemeral((encoding ??= new EventEncoding(event)))
    }
  }

  /** See `EndOfTurn`. */
  endTurn(): void {
    const due = this.#due
    this.#due = []
    for (const channel of due) {
      try {
        channel.flush()
      } catch (cause) {
        // A defect in one chat must not affect the others.
        Effect.runFork(Effect.logError("broadcasts of a chat could not be delivered", cause))
      }
    }
  }

  /** Subscribes the sessions of users who join the chat with this entry. */
  #joinSessions(users: Iterable<UserId>, { chat, entry }: ChatEvent): void {
    for (const user of users) {
      for (const session of this.#sessions.get(user) ?? []) session.joinChat(chat.id, entry.seq)
    }
  }
}

/** The hub without `broadcast`: only `CommandRunner` broadcasts, after a commit and its reply. */
export class Hub extends Context.Service<Hub, Omit<LocalHub, "broadcast" | "deliver" | "observeBroadcasts">>()(
  "@parley/core/Hub"
) {
  static readonly layer: Layer.Layer<Hub | Broadcaster | RemoteBroadcasts> = Layer.effectContext(
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const scope = yield* Effect.scope
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      const hub = new LocalHub({
        now: () => clock.currentTimeMillisUnsafe(),
        after: (milliseconds, callback) => {
          fork(Effect.forkIn(Effect.andThen(Effect.sleep(milliseconds), Effect.sync(callback)), scope))
        }
      })
      return Context.make(Hub, hub).pipe(
        Context.add(Broadcaster, (broadcasts, except) => hub.broadcast(broadcasts, except)),
        Context.add(RemoteBroadcasts, hub)
      )
    })
  )
}
