/** The product's rules for messages. Parley asks before it runs a command. */
import type { HooksOption } from "@parley/adapter-node"

const BLOCKED = /\b(?:idiot|stupid)\b/i
const CARD = /\b(?:\d[ -]?){12}(\d{4})\b/g

export const hooks: HooksOption = {
  before: (command) => {
    const contents =
      command._tag === "SendMessages"
        ? command.messages.map(({ content }) => content)
        : command._tag === "EditMessage"
          ? [command.content]
          : []
    if (contents.some((content) => BLOCKED.test(content))) {
      return { _tag: "Reject", code: "unfriendly", message: "Please stay friendly." }
    }
    // Numbers of payment cards are not stored.
    const rewritten = contents.map((content) => content.replace(CARD, "•••• $1"))
    if (rewritten.some((content, index) => content !== contents[index])) {
      return { _tag: "Rewrite", contents: rewritten }
    }
    return undefined
  }
}
