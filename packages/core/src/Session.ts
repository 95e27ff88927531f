/**
 * One connection's life: its frames are carried out one after the other and answered in that order; it has a user or
 * none. What the words are is the business of its dialect, what it hears that of its `Delivery`.
 */
import * as Effect from "effect/Effect"
import { catchUp } from "./CatchUp.ts"
import { type Connection, Frame, type Peer } from "./Connection.ts"
import type { Crowd, Visitor } from "./Crowd.ts"
import { Delivery } from "./Delivery.ts"
import type { UserCaller } from "./Event.ts"
import type { Switchboard } from "./Hub.ts"
import { type ChatId, EntryId, UNKEPT_IDS_FROM } from "./Ids.ts"
import type { Places } from "./Places.ts"
import type { LiveSession } from "./Sessions.ts"
import type { EngineSettings } from "./Settings.ts"
import { startingPlaces } from "./StartingPlaces.ts"
import type { Store } from "./Store.ts"
import type { Tongue, Utterance } from "./Tongue.ts"
import { Underway } from "./Underway.ts"
import type { Status, User } from "./User.ts"
import type { WarmChats } from "./WarmChats.ts"

/** WebSocket close codes: of our own, and of RFC 6455. */
const CLOSE_TAKEN_OVER = 4001
const CLOSE_TOO_LARGE = 1009
const CLOSE_INTERNAL = 1011
const CLOSE_TRY_LATER = 1013

/** Acknowledged ids of one frame that are looked up in storage, at most; the newest need no looking up. */
const MAX_LOOKED_UP = 5000

/** What stands among the waiting frames where one was dropped. */
type Dropped = { readonly _tag: "Garbled" } | { readonly _tag: "Oversized"; readonly limit: number }

/** What all sessions of an engine share. */
export interface Surroundings {
  readonly hub: Switchboard
  readonly crowd: Crowd
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
}

/**
 * A dialect's way with a frame: carries it out and answers it through the session; never fails. Nothing is left to run
 * where it was carried out at once, or was begun by `Session.begin`.
 */
export type Respond = (session: Session, frame: string) => Effect.Effect<void> | undefined

export class Session implements Peer, Visitor {
  readonly connection: Connection
  readonly tongue: Tongue
  readonly #respond: Respond
  readonly #around: Surroundings
  /** Frames that wait for their turn. */
  readonly #waiting: Array<string | Dropped> = []
  readonly #underway: Underway
  /** A frame that waits until what was begun before it is answered. */
  #held: Effect.Effect<void> | undefined
  #paused = false
  #running = false
  #ended = false
  #user: User | undefined
  #live: LiveSession | undefined
  #superseded = false
  #delivery: Delivery | undefined
  #catchingUp = false

  constructor(connection: Connection, tongue: Tongue, respond: Respond, around: Surroundings) {
    this.connection = connection
    this.tongue = tongue
    this.#respond = respond
    this.#around = around
    this.#underway = new Underway(around, () => this.#moveOn())
  }

  receive(frame: string): void {
    this.#take(frame)
  }

  garbled(): void {
    this.#take({ _tag: "Garbled" })
  }

  #take(frame: string | Dropped): void {
    if (this.#ended) return
    this.#delivery?.noteTaken()
    this.#waiting.push(frame)
    if (this.#waiting.length >= this.#around.settings.waitingFrames && !this.#paused) {
      this.#paused = true
      this.connection.pause()
    }
    if (!this.#running && this.#held === undefined) this.#next()
  }

  oversized(limit: number): void {
    if (this.#ended) return
    // What came before it is answered before it.
    this.#waiting.push({ _tag: "Oversized", limit })
    if (!this.#running && this.#held === undefined) this.#next()
  }

  closed(): void {
    if (this.#ended) return
    this.#ended = true
    this.#waiting.length = 0
    this.#held = undefined
    this.exit()
    this.#around.crowd.leave(this)
  }

  turnAway(): void {
    this.#waiting.length = 0
    this.#held = undefined
    this.answer(this.tongue.crowded)
    this.connection.close(CLOSE_TRY_LATER, "too many connections")
  }

  /**
   * Begins work whose answer comes later, in its turn: meanwhile further frames are taken up. `begin` answers false
   * where it has done nothing; else it calls `settled` once, with what answers it, or with nothing where `otherwise` is to
   * be done in its turn. Answers what `begin` did.
   */
  begin(begin: (settled: (conclude?: () => void) => void) => boolean, otherwise: Effect.Effect<void>): boolean {
    return this.#underway.add(begin, otherwise)
  }

  /** Something that was under way has been answered. */
  #moveOn(): void {
    if (this.#running) return
    const held = this.#held
    if (held === undefined) return this.#next()
    if (!this.#underway.isEmpty) return
    this.#held = undefined
    this.#running = true
    this.#around.work(held, () => this.#next())
  }

  /** Takes up frames until one is not carried out at once; that one goes on from here when it is. */
  #next(): void {
    this.#running = true
    for (;;) {
      if (this.#ended || !this.#underway.hasRoom) {
        this.#running = false
        return
      }
      const frame = this.#waiting.shift()
      if (frame === undefined) {
        this.#running = false
        return
      }
      if (typeof frame !== "string" && !this.#underway.isEmpty) {
        // It is answered after what was begun before it.
        this.#waiting.unshift(frame)
        this.#running = false
        return
      }
      if (typeof frame !== "string" && frame._tag === "Oversized") return this.#refuse(frame.limit)
      if (this.#paused && this.#waiting.length <= this.#around.settings.waitingFrames / 2) {
        this.#paused = false
        this.connection.resume()
      }
      if (typeof frame !== "string") {
        this.answer(this.tongue.garbled)
        continue
      }
      const work = this.#carryOut(frame)
      if (work === undefined) continue
      if (!this.#underway.isEmpty) {
        // It may see what was begun before it, and is answered after that.
        this.#held = work
        this.#running = false
        return
      }
      // A list of frames that are carried out at once must not become a stack of calls.
      let [done, later] = [false, false]
      this.#around.work(work, () => {
        done = true
        if (later) this.#next()
      })
      if (!done) {
        later = true
        return
      }
    }
  }

  #carryOut(frame: string): Effect.Effect<void> | undefined {
    try {
      return this.#respond(this, frame)
    } catch (cause) {
      // A mistake of ours, logged where work breaks off. It may be called from another connection's commit.
      return Effect.die(cause)
    }
  }

  #refuse(limit: number): void {
    this.#waiting.length = 0
    this.answer(this.tongue.oversized(limit))
    this.connection.close(CLOSE_TOO_LARGE, `a frame may have at most ${limit} bytes`)
  }

  /** Whether a frame of its is being carried out or waits for that. */
  get isBusy(): boolean {
    return this.#running || this.#held !== undefined || this.#waiting.length > 0 || !this.#underway.isEmpty
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
  answer(frame: string): void {
    this.#delivery?.flush()
    this.connection.send(new Frame(frame))
  }

  /**
   * The connection has this user now, and the user is here. Where only one session is allowed, the user's other
   * connections are told, and closed after a grace. It hears nothing before `open`.
   */
  enter(live: LiveSession, user: User, status: Exclude<Status, "offline">): void {
    this.exit()
    const { hub, settings, places } = this.#around
    if (settings.sessions === "single") {
      for (const other of hub.sessionsOf(user.id)) {
        // A connection that is gone by now takes no session over; but who has logged in has ended all earlier ones.
        if (!this.#ended || other.live !== live) other.#takeOver()
      }
    }
    if (this.#ended) return
    this.#live = live
    this.#user = user
    this.#superseded = false
    this.#delivery = new Delivery(
      this.connection,
      this.tongue,
      { user: user.id, device: live.device },
      { catchUp: () => this.#catchUp(), touch: places.touch }
    )
    hub.enter(user.id, this)
    this.#around.crowd.welcome(this)
    hub.presence.set(user.id, status)
  }

  /** The connection has no user any more. Nothing is lost: the places stay. */
  exit(): void {
    const { hub, places } = this.#around
    const user = this.#user
    const delivery = this.#delivery
    this.#user = undefined
    this.#live = undefined
    this.#delivery = undefined
    if (user === undefined || delivery === undefined) return
    delivery.flush()
    delivery.close()
    for (const subscription of delivery.subscriptions()) {
      hub.unsubscribe(subscription)
      places.release(subscription)
    }
    hub.leave(user.id, this)
    if (!this.#ended) this.#around.crowd.estrange(this)
  }

  /**
   * From here on the session hears what happens in these chats: first the greeting (made in the same turn, so that
   * nothing falls between), then what was missed, then everything as it comes.
   */
  readonly open = (chats: ReadonlyArray<ChatId>, greeting: () => ReadonlyArray<Utterance>): Effect.Effect<void> => {
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
          Effect.logError("places could not be read", failed),
          Effect.sync(() => this.connection.close(CLOSE_INTERNAL, "the storage does not answer"))
        )
      )
    )
  }

  /** The client has these packets and need not get them again. Ids that it was not sent do nothing. */
  readonly acknowledge = (ids: ReadonlyArray<number>): Effect.Effect<void> => {
    const unknown: Array<EntryId> = []
    for (const id of ids) {
      const known = this.#around.hub.locate(id)
      if (known === undefined) {
        // What is not looked up is delivered again, nothing worse.
        if (unknown.length < MAX_LOOKED_UP && id > 0 && id < UNKEPT_IDS_FROM) unknown.push(EntryId(id))
      } else this.#delivery?.acknowledge(known.chat, known.seq)
    }
    if (unknown.length === 0) return Effect.void
    return this.#around.store.locate(unknown).pipe(
      Effect.map((found) => {
        for (const { chat, seq } of found) this.#delivery?.acknowledge(chat, seq)
      }),
      // Then they are delivered again.
      Effect.catch((failed) => Effect.logWarning("acknowledged entries could not be found", failed))
    )
  }

  /** The same where nothing has to be looked up: answers whether that was so, and else has done nothing. */
  acknowledgeAtOnce(ids: ReadonlyArray<number>): boolean {
    const delivery = this.#delivery
    if (delivery === undefined) return false
    const places = ids.map((id) => this.#around.hub.locate(id))
    if (places.includes(undefined)) return false
    for (const place of places) if (place !== undefined) delivery.acknowledge(place.chat, place.seq)
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

  #catchUp(): void {
    const delivery = this.#delivery
    if (this.#catchingUp || delivery === undefined) return
    this.#catchingUp = true
    const { store, chats, settings } = this.#around
    const reading = catchUp(delivery, store, chats, settings.sendBuffer).pipe(
      Effect.catch((failed) =>
        Effect.andThen(
          Effect.logError("a backlog could not be read", failed),
          Effect.sync(() => this.connection.close(CLOSE_INTERNAL, "the storage does not answer"))
        )
      )
    )
    this.#around.run(reading, () => {
      this.#catchingUp = false
      if (this.#delivery !== undefined && this.#delivery.behind().size > 0 && !delivery.closed) this.#catchUp()
    })
  }
}
