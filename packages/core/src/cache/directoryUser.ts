/** Validates users as a directory returns them: a host may return rows of its database as they are. */
import { shown } from "../model/shown.ts"
import { accountProblem } from "../model/User.ts"

/** Maximum number of characters of an external id. */
const MAX_ID = 255

/** Whether a value is an external id. */
export const isExternalId = (id: unknown): id is string =>
  typeof id === "string" && id.length > 0 && id.length <= MAX_ID

const isText = (value: unknown): boolean => value === undefined || value === null || typeof value === "string"

/** Some databases return 0 and 1 for booleans. A text such as "0" would count as true. */
const isFlag = (value: unknown): boolean =>
  value === undefined || value === null || typeof value === "boolean" || value === 0 || value === 1

const isInteger = (value: unknown): boolean => value === undefined || value === null || Number.isSafeInteger(value)

const FIELDS = {
  realname: ["a string", isText],
  avatar: ["a string", isText],
  role: ["a string", isText],
  dept: ["an integer", isInteger],
  organisation: ["an integer or null", isInteger],
  admin: ["true or false", isFlag],
  disabled: ["true or false", isFlag]
} as const

/** Returns why a value of the directory is not a user, as a clause, or undefined. `maxAccount` in characters. */
export const userProblem = (user: unknown, maxAccount: number): string | undefined => {
  if (typeof user !== "object" || user === null) return `a user must be an object, not ${shown(user)}`
  const id: unknown = Reflect.get(user, "id")
  const account: unknown = Reflect.get(user, "account")
  if (!isExternalId(id)) return `id must be a string of 1 to ${MAX_ID} characters, not ${shown(id)}`
  if (typeof account !== "string") return `account must be a string, not ${shown(account)}`
  const problem = accountProblem(account, maxAccount)
  if (problem !== undefined) return `account ${problem}`
  for (const [name, [accepted, isValid]] of Object.entries(FIELDS)) {
    const field: unknown = Reflect.get(user, name)
    if (!isValid(field)) return `${name} must be ${accepted}, not ${shown(field)}`
  }
  return undefined
}
