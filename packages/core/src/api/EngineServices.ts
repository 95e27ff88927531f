/** Services behind the promise API, and a way to run effects on them. */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import type { Blobs } from "../ports/Blobs.ts"
import type { Credentials } from "../auth/Credentials.ts"
import type { Engine } from "../engine/Engine.ts"
import type { Hub } from "../delivery/Hub.ts"
import type { OfflineQueue } from "../services/OfflineQueue.ts"
import type * as Parley from "../services/Parley.ts"
import type { Passwords } from "../ports/Passwords.ts"
import type { Permissions } from "../services/Permissions.ts"
import type { CursorStore } from "../delivery/CursorStore.ts"
import type { Sessions } from "../auth/Sessions.ts"
import type { StorageHealth } from "../engine/StorageHealth.ts"
import type { EngineSettings } from "../ports/Settings.ts"
import type { StorageFailed, Store } from "../ports/Store.ts"
import type { ListedNode } from "../ports/Nodes.ts"
import type { Users } from "../services/Users.ts"

/** Services of an embedded engine, for use with Effect. */
export type Services = Parley.Services | Store | Blobs | Passwords

export interface EngineServices {
  readonly engine: Engine["Service"]
  readonly hub: Hub["Service"]
  readonly store: Store["Service"]
  readonly blobs: Blobs["Service"]
  readonly cursors: CursorStore["Service"]
  readonly offlineQueue: OfflineQueue["Service"]
  readonly permissions: Permissions["Service"]
  readonly sessions: Sessions["Service"]
  readonly credentials: Credentials["Service"]
  readonly users: Users["Service"]
  /** The live nodes that share the store. */
  readonly listNodes: Effect.Effect<ReadonlyArray<ListedNode>, StorageFailed>
  readonly storageHealth: StorageHealth["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly settings: EngineSettings
  /** Runs an effect; rejects with a `ParleyError` for every failure. */
  readonly run: <A, E>(effect: Effect.Effect<A, E, Services>) => Promise<A>
  /** Whether the engine was closed. */
  readonly isClosed: () => boolean
  /** Calls back when the engine closes, until the returned function is called. */
  readonly onClose: (callback: () => void) => () => void
}

/** Returns a random gid. */
export const newGid = ({ random }: EngineServices): Effect.Effect<string> =>
  Effect.map(random.randomBytes(16), Hex.encode)
