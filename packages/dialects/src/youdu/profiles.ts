/**
 * Facts of users that only this protocol has: records by account. They are written with the user, and removed with them.
 * Source: the public documentation, "用户管理".
 */
import type { Refused } from "@parley/core/Refused"
import { nextTurn } from "@parley/core/Slices"
import type { StorageFailed, Store, Write } from "@parley/core/Store"
import type { User } from "@parley/core/User"
import * as Effect from "effect/Effect"
import { field, type Fields, invalid, isFields, text, textProblem } from "../_http/fields.ts"
import { DIALECT } from "./apps.ts"

/** Kind of the records. */
export const PROFILE = "profile"

/** A further attribute, chosen by the enterprise. */
export interface Attribute {
  readonly name: string
  readonly value: string
}

export interface Profile {
  /** 0 male, 1 female. */
  readonly gender: number
  readonly mobile: string
  readonly phone: string
  readonly email: string
  readonly shortCode: string
  /** Departments; the first is that of the engine's user. */
  readonly dept: ReadonlyArray<number>
  readonly attrs: ReadonlyArray<Attribute>
}

export const EMPTY_PROFILE: Profile = {
  gender: 0,
  mobile: "",
  phone: "",
  email: "",
  shortCode: "",
  dept: [],
  attrs: []
}

/** Maximum length of a text, in characters. Source: the public documentation, "用户管理". */
const MAX_TEXT = 64
/** Maximum number of departments of a user. Source: as above. */
const MAX_DEPARTMENTS = 20
const MAX_ATTRIBUTES = 50
/** Maximum length of an attribute's name or value, in characters. */
const MAX_ATTRIBUTE = 255
/** Profiles that are read before other work runs. */
const PROFILES_PER_SLICE = 100
/** Profiles that are read at once. */
const CONCURRENCY = 16

export interface Profiles {
  /** Profiles by account; users without one are left out. */
  readonly of: (users: ReadonlyArray<User>) => Effect.Effect<ReadonlyMap<string, Profile>, StorageFailed>
  readonly find: (account: string) => Effect.Effect<Profile | undefined, StorageFailed>
}

export const makeProfiles = (store: Store["Service"]): Profiles => {
  const find = (account: string): Effect.Effect<Profile | undefined, StorageFailed> =>
    Effect.map(store.record(DIALECT, PROFILE, account), (record) => record?.value as Profile | undefined)
  return {
    find,
    of: Effect.fnUntraced(function* (users) {
      const profiles = new Map<string, Profile>()
      const read = ({ account }: User) =>
        Effect.map(find(account), (profile) => {
          if (profile !== undefined) profiles.set(account, profile)
        })
      // In slices: all records of a large organisation at once would block the process.
      for (let at = 0; at < users.length; at += PROFILES_PER_SLICE) {
        if (at > 0) yield* nextTurn
        yield* Effect.forEach(users.slice(at, at + PROFILES_PER_SLICE), read, {
          concurrency: CONCURRENCY,
          discard: true
        })
      }
      return profiles
    })
  }
}

/** Returns the write of a profile. With `before`, it conflicts if the stored one is another; null for none. */
export const putProfile = (account: string, profile: Profile, before?: Profile | null): Write => ({
  _tag: "PutRecord",
  record: { dialect: DIALECT, kind: PROFILE, key: account, value: profile },
  ...(before !== undefined && { expected: before })
})

/** Returns the user's departments: the engine's, and the others of the profile if it has that one. */
export const departmentsOf = ({ dept }: User, profile: Profile): ReadonlyArray<number> =>
  dept === 0 || profile.dept.includes(dept) ? profile.dept : [dept]

/** Reads the changes that a request makes to a profile. Empty values, which SDKs send for absent ones, change nothing. */
export const profileIn = Effect.fnUntraced(function* (fields: Fields): Effect.fn.Return<Partial<Profile>, Refused> {
  const texts: Record<string, string> = {}
  for (const name of ["mobile", "phone", "email", "shortCode"]) {
    const value = yield* shortText(fields, name)
    if (value !== undefined) texts[name] = value
  }
  const gender = field(fields, "gender")
  if (gender !== undefined && gender !== 0 && gender !== 1) return yield* invalid("gender", "must be 0 or 1")
  const dept = yield* departments(fields)
  const attrs = yield* attributes(fields)
  return {
    ...texts,
    ...(gender !== undefined && { gender }),
    ...(dept.length > 0 && { dept }),
    ...(attrs.length > 0 && { attrs })
  }
})

/** Returns a text of at most `MAX_TEXT` characters; undefined if it is absent or empty. */
export const shortText = (fields: Fields, name: string): Effect.Effect<string | undefined, Refused> => {
  const value = field(fields, name)
  if (value === undefined || value === "") return Effect.undefined
  return Effect.flatMap(text(fields, name), (given) =>
    Array.from(given).length > MAX_TEXT
      ? invalid(name, `must have at most ${MAX_TEXT} characters`)
      : Effect.succeed(given)
  )
}

const departments = (fields: Fields): Effect.Effect<ReadonlyArray<number>, Refused> => {
  const value = field(fields, "dept") ?? []
  if (!Array.isArray(value)) return invalid("dept", "must be an array of department ids")
  if (value.length > MAX_DEPARTMENTS) return invalid("dept", `must name at most ${MAX_DEPARTMENTS} departments`)
  const ids = new Set<number>()
  for (const [index, id] of value.entries()) {
    if (!Number.isSafeInteger(id) || id < 0) return invalid(`dept[${index}]`, "must be a department's id")
    // 0 is the root, which every user belongs to.
    if (id !== 0) ids.add(id as number)
  }
  return Effect.succeed([...ids])
}

const attributes = Effect.fnUntraced(function* (fields: Fields): Effect.fn.Return<ReadonlyArray<Attribute>, Refused> {
  const value = field(fields, "attrs") ?? []
  if (!Array.isArray(value)) return yield* invalid("attrs", "must be an array")
  if (value.length > MAX_ATTRIBUTES) return yield* invalid("attrs", `must have at most ${MAX_ATTRIBUTES} items`)
  const items: Array<Attribute> = []
  for (const [index, item] of value.entries()) {
    const where = `attrs[${index}]`
    if (!isFields(item)) return yield* invalid(where, "must be an object")
    items.push({ name: yield* attributeText(where, item, "name"), value: yield* attributeText(where, item, "value") })
  }
  return items
})

const attributeText = (where: string, item: Fields, name: string): Effect.Effect<string, Refused> => {
  const value = field(item, name) ?? (name === "value" ? "" : undefined)
  const problem = textProblem(value)
  if (problem !== undefined) return invalid(`${where}.${name}`, problem)
  const given = typeof value === "string" ? value : ""
  return Array.from(given).length > MAX_ATTRIBUTE
    ? invalid(`${where}.${name}`, `must have at most ${MAX_ATTRIBUTE} characters`)
    : Effect.succeed(given)
}
