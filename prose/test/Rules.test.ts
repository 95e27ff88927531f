/** The prose check: each habit with sentences that have it and sentences that do not; lines are found in each kind of file. */
import { describe, expect, it } from "@effect/vitest"
import { checkFile } from "../src/File.ts"
import { check, rules } from "../src/Rules.ts"

const table: Record<string, { readonly bad: ReadonlyArray<string>; readonly good: ReadonlyArray<string> }> = {
  "noun-clause": {
    bad: [
      "Who is in no chat.",
      "Whoever implements it passes the laws.",
      "What a frame holds.",
      "Whose ears these are.",
      "Where connections become sessions.",
      "Until when an id is not looked up.",
      "How one wire profile encodes events.",
      "How far the log has come.",
      "The engine for who does not know Effect.",
      "Connections of chat clients; who comes then is closed.",
      "It is left to whoever has it."
    ],
    good: [
      "Who may read this?",
      "Where the cookie is missing, the request is refused.",
      "How many frames wait.",
      "The user to whom ownership passed.",
      "Members, some of whom are online.",
      "Returns the user who sent the message."
    ]
  },
  nobody: {
    bad: ["Sent while nobody listened.", "It is nobody's fault."],
    good: ["The system is the author.", "The mutant **hidden-from-nobody** is found."]
  },
  "is-none": {
    bad: ["An object that is none.", "The body is no JSON.", "Clients that are no browsers."],
    good: ["There is no such chat.", "There are none left.", "It is no longer open.", "It has no name."]
  },
  "end-bound": {
    bad: [
      "Ids in a frame, at most.",
      "Users kept, at most; the oldest goes.",
      "Milliseconds to wait, about.",
      "A page skips so many."
    ],
    good: ["At most 5,000 ids.", "Keeps at least one.", "The chat that the message is about.", "Waits about a second."]
  },
  also: { bad: ["Closed, also where it fails.", "It ends, also after a kill."], good: ["It also closes the socket."] },
  "all-the-same": { bad: ["It is sent all the same."], good: ["All of them are the same."] },
  "by-now": { bad: ["It is closed by now."], good: ["It is closed already."] },
  speech: {
    bad: [
      "The store says no.",
      "Others are told of a new name.",
      "A listener hears events.",
      "The cache forgets the oldest.",
      "A rule knows no protocol."
    ],
    good: ["Operators know the path.", "You may know it from Kafka.", "A known account.", "The `say` command."]
  },
  answers: {
    bad: ["Answers the id.", "Looks it up and answers the id.", "The function answers nothing."],
    good: ["Answers are sent in order.", "Writes the answers in order.", "Returns the id."]
  }
}

describe("prose", () => {
  it("each rule has its row", () => {
    expect(Object.keys(table).sort()).toEqual([...new Set(rules.map(({ name }) => name))].sort())
  })

  it.each(Object.entries(table).flatMap(([rule, { bad }]) => bad.map((sentence) => [rule, sentence] as const)))(
    "%s: %s",
    (rule, sentence) => {
      expect(checkFile("a.md", sentence).map((finding) => finding.rule)).toContain(rule)
    }
  )

  it.each(Object.values(table).flatMap(({ good }) => good))("plain: %s", (sentence) => {
    expect(checkFile("a.md", sentence)).toEqual([])
  })

  it("reports a habit once a sentence, with its words", () => {
    expect(check("The log says what the store says.")).toMatchObject([{ rule: "speech", match: "says", at: 8 }])
  })

  const found = (path: string, source: string) => checkFile(path, source).map(({ line, rule }) => `${line} ${rule}`)

  it("reads comments over several lines, and strings outside of tests", () => {
    const source = [
      "/** Returns the id,", // 1
      " * also where it is old.", // 2
      " */", // 3
      'const a = /"\\//.test(b) ? "nobody" : `Sent to ${nobody} and ${`x`} by now.` // A note', // 4
      "// that nobody reads.", // 5
      'const url = "https://nobody", says = "The store says that it is full."' // 6
    ].join("\n")
    expect(found("src/A.ts", source)).toEqual(["2 also", "4 by-now", "5 nobody", "6 speech"])
    expect(found("test/A.test.ts", source)).toEqual(["2 also", "5 nobody"])
  })

  it("a bound before a value of a template is in its place", () => {
    expect(found("src/A.ts", "throw new Error(`a name must have at most ${max} characters`)")).toEqual([])
    expect(found("src/A.ts", "throw new Error(`the name must have ${max} characters at most`)")).toEqual([
      "1 end-bound"
    ])
  })

  it("reads Markdown by paragraph, item and cell, without code, quotations and front matter", () => {
    const source = [
      "---", // 1
      "nobody: 1", // 2
      "---", // 3
      "# How the cost grows", // 4
      "A line that", // 5
      "[nobody](x.md) reads, with `nobody` and “nobody”.", // 6
      "", // 7
      "```", // 8
      "nobody", // 9
      "```", // 10
      "- an item", // 11
      "- What it is", // 12
      "", // 13
      "| Who | What is said |" // 14
    ].join("\n")
    expect(found("a.md", source)).toEqual(["6 nobody", "12 noun-clause", "14 noun-clause", "14 speech"])
  })

  it("exempts the line after a marker", () => {
    expect(found("src/A.ts", "// prose-disable-next-line\n// Nobody.\nf() // Nobody.")).toEqual(["3 nobody"])
  })
})
