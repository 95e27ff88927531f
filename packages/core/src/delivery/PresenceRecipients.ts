/** Recipients of presence events among the connected sessions: all of them, a class of users, or a set for each event. */
import type { UserEvent } from "../model/Event.ts"
import type { UserId } from "../model/Ids.ts"
import type { User } from "../model/User.ts"
import type { ConnectedSessions } from "./ConnectedSessions.ts"
import type { HubSession } from "./HubSession.ts"
import type { PresenceAudience } from "./PresenceAudience.ts"
import { EventEncoding } from "./Serializer.ts"

export class PresenceRecipients {
  readonly #connected: ConnectedSessions
  /** Undefined if all users get all presence events. */
  #audience: PresenceAudience | undefined
  /** Sessions by the class of their user, for an audience of classes. */
  readonly #classes = new Map<string, Set<HubSession>>()
  /** Classes under which sessions were added: a user may have moved to another one. */
  readonly #classOfSession = new WeakMap<HubSession, string>()
  /** Recipients of events that are being sent, for an audience of events. */
  readonly #ofEvent = new WeakMap<UserEvent, ReadonlySet<UserId>>()

  constructor(connected: ConnectedSessions) {
    this.#connected = connected
  }

  /** Sets the audience, before the first session. */
  limit(audience: PresenceAudience): void {
    this.#audience = audience
  }

  /** Whether each event has its own recipients. */
  get areByEvent(): boolean {
    return this.#audience?._tag === "Events"
  }

  /** The class under which a user's oldest session was added. */
  classOf(user: UserId): string | undefined {
    const [session] = this.#connected.of(user)
    return session === undefined ? undefined : this.#classOfSession.get(session)
  }

  add(session: HubSession): void {
    if (this.#audience?._tag !== "Classes" || session.user === undefined) return
    const key = this.#audience.classOf(session.user)
    this.#classOfSession.set(session, key)
    const sessions = this.#classes.get(key)
    if (sessions === undefined) this.#classes.set(key, new Set([session]))
    else sessions.add(session)
  }

  remove(session: HubSession): void {
    const key = this.#classOfSession.get(session)
    const sessions = key === undefined ? undefined : this.#classes.get(key)
    if (key !== undefined && sessions?.delete(session) === true && sessions.size === 0) this.#classes.delete(key)
  }

  /** Calls back with the number of recipients of an event; not at all if they cannot be decided. */
  count(event: UserEvent, callback: (recipients: number) => void): void {
    const audience = this.#audience
    if (audience === undefined) return callback(this.#connected.userCount)
    if (audience._tag === "Classes") return callback(this.#classes.get(audience.classOf(event.user))?.size ?? 0)
    audience.resolve(event, this.#online(), (recipients) => {
      this.#ofEvent.set(event, recipients)
      callback(recipients.size)
    })
  }

  #online(): ReadonlyArray<User> {
    const online: Array<User> = []
    for (const user of this.#connected.users()) {
      const [session] = this.#connected.of(user)
      if (session?.user !== undefined) online.push(session.user)
    }
    return online
  }

  /** Returns the events, encoded once for each set of recipients, with the sessions that get them. */
  *of(
    events: ReadonlyArray<UserEvent>
  ): Generator<readonly [encoding: EventEncoding, sessions: Iterable<HubSession>], void> {
    const audience = this.#audience
    if (audience === undefined) return yield [new EventEncoding(...events), this.#connected.all()]
    if (audience._tag === "Events") {
      for (const event of events) {
        yield [new EventEncoding(event), this.#connected.ofAll([...(this.#ofEvent.get(event) ?? [])])]
      }
      return
    }
    for (const [key, ofClass] of Map.groupBy(events, ({ user }) => audience.classOf(user))) {
      yield [new EventEncoding(...ofClass), this.#classes.get(key) ?? []]
    }
  }
}
