/**
 * Apps that may use this protocol: its own records, created by the operator. Without an app, no client can log in. Master keys are
 * stored in clear text, since signatures are computed with them; app servers authenticate with them as well.
 */
import type { OperatorCommand } from "@parley/core/Dialect"
import type { Engine } from "@parley/core/Engine"
import type { Refused } from "@parley/core/Refused"
import type { Store } from "@parley/core/Store"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"
import { CachedRecords } from "../_records/CachedRecords.ts"

export const DIALECT = "rtm"
const KIND = "app"
/** Size of a generated master key, in bytes. */
const KEY_SIZE = 24

/** Stored form of an app. */
export interface App {
  /** Master key, for signatures. */
  readonly key: string
  /**
   * Users whom its clients may be: `own` for those that were created for this app's client ids, `all` for every user of the
   * server.
   */
  readonly accounts: "all" | "own"
  /** Whether its conversations can be found and joined by everybody, or by invitation only. */
  readonly conversations: "private" | "public"
  /**
   * Kind of the chat of a unique conversation of two clients: a `group`, as for the hosted service, or the `direct` chat that both users
   * have in all protocols. A direct chat has no further members, and its attributes do not change.
   */
  readonly pairs: "direct" | "group"
  /** Operations that need a signature by the master key: logins, and changes of conversations. */
  readonly signed: ReadonlyArray<SignedOperation>
}

/** Names of operations that an app may require to be signed. */
export const SIGNED_OPERATIONS = ["login", "conversation"] as const
export type SignedOperation = (typeof SIGNED_OPERATIONS)[number]

const isSignedOperation = (name: unknown): name is SignedOperation =>
  SIGNED_OPERATIONS.some((operation) => operation === name)

export interface Apps {
  readonly find: (id: string) => Effect.Effect<App | undefined, Refused>
  readonly commands: ReadonlyArray<OperatorCommand>
  /** Adds the app if it does not exist. */
  readonly ensure: (id: string, app: App) => Effect.Effect<void>
  /** Removes the app if it has this key; returns whether it did. */
  readonly removeUnchanged: (id: string, key: string) => Effect.Effect<boolean, string>
}

const isAppId = (id: string): boolean => /^[A-Za-z0-9._-]{1,64}$/.test(id)

const isApp = (value: unknown): value is App => {
  const { key, accounts, conversations, pairs, signed } = (value ?? {}) as Partial<Record<keyof App, unknown>>
  return (
    typeof key === "string" &&
    (accounts === "all" || accounts === "own") &&
    (conversations === "private" || conversations === "public") &&
    (pairs === "direct" || pairs === "group") &&
    Array.isArray(signed) &&
    signed.every(isSignedOperation)
  )
}

const ID = { name: "id", kind: "text", positional: true, required: true, description: "The app's id" } as const

export const makeApps = (
  store: Store["Service"],
  engine: Engine["Service"],
  random: SecureRandom.SecureRandom["Service"]
): Apps => {
  const records = new CachedRecords<App>({
    store,
    engine,
    dialect: DIALECT,
    kind: KIND,
    noun: "apps",
    decode: ({ value }) => Effect.succeed(isApp(value) ? value : undefined)
  })

  return {
    find: (id) => Effect.map(records.all, (apps) => apps.get(id)),
    ensure: (id, app) => Effect.asVoid(Effect.orDie(records.add(id, app))),
    removeUnchanged: Effect.fnUntraced(function* (id, key) {
      if ((yield* records.listed).get(id)?.key !== key) return false
      yield* records.remove(id)
      return true
    }),
    commands: [
      {
        path: ["rtm-app", "add"],
        group: "Apps of the rtm protocol",
        description: "Let the clients of an app use the rtm protocol",
        inputs: [
          { ...ID, description: "The app's id: letters, digits, . _ -" },
          {
            name: "key",
            kind: "text",
            required: false,
            description:
              "The app's master key; generated and shown by default. Other users of this machine can see command lines"
          },
          {
            name: "all-users",
            kind: "boolean",
            required: false,
            description:
              "Let clients be every user of this server, by account, instead of the app's own users only. Client ids are not verified: only for apps whose clients are all trusted"
          },
          {
            name: "public",
            kind: "boolean",
            required: false,
            description: "Let everybody find and join the app's conversations; they are then public in all protocols"
          },
          {
            name: "sign",
            kind: "text",
            required: false,
            description:
              "Operations that need a signature by the master key: login, conversation, or both with a comma between them; none by default"
          },
          {
            name: "direct",
            kind: "boolean",
            required: false,
            description:
              "Make unique conversations of two clients the direct chats of both users in all protocols; they get no further members, and keep their attributes"
          }
        ],
        run: Effect.fnUntraced(function* (inputs) {
          const id = String(inputs["id"] ?? "")
          if (!isAppId(id)) return yield* Effect.fail("id must be 1 to 64 letters, digits, '.', '_' and '-'")
          const input = inputs["key"]
          const key = input === undefined ? Hex.encode(yield* random.randomBytes(KEY_SIZE)) : String(input)
          if (!/^\S{1,256}$/u.test(key)) {
            return yield* Effect.fail("key must be 1 to 256 characters without white space")
          }
          const signed = inputs["sign"] === undefined ? [] : String(inputs["sign"]).split(",")
          if (!signed.every(isSignedOperation)) {
            return yield* Effect.fail(
              `sign must be ${SIGNED_OPERATIONS.join(" or ")}, or both with a comma between them`
            )
          }
          const app: App = {
            key,
            accounts: inputs["all-users"] === true ? "all" : "own",
            conversations: inputs["public"] === true ? "public" : "private",
            pairs: inputs["direct"] === true ? "direct" : "group",
            signed
          }
          if (!(yield* records.add(id, app))) return yield* Effect.fail(`app ${id} exists already`)
          return input === undefined ? `added app ${id} with master key ${key}` : `added app ${id}`
        })
      },
      {
        path: ["rtm-app", "list"],
        description: "List the apps of the rtm protocol, without their keys",
        inputs: [],
        lists: true,
        run: () =>
          Effect.map(records.listed, (apps) => ({
            columns: ["id", "users", "conversations", "pairs", "signed"],
            rows: Array.from(apps, ([id, { accounts, conversations, pairs, signed }]) => ({
              id,
              users: accounts,
              conversations,
              pairs,
              signed: signed.join(",")
            }))
          }))
      },
      {
        path: ["rtm-app", "remove"],
        description: "Remove an app of the rtm protocol; its clients can no longer log in. Its users and chats stay",
        inputs: [ID],
        run: Effect.fnUntraced(function* (inputs) {
          const id = String(inputs["id"] ?? "")
          if (!(yield* records.listed).has(id)) return yield* Effect.fail(`there is no app ${id}`)
          yield* records.remove(id)
          return `removed app ${id}`
        })
      }
    ]
  }
}
