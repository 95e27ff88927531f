/**
 * Streaming parser of `multipart/form-data`. Source: RFC 2046, 5.1; RFC 7578.
 *
 * Effect's own parser decodes names and fields leniently, drops quoted `filename*` and does not report which part is
 * unreadable. Only its boundary search is used; `disposition.ts` parses the headers.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Search from "effect/http/MultipartParser/Search"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { type PartHead, readHead, displayName } from "./disposition.ts"
import { UnreadableBody } from "./UnreadableBody.ts"
import { valueText } from "./utf8.ts"

/** Maximum size of one part's headers, in bytes. */
const MAX_HEAD_SIZE = 16 * 1024
const LINE_END = Uint8Array.of(0x0d, 0x0a)
const DASH = 0x2d

export interface Limits {
  /** Maximum number of parts. */
  readonly parts: number
  /** Maximum size of one field that is not a file, in bytes. */
  readonly field: number
  /** Maximum size of the body, in bytes. */
  readonly total: number
}

type Event =
  | { readonly _tag: "Head"; readonly part: number; readonly head: PartHead }
  | { readonly _tag: "Data"; readonly bytes: Uint8Array }
  | { readonly _tag: "End" }
  | { readonly _tag: "Problem"; readonly error: UnreadableBody }

export const isMultipart = (contentType: string | undefined): boolean =>
  /^\s*multipart\/form-data\s*(?:;|$)/i.test(contentType ?? "")

const boundaryIn = (contentType: string | undefined): string | undefined => {
  const match = /;\s*boundary\s*=\s*(?:"([^"]{1,70})"|([^\s;"]{1,70}))\s*(?:;|$)/i.exec(contentType ?? "")
  return match?.[1] ?? match?.[2]
}

const unreadable = (problem: string): UnreadableBody => new UnreadableBody({ status: 400, problem })
const tooLarge = (problem: string): UnreadableBody => new UnreadableBody({ status: 413, problem })

/** Returns the index of the first `\r\n\r\n`, or -1. */
const blankLineIn = (bytes: Uint8Array): number => {
  for (let at = bytes.indexOf(0x0d); at >= 0; at = bytes.indexOf(0x0d, at + 1)) {
    if (bytes[at + 1] === 0x0a && bytes[at + 2] === 0x0d && bytes[at + 3] === 0x0a) return at
  }
  return -1
}

/** Turns chunks into events; emits none after a problem or the last boundary. */
class Parser {
  readonly #limits: Limits
  readonly #emit: (event: Event) => void
  readonly #search: ReturnType<typeof Search.make> | undefined
  #part = 0
  #state: "preamble" | "head" | "content" | "done" = "preamble"
  #head = new Uint8Array(0)
  #total = 0

  constructor(contentType: string | undefined, limits: Limits, emit: (event: Event) => void) {
    this.#limits = limits
    this.#emit = emit
    const boundary = boundaryIn(contentType)
    this.#search =
      boundary === undefined ? undefined : Search.make(`\r\n--${boundary}`, (index, bytes) => this.#found(index, bytes))
    // The first boundary has no line end before it if the body begins with it.
    this.#search?.write(LINE_END)
  }

  write(chunk: Uint8Array): void {
    if (this.#state === "done") return
    if (this.#search === undefined) return this.#fail(unreadable("is a form whose Content-Type has no boundary"))
    this.#total += chunk.length
    if (this.#total > this.#limits.total) return this.#fail(tooLarge("is too large"))
    this.#search.write(chunk)
  }

  end(): void {
    this.#search?.end()
    if (this.#state !== "done") this.#fail(unreadable("is a form that ends before its last boundary"))
  }

  #fail(error: UnreadableBody): void {
    this.#state = "done"
    this.#emit({ _tag: "Problem", error })
  }

  /** Handles bytes after the boundary of that index; 0 is the preamble. */
  #found(index: number, bytes: Uint8Array): void {
    if (this.#state === "done" || index === 0) return
    if (index !== this.#part) {
      if (this.#state === "head") return this.#fail(unreadable(`has a part ${this.#part} that ends within its headers`))
      if (this.#state === "content") this.#emit({ _tag: "End" })
      this.#part = index
      this.#state = "head"
      this.#head = new Uint8Array(0)
    }
    if (this.#state === "content") this.#emit({ _tag: "Data", bytes })
    else this.#readHead(bytes)
  }

  #readHead(bytes: Uint8Array): void {
    const head = new Uint8Array(this.#head.length + bytes.length)
    head.set(this.#head)
    head.set(bytes, this.#head.length)
    if (head[0] === DASH && head[1] === DASH) {
      this.#state = "done"
      return
    }
    const blank = blankLineIn(head)
    if (blank > MAX_HEAD_SIZE || (blank < 0 && head.length > MAX_HEAD_SIZE)) {
      return this.#fail(unreadable(`has a part ${this.#part} whose headers are too large`))
    }
    this.#head = head
    if (blank < 0) return
    if (this.#part > this.#limits.parts) return this.#fail(tooLarge(`has more than ${this.#limits.parts} parts`))
    const read = readHead(head.subarray(0, blank))
    if (Result.isFailure(read)) return this.#fail(unreadable(`is a form whose part ${this.#part} ${read.failure}`))
    this.#state = "content"
    this.#emit({ _tag: "Head", part: this.#part, head: read.success })
    const content = head.subarray(blank + 2 * LINE_END.length)
    if (content.length > 0) this.#emit({ _tag: "Data", bytes: content })
  }
}

/** One part. Its content is readable only until `handle` completes; the rest is skipped. */
export interface Part<E> extends PartHead {
  /** Number of the part, from 1. */
  readonly part: number
  readonly content: Stream.Stream<Uint8Array, E | UnreadableBody>
}

export const isFile = ({ filename, contentType }: PartHead): boolean =>
  filename !== undefined || contentType === "application/octet-stream"

/**
 * Runs `handle` for each part of a form in sequence. A file without a name and content is a file input without a chosen
 * file, and is skipped.
 */
export const readParts = <E, E2, R>(
  body: Stream.Stream<Uint8Array, E>,
  contentType: string | undefined,
  limits: Limits,
  handle: (part: Part<E>) => Effect.Effect<void, E2, R>
): Effect.Effect<void, E | E2 | UnreadableBody, R> =>
  Effect.scoped(
    Effect.gen(function* () {
      const pull = yield* Stream.toPull(body)
      let events: Array<Event> = []
      let at = 0
      let exhausted = false
      const parser = new Parser(contentType, limits, (event) => events.push(event))

      const next: Effect.Effect<Event | undefined, E | UnreadableBody> = Effect.suspend(() => {
        const event = events[at++]
        if (event !== undefined) return event._tag === "Problem" ? Effect.fail(event.error) : Effect.succeed(event)
        events = []
        at = 0
        if (exhausted) return Effect.succeed(undefined)
        return pull.pipe(
          Effect.map((chunks) => {
            for (const chunk of chunks) parser.write(chunk)
          }),
          Pull.catchDone(() =>
            Effect.sync(() => {
              exhausted = true
              parser.end()
            })
          ),
          Effect.andThen(next)
        )
      })

      for (let event = yield* next; event !== undefined; event = yield* next) {
        if (event._tag !== "Head") continue
        const { part, head } = event
        let first = yield* next
        if (isFile(head) && head.filename === "" && first?._tag === "End") continue
        let ended = false
        const data = Effect.suspend(() => {
          const event = first
          first = undefined
          return event === undefined ? next : Effect.succeed(event)
        })
        const content = Stream.fromPull(
          Effect.succeed(
            Effect.suspend(() => {
              if (ended) return Cause.done()
              return Effect.flatMap(data, (event) => {
                if (event?._tag === "Data") return Effect.succeed([event.bytes] as const)
                ended = true
                return Cause.done()
              })
            })
          )
        )
        yield* handle({ ...head, part, content })
        if (!ended) yield* Stream.runDrain(content)
      }
    })
  )

/** Reads the value of a field. */
export const fieldText = <E>(
  { name, part, content }: Part<E>,
  limit: number
): Effect.Effect<string, E | UnreadableBody> =>
  Effect.suspend(() => {
    const which = `part ${part} (${displayName(name)})`
    const bytes: Array<Uint8Array> = []
    let size = 0
    return Stream.runForEach(content, (chunk) => {
      size += chunk.length
      if (size > limit) return Effect.fail(tooLarge(`is a form whose ${which} has more than ${limit} bytes`))
      bytes.push(chunk)
      return Effect.void
    }).pipe(
      Effect.flatMap(() => {
        const value = new Uint8Array(size)
        let at = 0
        for (const chunk of bytes) {
          value.set(chunk, at)
          at += chunk.length
        }
        const text = valueText(value)
        return text === undefined
          ? Effect.fail(unreadable(`is a form whose ${which} is not UTF-8`))
          : Effect.succeed(text)
      })
    )
  })
