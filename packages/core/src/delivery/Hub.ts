/**
 * Who is connected, and who hears what. Delivery is synchronous and plain: no fiber, no queue and no encoding for each
 * recipient.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Announcement, ChatEvent, UserEvent } from "../model/Event.ts"
import { Channel } from "./Channel.ts"
import type { Delivery } from "./Subscriber.ts"
import type { ChatId, UserId } from "../model/Ids.ts"
import { isKept } from "../model/Log.ts"
import { Presence } from "./Presence.ts"
import { PresenceNews, type Timing } from "./PresenceBroadcaster.ts"
import { RecentEntries } from "./EntryLocationCache.ts"
import type { Session } from "../session/ClientSession.ts"
import type { Subscription } from "./Subscription.ts"
import { Utterances } from "./Serializer.ts"

/** Characters of news that are said in one turn. */
const PART = 1024 * 1024

/** Somebody who is told of everything in this process, in the turn in which it is announced. Throws nothing. */
export interface Observer {
  readonly announced: (announcement: Announcement) => void
  /** Another node has let a chat's log grow. */
  readonly hinted: (chat: ChatId, head: number) => void
}

export class Switchboard {
  readonly presence = new Presence()
  readonly #news: PresenceNews
  readonly #observers = new Set<Observer>()
  readonly #sessions = new Map<UserId, Set<Session>>()
  readonly #channels = new Map<ChatId, Channel>()
  /** Channels in which something waits for the end of this turn. */
  #due: Array<Channel> = []
  readonly #flushDue = (): void => this.#flush()
  readonly recent = new RecentEntries()

  constructor(timing: Timing) {
    this.#news = new PresenceNews(timing, (events, except) => this.#tellEverybody(events, except))
  }

  /**
   * The same for as long as a list of who is here may be used again: what it lacks is told to whoever gets it, after it.
   * While news is gathered that is so until they are told, else until somebody's status changes. Who left meanwhile
   * without logging out is told to nobody, be it those who were here a moment earlier.
   */
  get rosterVersion(): string {
    return `${this.#news.told}/${this.#news.gathering ? "" : this.presence.changes}`
  }

  /** The user's connections, by the order in which they came. */
  sessionsOf(user: UserId): ReadonlyArray<Session> {
    return [...(this.#sessions.get(user) ?? [])]
  }

  /** All connections that have a user. */
  everybody(): ReadonlyArray<Session> {
    return [...this.#sessions.values()].flatMap((sessions) => [...sessions])
  }

  isOnline(user: UserId): boolean {
    return this.#sessions.has(user)
  }

  /** How many connections have a user. */
  get size(): number {
    let size = 0
    for (const sessions of this.#sessions.values()) size += sessions.size
    return size
  }

  enter(user: UserId, session: Session): void {
    const sessions = this.#sessions.get(user)
    if (sessions === undefined) this.#sessions.set(user, new Set([session]))
    else sessions.add(session)
  }

  /** Answers whether it was the user's last connection. */
  leave(user: UserId, session: Session): boolean {
    const sessions = this.#sessions.get(user)
    if (sessions === undefined || !sessions.delete(session)) return false
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

  /** Hands a connection what was announced in this turn already, so that what it is told next comes behind it. */
  bringUpToDate(delivery: Delivery): void {
    if (this.#due.length === 0) return
    if (this.#due.length <= delivery.size) {
      for (const channel of this.#due) {
        const subscription = delivery.subscription(channel.chat)
        if (subscription !== undefined) channel.advance(subscription)
      }
    } else {
      for (const subscription of delivery.subscriptions()) {
        this.#channels.get(subscription.chat)?.advance(subscription)
      }
    }
  }

  /** Until the returned function is called. */
  observe(observer: Observer): () => void {
    this.#observers.add(observer)
    return () => this.#observers.delete(observer)
  }

  /** Tells everybody whom it concerns, except the connection that asked. */
  announce(announcements: ReadonlyArray<Announcement>, except?: number): void {
    for (const { event } of announcements) {
      if (event._tag === "ChatEvent") this.#announceInChat(event, except)
      else this.#news.announce(event, this.#sessions.size, except)
    }
    if (this.#observers.size === 0) return
    for (const observer of this.#observers) {
      for (const announcement of announcements) observer.announced(announcement)
    }
  }

  /** Another node tells that a chat's log has grown. */
  hint(chat: ChatId, head: number): void {
    for (const observer of this.#observers) observer.hinted(chat, head)
    const channel = this.#channels.get(chat)
    if (channel === undefined) return
    channel.flush()
    for (const subscription of channel.subscriptions) {
      if (subscription.at < head) subscription.delivery.fallBehind(subscription, head)
    }
  }

  /** In parts of so many characters, about: thousands of clients cannot take much in one turn. */
  *#tellEverybody(events: ReadonlyArray<UserEvent>, except: number | undefined): Generator<void, void> {
    const utterances = new Utterances(...events)
    let said = 0
    for (const sessions of this.#sessions.values()) {
      for (const session of sessions) {
        if (session.connection.id !== except) said += session.delivery?.hear(utterances) ?? 0
        if (said >= PART) {
          said = 0
          yield
        }
      }
    }
  }

  #announceInChat(event: ChatEvent, except: number | undefined): void {
    const { entry, chat } = event
    const { body } = entry
    if (isKept(body)) {
      this.recent.remember(entry.id, entry.chat, entry.seq)
      const channel = this.#channels.get(chat.id)
      const characters = event.message?.content.length ?? 0
      if (channel?.announce({ seq: entry.seq, utterances: new Utterances(event), characters, except }) !== true) return
      if (this.#due.push(channel) === 1) void Promise.resolve().then(this.#flushDue)
      return
    }
    // It changes who hears the chat: those who heard it until now come first.
    this.#channels.get(chat.id)?.flush()
    if (body._tag === "Created") {
      this.#welcome(chat.type === "system" ? this.#sessions.keys() : chat.members.keys(), event)
    } else if (body.added !== undefined) this.#welcome(body.added, event)

    const channel = this.#channels.get(chat.id)
    if (channel === undefined) return
    const utterances = new Utterances(event)
    for (const subscription of channel.subscriptions) {
      const { delivery } = subscription
      delivery.notice(subscription, entry.seq, utterances, delivery.connection.id === except)
    }
    if (body._tag !== "Changed") return
    const gone = body.dissolved
      ? Array.from(channel.subscriptions, ({ delivery }) => delivery.listener.user)
      : (body.removed ?? [])
    for (const user of gone) {
      for (const session of this.#sessions.get(user) ?? []) session.leaveChat(chat.id)
    }
  }

  /** The turn is over. */
  #flush(): void {
    const due = this.#due
    this.#due = []
    for (const channel of due) {
      try {
        channel.flush()
      } catch (cause) {
        // A mistake of ours in one chat is none of the others'.
        Effect.runFork(Effect.logError("what was announced in a chat could not be handed over", cause))
      }
    }
  }

  /** Those who are in the chat from this entry on. */
  #welcome(users: Iterable<UserId>, { chat, entry }: ChatEvent): void {
    for (const user of users) {
      for (const session of this.#sessions.get(user) ?? []) session.joinChat(chat.id, entry.seq)
    }
  }
}

export class Hub extends Context.Service<Hub, Switchboard>()("@parley/core/Hub") {
  static readonly layer: Layer.Layer<Hub> = Layer.effect(
    Hub,
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const scope = yield* Effect.scope
      const fork = Effect.runForkWith(yield* Effect.context<never>())
      return new Switchboard({
        now: () => clock.currentTimeMillisUnsafe(),
        after: (milliseconds, callback) => {
          fork(Effect.forkIn(Effect.andThen(Effect.sleep(milliseconds), Effect.sync(callback)), scope))
        }
      })
    })
  )
}
