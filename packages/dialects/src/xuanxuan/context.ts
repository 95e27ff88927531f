/** Dependencies of the handlers of xuanxuan. */
import type { Engine } from "@parley/core/Engine"
import type { Hub } from "@parley/core/Hub"
import type { OfflineQueue } from "@parley/core/OfflineQueue"
import type { Sessions } from "@parley/core/Sessions"
import type { EngineSettings } from "@parley/core/Settings"
import type * as Clock from "effect/Clock"
import type * as Semaphore from "effect/Semaphore"
import type { ProfileName } from "./profiles.ts"
import type { UserLists } from "./UserLists.ts"

export interface Deps {
  readonly engine: Engine["Service"]
  readonly hub: Hub["Service"]
  readonly sessions: Sessions["Service"]
  readonly queue: OfflineQueue["Service"]
  readonly userLists: Readonly<Record<ProfileName, UserLists>>
  /** Limits concurrent login pushes, so that thousands of reconnecting clients leave time for other requests. */
  readonly loginPermits: Semaphore.Semaphore
  readonly settings: EngineSettings
  readonly clock: Clock.Clock
}
