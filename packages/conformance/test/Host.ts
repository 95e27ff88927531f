/** A command's host in tests: a folder, an environment, and captured output. */
import type { Host } from "../src/cli/Host.ts"
import { plain } from "../src/report/Paint.ts"

export interface Watched {
  readonly host: Host
  readonly out: Array<string>
  readonly err: Array<string>
  readonly drawn: Array<string>
}

export const hostIn = (
  folder: string,
  more?: Partial<Pick<Host, "env" | "columns" | "paint" | "signal" | "acceptAnyCertificate">>
): Watched => {
  const out: Array<string> = []
  const err: Array<string> = []
  const drawn: Array<string> = []
  const host: Host = {
    out: (line) => out.push(line),
    err: (line) => err.push(line),
    draw: (text) => drawn.push(text),
    columns: undefined,
    paint: plain,
    env: {},
    folder,
    signal: new AbortController().signal,
    acceptAnyCertificate: () => undefined,
    ...more
  }
  return { host, out, err, drawn }
}
