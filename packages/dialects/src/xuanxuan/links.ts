/** Links under which this protocol serves files. Source: PROTOCOLS, "Files over HTTP". */
import * as Result from "effect/Result"
import { EMPTY_QUERY, parseQuery } from "../_http/query.ts"

/** Returns the file id in a link of this protocol, regardless of the server's address. */
export const fileOfLink = (link: string): number | undefined => {
  const { path = "", query = "" } = /^(?<path>[^?#]*)(?:\?(?<query>[^#]*))?/.exec(link)?.groups ?? {}
  const parameters = parseQuery(query, 100)
  const get = Result.isSuccess(parameters) ? parameters.success.get : EMPTY_QUERY.get
  const inPath = /\/attach-download-([1-9][0-9]{0,14})\.json$/.exec(`/${path}`)?.[1]
  const isDownload = /(?:^|\/)index\.php$/.test(path) && get("m") === "attach" && get("f") === "download"
  const inQuery = isDownload ? /^[1-9][0-9]{0,14}$/.exec(get("fileID") ?? get("id") ?? "")?.[0] : undefined
  const id = inPath ?? inQuery
  return id === undefined ? undefined : Number(id)
}

/** Returns the link of a file, from the root of the server. */
export const linkOfFile = (file: number): string => `/attach-download-${file}.json`
