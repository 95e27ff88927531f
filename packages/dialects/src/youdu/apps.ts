/**
 * Apps that may use this protocol: its own records, created by the operator. Keys are stored in clear text, since they
 * encrypt and decrypt messages.
 */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Engine } from "@parley/core/Engine"
import type { Refused } from "@parley/core/Refused"
import type { Store } from "@parley/core/Store"
import type * as Cipher from "effect/crypto/Cipher"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { CachedRecords } from "../_records/CachedRecords.ts"
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
  /** The app may access groups that have a member of this organisation. */
  readonly organisation: number
}

export interface AppWithCipher extends App {
  readonly name: string
  readonly envelope: EnvelopeCipher
}

/** Returns the unique name of an app. */
export const appName = (buin: number, appId: string): string => `${buin}/${appId}`

export interface Apps {
  readonly find: (name: string) => Effect.Effect<AppWithCipher | undefined, Refused>
  readonly commands: ReadonlyArray<OperatorCommand>
  /** Adds the app if it does not exist. */
  readonly ensure: (app: App) => Effect.Effect<void>
  /** Removes the app if it has this key; returns whether it did. */
  readonly remove: (app: App) => Effect.Effect<boolean, string>
}

interface AppDeps {
  readonly store: Store["Service"]
  readonly engine: Engine["Service"]
  readonly cipher: Cipher.Cipher["Service"]
  readonly random: SecureRandom.SecureRandom["Service"]
}

const BUIN = { name: "buin", kind: "integer", required: true, description: "The enterprise's number" } as const
const APP_ID = { name: "app-id", kind: "text", required: true, description: "The app's id" } as const

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

  return {
    find: (name) => Effect.map(records.all, (apps) => apps.get(name)),
    ensure: (app) => Effect.asVoid(Effect.orDie(records.add(appName(app.buin, app.appId), app))),
    remove: Effect.fnUntraced(function* ({ buin, appId, key }) {
      const name = appName(buin, appId)
      if ((yield* records.listed).get(name)?.key !== key) return false
      yield* records.remove(name)
      return true
    }),
    commands: [
      {
        path: ["youdu-app", "add"],
        group: "Apps that may use the youdu protocol",
        description: "Let an app use the youdu protocol",
        inputs: [
          BUIN,
          APP_ID,
          { name: "key", kind: "text", required: true, description: "The app's EncodingAESKey: 32 bytes in base64" },
          {
            name: "org",
            kind: "integer",
            required: true,
            description: "The id of the organisation whose groups the app may access"
          }
        ],
        run: Effect.fnUntraced(function* (inputs) {
          const app: App = {
            buin: Number(inputs["buin"]),
            appId: String(inputs["app-id"]),
            key: String(inputs["key"]),
            organisation: Number(inputs["org"])
          }
          const name = appName(app.buin, app.appId)
          const length = Array.from(app.appId).length
          if (length < 1 || length > 128) return yield* Effect.fail("app-id must have 1 to 128 characters")
          if (keyBytes(app.key) === undefined) return yield* Effect.fail("key must be 32 bytes in base64")
          if (!(yield* records.add(name, app))) return yield* Effect.fail(`app ${name} exists already`)
          return `added app ${name} of organisation ${app.organisation}`
        })
      },
      {
        path: ["youdu-app", "list"],
        description: "List the apps that may use the youdu protocol, with their organisations",
        inputs: [],
        run: () =>
          Effect.map(records.listed, (apps) =>
            Array.from(apps.values(), ({ name, organisation }) => `${name}  org ${organisation}`).join("\n")
          )
      },
      {
        path: ["youdu-app", "remove"],
        description: "Lock an app out of the youdu protocol, at once",
        inputs: [BUIN, APP_ID],
        run: Effect.fnUntraced(function* (inputs) {
          const name = appName(Number(inputs["buin"]), String(inputs["app-id"]))
          if (!(yield* records.listed).has(name)) return yield* Effect.fail(`there is no app ${name}`)
          yield* records.remove(name)
          return `removed app ${name}`
        })
      }
    ]
  }
}
