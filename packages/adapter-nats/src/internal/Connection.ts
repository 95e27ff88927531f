/** One connection to a NATS server, from the first attempt to its end. It does not reconnect by itself. */
import {
  connect,
  type ConnectionOptions,
  type Msg,
  type NatsConnection,
  PermissionViolationError
} from "@nats-io/transport-node"
import type { Servers } from "./servers.ts"

/** Milliseconds until a connection to one server must be established. */
const CONNECT_TIMEOUT = 3_000
/** Milliseconds between pings, and the number without a reply after which a connection counts as lost. */
const PING_INTERVAL = 1_000
const MAX_UNANSWERED_PINGS = 3
/** Milliseconds for which the end of a connection waits for packets that are on their way. */
const DRAIN_TIMEOUT = 1_000
/** Maximum number of characters that the server has not confirmed; further packets are dropped. */
const MAX_UNCONFIRMED = 16 * 1024 * 1024
/** Number of characters after which a confirmation is requested. */
const CONFIRM_EVERY = 1024 * 1024

/** The server does not let this user publish or subscribe. */
export class Forbidden extends Error {}

const connectionOptions = ({ hosts, isTls, password, token, user }: Servers): ConnectionOptions => ({
  servers: [...hosts],
  name: "parley",
  // Packets that were published while disconnected would be sent later, when their contents have been read from the store.
  reconnect: false,
  noEcho: true,
  timeout: CONNECT_TIMEOUT,
  pingInterval: PING_INTERVAL,
  maxPingOut: MAX_UNANSWERED_PINGS,
  ...(isTls && { tls: {} }),
  ...(user !== undefined && { user, pass: password ?? "" }),
  ...(token !== undefined && { token })
})

export class Connection {
  readonly #nats: NatsConnection
  readonly #subject: string
  /** Why this side closes the connection. */
  #reason: Error | undefined
  #unconfirmed = 0
  #isConfirming = false
  /** Resolves with the reason of the end; undefined if the server closed the connection without one. */
  readonly ended: Promise<Error | undefined>

  private constructor(nats: NatsConnection, subject: string, received: (packet: string) => void) {
    this.#nats = nats
    this.#subject = subject
    const decoder = new TextDecoder()
    const close = (cause: Error): void => {
      this.#reason ??= cause
      void nats.close()
    }
    const forbid = (cause: Error): void => close(new Forbidden(cause.message))
    nats.subscribe(subject, {
      callback: (error: Error | null, message: Msg) => {
        if (error !== null) forbid(error)
        else received(decoder.decode(message.data))
      }
    })
    void (async () => {
      for await (const status of nats.status()) {
        if (status.type === "error" && status.error instanceof PermissionViolationError) forbid(status.error)
        // The client closes it only after what is buffered has been sent, which never happens.
        if (status.type === "staleConnection") close(new Error("the server does not reply"))
      }
    })()
    this.ended = nats.closed().then((cause) => this.#reason ?? (cause instanceof Error ? cause : undefined))
  }

  /** Connects to one of the servers, and subscribes. Calls back for each message of the subject. */
  static async open(servers: Servers, subject: string, received: (packet: string) => void): Promise<Connection> {
    const nats = await connect(connectionOptions(servers))
    const connection = new Connection(nats, subject, received)
    const closed = connection.ended.then((cause) => cause ?? new Error("the server closed the connection"))
    // The reply comes after a refusal of the subscription. It does not come if the connection is closed before.
    const problem = await Promise.race([nats.flush().then(() => connection.#reason), closed])
    if (problem !== undefined) throw problem
    return connection
  }

  /** Maximum size of a message that the server accepts, in bytes. */
  get maxBytes(): number {
    return this.#nats.info?.max_payload ?? Number.POSITIVE_INFINITY
  }

  /** Sends a packet, or drops it if the server does not read, or has just closed the connection. */
  publish(packet: string): void {
    if (this.#unconfirmed > MAX_UNCONFIRMED || this.#nats.isClosed()) return
    try {
      this.#nats.publish(this.#subject, packet)
    } catch {
      // The next packet has a later number, by which the others notice.
      return
    }
    this.#unconfirmed += packet.length
    if (this.#unconfirmed < CONFIRM_EVERY || this.#isConfirming) return
    this.#isConfirming = true
    const sent = this.#unconfirmed
    const confirmed = (): void => {
      this.#unconfirmed -= sent
      this.#isConfirming = false
    }
    this.#nats.flush().then(confirmed, () => {})
  }

  /** Sends what was published, and closes. */
  async end(): Promise<void> {
    if (this.#nats.isClosed()) return
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, DRAIN_TIMEOUT)
    })
    await Promise.race([this.#nats.drain().catch(() => {}), late])
    clearTimeout(timer)
    await this.#nats.close()
  }
}
