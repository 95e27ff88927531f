/** The path prefix below which the host's endpoints are served. */

export interface MountPath {
  /** Begins with `/` and does not end with one; "" for the whole server. */
  readonly path: string
  /** Returns the rest of a path and query below the mount path; undefined if outside. */
  readonly within: (url: string) => string | undefined
}

const MOUNT_PATH = /^(?:\/[\w.~!$&'()+,=@-]+)*$/

/** Returns the path with a `/` before it, and none after it. */
const normalized = (given: string): string => given.replace(/^\/*/, "/").replace(/\/+$/, "")

/** Whether a value is a mount path. */
export const isMountPath = (value: unknown): value is string =>
  typeof value === "string" && MOUNT_PATH.test(normalized(value))

/** Parses a mount path; `im`, `/im` and `/im/` are equal. Throws for an invalid path. */
export const parseMountPath = (given = ""): MountPath => {
  const path = normalized(given)
  if (!isMountPath(path)) {
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
