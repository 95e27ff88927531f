/**
 * One connection's life: it has a user or none. In which order its frames are carried out is the business of its
 * `FrameQueue`, what the words are that of its dialect, what it hears that of its `Delivery`.
 */
import { logStorageFailure } from "../ports/StorageErrors.ts"
import * as Effect from "effect/Effect"
import { catchUp } from "../delivery/CatchUp.ts"
import type { Connection, Peer, Rejection } from "../ports/Connection.ts"
import type { Crowd, Visitor } from "../limits/ConnectionLimiter.ts"
import { Delivery, type Follow } from "../delivery/Subscriber.ts"
import type { UserCaller } from "../model/Event.ts"
import { Frame } from "../ports/Frame.ts"
import { FrameQueue } from "./RequestQueue.ts"
import type { Switchboard } from "../delivery/Hub.ts"
import { type ChatId, EntryId, UNKEPT_IDS_FROM } from "../model/Ids.ts"
import type { InputBudget } from "../limits/InputBudget.ts"
import type { Places } from "../delivery/CursorStore.ts"
import type { LiveSession } from "../auth/LiveSession.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import { startingPlaces } from "../delivery/ResumeCursors.ts"
import type { Store } from "../ports/Store.ts"
import type { Subscription } from "../delivery/Subscription.ts"
import type { Tongue } from "../delivery/Serializer.ts"
import type { Status, User } from "../model/User.ts"
import type { WarmChats } from "../cache/ChatCache.ts"

/** WebSocket close codes: of our own, and of RFC 6455. */
const CLOSE_TAKEN_OVER = 4001
const CLOSE_POLICY = 1008
const CLOSE_TOO_LARGE = 1009
const CLOSE_INTERNAL = 1011
const CLOSE_TRY_LATER = 1013

/** Acknowledged ids of one frame that are looked up in storage, at most; the newest need no looking up. */
const MAX_LOOKED_UP = 5000

/** Reasons as close frames and the log have them. */
const REJECTIONS: Readonly<Record<Rejection["_tag"], string>> = {
  TooManyConnections: "too many connections",
  TooManyOfAddress: "too many connections from this address",
  LoginDeadline: "no login in time",
  InputExhausted: "too much input is waiting",
  HttpRequest: "an HTTP request on another protocol's port"
}

/** Reasons for which a client is not to come again as it came. */
const POLICY: ReadonlySet<Rejection["_tag"]> = new Set(["LoginDeadline", "HttpRequest"])

/** What all sessions of an engine share. */
export interface Surroundings {
  readonly hub: Switchboard
  readonly crowd: Crowd
  readonly input: InputBudget
  readonly places: Places["Service"]
  readonly store: Store["Service"]
  readonly chats: WarmChats
  readonly settings: EngineSettings
  /** Runs an effect to its end, whatever becomes of the connection, and calls back. */
  readonly run: (effect: Effect.Effect<void>, done?: () => void) => void
  /** The same for a frame of a client; nothing is taken up while the engine finishes. */
  readonly work: (effect: Effect.Effect<void>, done: () => void) => void
  /** Counts work that needs no fiber, until `ended` is called; answers false while the engine finishes. */
  readonly begin: () => boolean
  readonly ended: () => void
  /** Logs that the engine closes a connection, and why. */
  readonly rejected: (session: Session, reason: string) => void
}

/**
 * A dialect's way with a frame: carries it out and answers it through the session; never fails. Nothing is left to run
 * where it was carried out at once, or was begun by `Session.begin`.
 */
export type Respond = (session: Session, frame: string) => Effect.Effect<void> | undefined

export class Session implements Peer, Visitor, Follow {
  readonly connection: Connection
  readonly tongue: Tongue
  readonly #around: Surroundings
  readonly #frames: FrameQueue
  #ended = false
  #user: User | undefined
  #live: LiveSession | undefined
  #superseded = false
  #delivery: Delivery | undefined
  #catchingUp = false

  constructor(connection: Connection, tongue: Tongue, respond: Respond, around: Surroundings) {
    this.connection = connection
    this.tongue = tongue
    this.#around = around
    this.#frames = new FrameQueue(this, respond, around)
    connection.limitFrames(Math.min(around.settings.frame, around.settings.unauthenticatedInput))
  }

  receive(frame: string, bytes = frame.length): void {
    if (!this.#ended) this.#delivery?.noteTaken()
    this.#frames.take(frame, bytes)
  }

  partial(bytes: number): void {
    this.#frames.partial(bytes)
  }

  garbled(): void {
    if (!this.#ended) this.#delivery?.noteTaken()
    this.#frames.take({ _tag: "Garbled" })
  }

  oversized(limit: number): void {
    this.#frames.take({ _tag: "Oversized", limit })
  }

  httpRequest(): void {
    if (!this.#ended) this.turnAway({ _tag: "HttpRequest" })
  }

  /** Answers for a frame that was too large (`limit` in bytes), which is the last one. */
  refuse(limit: number): void {
    this.answer(this.tongue.oversized(limit))
    this.connection.close(CLOSE_TOO_LARGE, `a frame may have at most ${limit} bytes`)
  }

  closed(): void {
    if (this.#ended) return
    this.#ended = true
    this.#frames.end()
    this.exit()
    this.#around.crowd.leave(this)
  }

  turnAway(reason: Rejection): void {
    this.#frames.clear()
    this.answer(reason._tag === "TooManyConnections" ? this.tongue.crowded : this.tongue.rejected(reason))
    const text = REJECTIONS[reason._tag]
    this.connection.close(POLICY.has(reason._tag) ? CLOSE_POLICY : CLOSE_TRY_LATER, text)
    this.#around.rejected(this, text)
  }

  /** Whether the connection has ended. */
  get isEnded(): boolean {
    return this.#ended
  }

  get address(): string {
    return this.connection.address
  }

  /**
   * Begins work whose answer comes later, in its turn: meanwhile further frames are taken up. `begin` answers false
   * where it has done nothing; else it calls `settled` once, with what answers it, or with nothing where `otherwise` is to
   * be done in its turn. Answers what `begin` did.
   */
  begin(begin: (settled: (conclude?: () => void) => void) => boolean, otherwise: Effect.Effect<void>): boolean {
    return this.#frames.begin(begin, otherwise)
  }

  /** Whether a frame of its is being carried out or waits for that. */
  get isBusy(): boolean {
    return this.#frames.isBusy
  }

  /** The session that this connection has. */
  get live(): LiveSession | undefined {
    return this.#live
  }

  /** The user has logged in elsewhere, and this connection is about to be closed. */
  get superseded(): boolean {
    return this.#superseded
  }

  get user(): User | undefined {
    return this.#user
  }

  /** What this connection hears, while it has a user. */
  get delivery(): Delivery | undefined {
    return this.#delivery
  }

  /** For the engine's commands. Asking without a user is a mistake of the dialect. */
  caller(): UserCaller {
    if (this.#user === undefined || this.#live === undefined) throw new Error("this session has no user")
    return { user: this.#user.id, origin: this.#live.device, connection: this.connection.id }
  }

  /** Sends an answer, behind everything that was pushed before it. */
  answer(frame: string | Frame): void {
    this.#hearOut()
    this.connection.send(typeof frame === "string" ? new Frame(frame) : frame, true)
  }

  /**
   * Waits until the client has taken most of what it was answered; undefined where it has. For between the requests of one frame,
   * each of which may have a long answer.
   */
  get drained(): Effect.Effect<void> | undefined {
    return this.#frames.drained
  }

  /** Sends what was announced before. */
  #hearOut(): void {
    const delivery = this.#delivery
    if (delivery === undefined) return
    this.#around.hub.bringUpToDate(delivery)
    delivery.flush()
  }

  /**
   * The connection has this user now, and the user is here. Where only one session is allowed, the user's other
   * connections are told, and closed after a grace. It hears nothing before `open`.
   */
  enter(live: LiveSession, user: User, status: Exclude<Status, "offline">): void {
    this.exit()
    // It has ended since it was found: another login came between.
    if (live.ended) return
    const { hub, settings } = this.#around
    if (settings.sessions === "single") {
      for (const other of hub.sessionsOf(user.id)) {
        // A connection that is gone by now takes no session over; but who has logged in has ended all earlier ones.
        if (!this.#ended || other.live !== live) other.#takeOver()
      }
    }
    if (this.#ended) return
    this.#live = live
    live.connected()
    this.#user = user
    this.#superseded = false
    this.#delivery = new Delivery(this.connection, this.tongue, { user: user.id, device: live.device }, this)
    hub.enter(user.id, this)
    this.#around.crowd.welcome(this)
    this.#authenticate(true)
    hub.presence.set(user.id, status)
  }

  /** The connection has no user any more. Nothing is lost: the places stay. */
  exit(): void {
    const { hub, places } = this.#around
    const user = this.#user
    const delivery = this.#delivery
    this.#hearOut()
    this.#user = undefined
    this.#live?.disconnected()
    this.#live = undefined
    this.#delivery = undefined
    if (user === undefined || delivery === undefined) return
    delivery.close()
    for (const subscription of delivery.subscriptions()) {
      hub.unsubscribe(subscription)
      places.release(subscription)
    }
    hub.leave(user.id, this)
    if (this.#ended) return
    this.#around.crowd.estrange(this)
    this.#authenticate(false)
  }

  /** Frames may be larger, and more of them wait, once the connection has a user. */
  #authenticate(isAuthenticated: boolean): void {
    const { frame, unauthenticatedInput } = this.#around.settings
    this.#frames.authenticate(isAuthenticated)
    this.connection.limitFrames(isAuthenticated ? frame : Math.min(frame, unauthenticatedInput))
  }

  /**
   * From here on the session hears what happens in these chats: first the greeting (made in the same turn, so that
   * nothing falls between), then what was missed, then everything as it comes.
   */
  open(chats: ReadonlyArray<ChatId>, greeting: () => ReadonlyArray<Frame>): Effect.Effect<void> {
    const delivery = this.#delivery
    const user = this.#user
    if (delivery === undefined || user === undefined) return Effect.void
    return startingPlaces(this.#around, user, delivery.listener.device, chats).pipe(
      Effect.map((starts) => {
        if (delivery.closed) return
        for (const { place, head } of starts) {
          const subscription = delivery.begin(place, head)
          if (subscription !== undefined) this.#around.hub.subscribe(subscription)
        }
        delivery.open(greeting())
      }),
      // Without its places nothing can be delivered in order: the client comes again.
      Effect.catch((failed) =>
        Effect.andThen(
          logStorageFailure("places could not be read", failed),
          Effect.sync(() => this.connection.close(CLOSE_INTERNAL, "the storage does not answer"))
        )
      )
    )
  }

  /** The client has these packets and need not get them again. Ids that it was not sent do nothing. */
  acknowledge(ids: ReadonlyArray<number>): Effect.Effect<void> {
    const { recent } = this.#around.hub
    const unknown: Array<EntryId> = []
    // The connection may be gone once they are found: they were acknowledged before.
    const delivery = this.#delivery
    for (const id of ids) {
      const at = recent.find(id)
      if (at !== undefined) delivery?.acknowledge(recent.chat(at), recent.seq(at))
      // What is not looked up is delivered again, nothing worse.
      else if (unknown.length < MAX_LOOKED_UP && id > 0 && id < UNKEPT_IDS_FROM) unknown.push(EntryId(id))
    }
    if (unknown.length === 0) return Effect.void
    return this.#around.store.locate(unknown).pipe(
      Effect.map((found) => {
        for (const { chat, seq } of found) delivery?.acknowledge(chat, seq)
      }),
      // Then they are delivered again.
      Effect.catch((failed) => logStorageFailure("acknowledged entries could not be found", failed))
    )
  }

  /** The same where nothing has to be looked up: answers whether that was so; else `acknowledge` is due, for all of them. */
  acknowledgeAtOnce(ids: ReadonlyArray<number>): boolean {
    const delivery = this.#delivery
    if (delivery === undefined) return false
    const { recent } = this.#around.hub
    let chat: ChatId | undefined
    let subscription: Subscription | undefined
    for (const id of ids) {
      const at = recent.find(id)
      if (at === undefined) return false
      // Ids of one chat follow each other, hundreds of them in a busy one.
      if (recent.chat(at) !== chat) {
        chat = recent.chat(at)
        subscription = delivery.subscription(chat)
        if (subscription !== undefined) this.touch(subscription)
      }
      subscription?.acknowledge(recent.seq(at))
    }
    return true
  }

  /** The user is in a chat from this entry on. */
  joinChat(chat: ChatId, seq: number): void {
    const subscription = this.#delivery?.begin({ chat, pushed: seq - 1, delivered: seq - 1, acked: [] }, seq - 1)
    if (subscription !== undefined) this.#around.hub.subscribe(subscription)
  }

  /** The user is in a chat no more. */
  leaveChat(chat: ChatId): void {
    const subscription = this.#delivery?.end(chat)
    if (subscription === undefined) return
    this.#around.hub.unsubscribe(subscription)
    this.#around.places.release(subscription)
  }

  #takeOver(): void {
    this.exit()
    this.#superseded = true
    this.connection.send(new Frame(this.tongue.takenOver))
    this.#around.run(
      Effect.andThen(
        Effect.sleep(this.#around.settings.takeoverGrace),
        // A client that has logged in again on this very connection meanwhile stays.
        Effect.sync(() => {
          if (this.#superseded) this.connection.close(CLOSE_TAKEN_OVER, "logged in elsewhere")
        })
      )
    )
  }

  /** See `Follow`. */
  touch(subscription: Subscription): void {
    const { places } = this.#around
    if (subscription.delivery.closed) places.release(subscription)
    else places.touch(subscription)
  }

  /** See `Follow`. */
  catchUp(): void {
    const delivery = this.#delivery
    if (this.#catchingUp || delivery === undefined) return
    this.#catchingUp = true
    const { store, chats, settings } = this.#around
    const reading = catchUp(delivery, store, chats, settings.sendBuffer).pipe(
      Effect.catchCause((failed) =>
        Effect.andThen(
          logStorageFailure("a backlog could not be read", failed),
          Effect.sync(() => {
            // Nothing more can be delivered in order: the client comes again.
            delivery.close()
            this.connection.close(CLOSE_INTERNAL, "the storage does not answer")
          })
        )
      )
    )
    this.#around.run(reading, () => {
      this.#catchingUp = false
      if (this.#delivery !== undefined && this.#delivery.behind().size > 0 && !delivery.closed) this.catchUp()
    })
  }
}
