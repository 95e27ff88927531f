/**
 * Session of one connection, authenticated or not. Its dialect decodes frames into requests and returns their replies; the
 * session sends the replies, then broadcasts. `RequestQueue` orders frames, `SessionDelivery` pushes events.
 */
import * as Effect from "effect/Effect"
import type { SendBroadcasts } from "../delivery/Broadcaster.ts"
import type { Draft, SentMessage } from "../model/Command.ts"
import type { PayerOf, RunCommand } from "../engine/CommandRunner.ts"
import type { Connection, Peer, Rejection } from "../ports/Connection.ts"
import type { ConnectionLimiter, LimitedConnection } from "../limits/ConnectionLimiter.ts"
import type { Subscriber } from "../delivery/Subscriber.ts"
import type { Engine } from "../engine/Engine.ts"
import { isUser, type UserCaller } from "../model/Event.ts"
import { Frame } from "../ports/Frame.ts"
import { type HandleFrame, type QueueContext, RequestQueue } from "./RequestQueue.ts"
import type { HubSession } from "../delivery/HubSession.ts"
import { type ChatId, nextEphemeralId } from "../model/Ids.ts"
import type { LiveSession } from "../delivery/LiveSession.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import type { Serializer } from "../delivery/Serializer.ts"
import { type DeliveryContext, SessionDelivery } from "./SessionDelivery.ts"
import type { Status, User } from "../model/User.ts"

/** WebSocket close codes: application-defined ones, and RFC 6455. */
const CLOSE_TAKEN_OVER = 4001
const CLOSE_POLICY = 1008
const CLOSE_TOO_LARGE = 1009
const CLOSE_TRY_LATER = 1013

/** Reasons in close frames and the log. */
const REJECTIONS: Readonly<Record<Rejection["_tag"], string>> = {
  TooManyConnections: "too many connections",
  TooManyOfAddress: "too many connections from this address",
  LoginDeadline: "no login in time",
  InputExhausted: "too much pending input",
  HttpRequest: "an HTTP request on another protocol's port"
}

/** Reasons after which a client should not reconnect unchanged. */
const POLICY: ReadonlySet<Rejection["_tag"]> = new Set(["LoginDeadline", "HttpRequest"])

/** Dependencies shared by all sessions of an engine. */
export interface SessionContext extends QueueContext, DeliveryContext {
  /** Runs the commands of requests. */
  readonly engine: Pick<Engine["Service"], "commands" | "trySend">
  /** Sends events to the connected members. */
  readonly broadcast: SendBroadcasts
  /** Limits of connections. */
  readonly limiter: ConnectionLimiter
  /** Settings of the engine. */
  readonly settings: EngineSettings
  /** Logs and counts the reason for which the engine closes a connection. */
  readonly logRejection: (session: ClientSession, tag: Rejection["_tag"], reason: string) => void
}

/** The reply to a client's request, and the actions after it. */
export interface Reply {
  /** Whole frame; undefined if the request has no reply. */
  readonly frame: string | Frame | undefined
  /** Users who logged in or out by this request, broadcast in this order. */
  readonly presence?: ReadonlyArray<{ readonly what: "login" | "logout"; readonly user: User }>
  /** Runs after the reply and the broadcasts: the pushes of a login. */
  readonly next?: RequestHandler
}

/**
 * Runs the commands of one request and encodes its reply; never fails. It sends nothing: the session sends the reply, then
 * broadcasts the events of the commands.
 */
export type RequestHandler = (run: RunCommand) => Effect.Effect<Reply>

/** Decodes a frame into its requests, in order; empty if the frame was handled synchronously. */
export type Requests = (session: ClientSession, frame: string) => ReadonlyArray<RequestHandler>

/** Clients are charged for their own commands. */
const payerOf: PayerOf = (caller) => (isUser(caller) ? caller.user : undefined)

/**
 * The delivery of an authenticated connection, or its state. `superseded`: its user has logged in elsewhere, and the
 * connection is about to be closed.
 */
type State = SessionDelivery | "unauthenticated" | "superseded" | "ended"

export class ClientSession implements Peer, LimitedConnection, HubSession {
  /** The connection. */
  readonly connection: Connection
  /** Encodes events for its wire profile. */
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
    this.#requests = new RequestQueue<ClientSession>(this, ClientSession.#handleFrame, context)
    connection.limitFrames(Math.min(context.settings.frame, context.settings.unauthenticatedInput))
  }

  get #delivery(): SessionDelivery | undefined {
    return typeof this.#state === "object" ? this.#state : undefined
  }

  /** Queues a whole frame; `bytes` is its size. */
  receive(frame: string, bytes = frame.length): void {
    this.subscriber?.acknowledgeImplicitly()
    this.#requests.enqueue(frame, bytes)
  }

  /** Counts the bytes of an unfinished frame. */
  partial(bytes: number): void {
    this.#requests.partial(bytes)
  }

  /** Queues the refusal of a frame that is not valid UTF-8. */
  invalidUtf8(): void {
    this.subscriber?.acknowledgeImplicitly()
    this.#requests.enqueue({ _tag: "InvalidUtf8" })
  }

  /** Queues the refusal of a frame of more than `limit` bytes. */
  oversized(limit: number): void {
    this.#requests.enqueue({ _tag: "Oversized", limit })
  }

  /** Refuses an HTTP request on a port of another protocol. */
  httpRequest(): void {
    if (this.#state !== "ended") this.reject({ _tag: "HttpRequest" })
  }

  /** Replies to an oversized frame (`limit` in bytes) and closes. */
  closeOversized(limit: number): void {
    this.reply(this.serializer.oversized(limit))
    this.connection.close(CLOSE_TOO_LARGE, `a frame may have at most ${limit} bytes`)
  }

  /** Ends the session after its connection has closed. */
  closed(): void {
    if (this.#state === "ended") return
    this.#requests.end()
    this.#transition("ended")
    this.#context.limiter.remove(this)
  }

  /** Replies with the reason, and closes the connection. */
  reject(reason: Rejection): void {
    this.#requests.clear()
    this.reply(
      reason._tag === "TooManyConnections" ? this.serializer.connectionLimitReached : this.serializer.rejected(reason)
    )
    const text = REJECTIONS[reason._tag]
    this.connection.close(POLICY.has(reason._tag) ? CLOSE_POLICY : CLOSE_TRY_LATER, text)
    this.#context.logRejection(this, reason._tag, text)
  }

  /** Whether the connection has ended. */
  get isEnded(): boolean {
    return this.#state === "ended"
  }

  /** Address of the client. */
  get address(): string {
    return this.connection.address
  }

  /** Whether a frame is running or queued. */
  get isBusy(): boolean {
    return this.#requests.isBusy
  }

  /** The login session of this connection. */
  get live(): LiveSession | undefined {
    return this.#delivery?.live
  }

  /** Whether the user has logged in elsewhere, and this connection is about to be closed. */
  get superseded(): boolean {
    return this.#state === "superseded"
  }

  /** The authenticated user; undefined without one. */
  get user(): User | undefined {
    return this.#delivery?.user
  }

  /** Delivery to this connection, while it has a user. */
  get subscriber(): Subscriber | undefined {
    return this.#delivery?.subscriber
  }

  /** Returns the caller of the engine's commands. Throws without a user, which is a defect of the dialect. */
  caller(): UserCaller {
    const delivery = this.#delivery
    if (delivery === undefined) throw new Error("this session has no user")
    return { user: delivery.user.id, device: delivery.live.device, connection: this.connection.id }
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
    const sendReply = (sent: SentMessage): void => this.reply(encodeReply(sent))
    return this.#requests.start(
      (onComplete) =>
        trySend(caller, draft, (outcome) =>
          outcome === undefined ? onComplete() : onComplete(() => commands.complete(caller, outcome, sendReply, now))
        ),
      Effect.suspend(() => this.#runHandler(handler))
    )
  }

  static readonly #handleFrame: HandleFrame<ClientSession> = (session, frame) => {
    const handlers = session.#decode(session, frame)
    const [first] = handlers
    if (first === undefined) return undefined
    return handlers.length === 1 ? session.#runHandler(first) : session.#runHandlers(handlers)
  }

  /**
   * Runs the requests of one frame in order. A frame may have a thousand: between two of them other clients are served, and
   * the client has to read its replies.
   */
  #runHandlers(handlers: ReadonlyArray<RequestHandler>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (const [index, handler] of handlers.entries()) {
        if (index > 0) {
          yield* Effect.yieldNow
          const { drained } = this.#requests
          if (drained !== undefined) yield* drained
        }
        yield* this.#runHandler(handler)
      }
    })
  }

  #runHandler(handler: RequestHandler): Effect.Effect<void> {
    const { commands } = this.#context.engine
    return Effect.flatMap(
      commands.run(handler, (reply) => this.#sendReply(reply), payerOf),
      (next) => (next === undefined ? Effect.void : this.#runHandler(next))
    )
  }

  #sendReply({ frame, presence = [], next }: Reply): RequestHandler | undefined {
    if (frame !== undefined) this.reply(frame)
    const { broadcast, hub } = this.#context
    for (const { what, user } of presence) {
      const event = { _tag: "UserEvent", id: nextEphemeralId(), what, user: hub.presence.of(user) } as const
      broadcast([{ event, to: "everyone" }], this.connection.id)
    }
    return next
  }

  /** Sends a reply, after all earlier pushes. */
  reply(frame: string | Frame): void {
    this.#flushPushes()
    this.connection.send(typeof frame === "string" ? new Frame(frame) : frame, true)
  }

  /** Sends earlier broadcasts. */
  #flushPushes(): void {
    const { subscriber } = this
    if (subscriber === undefined) return
    this.#context.hub.chats.flushBroadcasts(subscriber)
    subscriber.flush()
  }

  /**
   * Attaches a user to the connection, and sets their status. If only one session is allowed, the user's other
   * connections are notified, and closed after a grace period. Nothing is delivered before `open`.
   */
  attachUser(live: LiveSession, user: User, status: Exclude<Status, "offline">): void {
    this.detachUser()
    // Another login has ended this session since the lookup.
    if (live.ended) return
    const { hub, settings } = this.#context
    if (settings.sessions === "single" && live.kind !== "device") {
      for (const other of hub.sessionsOf(user.id)) {
        if (other.live?.kind === "device") continue
        // A connection that has closed takes over no other connection of its own session. Other sessions were ended by the
        // login itself.
        if (this.#state !== "ended" || other.live !== live) other.takeOver()
      }
    }
    if (this.#state === "ended") return
    live.connected()
    this.#state = new SessionDelivery(this.connection, this.serializer, { live, user }, this.#context)
    hub.addSession(user.id, this)
    this.#context.limiter.markAuthenticated(this)
    this.#applyLimits(true)
    hub.presence.set(user.id, status)
  }

  /** Detaches the user. Cursors are preserved. */
  detachUser(): void {
    if (this.#delivery !== undefined) this.#transition("unauthenticated")
  }

  #transition(state: Exclude<State, SessionDelivery>): void {
    const { limiter, hub } = this.#context
    const delivery = this.#delivery
    this.#flushPushes()
    this.#state = state
    if (delivery === undefined) return
    delivery.live.disconnected()
    delivery.close()
    hub.removeSession(delivery.user.id, this)
    if (state === "ended") return
    limiter.markUnauthenticated(this)
    this.#applyLimits(false)
  }

  /** Authenticated connections have larger limits of frames and queued input. */
  #applyLimits(isAuthenticated: boolean): void {
    const { frame, unauthenticatedInput } = this.#context.settings
    this.#requests.authenticate(isAuthenticated)
    this.connection.limitFrames(isAuthenticated ? frame : Math.min(frame, unauthenticatedInput))
  }

  /**
   * Starts delivery of these chats: first the initial frames (created in the same turn, so that no event is missed),
   * then the missed entries, then live events.
   */
  open(chats: ReadonlyArray<ChatId>, initialFrames: () => ReadonlyArray<Frame>): Effect.Effect<void> {
    return this.#delivery?.open(chats, initialFrames) ?? Effect.void
  }

  /** Turns pushes of transient events on or off for the present user; off at first. */
  receiveTransient(on: boolean): void {
    const { subscriber } = this
    if (subscriber !== undefined) subscriber.receivesTransient = on
  }

  /** Acknowledges packets, which are then not delivered again. Unknown ids are ignored. */
  acknowledge(ids: ReadonlyArray<number>): Effect.Effect<void> {
    return this.#delivery?.acknowledge(ids) ?? Effect.void
  }

  /** Acknowledges synchronously if all ids are cached. Otherwise returns false: call `acknowledge` with all of them. */
  tryAcknowledge(ids: ReadonlyArray<number>): boolean {
    return this.#delivery?.tryAcknowledge(ids) ?? false
  }

  /** Subscribes to a chat that the user joined with this entry. */
  joinChat(chat: ChatId, seq: number): void {
    this.#delivery?.joinChat(chat, seq)
  }

  /** Records that the client has fetched what came before it was subscribed to a chat. */
  confirmFetched(chat: ChatId): void {
    this.#delivery?.confirm(chat)
  }

  /** Unsubscribes from a chat that the user has left. */
  leaveChat(chat: ChatId): void {
    this.#delivery?.leaveChat(chat)
  }

  /** Notifies the client that its user has logged in elsewhere, and closes after a grace period. */
  takeOver(): void {
    this.#transition("superseded")
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
}
