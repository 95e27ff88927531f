/**
 * What clients send: the params of each method, by name or by position. Real clients of this protocol send `params` as an
 * array in the document's order, the document shows objects; both are read, for every method.
 * Source: seeds/002, "API"; PROTOCOLS, "Params".
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaIssue from "effect/SchemaIssue"
import * as SchemaTransformation from "effect/SchemaTransformation"
import { isWellFormedJson } from "@parley/core/Utf8"
import { type Reason, type Refused, refuse } from "@parley/core/Refused"
import { defaultSettings } from "@parley/core/Settings"
import { isFields } from "../_http/fields.ts"

/** true, false, 1, 0, "1", "0". */
const Flag = Schema.Literals([true, false, 1, 0, "1", "0"]).pipe(
  Schema.decodeTo(
    Schema.Boolean,
    SchemaTransformation.transform<boolean, true | false | 1 | 0 | "1" | "0">({
      decode: (flag) => flag === true || flag === 1 || flag === "1",
      encode: (flag) => flag
    })
  )
)

/** Half a surrogate pair, which JSON can escape, is no text: stores and UTF-8 have no place for it. */
const Text = Schema.String.check(Schema.makeFilter((text) => text.isWellFormed(), { expected: "well-formed Unicode" }))

/** Levels of JSON that is kept as it came; parsers elsewhere stop early too, and some by breaking off. */
const LEVELS = 100

const isWithin = (json: unknown, levels: number): boolean => {
  if (typeof json !== "object" || json === null) return true
  if (levels === 0) return false
  // No copies: there may be a hundred thousand arrays.
  if (Array.isArray(json)) {
    for (const item of json) if (!isWithin(item, levels - 1)) return false
    return true
  }
  const fields = json as Readonly<Record<string, unknown>>
  for (const key of Object.keys(fields)) if (!isWithin(fields[key], levels - 1)) return false
  return true
}

// What JSON.parse made is JSON; only its depth and its texts are to be checked.
const Json = Schema.declare((value): value is Schema.Json => isWithin(value, LEVELS) && isWellFormedJson(value), {
  expected: `well-formed JSON of at most ${LEVELS} levels`
})
const JsonObject = Schema.declare(
  (value): value is { readonly [name: string]: Schema.Json } =>
    isFields(value) && isWithin(value, LEVELS) && isWellFormedJson(value),
  { expected: `a well-formed object of at most ${LEVELS} levels` }
)

/** Absent, or null, which stands for a skipped position. */
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** `[{id}, …]` or `[id, …]`. */
const UserIds = Schema.Array(Schema.Union([Schema.Int, Schema.Struct({ id: Schema.Int })]))

const Draft = Schema.Struct({
  gid: Text,
  cgid: Text,
  user: optional(Schema.Union([Schema.Int, Text])),
  date: optional(Schema.Union([Schema.Finite, Schema.Literal("")])),
  type: optional(Schema.Literals(["normal", "broadcast"])),
  contentType: optional(Schema.Literals(["text", "emoticon", "image", "file"])),
  content: Schema.Union([Text, JsonObject])
})

const Chat = { gid: Text }

/** Each method's params, in the document's order, which is the order of positions. */
export const methods = {
  "chat/login": Schema.Struct({
    account: Text,
    password: Text,
    status: optional(Schema.Literals(["online", "away", "busy"])),
    device: optional(Text)
  }),
  "chat/logout": Schema.Struct({}),
  "chat/ping": Schema.Struct({}),
  "chat/usergetlist": Schema.Struct({}),
  "chat/getlist": Schema.Struct({}),
  "chat/userchangename": Schema.Struct({ name: Text }),
  "chat/userchangestatus": Schema.Struct({ status: Schema.Literals(["online", "away", "busy"]) }),
  "chat/create": Schema.Struct({
    gid: Text,
    name: optional(Text),
    type: optional(Text),
    members: UserIds,
    subject: optional(Schema.Int),
    public: optional(Flag)
  }),
  "chat/joinchat": Schema.Struct({ ...Chat, join: optional(Flag) }),
  "chat/changename": Schema.Struct({
    id: optional(Schema.Union([Schema.Int, Text])),
    name: Text,
    gid: optional(Text)
  }),
  "chat/star": Schema.Struct({ ...Chat, star: optional(Flag) }),
  "chat/hide": Schema.Struct({ ...Chat, hide: optional(Flag) }),
  "chat/mute": Schema.Struct({ ...Chat, mute: optional(Flag) }),
  "chat/addmember": Schema.Struct({ ...Chat, members: UserIds, join: optional(Flag) }),
  // Each message is read by itself, so that each that is refused can be named.
  "chat/message": Schema.Struct({ messages: Schema.Array(Schema.Unknown) }),
  "chat/history": Schema.Struct({
    ...Chat,
    recPerPage: optional(Schema.Int),
    pageID: optional(Schema.Int),
    recTotal: optional(Schema.Int),
    continued: optional(Flag)
  }),
  "chat/members": Schema.Struct(Chat),
  "chat/changepublic": Schema.Struct({ ...Chat, public: optional(Flag) }),
  "chat/getpubliclist": Schema.Struct({}),
  "chat/setadmin": Schema.Struct({ ...Chat, admins: UserIds, isAdmin: optional(Flag) }),
  "chat/setcommitters": Schema.Struct({ ...Chat, committers: Schema.Union([UserIds, Text]) }),
  "chat/settings": Schema.Struct({ account: Text, settings: optional(Json) }),
  "attach/getlist": Schema.Struct(Chat)
} as const

export type Method = keyof typeof methods

export const isMethod = (name: string): name is Method => Object.hasOwn(methods, name)

export type ParamsOf<M extends Method> = (typeof methods)[M]["Type"]

const decoders = Object.fromEntries(
  Object.entries(methods).map(([method, schema]) => [
    method,
    {
      names: Object.keys(schema.fields),
      decode: Schema.decodeUnknownResult(schema as Schema.Decoder<unknown>)
    }
  ])
)

/** The other spelling that the document has for a name. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([["pulic", "public"]])

/** Params as an object by name, whatever form they came in. */
const named = (method: Method, params: unknown, names: ReadonlyArray<string>): unknown => {
  if (method === "chat/message") return { messages: draftsIn(params) }
  if (params === undefined || params === null) return {}
  if (Array.isArray(params)) {
    const byName: Record<string, unknown> = {}
    for (const [position, value] of params.entries()) {
      const name = names[position]
      if (name !== undefined && value !== undefined) byName[name] = value
    }
    return byName
  }
  if (!isFields(params)) return params
  const byName: Record<string, unknown> = {}
  for (const spelled of Object.keys(params)) {
    const name = SPELLINGS.get(spelled) ?? spelled
    // Others mean nothing, and there may be thousands.
    if (names.includes(name)) byName[name] = params[spelled]
  }
  return byName
}

/** The messages of a request: `[{…}, …]`, `[[{…}, …]]`, `{messages: [{…}, …]}`, or one message by itself. */
export const draftsIn = (params: unknown): unknown => {
  if (Array.isArray(params)) return params.length === 1 && Array.isArray(params[0]) ? params[0] : params
  if (isFields(params)) return "messages" in params ? params["messages"] : "cgid" in params ? [params] : undefined
  return params
}

/**
 * The params of a login that may leave out account and password, since its connection has told already whose it is: what
 * is left out is empty.
 */
export const withCredentials = (params: unknown): unknown => {
  if (Array.isArray(params)) return [params[0] ?? "", params[1] ?? "", ...params.slice(2)]
  if (params !== undefined && params !== null && !isFields(params)) return params
  return { ...params, account: params?.["account"] ?? "", password: params?.["password"] ?? "" }
}

const formatter = SchemaIssue.makeFormatterStandardSchemaV1()

/** Why something is not as documented; `under` is where it stands. */
const invalid = (issue: SchemaIssue.Issue, under: ReadonlyArray<string>): Reason => {
  const [first] = formatter(issue).issues
  const path = (first?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part))
  return {
    _tag: "Invalid",
    field: [...under, ...path].join("."),
    problem: `is not as documented: ${(first?.message ?? "").split("\n")[0]}`
  }
}

/** Params that list users. */
const LISTS = ["members", "admins", "committers"]

/** A list of users that is too long is refused by its length: none of the many ids that a frame can hold is looked at. */
const overlong = (params: unknown, limit: number): Reason | undefined => {
  if (!isFields(params)) return undefined
  for (const name of LISTS) {
    const users = params[name]
    if (Array.isArray(users) && users.length > limit) {
      return { _tag: "Invalid", field: `params.${name}`, problem: `must name at most ${limit} users` }
    }
  }
  return undefined
}

/** The params of a method, or a refusal that names the field. `limit` is `limits.membersPerRequest`. */
export const decode = <M extends Method>(
  method: M,
  params: unknown,
  limit: number = defaultSettings.membersPerRequest
): Effect.Effect<ParamsOf<M>, Refused> => {
  const decoder = decoders[method]
  if (decoder === undefined) throw new Error(`no such method: ${method}`)
  // A list of which nothing is known is not worth going through.
  if (method === "chat/message") {
    const messages = draftsIn(params)
    if (Array.isArray(messages)) return Effect.succeed({ messages } as unknown as ParamsOf<M>)
  }
  const byName = named(method, params, decoder.names)
  const problem = overlong(byName, limit)
  if (problem !== undefined) return refuse(problem)
  const result = decoder.decode(byName)
  return Result.isSuccess(result)
    ? Effect.succeed(result.success as ParamsOf<M>)
    : refuse(invalid(result.failure.issue, ["params"]))
}

export type MessageParams = typeof Draft.Type

const decodeMessage = Schema.decodeUnknownResult(Draft)

/** One message of a request, or why it is none. `index` is where it stands. */
export const readMessage = (message: unknown, index: number): Result.Result<MessageParams, Reason> =>
  Result.mapError(decodeMessage(message), ({ issue }) => invalid(issue, ["params", "messages", String(index)]))
