/**
 * Connected sessions, their subscriptions and presence, and the broadcasts to them. Delivery is synchronous and plain: no
 * fiber, no queue and no encoding per recipient.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Broadcast, UserEvent } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import type { Entry } from "../model/Log.ts"
import type { User } from "../model/User.ts"
import { Broadcaster, RemoteBroadcasts } from "./Broadcaster.ts"
import { ChatChannels, type ChatSubscriptions } from "./ChatChannels.ts"
import { ConnectedSessions } from "./ConnectedSessions.ts"
import type { HubSession } from "./HubSession.ts"
import { NewUsers } from "./NewUsers.ts"
import { Presence } from "./Presence.ts"
import type { PresenceAudience } from "./PresenceAudience.ts"
import { PresenceBroadcaster, type BroadcastTiming } from "./PresenceBroadcaster.ts"
import { PresenceRecipients } from "./PresenceRecipients.ts"

/** Number of characters of presence events sent in one turn. */
const BROADCAST_CHUNK_SIZE = 1024 * 1024

/** Observer of all broadcasts of this node and of others, called in the same turn. Must not throw. */
export interface Observer {
  /** Called with each broadcast. */
  readonly broadcast: (broadcast: Broadcast) => void
}

/** Link to other nodes that share the store, called in the same turn. Must not throw. */
export interface NodeLinkHooks {
  /** Id of this node, unique for each start. */
  readonly id: string
  /** An entry was committed by this node, and is about to be broadcast. */
  readonly committed: (entry: Entry) => void
  /** A commit of this node has added to the journal. */
  readonly journaled: () => void
  /** Broadcasts of this node's commands. */
  readonly broadcast: (broadcasts: ReadonlyArray<Broadcast>) => void
  /** Number of live nodes, this one included. */
  readonly count: () => number
  /** Ids of the live nodes at the last renewal of this node's lease; empty before the first one. */
  readonly live: () => ReadonlySet<string>
}

/** Connections, subscriptions and presence of this process. */
export class LocalHub {
  /** Status of each user on this node. */
  readonly presence = new Presence()
  /** Pushes of users created after the login of a connection. */
  readonly newUsers: NewUsers
  readonly #presenceBroadcaster: PresenceBroadcaster
  readonly #observers = new Set<Observer>()
  readonly #connected = new ConnectedSessions()
  readonly #presenceRecipients = new PresenceRecipients(this.#connected)
  readonly #channels: ChatChannels
  /** Undefined for a single node. */
  nodes: NodeLinkHooks | undefined

  constructor(timing: BroadcastTiming) {
    this.newUsers = new NewUsers(this.presence, timing, () => this.#connected.all())
    this.#channels = new ChatChannels(this.#connected, this.newUsers)
    this.#presenceBroadcaster = new PresenceBroadcaster(timing, (events, except) =>
      this.#broadcastToAll(events, except)
    )
  }

  /** Subscriptions of connections to chats. */
  get chats(): ChatSubscriptions {
    return this.#channels
  }

  /** Limits the recipients of presence events, before the first session. */
  limitPresence(audience: PresenceAudience): void {
    this.#presenceRecipients.limit(audience)
    if (audience._tag !== "Classes") return
    this.newUsers.limit({
      ofUser: audience.classOf,
      ofRecipient: (user) => this.#presenceRecipients.classOf(user)
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
    return [...this.#connected.of(user)]
  }

  /** All authenticated connections. */
  allSessions(): ReadonlyArray<HubSession> {
    return [...this.#connected.all()]
  }

  /** Whether the user has a connection to this node or to another one. */
  isOnline(user: UserId): boolean {
    return this.#connected.has(user) || this.presence.isElsewhere(user)
  }

  /** Whether the user has a connection to this node. */
  isConnected(user: UserId): boolean {
    return this.#connected.has(user)
  }

  /** Number of authenticated connections. */
  get size(): number {
    return this.#connected.size
  }

  /** Adds an authenticated connection of a user. */
  addSession(user: UserId, session: HubSession): void {
    this.#connected.add(user, session)
    this.#presenceRecipients.add(session)
  }

  /** Returns whether it was the user's last connection. */
  removeSession(user: UserId, session: HubSession): boolean {
    if (!this.#connected.remove(user, session)) return false
    this.#presenceRecipients.remove(session)
    if (this.#connected.has(user)) return false
    this.presence.set(user, "offline")
    return true
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

  /**
   * Announces a user who was just created. Later clients have the user in their lists. If each event has its own recipients,
   * clients get the user with the first presence event instead.
   */
  addUser(user: User): void {
    if (this.#connected.userCount > 0 && !this.#presenceRecipients.areByEvent) this.newUsers.add(user)
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
      if (event._tag === "ChatEvent") this.#channels.broadcast(event, except)
      else if (event._tag !== "UserEvent") this.#channels.broadcastTransient(event, except)
      else {
        this.#presenceRecipients.count(event, (recipients) =>
          this.#presenceBroadcaster.publish(event, recipients, except)
        )
      }
    }
  }

  /** Calls the observers of broadcasts. */
  observeBroadcasts(broadcasts: ReadonlyArray<Broadcast>): void {
    if (this.#observers.size === 0) return
    for (const observer of this.#observers) {
      for (const broadcast of broadcasts) observer.broadcast(broadcast)
    }
  }

  /**
   * Pushes to the recipients, in turns of about `BROADCAST_CHUNK_SIZE` characters, so that thousands of them do not block
   * one turn. The events of one set of recipients are encoded together.
   */
  *#broadcastToAll(events: ReadonlyArray<UserEvent>, except: number | undefined): Generator<void, void> {
    let sent = 0
    for (const [encoding, sessions] of this.#presenceRecipients.of(events)) {
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
}

/** The hub without `broadcast`: only `CommandRunner` broadcasts, after a commit and its reply. */
export class Hub extends Context.Service<Hub, Omit<LocalHub, "broadcast" | "deliver" | "observeBroadcasts">>()(
  "@parley/core/Hub"
) {
  /** The hub of this process, with the timing of the settings. */
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
