/** Where the accounts come from that the scenarios act with. Each actor's name is a role: `admin`, `alice`, `bob`, … */
import { readFileSync } from "node:fs"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as EffectScope from "effect/Scope"

export const Account = Schema.Struct({
  /** The user's id, where the protocol has one. */
  id: Schema.optionalKey(Schema.Union([Schema.Int, Schema.NonEmptyString])),
  account: Schema.NonEmptyString,
  /** In plain text. */
  password: Schema.optionalKey(Schema.String),
  /** A token for the protocols over HTTP. With it the kit neither logs in nor out. */
  token: Schema.optionalKey(Schema.NonEmptyString)
})
export type Account = typeof Account.Type

/** `admin` is a system administrator. */
export type Role = "admin" | "user"

/** An account could not be had: the target is not prepared, and nothing can be judged. */
export class NotPrepared extends Data.TaggedError("NotPrepared")<{ readonly message: string }> {}

/** Lets a token or `sid` be past its time. */
export type Expiry = (token: string) => Effect.Effect<void, NotPrepared>

/** An account source that is open. */
export interface Provider {
  /** The account of a role. Asked once for each role of a run, and again once a token that it gave was let expire. */
  readonly actor: (name: string, role: Role) => Effect.Effect<Account, NotPrepared>
  /** Empties the target of what earlier runs left. Called once, before the first account, where it is there. */
  readonly reset?: Effect.Effect<void, NotPrepared>
  readonly expiry?: Expiry
}

/** Opens a source for one run. */
export type Accounts = Effect.Effect<Provider, NotPrepared, EffectScope.Scope>

export const roleOf = (name: string): Role => (name === "admin" ? "admin" : "user")

/** The users that a server has for the kit unless it is told otherwise. */
export const demoAccounts: { readonly [role: string]: Account } = Object.fromEntries(
  ["admin", "demo", "alice", "bob", "carol", "dave", "erin"].map((account) => [
    account,
    { account, password: "123456" }
  ])
)

/** Accounts that exist already, by role; the demo users for those that are not given. */
export const staticAccounts = (known: { readonly [role: string]: Account }): Accounts => {
  const all: { readonly [role: string]: Account } = { ...demoAccounts, ...known }
  return Effect.succeed({
    actor: (name) => {
      const found = Object.hasOwn(all, name) ? all[name] : undefined
      return found === undefined
        ? Effect.fail(new NotPrepared({ message: `there is no account for the role ${name}` }))
        : Effect.succeed(found)
    }
  })
}

export const AccountFile = Schema.Struct({
  $schema: Schema.optionalKey(Schema.String),
  accounts: Schema.Record(Schema.String, Account)
}).annotate({ identifier: "Accounts", title: "Accounts for the conformance kit, by role" })
const decodeFile = Schema.decodeUnknownSync(AccountFile, { onExcessProperty: "error", errors: "all" })

/** The same from a file: `{"accounts": {"alice": {"account": "…", "password": "…"}, …}}`. */
export const fileAccounts = (file: string): Accounts =>
  Effect.suspend(() => {
    try {
      return staticAccounts(decodeFile(JSON.parse(readFileSync(file, "utf8"))).accounts)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      return Effect.fail(new NotPrepared({ message: `${file}: ${why}` }))
    }
  })

const decodeAccount = Schema.decodeUnknownSync(Account, { errors: "all" })

/** An account as a hook or a child process gives it. */
export const accountFrom = (answer: unknown, from: string): Effect.Effect<Account, NotPrepared> =>
  Effect.try({
    try: () => decodeAccount(answer),
    catch: (cause) => {
      const why = cause instanceof Error ? cause.message.replaceAll(/\n\s*/g, " ") : String(cause)
      return new NotPrepared({ message: `${from} gave no account {id, account, password, token}: ${why}` })
    }
  })
