/** Splits running text into sentences. Code, quotations and addresses become words without meaning. */
export interface Line {
  readonly text: string
  readonly line: number
  readonly heading?: boolean
}

export interface Sentence {
  readonly text: string
  /** Line of each character of the text, from 1. */
  readonly lines: ReadonlyArray<number>
  readonly heading: boolean
}

/** Stands for a character that is left out. */
const GONE = "\u200b"
const word = (match: string): string => "X".repeat(match.length)
const gone = (match: string): string => GONE.repeat(match.length)

/** Keeps the length of the text, so that each character keeps its line. */
const blank = (text: string): string =>
  text
    .replace(/``.+?``|`[^`]*`/g, word)
    .replace(/\]\([^)]*\)/g, gone)
    .replace(/"[^"]*"|“[^”]*”/g, word)
    .replace(/<[a-zA-Z/!][^>]*>/g, gone)
    .replace(/https?:\/\/\S+/g, word)
    // Names in kebab case.
    .replace(/\b\w+(?:-\w+){2,}\b/g, word)
    .replace(/[*_[\]]/g, gone)

/** A sentence ends at a stop before a capital letter, a digit or a bracket, but not after an abbreviation. */
const BOUNDARY = /(?<!\b(?:e\.g|i\.e|vs|etc|cf))[.!?]\u200b*[)'\u200b]*\s+(?=\u200b*[A-Z0-9(])/g

const sentencesOfParagraph = (paragraph: ReadonlyArray<Line>): ReadonlyArray<Sentence> => {
  const joined = paragraph.map(({ text }) => text.trim()).join(" ")
  const lineOf = paragraph.flatMap(({ text, line }) => Array.from({ length: text.trim().length + 1 }, () => line))
  const text = blank(joined)
  const ends = [...text.matchAll(BOUNDARY)].map((match) => match.index + match[0].length)
  const heading = paragraph[0]?.heading === true
  let from = 0
  return [...ends, text.length].flatMap((end) => {
    const kept = Array.from({ length: end - from }, (_, i) => from + i).filter((at) => text[at] !== GONE)
    from = end
    const sentence = kept.map((at) => text[at]).join("")
    const skipped = sentence.length - sentence.trimStart().length
    return sentence.trim() === ""
      ? []
      : [{ text: sentence.trim(), lines: kept.slice(skipped).map((at) => lineOf[at] ?? 1), heading }]
  })
}

/** Returns the sentences of paragraphs that empty lines separate. */
export const sentencesOf = (lines: ReadonlyArray<Line>): ReadonlyArray<Sentence> => {
  const sentences: Array<Sentence> = []
  let paragraph: Array<Line> = []
  for (const line of [...lines, { text: "", line: 0 }]) {
    if (line.text.trim() !== "") paragraph.push(line)
    else if (paragraph.length > 0) {
      sentences.push(...sentencesOfParagraph(paragraph))
      paragraph = []
    }
  }
  return sentences
}
