/** Files, which go over HTTP. */
import { ParleyError } from "./ParleyError.ts"

/** A file of a browser has its name itself. */
export interface Upload {
  readonly name: string
  readonly data: Blob
}

export interface FileRequest {
  /** Of the server, without a slash at the end. */
  readonly http: string
  readonly sid: string
  readonly fetch: typeof fetch
  readonly signal: AbortSignal | undefined
}

/** The header keeps the session out of addresses, which end up in logs. */
const ask = async (
  { http, sid, fetch, signal }: FileRequest,
  method: string,
  path: string,
  { headers, ...init }: Omit<RequestInit, "headers"> & { readonly headers?: Readonly<Record<string, string>> }
): Promise<Response> => {
  let response: Response
  try {
    response = await fetch(`${http}${path}`, {
      ...init,
      headers: { ...headers, authorization: `Bearer ${sid}` },
      signal: signal ?? null
    })
  } catch (cause) {
    if (signal?.aborted === true) throw new ParleyError("aborted", `${method} was given up`, { method, cause })
    throw new ParleyError("connection", `${method} did not reach the server`, { method, cause })
  }
  if (response.ok) return response
  const said: unknown = await response.json().catch(() => undefined)
  const message: unknown = typeof said === "object" && said !== null && "message" in said ? said.message : undefined
  const { status } = response
  throw new ParleyError("refused", typeof message === "string" ? message : `the server answered ${status}`, {
    method,
    status
  })
}

export const upload = async (
  request: FileRequest,
  gid: string,
  files: ReadonlyArray<Upload | File>
): Promise<ReadonlyArray<{ readonly id: number; readonly title: string }>> => {
  const form = new FormData()
  form.set("gid", gid)
  for (const file of files) form.append("files", file instanceof Blob ? file : file.data, file.name)
  const response = await ask(request, "upload", "/attach-upload.json", { method: "POST", body: form })
  const { data } = (await response.json()) as { readonly data: ReadonlyArray<{ id: number; title: string }> }
  return data
}

/** `start` and `end` are bytes, both included; without `end` to the last one. */
export interface ByteRange {
  readonly start: number
  readonly end?: number
}

export const download = (request: FileRequest, id: number, range?: ByteRange): Promise<Response> =>
  ask(request, "download", `/attach-download-${id}.json`, {
    headers: range === undefined ? {} : { range: `bytes=${range.start}-${range.end ?? ""}` }
  })
