/**
 * A glob over ids: `*` within one part, `**` across parts, `?` one character. Without a wildcard it matches the whole
 * id.
 */
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

/** Matches ids that fit at least one of the globs; all ids without globs. */
export const anyGlob = (globs: string | ReadonlyArray<string> | undefined): ((id: string) => boolean) => {
  const all = [globs ?? "**"].flat().map(glob)
  return (id) => all.some((fits) => fits(id))
}
