/**
 * Apps that may use this protocol: its own records, created by the operator. Keys are stored in clear text, since they
 * encrypt and decrypt messages.
 */
import type { Engine } from "@parley/core/Engine"
import type { Refused } from "@parley/core/Refused"
import type { Store } from "@parley/core/Store"
import type * as Cipher from "effect/crypto/Cipher"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { CachedRecords } from "../_records/CachedRecords.ts"
import type { Callback } from "./callbackUrl.ts"
import { keyBytes, makeEnvelopeCipher, type EnvelopeCipher } from "./envelopeCipher.ts"

export const DIALECT = "youdu"
const KIND = "app"

/** Stored form of an app. */
export interface App {
  /** The enterprise's number. */
  readonly buin: number
  readonly appId: string
  /** `EncodingAESKey`: 32 bytes in base64. */
  readonly key: string
  /** The app may access groups that have a member of this organisation, and send to its users. */
  readonly organisation: number
  /** Absent if the app gets no messages. */
  readonly callback?: Callback
}

export interface AppWithCipher extends App {
  readonly name: string
  readonly envelope: EnvelopeCipher
}

/** Returns the unique name of an app. */
export const appName = (buin: number, appId: string): string => `${buin}/${appId}`

export interface Apps {
  readonly find: (name: string) => Effect.Effect<AppWithCipher | undefined, Refused>
  /** All apps, by name. */
  readonly all: Effect.Effect<ReadonlyMap<string, AppWithCipher>, Refused>
  /** All apps, for an operator's command. */
  readonly listed: Effect.Effect<ReadonlyMap<string, AppWithCipher>, string>
  /** Returns false if the app exists. */
  readonly add: (app: App) => Effect.Effect<boolean, string>
  readonly replace: (app: App) => Effect.Effect<void, string>
  readonly remove: (name: string) => Effect.Effect<void, string>
  /** Calls back after each change, by this node or another one, until the returned function is called. */
  readonly onChange: (callback: () => void) => () => void
}

interface AppDeps {
  readonly store: Store["Service"]
  readonly engine: Engine["Service"]
  readonly cipher: Cipher.Cipher["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
}

/** Returns the stored form, without what was derived from it. */
const stored = ({ buin, appId, key, organisation, callback }: App): App => ({
  buin,
  appId,
  key,
  organisation,
  ...(callback !== undefined && { callback })
})

export const makeApps = ({ store, engine, cipher, random }: AppDeps): Apps => {
  const records = new CachedRecords<AppWithCipher>({
    store,
    engine,
    dialect: DIALECT,
    kind: KIND,
    noun: "apps",
    decode: Effect.fnUntraced(function* ({ value }) {
      const app = value as App
      const bytes = keyBytes(app.key)
      if (bytes === undefined) return undefined
      const envelope = yield* makeEnvelopeCipher(cipher, random, bytes, app.appId)
      return { ...app, name: appName(app.buin, app.appId), envelope }
    })
  })
  const listeners = new Set<() => void>()
  const announced = <A>(change: Effect.Effect<A, string>): Effect.Effect<A, string> =>
    Effect.tap(change, () =>
      Effect.sync(() => {
        for (const listener of listeners) listener()
      })
    )

  return {
    find: (name) => Effect.map(records.all, (apps) => apps.get(name)),
    all: records.all,
    listed: records.listed,
    add: (app) => announced(records.add(appName(app.buin, app.appId), stored(app))),
    replace: (app) => announced(records.replace(appName(app.buin, app.appId), stored(app))),
    remove: (name) => announced(records.remove(name)),
    onChange: (callback) => {
      listeners.add(callback)
      const unlisten = engine.onRecordsChanged(DIALECT, KIND, callback)
      return () => {
        unlisten()
        listeners.delete(callback)
      }
    }
  }
}
