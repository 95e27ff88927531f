/** Operator commands for users. */
import { audit } from "@parley/core/Audit"
import type { Listing, OperatorCommand } from "@parley/core/Dialect"
import { enforceAccountName } from "@parley/core/AccountName"
import { defaultSettings } from "@parley/core/Settings"
import { newPasswordProblem } from "@parley/core/rules/NewPassword"
import { newAccountProblem, type User } from "@parley/core/User"
import type { UserDraft, Users } from "@parley/core/Users"
import * as Effect from "effect/Effect"
import { printableCell } from "../terminal/printable.ts"
import { userNamed, withCommandErrors } from "./errorText.ts"
import { type NewUserSettings, readUserFile } from "./csvImport.ts"

type Inputs = Parameters<OperatorCommand["run"]>[0]

const text = (inputs: Inputs, name: string, fallback = ""): string => String(inputs[name] ?? fallback)
const integer = (inputs: Inputs, name: string): number | undefined => {
  const value = inputs[name]
  return typeof value === "number" ? value : undefined
}

const ACCOUNT = {
  name: "account",
  kind: "text",
  positional: true,
  required: true,
  description: "The user's account"
} as const
const PASSWORD = {
  name: "password",
  kind: "text",
  required: false,
  description: "Prompted for if absent; other users of this machine can see command lines"
} as const

export const userCommands = (
  users: Users["Service"],
  settings: NewUserSettings = defaultSettings
): ReadonlyArray<OperatorCommand> => [
  {
    path: ["user", "add"],
    description: "Add a user",
    inputs: [
      ACCOUNT,
      PASSWORD,
      {
        name: "realname",
        kind: "text",
        required: false,
        description: "Display name, shown to others; the account if absent"
      },
      { name: "admin", kind: "boolean", required: false, description: "Make the user a system administrator" },
      { name: "org", kind: "integer", required: false, description: "The id of the user's organisation" },
      { name: "role", kind: "text", required: false, description: "The user's role, shown by clients" },
      { name: "dept", kind: "integer", required: false, description: "The id of the user's department" },
      { name: "avatar", kind: "text", required: false, description: "The URL of a picture" }
    ],
    run: (inputs) => {
      const draft: UserDraft = {
        account: text(inputs, "account"),
        password: text(inputs, "password"),
        realname: text(inputs, "realname", text(inputs, "account")),
        admin: inputs["admin"] === true,
        organisation: integer(inputs, "org") ?? null,
        role: text(inputs, "role"),
        dept: integer(inputs, "dept") ?? 0,
        avatar: text(inputs, "avatar")
      }
      const problem = draftProblem(draft, settings)
      if (problem !== undefined) return Effect.fail(problem)
      return Effect.map(withCommandErrors(users.add([draft])), (added) =>
        added.map((user) => `added ${user.account} with id ${user.id}`).join("\n")
      )
    }
  },
  {
    path: ["user", "list"],
    description: "List all users",
    inputs: [],
    lists: true,
    run: () => Effect.map(withCommandErrors(users.list), listing)
  },
  {
    path: ["user", "passwd"],
    description: "Set a user's password; all sessions of the user end",
    inputs: [ACCOUNT, PASSWORD],
    run: (inputs) => {
      const [account, password] = [text(inputs, "account"), text(inputs, "password")]
      return Effect.as(withCommandErrors(users.setPassword(account, password)), `${account} has a new password`)
    }
  },
  {
    path: ["user", "disable"],
    description: "Disable a user: all sessions end at once; messages and chats stay",
    inputs: [ACCOUNT],
    run: (inputs) =>
      Effect.as(
        withCommandErrors(users.setDisabled(text(inputs, "account"), true)),
        `${text(inputs, "account")} is disabled`
      )
  },
  {
    path: ["user", "enable"],
    description: "Enable a disabled user again",
    inputs: [ACCOUNT],
    run: (inputs) =>
      Effect.as(
        withCommandErrors(users.setDisabled(text(inputs, "account"), false)),
        `${text(inputs, "account")} is enabled`
      )
  },
  {
    path: ["user", "rename"],
    description: "Change a user's name, which clients get at once; the account stays",
    inputs: [
      ACCOUNT,
      { name: "name", kind: "text", positional: true, required: true, description: "New name shown to others" }
    ],
    audits: true,
    run: Effect.fnUntraced(function* (inputs) {
      const [account, name] = [text(inputs, "account"), text(inputs, "name")]
      if (name.trim() === "") return yield* Effect.fail("the name must not be empty")
      yield* withCommandErrors(users.change(account, { realname: name }))
      yield* audit("user.rename", { account, name })
      return `renamed ${account} to ${printableCell(name)}`
    })
  },
  {
    path: ["user", "admin"],
    description: "Grant or revoke a user's system administration, at once",
    inputs: [ACCOUNT, { name: "on|off", kind: "text", positional: true, required: true, description: "on or off" }],
    audits: true,
    run: Effect.fnUntraced(function* (inputs) {
      const [account, value] = [text(inputs, "account"), text(inputs, "on|off")]
      if (value !== "on" && value !== "off")
        return yield* Effect.fail(`the second argument must be on or off, not ${JSON.stringify(value)}`)
      yield* withCommandErrors(users.change(account, { admin: value === "on" }))
      yield* audit("user.admin", { account, admin: value === "on" })
      return value === "on" ? `${account} is a system administrator` : `${account} is not a system administrator`
    })
  },
  {
    path: ["user", "delete"],
    description:
      "Delete a user permanently: ends sessions, leaves every group, erases personal data, frees the account; messages stay",
    inputs: [ACCOUNT],
    audits: true,
    run: Effect.fnUntraced(function* (inputs) {
      const account = text(inputs, "account")
      const user = yield* userNamed(users, account)
      yield* withCommandErrors(users.remove(account))
      yield* audit("user.delete", { account, user: user.id })
      return `${account} is removed; the messages of user ${user.id} stay`
    })
  },
  {
    path: ["user", "import"],
    description: "Add the users of a CSV file, all or none",
    // The command line sends the file's content, not its name: the process that holds the database may not see the file.
    inputs: [
      {
        name: "file",
        kind: "text",
        positional: true,
        required: true,
        description:
          "CSV in UTF-8 with the columns account,password and optionally password-hash,realname,admin,org,role,dept,avatar; users without a password cannot log in until one is set"
      }
    ],
    run: (inputs) => importUsers(users, text(inputs, "file"), settings)
  }
]

const draftProblem = ({ account, password = "" }: UserDraft, settings: NewUserSettings): string | undefined => {
  const problem = newAccountProblem(account, settings.account)
  if (problem !== undefined) return `account ${problem}`
  const weak = newPasswordProblem(password, enforceAccountName(account) ?? account, settings.passwordsMinimum)
  return weak === undefined ? undefined : `password ${weak}`
}

/** Adds the users of a file; the engine hashes passwords in parallel and adds all users in one commit. */
const importUsers = Effect.fnUntraced(function* (users: Users["Service"], csv: string, settings: NewUserSettings) {
  const taken = new Map(
    (yield* withCommandErrors(users.list)).map(({ account }) => [enforceAccountName(account) ?? account, account])
  )
  const lines = yield* Effect.fromResult(readUserFile(csv, settings, (account) => taken.get(account)))
  const added = yield* withCommandErrors(users.add(lines.map(({ draft }) => draft)))
  const withoutPassword = lines.filter(
    ({ draft }) => draft.password === undefined && draft.passwordHash === undefined
  ).length
  return [
    `added ${added.length} ${added.length === 1 ? "user" : "users"}`,
    ...(withoutPassword === 0
      ? []
      : [`${withoutPassword} of them without a password: they cannot log in with one before "user passwd"`])
  ].join("; ")
})

const listing = (users: ReadonlyArray<User>): Listing => ({
  columns: ["id", "account", "realname", "role", "admin", "org", "disabled"],
  rows: users.map(({ account, admin, disabled, id, organisation, realname, role }) => ({
    id,
    account,
    realname,
    role,
    admin,
    org: organisation,
    disabled
  }))
})
