/** Reads users to import from CSV with a header line. */
import { isHash } from "@parley/adapter-node/NodePasswords"
import { enforceAccountName } from "@parley/core/AccountName"
import { newPasswordProblem } from "@parley/core/rules/NewPassword"
import { defaultSettings, type EngineSettings } from "@parley/core/Settings"
import { newAccountProblem } from "@parley/core/User"
import type { UserDraft } from "@parley/core/Users"
import * as Result from "effect/Result"
import { readBoolean } from "../config/Declaration.ts"
import { readTable } from "./csv.ts"

export const COLUMNS = [
  "account",
  "password",
  "password-hash",
  "realname",
  "admin",
  "org",
  "role",
  "dept",
  "avatar"
] as const
type Column = (typeof COLUMNS)[number]

/** A user of the file, with the number of its last line. */
export interface Line {
  readonly line: number
  readonly draft: UserDraft
}

/** Maximum problems that are listed. */
const MAX_PROBLEMS = 20

/** Returns one line for each problem, and the number of those beyond the maximum. */
const listProblems = (problems: ReadonlyArray<string>): string =>
  problems.length <= MAX_PROBLEMS
    ? problems.join("\n")
    : [...problems.slice(0, MAX_PROBLEMS), `and ${problems.length - MAX_PROBLEMS} more`].join("\n")

/** Settings by which new users are validated. */
export type NewUserSettings = Pick<EngineSettings, "account" | "passwordsMinimum">

/**
 * Returns the users of the file, or every problem with the number of its line. `existing` returns the existing account with
 * this normalised form (`enforceAccountName`).
 */
export const readUserFile = (
  csv: string,
  settings: NewUserSettings = defaultSettings,
  existing: (account: string) => string | undefined = () => undefined
): Result.Result<ReadonlyArray<Line>, string> => {
  const { broken, rows } = readTable(csv)
  const [header, ...users] = rows
  if (broken !== undefined && header === undefined) return Result.fail(`line ${broken.line}: ${broken.problem}`)
  if (header === undefined) return Result.fail(`line 1: ${MISSING_HEADER}`)
  const wrongHeader = headerProblem(header.fields)
  if (wrongHeader !== undefined) return Result.fail(`line ${header.line}: ${wrongHeader}`)
  const problems: Array<string> = []
  const firstLineOf = new Map<string, number>()
  const lines = users.flatMap(({ fields, line }): ReadonlyArray<Line> => {
    const problem = (text: string) => problems.push(`line ${line}: ${text}`)
    // Spreadsheets leave columns without a name, which must be empty.
    const unnamed = fields.findIndex((field, index) => field !== "" && (header.fields[index] ?? "") === "")
    if (fields.length < header.fields.length || unnamed >= header.fields.length) {
      problem("does not have as many fields as the header")
      return []
    }
    if (unnamed >= 0) problem(`${JSON.stringify(fields[unnamed])} is in a column without a name`)
    const text = (column: Column): string => fields[header.fields.indexOf(column)] ?? ""
    const integer = (column: Column): number | undefined => {
      if (text(column) === "") return undefined
      const number = /^[0-9]{1,15}$/.test(text(column)) ? Number(text(column)) : undefined
      if (number === undefined) problem(`${column} must be a whole number, not ${JSON.stringify(text(column))}`)
      return number
    }
    const wrong = newAccountProblem(text("account"), settings.account)
    const account = enforceAccountName(text("account")) ?? text("account")
    const earlier = firstLineOf.get(account)
    const taken = existing(account)
    if (wrong !== undefined) problem(`account ${wrong}`)
    else if (earlier !== undefined) problem(`account ${account} is in line ${earlier} already`)
    else if (taken === text("account")) problem(`account ${taken} exists already`)
    else if (taken !== undefined) problem(`account ${text("account")} is the same as ${taken}, which exists already`)
    if (wrong === undefined && earlier === undefined) firstLineOf.set(account, line)
    const hash = text("password-hash")
    const weak =
      text("password") === "" ? undefined : newPasswordProblem(text("password"), account, settings.passwordsMinimum)
    if (weak !== undefined) problem(`password ${weak}`)
    if (hash !== "" && text("password") !== "")
      problem("there is a password and a password-hash; one of them must be empty")
    else if (hash !== "" && !isHash(hash)) problem("password-hash must be $argon2id$… or $scrypt$… in PHC form")
    const admin = text("admin") === "" ? false : readBoolean(text("admin"), "text")
    if (admin === undefined) problem(`admin must be true or false, not ${JSON.stringify(text("admin"))}`)
    return [
      {
        line,
        draft: {
          account,
          // Without a password here, the user cannot log in with one until an operator sets it.
          ...(text("password") !== "" && { password: text("password") }),
          ...(hash !== "" && { passwordHash: hash }),
          realname: text("realname") === "" ? account : text("realname"),
          admin: admin ?? false,
          organisation: integer("org") ?? null,
          role: text("role"),
          dept: integer("dept") ?? 0,
          avatar: text("avatar")
        }
      }
    ]
  })
  if (broken !== undefined) problems.push(`line ${broken.line}: ${broken.problem}`)
  if (problems.length > 0) return Result.fail(listProblems(problems))
  return lines.length === 0 ? Result.fail("line 1: there are no users below the header") : Result.succeed(lines)
}

const MISSING_HEADER = `the first line must name the columns, with account and password or password-hash among them: ${COLUMNS.join(",")}`

const headerProblem = (names: ReadonlyArray<string>): string | undefined => {
  const known: ReadonlyArray<string> = COLUMNS
  if (!names.includes("account") || !(names.includes("password") || names.includes("password-hash")))
    return MISSING_HEADER
  const unknown = names.find((name) => name !== "" && !known.includes(name))
  if (unknown !== undefined) return `unknown column ${JSON.stringify(unknown)}; there are ${COLUMNS.join(", ")}`
  const twice = names.find((name, index) => name !== "" && names.indexOf(name) !== index)
  return twice === undefined ? undefined : `the column ${twice} is there twice`
}
