/**
 * The apps that may speak to this server: records of this protocol, made by the operator. A key is kept as it is, since
 * what comes and goes is deciphered with it.
 */
import { logStorageFailure } from "@parley/core/StorageErrors"
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Engine } from "@parley/core/Engine"
import { type Refused, refuse } from "@parley/core/Refused"
import type { Store } from "@parley/core/Store"
import type * as Cipher from "effect/crypto/Cipher"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import { keyBytes, makeEnvelopeCipher, type EnvelopeCipher } from "./envelopeCipher.ts"

export const DIALECT = "youdu"
const KIND = "app"

/** As it is stored. */
export interface App {
  /** The enterprise's number. */
  readonly buin: number
  readonly appId: string
  /** EncodingAESKey: 32 bytes in base64. */
  readonly key: string
  /** It reaches the groups that have a member of this organisation. */
  readonly organisation: number
}

export interface OpenApp extends App {
  readonly name: string
  readonly sealing: EnvelopeCipher
}

/** One app's name among all. */
export const appName = (buin: number, appId: string): string => `${buin}/${appId}`

export interface Apps {
  readonly find: (name: string) => Effect.Effect<OpenApp | undefined, Refused>
  readonly commands: ReadonlyArray<OperatorCommand>
  /** Adds the app unless it is there. */
  readonly ensure: (app: App) => Effect.Effect<void>
  /** Whether the app was there with this key; it is not any more. */
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
  // Only the process that holds the database changes them, and it does so here.
  let known: ReadonlyMap<string, OpenApp> | undefined
  /** Counts changes: what was being read meanwhile is not kept. */
  let changes = 0

  const opened = Effect.fnUntraced(function* (app: App) {
    const bytes = keyBytes(app.key)
    if (bytes === undefined) return []
    const sealing = yield* makeEnvelopeCipher(cipher, random, bytes, app.appId)
    return [{ ...app, name: appName(app.buin, app.appId), sealing }]
  })

  const all: Effect.Effect<ReadonlyMap<string, OpenApp>, Refused> = Effect.suspend(() => {
    if (known !== undefined) return Effect.succeed(known)
    const before = changes
    return store.records(DIALECT, KIND).pipe(
      Effect.flatMap(Effect.forEach(({ value }) => opened(value as App))),
      Effect.map((found) => {
        const apps = new Map(found.flat().map((app) => [app.name, app]))
        if (changes === before) known = apps
        return apps
      }),
      Effect.catchTag("StorageFailed", (failed) =>
        Effect.andThen(logStorageFailure("the apps could not be read", failed), refuse({ _tag: "Unavailable" }))
      )
    )
  })

  /** Whether it was written: with `once` not where there is one already. */
  const put = (key: string, value: App | null, once = false): Effect.Effect<boolean, string> =>
    engine
      .commit({
        expectedVersions: [],
        writes: [{ _tag: "PutRecord", record: { dialect: DIALECT, kind: KIND, key, value }, once }]
      })
      .pipe(
        Effect.as(true),
        Effect.catchTag("Duplicate", () => Effect.succeed(false)),
        Effect.tapError((failed) => logStorageFailure("an app could not be written", failed)),
        Effect.mapError(() => "the database could not be written; the server's log says why"),
        Effect.tap(() =>
          Effect.sync(() => {
            changes++
            known = undefined
          })
        )
      )

  const listed: Effect.Effect<ReadonlyMap<string, OpenApp>, string> = Effect.mapError(
    all,
    () => "the database could not be read; the server's log says why"
  )

  return {
    find: (name) => Effect.map(all, (apps) => apps.get(name)),
    ensure: (app) => Effect.asVoid(Effect.orDie(put(appName(app.buin, app.appId), app, true))),
    remove: Effect.fnUntraced(function* ({ buin, appId, key }) {
      const name = appName(buin, appId)
      if ((yield* listed).get(name)?.key !== key) return false
      yield* put(name, null)
      return true
    }),
    commands: [
      {
        path: ["youdu-app", "add"],
        description: "Let an app use the youdu protocol",
        inputs: [
          BUIN,
          APP_ID,
          { name: "key", kind: "text", required: true, description: "Its EncodingAESKey: 32 bytes in base64" },
          {
            name: "org",
            kind: "integer",
            required: true,
            description: "The id of the organisation whose groups it reaches"
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
          if (!(yield* put(name, app, true))) return yield* Effect.fail(`app ${name} exists already`)
          return `added app ${name} of organisation ${app.organisation}`
        })
      },
      {
        path: ["youdu-app", "list"],
        description: "List the apps that may use the youdu protocol, with their organisations",
        inputs: [],
        run: () =>
          Effect.map(listed, (apps) =>
            Array.from(apps.values(), ({ name, organisation }) => `${name}  org ${organisation}`).join("\n")
          )
      },
      {
        path: ["youdu-app", "remove"],
        description: "Lock an app out of the youdu protocol, at once",
        inputs: [BUIN, APP_ID],
        run: Effect.fnUntraced(function* (inputs) {
          const name = appName(Number(inputs["buin"]), String(inputs["app-id"]))
          if (!(yield* listed).has(name)) return yield* Effect.fail(`there is no app ${name}`)
          yield* put(name, null)
          return `removed app ${name}`
        })
      }
    ]
  }
}
