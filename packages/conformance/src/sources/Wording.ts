/**
 * Sentences that many requirements share, in English and in Chinese. A template has placeholders: `{field}` for the name
 * of the field in code marks, `{request}` and `{push}` for the file's phrase of the operation's request or push, and `{}`
 * for what the row gives.
 */
export interface Pair {
  readonly en: string
  readonly zh: string
}

export const phraseKinds = ["request", "push"] as const
export type PhraseKind = (typeof phraseKinds)[number]

/** Values of the placeholders of a row. */
export interface Subject {
  readonly field?: string | undefined
  readonly operation?: string | undefined
}

export class Wording {
  readonly templates = new Map<string, Pair>()
  /** By kind and operation. */
  readonly phrases = new Map<string, Pair>()

  /** The template with everything filled in but `{}`; `undefined` where the row lacks something that it names. */
  fill(template: Pair, { field, operation }: Subject): Pair | undefined {
    const fillOne = (language: keyof Pair): string | undefined => {
      let missing = false
      const text = template[language].replaceAll(/\{(field|request|push)\}/g, (_, name: string) => {
        const value =
          name === "field" ? field && `\`${field}\`` : this.phrases.get(`${name} ${operation ?? ""}`)?.[language]
        if (value === undefined) missing = true
        return value ?? ""
      })
      return missing ? undefined : text
    }
    const [en, zh] = [fillOne("en"), fillOne("zh")]
    return en === undefined || zh === undefined ? undefined : { en, zh }
  }

  /**
   * The sentences that two cells stand for: themselves, or for `=name text` and `text` the template with `{}` replaced.
   * Throws `SyntaxError`.
   */
  expand(en: string, zh: string, subject: Subject): Pair {
    const [, name, text = ""] = /^=(\S+)(?: (.*))?$/s.exec(en) ?? []
    if (name === undefined) return { en, zh }
    const template = this.templates.get(name)
    if (template === undefined) throw new SyntaxError(`no template ${name}`)
    const filled = this.fill(template, subject)
    if (filled === undefined) throw new SyntaxError(`${name} needs a field or a phrase that the row does not have`)
    return { en: filled.en.replace("{}", () => text), zh: filled.zh.replace("{}", () => zh) }
  }

  /** The cells for two sentences: those of the first template that gives them, or themselves. */
  shorten({ en, zh }: Pair, subject: Subject): readonly [en: string, zh: string] {
    const rest = (text: string, filled: string): string | undefined => {
      const [before = "", after] = filled.split("{}")
      if (after === undefined) return text === filled ? "" : undefined
      const fits = text.length > before.length + after.length && text.startsWith(before) && text.endsWith(after)
      return fits ? text.slice(before.length, text.length - after.length) : undefined
    }
    for (const [name, template] of this.templates) {
      const filled = this.fill(template, subject)
      const inEnglish = filled === undefined ? undefined : rest(en, filled.en)
      const inChinese = filled === undefined ? undefined : rest(zh, filled.zh)
      if (inEnglish === undefined || inChinese === undefined) continue
      return [inEnglish === "" ? `=${name}` : `=${name} ${inEnglish}`, inChinese]
    }
    return [en, zh]
  }
}
