/** Account sources for the scenarios' actors. Each actor's name is a role: `admin`, `alice`, `bob`, … */
import { readFileSync } from "node:fs"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as EffectScope from "effect/Scope"

/** One account of the server under test. */
export const Account = Schema.Struct({
  /** The user's id, for protocols that use one. */
  id: Schema.optionalKey(Schema.Union([Schema.Int, Schema.NonEmptyString])),
  account: Schema.NonEmptyString,
  /** In plain text. */
  password: Schema.optionalKey(Schema.String),
  /** A token for the HTTP protocols. The kit does not log in or out an account that has one. */
  token: Schema.optionalKey(Schema.NonEmptyString)
})
export type Account = typeof Account.Type

/** `admin` is a system administrator. */
export type Role = "admin" | "user"

/** An account is not available, so the target cannot be tested. */
export class NotPrepared extends Data.TaggedError("NotPrepared")<{
  /** Reason, and how to prepare the account, for a person. */
  readonly message: string
}> {}

/** Makes the server treat a token or `sid` as expired. */
export type Expiry = (token: string) => Effect.Effect<void, NotPrepared>

/** An open account source. */
export interface Provider {
  /** The account of a role. Called once for each role of a run, and again after its token was expired. */
  readonly actor: (name: string, role: Role) => Effect.Effect<Account, NotPrepared>
  /** Clears data of earlier runs from the target. Called once, before the first account. */
  readonly reset?: Effect.Effect<void, NotPrepared>
  /** Makes the server treat a token as expired. Scenarios about expiry are skipped without it. */
  readonly expiry?: Expiry
}

/** An account source that is opened for one run. */
export type Accounts = Effect.Effect<Provider, NotPrepared, EffectScope.Scope>

export const roleOf = (name: string): Role => (name === "admin" ? "admin" : "user")

/** The default accounts: the users of Parley's demo data. */
export const demoAccounts: { readonly [role: string]: Account } = Object.fromEntries(
  ["admin", "demo", "alice", "bob", "carol", "dave", "erin"].map((account) => [
    account,
    { account, password: "123456" }
  ])
)

/** Existing accounts by role; the demo accounts for missing roles. */
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

/** Existing accounts from a file: `{"accounts": {"alice": {"account": "…", "password": "…"}, …}}`. */
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

/** Decodes the account in the response of a hook or a child process. */
export const accountFrom = (answer: unknown, from: string): Effect.Effect<Account, NotPrepared> =>
  Effect.try({
    try: () => decodeAccount(answer),
    catch: (cause) => {
      const why = cause instanceof Error ? cause.message.replaceAll(/\n\s*/g, " ") : String(cause)
      return new NotPrepared({ message: `${from} returned no account {id, account, password, token}: ${why}` })
    }
  })
