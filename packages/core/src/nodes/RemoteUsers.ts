/** Loads users again that others have changed: another node, or an external directory. */
import * as Effect from "effect/Effect"
import { BoundedMap } from "../cache/BoundedMap.ts"
import type { Sessions } from "../auth/Sessions.ts"
import type { RemoteBroadcasts } from "../delivery/Broadcaster.ts"
import type { Hub } from "../delivery/Hub.ts"
import type { Engine } from "../engine/Engine.ts"
import type { Broadcast, UserEvent } from "../model/Event.ts"
import { nextEphemeralId, type UserId } from "../model/Ids.ts"
import type { Refused } from "../model/Refused.ts"
import type { User } from "../model/User.ts"
import type { StorageFailed } from "../ports/Store.ts"
import { refuseOnStorageFailure } from "../ports/StorageErrors.ts"

/** Maximum number of announced names in memory. */
const MAX_NAMES = 10_000

const orUnavailable = refuseOnStorageFailure("users")

/** Close code of WebSockets after which clients reconnect: service restart. */
const CLOSE_MOVED = 1012

/**
 * Closes the connections of a user who sees other users from now on; they reconnect, and get new lists. Others have new
 * lists at their next login.
 */
export const reconnectMoved = (
  { visibility }: Engine["Service"]["context"],
  hub: Hub["Service"],
  before: User | undefined,
  user: User
): void => {
  if (!visibility.isLimited || before === undefined || before.organisation === user.organisation) return
  for (const { connection } of hub.sessionsOf(user.id)) connection.close(CLOSE_MOVED, "the organisation has changed")
}

/** Called with a user before and after they were loaded again. */
export type OnLoaded = (before: User | undefined, user: User) => void

/**
 * Loads users of the external directory again, by external id, or all users of this node; removed and disabled ones are logged
 * out.
 */
export const invalidateUsers = Effect.fnUntraced(function* (
  { users }: Engine["Service"]["context"],
  hub: Hub["Service"],
  sessions: Sessions["Service"],
  ids: ReadonlyArray<string> | undefined,
  onLoaded: OnLoaded
): Effect.fn.Return<void, Refused> {
  const { external } = users
  if (external === undefined) return
  if (ids === undefined) external.clearMissing()
  const changed = ids === undefined ? undefined : yield* orUnavailable(external.idsOf(ids))
  users.invalidate(changed)
  const wanted = changed ?? [...new Set(hub.allSessions().flatMap(({ user }) => user?.id ?? []))]
  const before = new Map(wanted.map((id) => [id, users.getCached(id)]))
  const current = new Map((yield* orUnavailable(users.findMany(wanted))).map((user) => [user.id, user]))
  for (const id of wanted) {
    const user = current.get(id)
    if (user !== undefined) onLoaded(before.get(id), user)
    if (user === undefined || user.disabled) yield* sessions.endAll(id)
  }
})

interface Dependencies {
  readonly hub: Hub["Service"]
  readonly remote: RemoteBroadcasts["Service"]
  readonly engine: Engine["Service"]
  readonly sessions: Sessions["Service"]
}

export class RemoteUsers {
  readonly #deps: Dependencies
  /** Names that were announced last: a packet and the journal report the same change. */
  readonly #names = new BoundedMap<UserId, string>(MAX_NAMES)

  constructor(deps: Dependencies) {
    this.#deps = deps
  }

  /** Loads users that another node has changed in the store; `renamed` are those with a new name. */
  readonly changed = Effect.fnUntraced(function* (
    this: RemoteUsers,
    ids: ReadonlySet<UserId>,
    renamed: ReadonlySet<UserId>
  ): Effect.fn.Return<void, StorageFailed> {
    const { context } = this.#deps.engine
    const { store, users } = context
    // The store has only the ids of an external directory's users, which never change.
    if (users.external !== undefined) return
    for (const user of yield* store.users([...ids])) {
      const before = users.getCached(user.id)
      users.putRemote(user)
      reconnectMoved(context, this.#deps.hub, before, user)
      if (renamed.has(user.id)) this.announceName(user)
    }
  })

  /** Records a name that this node has announced itself. */
  announced({ id, realname }: User): void {
    this.#names.set(id, realname)
  }

  /** Notifies the clients of this node of a name, unless it is the one announced last. */
  announceName(user: User): void {
    if (this.#names.get(user.id) === user.realname) return
    this.announced(user)
    const { hub, remote } = this.#deps
    const event: UserEvent = {
      _tag: "UserEvent",
      id: nextEphemeralId(),
      what: "renamed",
      user: hub.presence.of(user)
    }
    const broadcasts: ReadonlyArray<Broadcast> = [{ event, to: "everyone" }]
    remote.deliver(broadcasts)
    remote.observeBroadcasts(broadcasts)
  }

  /** Loads users that were invalidated on another node. */
  invalidated(ids: ReadonlyArray<string> | undefined): Effect.Effect<void, Refused> {
    const { engine, hub, sessions } = this.#deps
    return invalidateUsers(engine.context, hub, sessions, ids, (before, user) => {
      if (before !== undefined && before.realname !== user.realname) this.announceName(user)
      reconnectMoved(engine.context, hub, before, user)
    })
  }
}
