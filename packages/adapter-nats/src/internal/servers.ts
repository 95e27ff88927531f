/** NATS servers and credentials of a URL. */

export interface Servers {
  readonly isTls: boolean
  /** `host` or `host:port` of each server. */
  readonly hosts: ReadonlyArray<string>
  readonly user?: string
  readonly password?: string
  readonly token?: string
}

const FORM = /^(nats|tls):\/\/(?:([^@/]*)@)?([^@/?#]+)\/?$/

/** Returns the decoded text, or undefined. */
const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const isHost = (host: string): boolean => {
  if (!URL.canParse(`http://${host}`)) return false
  const { pathname, port } = new URL(`http://${host}`)
  return pathname === "/" && port !== "0"
}

/** Parses a URL; returns the words that follow "The URL of the bus" if it is not valid, without the URL: it may have a password. */
export const parseServers = (url: string): Servers | string => {
  const [, scheme, login, list = ""] = FORM.exec(url) ?? []
  if (scheme === undefined) return "must be nats://<user>:<password>@<host>:<port> or tls://…, without a path"
  const hosts = list.split(",")
  if (!hosts.every(isHost)) return "must have a host, or a list such as one:4222,two:4222"
  const servers = { isTls: scheme === "tls", hosts }
  if (login === undefined || login === "") return servers
  const [first, rest] = [login.split(":", 1)[0] ?? "", login.slice(login.indexOf(":") + 1)]
  const user = decoded(first)
  const password = decoded(rest)
  if (user === undefined || password === undefined)
    return "must have the special characters of its password percent-encoded"
  return login.includes(":") ? { ...servers, user, password } : { ...servers, token: user }
}

/** Returns the servers as an operator would name them, without credentials. */
export const describeServers = ({ hosts, isTls }: Servers): string => `${isTls ? "tls" : "nats"}://${hosts.join(",")}`
