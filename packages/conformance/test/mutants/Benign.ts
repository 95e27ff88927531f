/**
 * Servers that are as good as the reference and only speak a little differently: nothing of them may be found wrong.
 */
import { isArray, isObject, type Json, type JsonObject } from "../../src/Json.ts"
import { readings } from "../../src/requirements/Requirements.ts"
import type { More } from "./MutantRunner.ts"
import { changed, everywhere, type Mutant } from "./Mutant.ts"

export interface Benign {
  readonly name: string
  readonly description: string
  readonly mutant: Mutant
  readonly more?: More
}

const onBodies = (change: (body: Json) => Json): Mutant => ({
  packet: ({ body }) => [{ send: change(body) }],
  answer: (answer) => changed(answer, change)
})

const widened = (value: Json): Json => {
  if (isArray(value)) return value.map(widened)
  if (!isObject(value)) return value
  const fields = Object.entries(value).map(([key, item]) => [key, widened(item)])
  return { "x-new": { deep: [null, 1] }, ...Object.fromEntries(fields), "x-flag": true }
}

const reversed = (value: Json): Json => {
  if (isArray(value)) return value.map(reversed)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, item]) => [key, reversed(item)])
  )
}

/** Each spelling of a name, with the document's other spelling. */
const otherNames = new Map<Json | undefined, string>(
  readings("xuanxuan")
    .filter(({ id }) => id.endsWith("-method"))
    .flatMap(({ forms: [one, other] }) =>
      typeof one === "string" && typeof other === "string" ? [[one, other] as const, [other, one] as const] : []
    )
)

/** Fields for which a document prints two names in different places: only one is sent. */
const onlyNamed = (which: 0 | 1): Mutant => {
  const gone = readings()
    .filter(({ of }) => of === "key")
    .flatMap(({ forms }) => (forms.length < 2 ? [] : [forms[1 - which]]))
  return onBodies((body) => everywhere(body, (key, value) => (gone.includes(key) ? undefined : value)))
}

const escaped = (text: string): string =>
  text.replaceAll(/[^\u0020-\u007e\s]/g, (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`)

const idOf = ({ data }: JsonObject): Json | undefined => (isObject(data) ? data["id"] : undefined)

const echoed = ["chat/create", "chat/addmember", "chat/message"]

export const benign: ReadonlyArray<Benign> = [
  { name: "more-fields", description: "every object has further fields", mutant: onBodies(widened) },
  {
    name: "other-order",
    description: "the fields of every object come the other way round",
    mutant: onBodies(reversed)
  },
  {
    name: "more-pushes",
    description: "pushes that concern nothing in the scenario come before every packet",
    mutant: {
      packet: ({ body }) => [
        { send: { id: 7, module: "chat", method: "weather", data: { gid: "elsewhere", degrees: 21 } } },
        { send: { id: 8, module: "chat", method: "message", data: [{ id: 1, gid: "else", cgid: "where", user: 0 }] } },
        { send: body }
      ]
    }
  },
  {
    name: "echoes",
    description: "the requester gets the push of a creation, an invitation and a message too",
    mutant: {
      packet: ({ body, way, about }, { pushed }) => {
        const chat = idOf(body)
        const isKnown = about === "chat/create" && pushed.some((one) => one.about === about && idOf(one.body) === chat)
        const isEchoed = way === "reply" && body["result"] === "success" && echoed.includes(about) && !isKnown
        const push = { id: 900_000_001, module: "chat", method: body["method"] ?? null, data: body["data"] ?? null }
        return isEchoed ? [{ send: body }, { send: push }] : [{ send: body }]
      }
    }
  },
  {
    name: "in-arrays",
    description: "every packet comes in an array",
    mutant: { packet: ({ body }) => [{ send: [body] }] }
  },
  {
    name: "fragments",
    description: "frames come in fragments and bodies in chunks, cut within characters",
    mutant: { pieces: 61 }
  },
  {
    name: "pieces-over-tcp",
    description: "lines come a few bytes at a time",
    mutant: { pieces: 61 },
    more: { transport: "tcp", wire: "client-1.0" }
  },
  {
    name: "slow",
    description: "everything comes a little later, in time",
    mutant: {
      packet: ({ body }) => [{ send: body, after: 4 }],
      answer: (answer) => ({ ...answer, after: 4 })
    }
  },
  {
    name: "spaced",
    description: "JSON is written with spaces, line ends and escapes",
    mutant: {
      packet: ({ body }) => [{ raw: escaped(JSON.stringify(body, undefined, 2)) }],
      answer: (answer) => {
        const body = changed(answer, (value) => value)
        return body === answer
          ? answer
          : { ...answer, text: escaped(JSON.stringify(JSON.parse(body.text), undefined, 2)) }
      }
    }
  },
  {
    name: "other-spelling",
    description: "pushes have the document's other spelling of their method",
    mutant: {
      packet: ({ body, way }) => {
        const method = way === "push" ? otherNames.get(body["method"]) : undefined
        return [{ send: method === undefined ? body : { ...body, method } }]
      }
    }
  },
  {
    name: "first-name-only",
    description: "of two names of one field only the first is sent",
    mutant: onlyNamed(0),
    more: { profile: "documented" }
  },
  {
    name: "second-name-only",
    description: "of two names of one field only the second is sent",
    mutant: onlyNamed(1),
    more: { profile: "documented" }
  }
]
