/** The path of somebody else's server below which everything of ours is. */

export interface MountPath {
  /** Begins with `/` and does not end with one; "" for the whole server. */
  readonly path: string
  /** What is left of a path and query below the mount, from its `/` on; undefined for what is not below it. */
  readonly within: (url: string) => string | undefined
}

/** `im`, `/im` and `/im/` are the same. Throws where it is no path. */
export const parseMountPath = (given = ""): MountPath => {
  const path = given.replace(/^\/*/, "/").replace(/\/+$/, "")
  if (!/^(?:\/[\w.~!$&'()+,=@-]+)*$/.test(path)) {
    throw new Error(`A mount path is made of segments as in "/im", without parameters or a query: ${given}`)
  }
  if (path === "") return { path, within: (url) => url }
  return {
    path,
    within: (url) => {
      if (!url.startsWith(path)) return undefined
      const rest = url.slice(path.length)
      return rest.startsWith("/") ? rest : rest === "" || /^[?#]/.test(rest) ? `/${rest}` : undefined
    }
  }
}
