/** Parsing frames into requests. Source: PROTOCOLS, "Frames", "Offline queue". */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { repetitions } from "../../../../scripts/repetitions.ts"
import { acknowledgedIds, isAcknowledgement, isInvalid, parse, type Request } from "../../src/xuanxuan/frames.ts"

const MAX_REQUESTS = 3

const request = (fields: Partial<Request> & Readonly<Record<string, unknown>> = {}): Request => ({
  module: "chat",
  method: "ping",
  ...fields
})

describe("a frame", () => {
  it("is one request or an array of them", () => {
    const table: ReadonlyArray<readonly [string, ReadonlyArray<Request>]> = [
      ['{"module":"chat","method":"ping"}', [request()]],
      [' \t\r\n{"method":"ping","module":"chat"} ', [request()]],
      ['[{"module":"chat","method":"ping"}]', [request()]],
      ['{"module":"","method":""}', [request({ module: "", method: "" })]],
      [
        '[{"module":"a","method":"b","params":[1]},{"module":"c","method":"d","sid":"s","id":5,"more":1}]',
        [
          request({ module: "a", method: "b", params: [1] }),
          request({ module: "c", method: "d", sid: "s", id: 5, more: 1 })
        ]
      ],
      [
        '{"module":"chat","method":"ping","params":null,"sid":null,"id":null}',
        [request({ params: null, sid: null, id: null })]
      ],
      ['{"module":"字","method":"\\ud800"}', [request({ module: "字", method: "\ud800" })]],
      ["[]", []],
      [" [ ] ", []]
    ]
    for (const [frame, requests] of table) assert.deepStrictEqual(parse(frame, MAX_REQUESTS), requests, frame)
  })

  it("that is not JSON, or not a request, is an invalid request in its place", () => {
    const invalidFrames = [
      "",
      " ",
      "{",
      "}",
      "nul",
      "undefined",
      "NaN",
      "{}{}",
      "[1,]",
      "'x'",
      "\u0000",
      "\ufeff{}",
      "[".repeat(100_000)
    ]
    for (const frame of invalidFrames)
      assert.deepStrictEqual(parse(frame, MAX_REQUESTS).map(isInvalid), [true], frame.slice(0, 20))
    const none = [
      "null",
      "true",
      "5",
      '"x"',
      "{}",
      '{"module":"chat"}',
      '{"method":"ping"}',
      '{"module":1,"method":"x"}',
      '{"module":"x","method":null}'
    ]
    for (const frame of none) {
      assert.deepStrictEqual(parse(frame, MAX_REQUESTS).map(isInvalid), [true], frame)
      const between = parse(`[{"module":"chat","method":"ping"},${frame},[]]`, MAX_REQUESTS)
      assert.deepStrictEqual(between.map(isInvalid), [false, true, true], frame)
    }
    const inherited = parse('{"__proto__":{"module":"chat","method":"ping"}}', MAX_REQUESTS)
    assert.deepStrictEqual(inherited.map(isInvalid), [true])
    const withMore = parse('{"module":"chat","method":"ping","problem":"x","more":1}', MAX_REQUESTS)
    assert.deepStrictEqual(withMore.map(isInvalid), [false])
  })

  it("holds a bounded number of requests", () => {
    const frame = (count: number) => JSON.stringify(Array.from({ length: count }, () => ({ module: "a", method: "b" })))
    assert.strictEqual(parse(frame(MAX_REQUESTS), MAX_REQUESTS).length, MAX_REQUESTS)
    assert.deepStrictEqual(parse(frame(MAX_REQUESTS + 1), MAX_REQUESTS).map(isInvalid), [true])
    assert.deepStrictEqual(parse("[[],[],[],[]]", MAX_REQUESTS).length, 1)
  })

  it("may be any text: parse never throws", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc.jsonValue().map((json) => JSON.stringify([json, { module: "a", method: "b", id: json }]))
    )
    fc.assert(
      fc.property(texts, (text) => {
        for (const one of parse(text, MAX_REQUESTS)) {
          if (isInvalid(one)) assert.isNotEmpty(one.problem)
          else assert.deepStrictEqual([typeof one.module, typeof one.method], ["string", "string"])
        }
      }),
      { numRuns: repetitions(2000, 300) }
    )
  })
})

describe("an acknowledgement", () => {
  it("is an id without params", () => {
    for (const id of [0, 5, "x", [], [1], {}, false]) {
      assert.isTrue(isAcknowledgement(request({ id })))
      assert.isTrue(isAcknowledgement(request({ id, params: null })))
      for (const params of [[], {}, 0, "", false]) assert.isFalse(isAcknowledgement(request({ id, params })))
    }
    assert.isFalse(isAcknowledgement(request()))
    assert.isFalse(isAcknowledgement(request({ id: null })))
  })

  it("names one packet or several", () => {
    const table: ReadonlyArray<readonly [unknown, ReadonlyArray<number> | undefined]> = [
      [5, [5]],
      [0, [0]],
      [
        [1, 2, 2],
        [1, 2, 2]
      ],
      [[], []],
      [Number.MAX_SAFE_INTEGER, [Number.MAX_SAFE_INTEGER]],
      ...[1.5, 2 ** 53, Number.NaN, Number.POSITIVE_INFINITY, "5", true, {}, ["1"], [1, null], [[1]]].map(
        (id) => [id, undefined] as const
      )
    ]
    for (const [id, ids] of table) assert.deepStrictEqual(acknowledgedIds(id), ids)
  })
})
