/** The chats that connections of this node are subscribed to, and the broadcasts of their entries. */
import * as Effect from "effect/Effect"
import { type Chat, isMember } from "../model/Chat.ts"
import type { ChatEvent, TransientEvent } from "../model/Event.ts"
import type { ChatId, UserId } from "../model/Ids.ts"
import { isDurable } from "../model/Log.ts"
import { Channel } from "./Channel.ts"
import type { ConnectedSessions } from "./ConnectedSessions.ts"
import { type CurrentFacts, withoutUndone } from "./CurrentFacts.ts"
import { atEndOfTurn } from "./EndOfTurn.ts"
import { EntryLocationCache } from "./EntryLocationCache.ts"
import type { HubSession } from "./HubSession.ts"
import type { NewUsers } from "./NewUsers.ts"
import { EventEncoding } from "./Serializer.ts"
import type { Subscriber, Subscription } from "./Subscriber.ts"

export class ChatChannels {
  /** Locations of entries that were broadcast lately. */
  readonly recent = new EntryLocationCache()
  readonly #connected: ConnectedSessions
  readonly #newUsers: NewUsers
  readonly #channels = new Map<ChatId, Channel>()
  #facts: CurrentFacts | undefined
  /** Channels with broadcasts for the end of this turn. */
  #due: Array<Channel> = []

  constructor(connected: ConnectedSessions, newUsers: NewUsers) {
    this.#connected = connected
    this.#newUsers = newUsers
  }

  /** Called once, before the first session. */
  follow(facts: CurrentFacts): void {
    this.#facts = facts
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

  isSubscribed(chat: ChatId): boolean {
    return this.#channels.has(chat)
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
      for (const session of this.#connected.of(user)) session.leaveChat(chat.id)
    }
    if (chat.dissolved) return
    const members = chat.type === "system" ? this.#connected.users() : chat.members.keys()
    for (const user of members) {
      const joinSeq = chat.members.get(user)?.joinSeq ?? 1
      if (joinSeq < seq) continue
      for (const session of this.#connected.of(user)) session.joinChat(chat.id, joinSeq)
    }
  }

  /**
   * Unsubscribes users who were removed from a chat, at the commit: the broadcast waits for the reply, and no later entry may
   * reach them.
   */
  removeMembers(chat: ChatId, users: ReadonlyArray<UserId>): void {
    const channel = this.#channels.get(chat)
    if (channel === undefined) return
    channel.flush()
    this.#leaveSessions(users, chat)
  }

  /**
   * Holds back a chat's entries from users of whom it is uncertain whether they are still members: until `resume`, or until
   * they are unsubscribed.
   */
  suspend(chat: ChatId, users: Iterable<UserId>): void {
    const channel = this.#channels.get(chat)
    if (channel === undefined) return
    channel.flush()
    for (const user of users) for (const { subscriber } of this.#connected.of(user)) subscriber?.suspend(chat)
  }

  /** Goes on for those of the users who are subscribed: they read the log up to `head`. */
  resume(chat: ChatId, users: Iterable<UserId>, head: number): void {
    for (const user of users) for (const { subscriber } of this.#connected.of(user)) subscriber?.resume(chat, head)
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

  /** Pushes new users to a chat's clients before an event that names one of them. */
  #pushNewUsersTo(channel: Channel | undefined): void {
    for (const { subscriber } of channel?.subscriptions ?? []) this.#newUsers.pushTo(subscriber)
  }

  /** Delivers a change of a chat to its subscribers except the requesting connection. */
  broadcast(event: ChatEvent, except: number | undefined): void {
    const { entry, chat } = event
    const namesNewUsers = !this.#newUsers.isEmpty && this.#newUsers.areNamedBy(event)
    if (isDurable(entry.body)) {
      if (namesNewUsers) this.#pushNewUsersTo(this.#channels.get(chat.id))
      this.recent.put(entry.id, entry.chat, entry.seq)
      const channel = this.#channels.get(chat.id)
      const characters = event.message?.content.length ?? 0
      if (channel?.enqueue({ seq: entry.seq, encoding: new EventEncoding(event), characters, except }) !== true) return
      if (this.#due.push(channel) === 1) atEndOfTurn(this)
      return
    }
    const current = this.#facts?.peek(chat.id)
    this.#broadcastChange(withoutUndone(event, current?.chat), current?.seq ?? 0, namesNewUsers, except)
    // Another node has changed the chat meanwhile, or the cache was full.
    if (current === undefined) this.#facts?.reread(chat.id, entry.seq)
  }

  /** Broadcasts a change of facts, which changes the recipients too. `head`: newest sequence of the log, if it is known. */
  #broadcastChange(event: ChatEvent, head: number, namesNewUsers: boolean, except: number | undefined): void {
    const { chat, entry } = event
    const { body } = entry
    // Pending broadcasts go to the earlier recipients first.
    this.#channels.get(chat.id)?.flush()
    const change = body._tag === "Changed" ? body : undefined
    const gone = this.#leaveSessions(change?.removed ?? [], chat.id)
    if (body._tag === "Created") {
      this.#joinSessions(chat.type === "system" ? this.#connected.users() : chat.members.keys(), event, head)
    } else if (change?.added !== undefined) this.#joinSessions(change.added, event, head)

    const channel = this.#channels.get(chat.id)
    const isDissolved = change?.dissolved === true
    const toRemoved = gone.length > 0 || isDissolved ? new EventEncoding({ ...event, toRemoved: true }) : undefined
    const toMembers = isDissolved && toRemoved !== undefined ? toRemoved : new EventEncoding(event)
    const recipients = [...(channel?.subscriptions ?? [])]
    if (namesNewUsers) {
      this.#pushNewUsersTo(channel)
      for (const { subscriber } of gone) if (subscriber !== undefined) this.#newUsers.pushTo(subscriber)
    }
    for (const subscription of recipients) {
      const { subscriber } = subscription
      subscriber.deliverEphemeral(subscription, entry.seq, toMembers, subscriber.connection.id === except)
    }
    for (const { connection, subscriber } of gone) {
      if (toRemoved !== undefined && connection.id !== except) subscriber?.pushEphemeral(toRemoved)
    }
    if (isDissolved) for (const { subscriber } of recipients) this.#leaveSessions([subscriber.key.user], chat.id)
  }

  /**
   * Pushes to connections of the chat that have asked for such events. In a system chat, whose members are all users,
   * read marks reach the reader's own devices only.
   */
  broadcastTransient(event: TransientEvent, except: number | undefined): void {
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

  /** Subscribes the sessions of users who joined the chat by this entry. */
  #joinSessions(users: Iterable<UserId>, { chat, entry }: ChatEvent, head: number): void {
    for (const user of users) {
      const joinSeq = chat.members.get(user)?.joinSeq ?? entry.seq
      if (joinSeq > entry.seq) continue
      for (const session of this.#connected.of(user)) {
        session.joinChat(chat.id, entry.seq)
        // Entries that were broadcast meanwhile.
        if (head > entry.seq) session.subscriber?.fallBehindIn(chat.id, head)
      }
    }
  }

  /** Unsubscribes the sessions of users who are not members any more, if they still are subscribed; returns all of them. */
  #leaveSessions(users: ReadonlyArray<UserId>, chat: ChatId): ReadonlyArray<HubSession> {
    const sessions = users.flatMap((user) => [...this.#connected.of(user)])
    for (const session of sessions) session.leaveChat(chat)
    return sessions
  }
}

/** The channels without broadcasts. */
export type ChatSubscriptions = Omit<ChatChannels, "broadcast" | "broadcastTransient" | "endTurn">
