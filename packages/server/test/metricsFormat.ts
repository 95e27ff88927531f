/**
 * Strict parser of the text format of Prometheus, version 0.0.4, with the conventions for names. Sources: Prometheus,
 * "Exposition formats" and "Metric and label naming".
 */

/** One family of metrics. */
interface Family {
  readonly type: string
  readonly series: Map<string, Sample>
}

interface Sample {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

const HELP = /^# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) ((?:[^\\]|\\\\|\\n)+)$/
const TYPE = /^# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram|summary|untyped)$/
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)(?: -?[0-9]+)?$/
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\\\|\\"|\\n)*)"(?:,|$)/y
const NUMBER = /^[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i

/** Suffixes of the samples of a type. */
const SUFFIXES: Readonly<Record<string, ReadonlyArray<string>>> = {
  histogram: ["_bucket", "_sum", "_count"],
  summary: ["", "_sum", "_count"]
}

const check = (valid: boolean, reason: string, at: string): void => {
  if (!valid) throw new Error(`${reason}: ${at}`)
}

const numberOf = (text: string, line: string): number => {
  if (text === "NaN") return NaN
  if (/^[+-]?Inf$/.test(text)) return text.startsWith("-") ? -Infinity : Infinity
  check(NUMBER.test(text), "not a number", line)
  return Number(text)
}

const labelsOf = (text: string, line: string): ReadonlyMap<string, string> => {
  const labels = new Map<string, string>()
  LABEL.lastIndex = 0
  for (let end = 0; end < text.length; end = LABEL.lastIndex) {
    const [, name = "", value = ""] = LABEL.exec(text) ?? []
    check(name !== "", "malformed labels", line)
    check(!name.startsWith("__"), "label for internal use", line)
    check(!labels.has(name), "label given twice", line)
    labels.set(name, value)
  }
  return labels
}

/** Equal for equal labels in any order. */
const keyOf = (labels: ReadonlyArray<readonly [name: string, value: string]>): string =>
  `{${labels
    .map(([name, value]) => `${name}="${value}"`)
    .sort((a, b) => (a < b ? -1 : 1))
    .join()}}`

/** Series of one family without `le`: buckets ascend, are cumulative, end in +Inf and agree with the count. */
const checkHistogram = (family: string, samples: ReadonlyArray<Sample>): void => {
  const groups = new Map<string, Array<Sample>>()
  for (const sample of samples) {
    const key = keyOf([...sample.labels].filter(([name]) => name !== "le"))
    groups.set(key, [...(groups.get(key) ?? []), sample])
  }
  for (const group of groups.values()) {
    const buckets = group.filter(({ name }) => name === `${family}_bucket`)
    const bounds = buckets.map(({ labels }) => numberOf(labels.get("le") ?? "", family))
    check(bounds.at(-1) === Infinity, "no bucket for +Inf", family)
    check(
      bounds.every((bound, index) => index === 0 || bound > (bounds[index - 1] ?? NaN)),
      "bounds do not ascend",
      family
    )
    check(
      buckets.every(({ value }, index) => value >= (buckets[index - 1]?.value ?? 0)),
      "buckets are not cumulative",
      family
    )
    const count = group.find(({ name }) => name === `${family}_count`)
    check(count !== undefined && count.value === buckets.at(-1)?.value, "count differs from +Inf", family)
    check(
      group.some(({ name }) => name === `${family}_sum`),
      "no sum",
      family
    )
  }
}

const checkName = (name: string, type: string): void => {
  check((type === "counter") === name.endsWith("_total"), "counters, and only these, end in _total", name)
  check(!/_(?:sum|count|bucket|info)$/.test(name), "reserved suffix", name)
}

const checkSample = (type: string, { name, labels, value }: Sample, line: string): void => {
  check(labels.has("le") === (type === "histogram" && name.endsWith("_bucket")), "le belongs to buckets", line)
  const quantile = type === "summary" && !/_(?:sum|count)$/.test(name)
  check(labels.has("quantile") === quantile, "quantile belongs to summaries", line)
  check(type !== "counter" || value >= 0, "negative counter", line)
}

/** Returns the families by name. Throws an `Error` with the reason and the line for text that breaks a rule. */
export const parseMetrics = (text: string): ReadonlyMap<string, Family> => {
  check(text.endsWith("\n"), "no line feed at the end", text.slice(-80))
  const families = new Map<string, Family>()
  let help = ""
  let name = ""
  for (const line of text.slice(0, -1).split("\n")) {
    if (line.startsWith("# HELP ")) {
      const [, next = ""] = HELP.exec(line) ?? []
      check(next !== "" && help === "" && !families.has(next), "malformed or repeated HELP", line)
      help = next
    } else if (line.startsWith("# TYPE ")) {
      const [, next = "", type = ""] = TYPE.exec(line) ?? []
      check(next !== "" && next === help && !families.has(next), "malformed or repeated TYPE, or no HELP", line)
      checkName(next, type)
      families.set(next, { type, series: new Map() })
      name = next
      help = ""
    } else {
      const [, series = "", labels = "", value = ""] = SAMPLE.exec(line) ?? []
      const family = families.get(name)
      check(series !== "" && help === "", "not a sample", line)
      if (family === undefined) throw new Error(`sample without TYPE: ${line}`)
      const suffixes = SUFFIXES[family.type] ?? [""]
      check(
        suffixes.some((suffix) => series === name + suffix),
        "sample outside its family",
        line
      )
      const sample = { name: series, labels: labelsOf(labels, line), value: numberOf(value, line) }
      checkSample(family.type, sample, line)
      const key = series + keyOf([...sample.labels])
      check(!family.series.has(key), "series given twice", line)
      family.series.set(key, sample)
    }
  }
  check(help === "", "HELP without TYPE", help)
  for (const [family, { type, series }] of families) {
    check(series.size > 0, "no sample", family)
    if (type === "histogram") checkHistogram(family, [...series.values()])
  }
  return families
}
