/** A glob over ids: `*` within one part, `**` across parts, `?` one character; without a wildcard the whole id. */
export const glob = (pattern: string): ((id: string) => boolean) => {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll("**", "\u0000")
    .replaceAll("*", "[^/]*")
    .replaceAll("?", "[^/]")
    .replaceAll("\u0000", ".*")
  const expression = new RegExp(`^${source}$`)
  return (id) => expression.test(id)
}

/** Globs, one of which an id must fit. */
export const anyGlob = (globs: string | ReadonlyArray<string> | undefined): ((id: string) => boolean) => {
  const all = [globs ?? "**"].flat().map(glob)
  return (id) => all.some((fits) => fits(id))
}
