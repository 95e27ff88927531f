/** The parser that the test of `/metrics` uses refuses text that breaks the format of Prometheus. */
import { assert, describe, it } from "@effect/vitest"
import { parseMetrics } from "./metricsFormat.ts"

const family = (name: string, type: string, ...samples: ReadonlyArray<string>): string =>
  [`# HELP ${name} A meaning.`, `# TYPE ${name} ${type}`, ...samples, ""].join("\n")

const VALID =
  family("a_total", "counter", 'a_total{reason="x\\"y"} 0', 'a_total{reason="z"} 1e-7') +
  family("b_seconds", "histogram", 'b_seconds_bucket{le="1"} 1', 'b_seconds_bucket{le="+Inf"} 2').slice(0, -1) +
  "\nb_seconds_sum 3.5\nb_seconds_count 2\n" +
  family("c", "gauge", "c NaN") +
  family("d", "summary", 'd{quantile="0.5"} 1', "d_sum 1", "d_count 1")

const INVALID: ReadonlyArray<readonly [text: string, reason: RegExp]> = [
  [family("a", "gauge", 'a{quantile="0.5"} 1'), /quantile belongs/],
  [family("a_total", "counter", 'a_total{le="1"} 1'), /le belongs/],
  [family("a", "counter", "a 1"), /_total/],
  [family("a_total", "gauge", "a_total 1"), /_total/],
  [family("a_count", "gauge", "a_count 1"), /reserved suffix/],
  [family("a_total", "counter", "a_total -1"), /negative/],
  [family("a", "gauge", "a 1") + family("a", "gauge", "a 2"), /repeated HELP/],
  [`${family("a", "gauge", "a 1")}# TYPE a gauge\n`, /repeated TYPE/],
  ["# TYPE a gauge\na 1\n", /no HELP/],
  ["a 1\n", /without TYPE/],
  [family("a", "gauge", "a 1") + family("b", "gauge", "b 1", 'a{x="1"} 1'), /outside its family/],
  [family("a", "gauge", "a 1", "a 2"), /given twice/],
  [family("a", "gauge", 'a{x="1",x="2"} 1'), /given twice/],
  [family("a", "gauge", 'a{__x="1"} 1'), /internal use/],
  [family("a", "gauge", 'a{x="1"y="2"} 1'), /malformed labels/],
  [family("a", "gauge", "a undefined"), /not a number/],
  [family("a", "gauge", "a Infinity"), /not a number/],
  [family("a", "gauge", ""), /not a sample/],
  [family("a", "gauge"), /no sample/],
  [family("a", "gauge", "a 1").trimEnd(), /line feed/],
  [family("a", "histogram", 'a_bucket{le="1"} 1', "a_sum 1", "a_count 1"), /\+Inf/],
  [family("a", "histogram", 'a_bucket{le="1"} 3', 'a_bucket{le="+Inf"} 2', "a_sum 1", "a_count 2"), /cumulative/],
  [family("a", "histogram", 'a_bucket{le="+Inf"} 2', "a_sum 1", "a_count 3"), /count differs/],
  [family("a", "histogram", 'a_bucket{le="+Inf"} 2', "a_count 2"), /no sum/]
]

describe("parseMetrics", () => {
  it("reads valid text", () => {
    assert.deepStrictEqual([...parseMetrics(VALID).keys()], ["a_total", "b_seconds", "c", "d"])
  })

  it.each(INVALID)("refuses %j", (text, reason) => {
    assert.throws(() => parseMetrics(text), reason)
  })
})
