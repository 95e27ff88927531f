/**
 * Reads the content of a message: `msgType`, and the field of that name. A link, an article and a system message become
 * texts, which every protocol shows. Source: PROTOCOLS, "youdu".
 */
import type { Refused } from "@parley/core/Refused"
import * as Effect from "effect/Effect"
import { field, type Fields, invalid, isFields, textProblem } from "../_http/fields.ts"
import { withoutNulls } from "./params.ts"

export type Content =
  | { readonly _tag: "Text"; readonly text: string }
  | { readonly _tag: "Media"; readonly contentType: string; readonly field: string; readonly mediaId: string }

/** Message types with a `media_id`, and the engine's content types. */
const MEDIA: ReadonlyMap<string, string> = new Map([
  ["image", "image"],
  ["file", "file"],
  ["voice", "audio"],
  ["video", "video"]
])

/** Message types of a session. */
export const SESSION_TYPES: ReadonlyArray<string> = ["text", "image", "file", "voice", "video"]
/** Message types of an app. */
export const APP_TYPES: ReadonlyArray<string> = ["text", "image", "file", "mpnews", "link", "exlink", "sysMsg"]

/** Maximum length of a title, in characters; maximum number of parts of a message. */
const MAX_TITLE = 64
const MAX_LINKS = 5
const MAX_ARTICLES = 10
const MAX_PARTS = 100

type Read<A> = Effect.Effect<A, Refused>

/** Reads a message of one of these types. */
export const contentOf = Effect.fnUntraced(function* (
  fields: Fields,
  types: ReadonlyArray<string>
): Effect.fn.Return<Content, Refused> {
  const msgType = field(fields, "msgType")
  if (msgType === undefined) return yield* invalid("msgType", "is missing")
  if (typeof msgType !== "string" || !types.includes(msgType)) {
    return yield* invalid("msgType", `must be ${types.slice(0, -1).join(", ")} or ${types.at(-1)}`)
  }
  const contentType = MEDIA.get(msgType)
  if (contentType !== undefined) {
    const media = yield* objectIn(fields, msgType)
    const mediaId = yield* required(media, msgType, "media_id")
    return { _tag: "Media", contentType, field: `${msgType}.media_id`, mediaId }
  }
  const text = yield* textOf(fields, msgType)
  return text.trim() === "" ? yield* invalid(msgType, "must not be empty") : { _tag: "Text", text }
})

const textOf = (fields: Fields, msgType: string): Read<string> => {
  switch (msgType) {
    case "link":
      return Effect.flatMap(objectIn(fields, msgType), (link) => linkText(link, msgType))
    case "exlink":
      return parts(fields, msgType, MAX_LINKS, (item, path) =>
        Effect.map(
          Effect.all([required(item, path, "title", MAX_TITLE), optional(item, path, "digest"), url(item, path)]),
          lines
        )
      )
    case "mpnews":
      return parts(fields, msgType, MAX_ARTICLES, (item, path) =>
        Effect.map(
          Effect.all([
            required(item, path, "title"),
            optional(item, path, "digest"),
            optional(item, path, "content"),
            optional(item, path, "url")
          ]),
          lines
        )
      )
    case "sysMsg":
      return Effect.flatMap(objectIn(fields, msgType), systemText)
    default:
      return Effect.flatMap(objectIn(fields, msgType), (body) => required(body, msgType, "content"))
  }
}

/** A title, then texts and links: each part is an object with `text` or `link`, or both. */
const systemText = Effect.fnUntraced(function* (body: Fields): Effect.fn.Return<string, Refused> {
  const title = yield* required(body, "sysMsg", "title", MAX_TITLE)
  const rest = yield* partsOf(body, "sysMsg.msg", field(body, "msg"), MAX_PARTS, (part, path) =>
    Effect.gen(function* () {
      const [text, link] = [field(part, "text"), field(part, "link")]
      if (text === undefined && link === undefined) return yield* invalid(path, "must have text or link")
      const content = text === undefined ? "" : yield* optional(yield* objectAt(text, `${path}.text`), path, "content")
      // Some clients send an empty link beside a text.
      const at = link === undefined ? {} : yield* objectAt(link, `${path}.link`)
      const isLink = text === undefined || (field(at, "url") ?? "") !== ""
      return lines([content, isLink ? yield* linkText(at, `${path}.link`) : ""])
    })
  )
  return lines([title, rest])
})

const linkText = (link: Fields, path: string): Read<string> =>
  Effect.map(Effect.all([required(link, path, "title", MAX_TITLE), url(link, path)]), lines)

const url = (item: Fields, path: string): Read<string> => required(item, path, "url")

const lines = (texts: ReadonlyArray<string>): string => texts.filter((text) => text !== "").join("\n")

const parts = (
  fields: Fields,
  name: string,
  limit: number,
  read: (item: Fields, path: string) => Read<string>
): Read<string> => partsOf(fields, name, field(fields, name), limit, read)

/** Reads an array of objects; the texts of its items are separated by an empty line. */
const partsOf = Effect.fnUntraced(function* (
  _: Fields,
  path: string,
  value: unknown,
  limit: number,
  read: (item: Fields, path: string) => Read<string>
): Effect.fn.Return<string, Refused> {
  if (value === undefined) return yield* invalid(path, "is missing")
  if (!Array.isArray(value)) return yield* invalid(path, "must be an array of objects")
  if (value.length < 1 || value.length > limit) return yield* invalid(path, `must have 1 to ${limit} items`)
  const texts: Array<string> = []
  for (const [index, item] of value.entries()) {
    const at = `${path}[${index}]`
    texts.push(yield* read(yield* objectAt(item, at), at))
  }
  return texts.join("\n\n")
})

const objectIn = (fields: Fields, name: string): Read<Fields> => objectAt(field(fields, name), name)

const objectAt = (value: unknown, path: string): Read<Fields> => {
  if (value === undefined) return invalid(path, "is missing")
  return isFields(value) ? Effect.succeed(withoutNulls(value)) : invalid(path, "must be an object")
}

/** Reads a text; "" if it is absent. */
const optional = (item: Fields, path: string, name: string): Read<string> =>
  field(item, name) === undefined ? Effect.succeed("") : string(item, path, name)

const string = (item: Fields, path: string, name: string): Read<string> => {
  const value = field(item, name)
  const problem = textProblem(value)
  return problem === undefined ? Effect.succeed(String(value)) : invalid(`${path}.${name}`, problem)
}

const required = (item: Fields, path: string, name: string, limit?: number): Read<string> =>
  Effect.flatMap(string(item, path, name), (value) => {
    if (value.trim() === "") return invalid(`${path}.${name}`, "must not be empty")
    if (limit !== undefined && Array.from(value).length > limit) {
      return invalid(`${path}.${name}`, `must have at most ${limit} characters`)
    }
    return Effect.succeed(value)
  })
