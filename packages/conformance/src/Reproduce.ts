/** Shell commands that reproduce a failure. Placeholders such as `<alice.password>` replace secrets. */
import { bytesOf } from "./match/bytes.ts"
import type { Transport, Wire } from "./scenarios/Scenario.ts"

const plain = (text: string): string =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`

/** A character that is repeated so often that a command has the number of repetitions instead. */
const repeated = /([^'%\\\s])\1{199,}/u

/** One word of a POSIX shell. Long runs of a character are made by the shell. */
export const quoted = (text: string): string => {
  const found = repeated.exec(text)
  if (found === null) return plain(text)
  const [run, unit = ""] = found
  const [before, after] = [text.slice(0, found.index), text.slice(found.index + run.length)]
  const made = `"$(printf '${unit}%.0s' $(seq ${run.length / unit.length}))"`
  return `${before === "" ? "" : plain(before)}${made}${after === "" ? "" : quoted(after)}`
}

/** The longest body in characters that a command has as an argument; a longer one comes through a pipe. */
const largestArgument = 60_000

export interface Request {
  readonly method: string
  readonly url: string
  readonly headers: ReadonlyArray<readonly [string, string]>
  readonly body?: string
  readonly form?: {
    readonly fields: ReadonlyArray<readonly [string, string]>
    readonly files: ReadonlyArray<{ readonly part: string; readonly name: string; readonly content: string }>
  }
}

/** Passes a file's content through the shell, so that the command needs no file. */
const formOf = (form: NonNullable<Request["form"]>): ReadonlyArray<string> => [
  ...form.fields.map(([name, value]) => `-F ${quoted(`${name}=${value}`)}`),
  ...form.files.map(({ part, name }) => `-F ${quoted(`${part}=@-;filename=${name}`)}`)
]

/** The arguments of `printf` for an input. One that is not UTF-8 or has a NUL is in octal. */
const inputOf = (text: string): string => {
  if (text.isWellFormed() && !text.includes("\0")) return `%s ${quoted(text)}`
  const octal = Array.from(bytesOf(text), (byte) => `\\${byte.toString(8).padStart(3, "0")}`)
  return `'${octal.join("")}'`
}

export const curl = ({ method, url, headers, body, form }: Request): string => {
  const how = method === "GET" ? [] : method === "HEAD" ? ["-I"] : [`-X ${method}`]
  const isLong = body !== undefined && body.length > largestArgument
  const input = isLong ? body : form?.files[0]?.content
  const piped = input === undefined ? "" : `printf ${inputOf(input)} | `
  return [
    `${piped}curl -sS -i`,
    ...how,
    quoted(url),
    ...headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`--data-binary ${isLong ? "@-" : quoted(body)}`]),
    ...(form === undefined ? [] : formOf(form))
  ].join(" ")
}

/** Sends texts over a connection and prints what arrives. */
export const frames = (address: string, texts: ReadonlyArray<string>): string => {
  const spoken = `printf '%s\\n' ${texts.map(quoted).join(" ")}`
  if (!address.startsWith("tcp:")) return `${spoken} | websocat -n ${quoted(address)}`
  const { hostname, port } = new URL(address)
  return `${spoken} | nc ${quoted(hostname)} ${port}`
}

export interface Played {
  readonly protocol: string
  readonly transport: Transport
  readonly wire: Wire
  readonly profile: string
  readonly http: string
  readonly ws?: string | undefined
  readonly tcp?: string | undefined
}

/** The kit's own command for one scenario. */
export const again = (played: Played, scenario: string): string =>
  [
    "npx @parley/conformance run",
    `--protocol ${played.protocol}`,
    `--url ${quoted(played.http)}`,
    ...(played.transport === "ws" && played.ws !== undefined ? [`--ws ${quoted(played.ws)}`] : []),
    ...(played.transport === "tcp" && played.tcp !== undefined ? [`--tcp ${quoted(played.tcp)} --transport tcp`] : []),
    ...(played.transport === "ws" && played.wire !== "documented" ? [`--wire ${played.wire}`] : []),
    ...(played.profile === "documented" ? [] : [`--profile ${played.profile}`]),
    `--only ${quoted(scenario)}`
  ].join(" ")
