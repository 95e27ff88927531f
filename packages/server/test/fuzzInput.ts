/** Random frames from a seed, with the number of replies that each must get. */
import { bareMethods, draftOf, loginParams, methodsOf, named, type Subjects } from "./MethodTable.ts"
import type { Fields } from "./TestClient.ts"

/** A small generator of numbers from a seed. */
export class Dice {
  #state: number
  constructor(seed: number) {
    this.#state = seed
  }

  /** Returns an integer from 0 to `sides` - 1. */
  below(sides: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % sides
  }

  of<A>(values: readonly [A, ...ReadonlyArray<A>] | ReadonlyArray<A>): A {
    return values[this.below(values.length)] as A
  }

  times<A>(most: number, make: () => A): Array<A> {
    return Array.from({ length: this.below(most + 1) }, make)
  }
}

/** JSON texts that `JSON.stringify` never writes. */
const ODD_TEXTS = [
  "1e999",
  "-1e999",
  "-0",
  "1e-999",
  "123456789012345678901234567890",
  "9007199254740993",
  '"\\ud800"',
  '"\\udc00\\ud800x"',
  '"\\u0000"',
  '"\\u2028\\ufeff\\ufffe"',
  '{"__proto__":{"gid":"room"}}',
  '{"__proto__":null}',
  '{"constructor":{"prototype":{"x":1}},"toString":1,"hasOwnProperty":0}',
  '{"a":1,"a":2}',
  '{"\\ud800":"\\ud800"}',
  "[,]",
  "NaN",
  "01",
  "undefined"
] as const

/** Placeholder for one of the texts above until the JSON is serialized. */
const ODD = "\u0001odd"

const deep = (dice: Dice): string => {
  const depth = dice.of([50, 500, 5000, 30_000, 100_000])
  return dice.of([
    "[".repeat(depth),
    "[".repeat(depth) + "]".repeat(depth),
    '{"a":'.repeat(depth) + "1" + "}".repeat(depth),
    '[{"b":'.repeat(depth / 2) + "null" + "}]".repeat(depth / 2)
  ])
}

const WORDS = [
  "",
  "room",
  "system",
  "1&2",
  "alice",
  "no-such",
  "字",
  "😀",
  "constructor",
  "__proto__",
  "toString",
  "$ALL"
]

const value = (dice: Dice, level = 0): unknown => {
  switch (dice.below(level > 3 ? 6 : 9)) {
    case 0:
      return null
    case 1:
      return dice.of([true, false])
    case 2:
      return dice.of([0, 1, 2, -1, 1.5, 1e15, 2 ** 53, dice.below(1000)])
    case 3:
      return dice.of(WORDS)
    case 4:
      return String.fromCharCode(...dice.times(20, () => dice.below(0x10000)))
    case 5:
      return ODD
    case 6:
      return dice.times(5, () => value(dice, level + 1))
    default:
      return Object.fromEntries(
        dice.times(5, () => [dice.of(["id", "gid", "cgid", "members", "content", ...WORDS]), value(dice, level + 1)])
      )
  }
}

/** Returns the value with a random part replaced. */
const disturbed = (dice: Dice, json: unknown): unknown => {
  if (typeof json !== "object" || json === null || dice.below(4) === 0) return value(dice)
  const entries = Object.entries(json)
  if (entries.length === 0) return value(dice)
  const [name, inner] = dice.of(entries)
  if (Array.isArray(json)) return json.with(Number(name), disturbed(dice, inner))
  const rest = entries.filter(([key]) => key !== name)
  return Object.fromEntries(dice.below(4) === 0 ? rest : [...rest, [name, disturbed(dice, inner)]])
}

export interface Garbage {
  readonly bytes: Buffer
  /** Number of requests that must get a reply. */
  readonly answers: number
}

/** Maximum requests of a frame. */
const REQUESTS = 1000

const isOwed = (json: unknown, sid: string): boolean => {
  if (typeof json !== "object" || json === null || Array.isArray(json)) return true
  const { module, method, params, id, sid: claimed } = json as Fields
  if (typeof module !== "string" || typeof method !== "string" || claimed !== sid) return true
  if ((params !== undefined && params !== null) || id === undefined || id === null) return true
  return ![id].flat().every(Number.isSafeInteger)
}

/** Returns the number of replies to a frame. Blank lines are not frames over TCP. Source: PROTOCOLS, "Frames", "Offline queue". */
const owed = (text: string, sid: string, blankIsNone: boolean): number => {
  if (blankIsNone && /^[ \t\r]*$/.test(text)) return 0
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    return 1
  }
  if (!Array.isArray(json)) return isOwed(json, sid) ? 1 : 0
  return json.length > REQUESTS ? 1 : json.filter((one) => isOwed(one, sid)).length
}

/** Returns a generator of random frames for this sid. None of them ends the session. */
export const garbage = (seed: number, subjects: Subjects, sid: string, transport: "websocket" | "tcp") => {
  const dice = new Dice(seed)
  const requests: ReadonlyArray<Fields> = [
    ...methodsOf(subjects).map(({ module, method, params }) => ({ module, method, params: named(params), sid })),
    ...methodsOf(subjects).map(({ module, method, params }) => ({
      module,
      method,
      params: params.map((one) => one.value),
      sid
    })),
    { module: "chat", method: "message", params: [named(draftOf(subjects))], sid },
    { module: "chat", method: "login", params: named(loginParams("0".repeat(32))) },
    ...bareMethods.filter((method) => method !== "logout").map((method) => ({ module: "chat", method, sid })),
    { module: "chat", method: "message", id: [1, 2, 3], sid },
    { module: "chat", method: "message", id: 7, sid }
  ]
  const words = [...new Set(requests.flatMap(({ module, method }) => [String(module), String(method)]))]
  const whole = (json: unknown): string =>
    JSON.stringify(json).replaceAll(JSON.stringify(ODD), () => dice.of(ODD_TEXTS))

  const any = (): unknown => {
    switch (dice.below(8)) {
      case 0:
        return value(dice)
      case 1:
        return { module: dice.of(words), method: dice.of(words), params: value(dice), sid, id: value(dice) }
      case 2:
        return { module: "chat", method: dice.of(words), params: dice.times(4, () => value(dice)), sid }
      case 3:
        return dice.of(requests)
      default:
        return disturbed(dice, dice.of(requests))
    }
  }

  const text = (): string => {
    const kind = dice.below(64)
    if (kind === 0) return deep(dice)
    if (kind === 1) {
      const place = dice.of(["params", "sid", "id", "module", "x"])
      return `{"module":"chat","method":${JSON.stringify(dice.of(words))},"sid":"${sid}","${place}":${deep(dice)}}`
    }
    if (kind === 2) {
      const settings = `{"module":"chat","method":"settings","sid":"${sid}","params":["alice",${deep(dice)}]}`
      const draft = `{"gid":"g${dice.below(9)}","cgid":"room","contentType":"file","content":{"a":${deep(dice)}}}`
      return dice.of([settings, `{"module":"chat","method":"message","sid":"${sid}","params":[${draft}]}`])
    }
    if (kind === 3) return whole(Array.from({ length: 60 + dice.below(80) }, () => dice.of([1, null, {}, [1]])))
    if (kind < 8) return whole(dice.of(requests)).slice(0, -1 - dice.below(20))
    if (kind < 16) {
      const [at, json] = [dice.below(60), whole(dice.of(requests))]
      return json.slice(0, at) + dice.of(['"', "{", "]", ",", "\\", "\u0000", "1", "\u2028"]) + json.slice(at + 1)
    }
    return whole(kind < 24 ? dice.times(8, any) : any())
  }

  return (): Garbage => {
    const bytes =
      dice.below(10) === 0
        ? Buffer.from(dice.times(200, () => dice.below(256))).map((byte) => (byte === 10 ? 11 : byte))
        : Buffer.from(text().replaceAll("\n", " "))
    return { bytes: Buffer.from(bytes), answers: owed(Buffer.from(bytes).toString("utf8"), sid, transport === "tcp") }
  }
}
