/** The system chat, whose members are all users. Source: PROTOCOLS, "Who may do what". */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { Engine } from "../engine/Engine.ts"
import { type VersionConflict, type StorageFailed, Store } from "../ports/Store.ts"

const SYSTEM_GID = "system"

/**
 * Creates the system chat if it does not exist; system administrators are its admins. Of several nodes that start at once,
 * one creates it.
 */
export const ensureSystemChat: Effect.Effect<void, VersionConflict | StorageFailed, Engine | Store> = Effect.gen(
  function* () {
    const store = yield* Store
    const { commit } = yield* Engine
    if ((yield* store.systemChats).length > 0) return
    yield* commit({
      expectedVersions: [],
      writes: [
        {
          _tag: "CreateChat",
          by: null,
          chat: {
            gid: SYSTEM_GID,
            name: "System",
            type: "system",
            public: false,
            subject: 0,
            createdBy: null,
            owner: null,
            admins: [],
            senders: [],
            createdAt: yield* Clock.currentTimeMillis,
            attributes: {},
            members: []
          }
        }
      ]
    }).pipe(Effect.catchTag("Duplicate", () => Effect.void))
  }
)
