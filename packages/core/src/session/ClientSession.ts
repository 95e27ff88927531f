/**
 * State of one connection: with or without a user. Its dialect decodes frames into requests and returns their replies; the
 * session sends the replies and what follows. `RequestQueue` orders frames, `Subscriber` pushes events.
 */
import { logStorageFailure } from "../ports/StorageErrors.ts"
import * as Effect from "effect/Effect"
import type { SendBroadcasts } from "../delivery/Broadcaster.ts"
import { catchUp } from "../delivery/CatchUp.ts"
import type { Draft, SentMessage } from "../model/Command.ts"
import type { PayerOf, RunCommand } from "../engine/CommandRunner.ts"
import type { Connection, Peer, Rejection } from "../ports/Connection.ts"
import type { ConnectionLimiter, LimitedConnection } from "../limits/ConnectionLimiter.ts"
import { Subscriber, type SubscriberEvents } from "../delivery/Subscriber.ts"
import type { Engine } from "../engine/Engine.ts"
import { isUser, type UserCaller } from "../model/Event.ts"
import { Frame } from "../ports/Frame.ts"
import { type HandleFrame, type QueueContext, RequestQueue } from "./RequestQueue.ts"
import type { Hub } from "../delivery/Hub.ts"
import type { HubSession } from "../delivery/HubSession.ts"
import { type ChatId, EntryId, nextEphemeralId, EPHEMERAL_ID_BASE } from "../model/Ids.ts"
import type { CursorStore } from "../delivery/CursorStore.ts"
import type { LiveSession } from "../delivery/LiveSession.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import { resumeCursors } from "../delivery/ResumeCursors.ts"
import type { Store } from "../ports/Store.ts"
import type { Subscription } from "../delivery/Subscriber.ts"
import type { Serializer } from "../delivery/Serializer.ts"
import type { Status, User } from "../model/User.ts"
import type { ChatCache } from "../cache/ChatCache.ts"

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
export interface SessionContext extends QueueContext {
  readonly engine: Pick<Engine["Service"], "commands" | "trySend">
  readonly hub: Hub["Service"]
  readonly broadcast: SendBroadcasts
  readonly limiter: ConnectionLimiter
  readonly cursors: CursorStore["Service"]
  readonly store: Store["Service"]
  readonly chats: ChatCache
  readonly settings: EngineSettings
  /** Logs that the engine closes a connection, and why. */
  readonly rejected: (session: ClientSession, reason: string) => void
}

/** The reply to a request of a client, and what follows it. */
export interface Reply {
  /** A whole frame; undefined where the request has no reply. */
  readonly frame: string | Frame | undefined
  /** Users who came or went by this request, broadcast in this order. */
  readonly presence?: ReadonlyArray<{ readonly what: "login" | "logout"; readonly user: User }>
  /** Handled when the reply is sent and everything is broadcast: the pushes of a login. */
  readonly next?: RequestHandler
}

/**
 * Runs the commands of one request and encodes its reply; never fails. It sends nothing: the session sends the reply, then
 * broadcasts the events of the commands.
 */
export type RequestHandler = (run: RunCommand) => Effect.Effect<Reply>

/** Decodes a frame into its requests, in order; empty if the frame was handled at once. */
export type Requests = (session: ClientSession, frame: string) => ReadonlyArray<RequestHandler>

/** Clients are charged for their own commands. */
const payerOf: PayerOf = (caller) => (isUser(caller) ? caller.user : undefined)

/** A connection with a user. */
interface Entered {
  readonly live: LiveSession
  readonly user: User
  readonly subscriber: Subscriber
  catchingUp: boolean
}

/** `superseded`: its user has logged in elsewhere, and the connection is about to be closed. */
type State = Entered | "unauthenticated" | "superseded" | "ended"

export class ClientSession implements Peer, LimitedConnection, SubscriberEvents, HubSession {
  readonly connection: Connection
  readonly serializer: Serializer
  readonly #decode: Requests
  readonly #context: SessionContext
  readonly #requests: RequestQueue<ClientSession>
  #state: State = "unauthenticated"

  constructor(connection: Connection, serializer: Serializer, requests: Requests, context: SessionContext) {
    this.connection = connection
    this.serializer = serializer
    this.#decode = requests
    this.#context = context
    this.#requests = new RequestQueue<ClientSession>(this, ClientSession.#respond, context)
    connection.limitFrames(Math.min(context.settings.frame, context.settings.unauthenticatedInput))
  }

  get #entered(): Entered | undefined {
    return typeof this.#state === "object" ? this.#state : undefined
  }

  receive(frame: string, bytes = frame.length): void {
    this.subscriber?.acknowledgeImplicitly()
    this.#requests.enqueue(frame, bytes)
  }

  partial(bytes: number): void {
    this.#requests.partial(bytes)
  }

  invalidUtf8(): void {
    this.subscriber?.acknowledgeImplicitly()
    this.#requests.enqueue({ _tag: "InvalidUtf8" })
  }

  oversized(limit: number): void {
    this.#requests.enqueue({ _tag: "Oversized", limit })
  }

  httpRequest(): void {
    if (this.#state !== "ended") this.reject({ _tag: "HttpRequest" })
  }

  /** Answers for a frame that was too large (`limit` in bytes), which is the last one. */
  refuse(limit: number): void {
    this.answer(this.serializer.oversized(limit))
    this.connection.close(CLOSE_TOO_LARGE, `a frame may have at most ${limit} bytes`)
  }

  closed(): void {
    if (this.#state === "ended") return
    this.#requests.end()
    this.#leave("ended")
    this.#context.limiter.remove(this)
  }

  reject(reason: Rejection): void {
    this.#requests.clear()
    this.answer(
      reason._tag === "TooManyConnections" ? this.serializer.connectionLimitReached : this.serializer.rejected(reason)
    )
    const text = REJECTIONS[reason._tag]
    this.connection.close(POLICY.has(reason._tag) ? CLOSE_POLICY : CLOSE_TRY_LATER, text)
    this.#context.rejected(this, text)
  }

  /** Whether the connection has ended. */
  get isEnded(): boolean {
    return this.#state === "ended"
  }

  get address(): string {
    return this.connection.address
  }

  /** Whether a frame of its is being carried out or waits for that. */
  get isBusy(): boolean {
    return this.#requests.isBusy
  }

  /** The session that this connection has. */
  get live(): LiveSession | undefined {
    return this.#entered?.live
  }

  /** The user has logged in elsewhere, and this connection is about to be closed. */
  get superseded(): boolean {
    return this.#state === "superseded"
  }

  get user(): User | undefined {
    return this.#entered?.user
  }

  /** What this connection hears, while it has a user. */
  get subscriber(): Subscriber | undefined {
    return this.#entered?.subscriber
  }

  /** For the engine's commands. Asking without a user is a mistake of the dialect. */
  caller(): UserCaller {
    const entered = this.#entered
    if (entered === undefined) throw new Error("this session has no user")
    return { user: entered.user.id, device: entered.live.device, connection: this.connection.id }
  }

  /**
   * Tries the fast path for a message, so that further frames are read before it is stored; its reply is sent in its turn.
   * Returns false, without effect, if the command has to be run. `handler` runs it in that turn if the commit is rejected.
   * `now` is the start of the request, in milliseconds since 1970.
   */
  trySend(
    draft: Draft,
    encodeReply: (sent: SentMessage) => string | Frame,
    handler: RequestHandler,
    now: number
  ): boolean {
    const { commands, trySend } = this.#context.engine
    const caller = this.caller()
    const sendReply = (sent: SentMessage): void => this.answer(encodeReply(sent))
    return this.#requests.start(
      (settled) =>
        trySend(caller, draft, (outcome) =>
          outcome === undefined ? settled() : settled(() => commands.conclude(caller, outcome, sendReply, now))
        ),
      Effect.suspend(() => this.#handle(handler))
    )
  }

  static readonly #respond: HandleFrame<ClientSession> = (session, frame) => {
    const handlers = session.#decode(session, frame)
    const [first] = handlers
    if (first === undefined) return undefined
    return handlers.length === 1 ? session.#handle(first) : session.#handleAll(handlers)
  }

  /** A frame may have a thousand requests: frames of other clients are handled between them, and replies wait for their reader. */
  #handleAll(handlers: ReadonlyArray<RequestHandler>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (const [index, handler] of handlers.entries()) {
        if (index > 0) {
          yield* Effect.yieldNow
          const { drained } = this.#requests
          if (drained !== undefined) yield* drained
        }
        yield* this.#handle(handler)
      }
    })
  }

  #handle(handler: RequestHandler): Effect.Effect<void> {
    const { commands } = this.#context.engine
    return Effect.flatMap(
      commands.run(handler, (reply) => this.#sendReply(reply), payerOf),
      (next) => (next === undefined ? Effect.void : this.#handle(next))
    )
  }

  #sendReply({ frame, presence = [], next }: Reply): RequestHandler | undefined {
    if (frame !== undefined) this.answer(frame)
    const { broadcast, hub } = this.#context
    for (const { what, user } of presence) {
      const event = { _tag: "UserEvent", id: nextEphemeralId(), what, user: hub.presence.of(user) } as const
      broadcast([{ event, to: "everyone" }], this.connection.id)
    }
    return next
  }

  /** Sends an answer, behind everything that was pushed before it. */
  answer(frame: string | Frame): void {
    this.#flushPushes()
    this.connection.send(typeof frame === "string" ? new Frame(frame) : frame, true)
  }

  /** Sends what was announced before. */
  #flushPushes(): void {
    const { subscriber } = this
    if (subscriber === undefined) return
    this.#context.hub.flushBroadcasts(subscriber)
    subscriber.flush()
  }

  /**
   * The connection has this user now, and the user is here. Where only one session is allowed, the user's other
   * connections are told, and closed after a grace. It hears nothing before `open`.
   */
  attachUser(live: LiveSession, user: User, status: Exclude<Status, "offline">): void {
    this.detachUser()
    // It has ended since it was found: another login came between.
    if (live.ended) return
    const { hub, settings } = this.#context
    if (settings.sessions === "single") {
      for (const other of hub.sessionsOf(user.id)) {
        // A connection that is gone by now takes no session over; but who has logged in has ended all earlier ones.
        if (this.#state !== "ended" || other.live !== live) other.takeOver()
      }
    }
    if (this.#state === "ended") return
    live.connected()
    const subscriber = new Subscriber(this.connection, this.serializer, { user: user.id, device: live.device }, this)
    this.#state = { live, user, subscriber, catchingUp: false }
    hub.addSession(user.id, this)
    this.#context.limiter.markAuthenticated(this)
    this.#authenticate(true)
    hub.presence.set(user.id, status)
  }

  /** The connection has no user any more. Nothing is lost: the places stay. */
  detachUser(): void {
    if (this.#entered !== undefined) this.#leave("unauthenticated")
  }

  #leave(state: Exclude<State, Entered>): void {
    const { limiter, hub, cursors } = this.#context
    const entered = this.#entered
    this.#flushPushes()
    this.#state = state
    if (entered === undefined) return
    const { subscriber, live, user } = entered
    live.disconnected()
    subscriber.close()
    for (const subscription of subscriber.subscriptions()) {
      hub.unsubscribe(subscription)
      cursors.release(subscription)
    }
    hub.removeSession(user.id, this)
    if (state === "ended") return
    limiter.markUnauthenticated(this)
    this.#authenticate(false)
  }

  /** Frames may be larger, and more of them wait, once the connection has a user. */
  #authenticate(isAuthenticated: boolean): void {
    const { frame, unauthenticatedInput } = this.#context.settings
    this.#requests.authenticate(isAuthenticated)
    this.connection.limitFrames(isAuthenticated ? frame : Math.min(frame, unauthenticatedInput))
  }

  /**
   * From here on the session hears what happens in these chats: first the greeting (made in the same turn, so that
   * nothing falls between), then what was missed, then everything as it comes.
   */
  open(chats: ReadonlyArray<ChatId>, greeting: () => ReadonlyArray<Frame>): Effect.Effect<void> {
    const entered = this.#entered
    if (entered === undefined) return Effect.void
    const { subscriber, user } = entered
    return resumeCursors(this.#context, user, subscriber.key.device, chats).pipe(
      Effect.map((starts) => {
        if (subscriber.closed) return
        for (const { cursor, head } of starts) {
          const subscription = subscriber.subscribe(cursor, head)
          if (subscription !== undefined) this.#context.hub.subscribe(subscription)
        }
        subscriber.open(greeting())
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
    const { recent } = this.#context.hub
    const unknown: Array<EntryId> = []
    // The connection may be gone once they are found: they were acknowledged before.
    const { subscriber } = this
    for (const id of ids) {
      const at = recent.find(id)
      if (at !== undefined) subscriber?.acknowledge(recent.chat(at), recent.seq(at))
      // What is not looked up is delivered again, nothing worse.
      else if (unknown.length < MAX_LOOKED_UP && id > 0 && id < EPHEMERAL_ID_BASE) unknown.push(EntryId(id))
    }
    if (unknown.length === 0) return Effect.void
    return this.#context.store.locate(unknown).pipe(
      Effect.map((found) => {
        for (const { chat, seq } of found) subscriber?.acknowledge(chat, seq)
      }),
      // Then they are delivered again.
      Effect.catch((failed) => logStorageFailure("acknowledged entries could not be found", failed))
    )
  }

  /** The same where nothing has to be looked up: answers whether that was so; else `acknowledge` is due, for all of them. */
  tryAcknowledge(ids: ReadonlyArray<number>): boolean {
    const { subscriber } = this
    if (subscriber === undefined) return false
    const { recent } = this.#context.hub
    let chat: ChatId | undefined
    let subscription: Subscription | undefined
    for (const id of ids) {
      const at = recent.find(id)
      if (at === undefined) return false
      // Ids of one chat follow each other, hundreds of them in a busy one.
      if (recent.chat(at) !== chat) {
        chat = recent.chat(at)
        subscription = subscriber.subscription(chat)
        if (subscription !== undefined) this.cursorMoved(subscription)
      }
      subscription?.acknowledge(recent.seq(at))
    }
    return true
  }

  /** The user is in a chat from this entry on. */
  joinChat(chat: ChatId, seq: number): void {
    const subscription = this.subscriber?.subscribe({ chat, pushed: seq - 1, delivered: seq - 1, acked: [] }, seq - 1)
    if (subscription !== undefined) this.#context.hub.subscribe(subscription)
  }

  /** The user is in a chat no more. */
  leaveChat(chat: ChatId): void {
    const subscription = this.subscriber?.unsubscribe(chat)
    if (subscription === undefined) return
    this.#context.hub.unsubscribe(subscription)
    this.#context.cursors.release(subscription)
  }

  takeOver(): void {
    this.#leave("superseded")
    this.connection.send(new Frame(this.serializer.takenOver))
    this.#context.run(
      Effect.andThen(
        Effect.sleep(this.#context.settings.takeoverGrace),
        // A client that has logged in again on this very connection meanwhile stays.
        Effect.sync(() => {
          if (this.superseded) this.connection.close(CLOSE_TAKEN_OVER, "logged in elsewhere")
        })
      )
    )
  }

  /** See `Follow`. */
  cursorMoved(subscription: Subscription): void {
    const { cursors } = this.#context
    if (subscription.subscriber.closed) cursors.release(subscription)
    else cursors.touch(subscription)
  }

  /** See `Follow`. */
  catchUp(): void {
    const entered = this.#entered
    if (entered === undefined || entered.catchingUp) return
    entered.catchingUp = true
    const { subscriber } = entered
    const { store, chats, settings } = this.#context
    const reading = catchUp(subscriber, store, chats, settings.sendBuffer).pipe(
      Effect.catchCause((failed) =>
        Effect.andThen(
          logStorageFailure("a backlog could not be read", failed),
          Effect.sync(() => {
            // Nothing more can be delivered in order: the client comes again.
            subscriber.close()
            this.connection.close(CLOSE_INTERNAL, "the storage does not answer")
          })
        )
      )
    )
    this.#context.run(reading, () => {
      entered.catchingUp = false
      if (this.#state === entered && subscriber.lagging().size > 0 && !subscriber.closed) this.catchUp()
    })
  }
}
