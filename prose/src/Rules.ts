/**
 * The habits that the house's prose avoids, as data: a name, a pattern over one sentence, and the plain form. Code spans
 * and quotations are replaced by `CODE` before the patterns apply.
 */
export interface Rule {
  readonly name: string
  readonly pattern: RegExp
  readonly instead: string
}

/** People may know, say and forget; objects may not. */
const PEOPLE =
  "(?:you|we|i|they|people|users?|readers?|operators?|embedders?|developers?|authors?|persons?|admins?|who|everybody|somebody|anybody|he|she)"
const HELPERS =
  "(?:(?:to|can|could|may|might|must|should|will|would|do|does|did|have|has|not|never|already|also|only) )*"
/** The end of a clause. */
const END = String.raw`(?=\s*(?:[.;:,)!?]|$))`

export const rules: ReadonlyArray<Rule> = [
  {
    name: "noun-clause",
    pattern:
      /^(?:(?:what|who|whom|whose|whoever|whomever|whatever|whichever) |until when |how far |how (?:a|an|one|the) )/i,
    instead: "Begin with a noun, or with a verb in the third person."
  },
  {
    name: "noun-clause",
    pattern: /^where (?!to )(?!.*,)/i,
    instead: "Begin with a noun, or with a verb in the third person."
  },
  {
    name: "noun-clause",
    pattern: /(?:[;:] |, (?:and|but|or|so) )(?:who|whom) |\b(?:of|for|from|with|by|to) who /i,
    instead: "Name the person or the thing."
  },
  { name: "noun-clause", pattern: /\b(?:whoever|whomever)\b/i, instead: "Name the person or the thing." },
  { name: "nobody", pattern: /\bnobody(?:'s)?\b/i, instead: "Name the subject, or use the passive." },
  {
    name: "is-none",
    pattern: /(?<!\bthere )\b(?:is|are|was|were|be|been|being) (?:none|no one|nothing of)\b/i,
    instead: "Use `is not`, `is empty`, or `does not exist`."
  },
  {
    name: "is-none",
    pattern:
      /(?<!\bthere )\b(?:is|are|was|were|be|been|being) no (?!longer\b|more\b|less\b|fewer\b|later\b|earlier\b|larger\b|longer\b|smaller\b|further\b|better\b|worse\b|different\b|matter\b)/i,
    instead: "Use `is not a …`."
  },
  {
    name: "end-bound",
    pattern: new RegExp(String.raw`\b(?:at most|at the most|at least|so many|so much)${END}`, "i"),
    instead: "Put the bound first: `At most 5,000 ids`."
  },
  { name: "end-bound", pattern: new RegExp(String.raw`, about${END}`, "i"), instead: "Put `about` before the number." },
  { name: "also", pattern: /\balso (?:where|when|if|while)\b/i, instead: "Use `even`, or `too`, or drop it." },
  {
    name: "also",
    pattern: /, also (?:after|as|at|before|by|during|for|from|in|of|on|over|through|to|under|with|without)\b/i,
    instead: "Use `including`, `too`, or `even`."
  },
  { name: "all-the-same", pattern: /\ball the same\b/i, instead: "Use `anyway` or `still`." },
  { name: "by-now", pattern: /\bby now\b/i, instead: "Use `already`, or drop it." },
  {
    name: "speech",
    pattern: new RegExp(
      String.raw`(?<!\b${PEOPLE} ${HELPERS})\b(?:says?|said|tells?|told|hears?|heard|knows?|knew|forgets?|forgot|forgotten)\b`,
      "i"
    ),
    instead: "Objects return, report, contain, receive, store or drop."
  },
  {
    name: "answers",
    pattern: /^answers\b(?! (?:of|to|for|from|in|that|with a|are|may|have|carry)\b)/i,
    instead: "Use `Returns`."
  },
  {
    name: "answers",
    pattern:
      /\b(?:it|and|or|which|that|then|this|function|method|call|callback) answers\b(?! (?:are|may|have|carry)\b|[,.;])/i,
    instead: "Use `returns`, or `replies` for a server."
  }
]

export interface Finding {
  readonly rule: string
  readonly instead: string
  /** The matched words. */
  readonly match: string
  /** Offset of the match within the sentence. */
  readonly at: number
}

/** Returns the habits in one sentence: at most one for each name. Headings and questions may begin with any word. */
export const check = (sentence: string, heading = false): ReadonlyArray<Finding> => {
  const found = new Map<string, Finding>()
  for (const { name, pattern, instead } of rules) {
    const match = pattern.exec(sentence)
    if (match === null || found.has(name)) continue
    if (name === "noun-clause" && match.index === 0 && (heading || sentence.endsWith("?"))) continue
    found.set(name, { rule: name, instead, match: match[0].replace(/^[;:,\s]+/, "").trim(), at: match.index })
  }
  return [...found.values()]
}
