/**
 * Decodes the params of each method, by name or by position. Real clients of this protocol send `params` as an array in the
 * document's order, while the document shows objects; both are accepted for every method.
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

/** Well-formed string. Lone surrogates, which JSON can escape, cannot be stored or encoded as UTF-8. */
const Text = Schema.String.check(Schema.makeFilter((text) => text.isWellFormed(), { expected: "well-formed Unicode" }))
const isText = (value: unknown): value is string => typeof value === "string" && value.isWellFormed()

/** Maximum nesting of JSON that is stored unchanged; other parsers have such limits too, and some crash. */
const MAX_LEVELS = 100

const isWithin = (json: unknown, levels: number): boolean => {
  if (typeof json !== "object" || json === null) return true
  if (levels === 0) return false
  // Does not copy: there may be 100,000 arrays.
  if (Array.isArray(json)) {
    for (const item of json) if (!isWithin(item, levels - 1)) return false
    return true
  }
  const fields = json as Readonly<Record<string, unknown>>
  for (const key of Object.keys(fields)) if (!isWithin(fields[key], levels - 1)) return false
  return true
}

// The result of JSON.parse is JSON; only its depth and its strings are checked.
const Json = Schema.declare((value): value is Schema.Json => isWithin(value, MAX_LEVELS) && isWellFormedJson(value), {
  expected: `well-formed JSON of at most ${MAX_LEVELS} levels`
})
const JsonObject = Schema.declare(
  (value): value is { readonly [name: string]: Schema.Json } =>
    isFields(value) && isWithin(value, MAX_LEVELS) && isWellFormedJson(value),
  { expected: `a well-formed object of at most ${MAX_LEVELS} levels` }
)

/** Absent or null; null stands for a skipped position. */
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** `[{id}, …]` or `[id, …]`. */
const UserIds = Schema.Array(Schema.Union([Schema.Int, Schema.Struct({ id: Schema.Int })]))

const Draft = Schema.Struct({
  gid: Text,
  cgid: Text,
  user: optional(Schema.Union([Schema.Int, Text])),
  date: optional(Schema.Union([Schema.Finite, Schema.Literal("")])),
  type: optional(Schema.Literals(["normal", "broadcast"])),
  contentType: optional(Schema.Literals(["text", "emoticon", "image", "file", "emotion", "object"])),
  content: Schema.Union([Text, JsonObject])
})

const Chat = { gid: Text }

/** Params of each method, in the document's order, which is the order of positions. */
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
  // Each message is decoded separately, so that each refused one can be listed.
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
  "attach/getlist": Schema.Struct(Chat),
  // Our own module, beside the document.
  "parley/events": Schema.Struct({ on: optional(Flag) }),
  "parley/unread": Schema.Struct({ gid: optional(Text) }),
  "parley/read": Schema.Struct({ ...Chat, id: optional(Schema.Int) }),
  "parley/typing": Schema.Struct({ ...Chat, typing: optional(Flag) }),
  "parley/edit": Schema.Struct({ ...Chat, content: Text }),
  "parley/slowmode": Schema.Struct({ ...Chat, seconds: optional(Schema.Int) }),
  "parley/recall": Schema.Struct(Chat),
  "parley/historybefore": Schema.Struct({ ...Chat, id: Schema.Int, limit: optional(Schema.Int) }),
  "parley/search": Schema.Struct({
    text: Text,
    gid: optional(Text),
    limit: optional(Schema.Int),
    from: optional(Text)
  }),
  "parley/readmarks": Schema.Struct({ ...Chat, users: optional(UserIds) })
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

/** Alternative spelling of a name in the document. */
const SPELLINGS: ReadonlyMap<string, string> = new Map([["pulic", "public"]])

/** Converts params of either form to an object by name. */
const paramsByName = (method: Method, params: unknown, names: ReadonlyArray<string>): unknown => {
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
    // Unknown names are ignored; there may be thousands.
    if (names.includes(name)) byName[name] = params[spelled]
  }
  return byName
}

/** Returns the messages of a request: `[{…}, …]`, `[[{…}, …]]`, `{messages: [{…}, …]}`, or one message by itself. */
export const draftsIn = (params: unknown): unknown => {
  if (Array.isArray(params)) return params.length === 1 && Array.isArray(params[0]) ? params[0] : params
  if (isFields(params)) return "messages" in params ? params["messages"] : "cgid" in params ? [params] : undefined
  return params
}

/**
 * Returns login params with empty strings for a missing account and password, which are optional if the connection's
 * request identifies the user.
 */
export const withCredentials = (params: unknown): unknown => {
  if (Array.isArray(params)) return [params[0] ?? "", params[1] ?? "", ...params.slice(2)]
  if (params !== undefined && params !== null && !isFields(params)) return params
  return { ...params, account: params?.["account"] ?? "", password: params?.["password"] ?? "" }
}

const formatter = SchemaIssue.makeFormatterStandardSchemaV1()

/** Returns the reason for an invalid value at the path `parent`. */
const invalid = (issue: SchemaIssue.Issue, parent: ReadonlyArray<string>): Reason => {
  const [first] = formatter(issue).issues
  const path = (first?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part))
  return {
    _tag: "Invalid",
    field: [...parent, ...path].join("."),
    problem: `is not as documented: ${(first?.message ?? "").split("\n")[0]}`
  }
}

/** Params that list users. */
const USER_LISTS = ["members", "admins", "committers", "users"]

/** Refuses a too long list of users by its length, without decoding its ids. */
const listProblem = (params: unknown, limit: number): Reason | undefined => {
  if (!isFields(params)) return undefined
  for (const name of USER_LISTS) {
    const users = params[name]
    if (Array.isArray(users) && users.length > limit) {
      return { _tag: "Invalid", field: `params.${name}`, problem: `must name at most ${limit} users` }
    }
  }
  return undefined
}

/** Decodes the params of a method; a refusal names the field. `limit`: value of `limits.membersPerRequest`. */
export const decode = <M extends Method>(
  method: M,
  params: unknown,
  limit: number = defaultSettings.membersPerRequest
): Effect.Effect<ParamsOf<M>, Refused> => {
  const decoder = decoders[method]
  if (decoder === undefined) throw new Error(`no such method: ${method}`)
  // Skips the schema, which does not check the items of this list.
  if (method === "chat/message") {
    const messages = draftsIn(params)
    if (Array.isArray(messages)) return Effect.succeed({ messages } as unknown as ParamsOf<M>)
  }
  const byName = paramsByName(method, params, decoder.names)
  const problem = listProblem(byName, limit)
  if (problem !== undefined) return refuse(problem)
  const result = decoder.decode(byName)
  return Result.isSuccess(result)
    ? Effect.succeed(result.success as ParamsOf<M>)
    : refuse(invalid(result.failure.issue, ["params"]))
}

export type MessageParams = typeof Draft.Type

/** Decodes any message. */
export const decodeMessage = Schema.decodeUnknownResult(Draft)

/** Returns whether a text message has only values that the schema accepts and leaves as they are. */
const isTextMessage = (message: unknown): message is MessageParams => {
  if (!isFields(message)) return false
  const { gid, cgid, user, date, type, contentType, content } = message
  return (
    isText(gid) &&
    isText(cgid) &&
    isText(content) &&
    (contentType === "text" || contentType === undefined) &&
    (type === "normal" || type === undefined) &&
    (user === undefined || Number.isSafeInteger(user) || isText(user)) &&
    (date === undefined || date === "" || Number.isFinite(date))
  )
}

/**
 * Decodes the message at `index` of a request. Most are plain text messages, for which the schema would cost more than the
 * rest of the request.
 */
export const readMessage = (message: unknown, index: number): Result.Result<MessageParams, Reason> =>
  isTextMessage(message)
    ? Result.succeed(message)
    : Result.mapError(decodeMessage(message), ({ issue }) => invalid(issue, ["params", "messages", String(index)]))
