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
import { type Refused, refuse } from "@parley/core/Refused"

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

/** Absent, or null, which stands for a skipped position. */
const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** `[{id}, …]` or `[id, …]`. */
const UserIds = Schema.Array(Schema.Union([Schema.Int, Schema.Struct({ id: Schema.Int })]))

const Draft = Schema.Struct({
  gid: Schema.String,
  cgid: Schema.String,
  user: optional(Schema.Union([Schema.Int, Schema.String])),
  date: optional(Schema.Union([Schema.Finite, Schema.Literal("")])),
  type: optional(Schema.Literals(["normal", "broadcast"])),
  contentType: optional(Schema.Literals(["text", "emoticon", "image", "file"])),
  content: Schema.Union([Schema.String, Schema.Record(Schema.String, Schema.Json)])
})

const Chat = { gid: Schema.String }

/** Each method's params, in the document's order, which is the order of positions. */
export const methods = {
  "chat/login": Schema.Struct({
    account: Schema.String,
    password: Schema.String,
    status: optional(Schema.Literals(["online", "away", "busy"])),
    device: optional(Schema.String)
  }),
  "chat/logout": Schema.Struct({}),
  "chat/ping": Schema.Struct({}),
  "chat/usergetlist": Schema.Struct({}),
  "chat/getlist": Schema.Struct({}),
  "chat/userchangename": Schema.Struct({ name: Schema.String }),
  "chat/userchangestatus": Schema.Struct({ status: Schema.Literals(["online", "away", "busy"]) }),
  "chat/create": Schema.Struct({
    gid: Schema.String,
    name: optional(Schema.String),
    type: optional(Schema.String),
    members: UserIds,
    subject: optional(Schema.Int),
    public: optional(Flag)
  }),
  "chat/joinchat": Schema.Struct({ ...Chat, join: optional(Flag) }),
  "chat/changename": Schema.Struct({
    id: optional(Schema.Union([Schema.Int, Schema.String])),
    name: Schema.String,
    gid: optional(Schema.String)
  }),
  "chat/star": Schema.Struct({ ...Chat, star: optional(Flag) }),
  "chat/hide": Schema.Struct({ ...Chat, hide: optional(Flag) }),
  "chat/mute": Schema.Struct({ ...Chat, mute: optional(Flag) }),
  "chat/addmember": Schema.Struct({ ...Chat, members: UserIds, join: optional(Flag) }),
  "chat/message": Schema.Struct({ messages: Schema.Array(Draft) }),
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
  "chat/setcommitters": Schema.Struct({ ...Chat, committers: Schema.Union([UserIds, Schema.String]) }),
  "chat/settings": Schema.Struct({ account: Schema.String, settings: optional(Schema.Json) }),
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

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

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
  if (!isObject(params)) return params
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [SPELLINGS.get(name) ?? name, value]))
}

/** The messages of a request: `[{…}, …]`, `[[{…}, …]]`, `{messages: [{…}, …]}`, or one message by itself. */
export const draftsIn = (params: unknown): unknown => {
  if (Array.isArray(params)) return params.length === 1 && Array.isArray(params[0]) ? params[0] : params
  if (isObject(params)) return "messages" in params ? params["messages"] : "cgid" in params ? [params] : undefined
  return params
}

const formatter = SchemaIssue.makeFormatterStandardSchemaV1()

/** The params of a method, or a refusal that names the field. */
export const decode = <M extends Method>(method: M, params: unknown): Effect.Effect<ParamsOf<M>, Refused> => {
  const decoder = decoders[method]
  if (decoder === undefined) throw new Error(`no such method: ${method}`)
  const result = decoder.decode(named(method, params, decoder.names))
  if (Result.isSuccess(result)) return Effect.succeed(result.success as ParamsOf<M>)
  const [issue] = formatter(result.failure.issue).issues
  const path = (issue?.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join(".")
  return refuse({
    _tag: "Invalid",
    field: path === "" ? "params" : `params.${path}`,
    problem: `is not as documented: ${(issue?.message ?? "").split("\n")[0]}`
  })
}
